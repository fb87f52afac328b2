//! The demo as it should go, for the tests of verdict, rules and timeline.

use std::fmt::Write;

use bytes::Bytes;
use lowerdeck_client::{BalanceSheet, CancelOutcome, Completion, HResult, v1};

use super::super::log::{Act, Actor, Step};
use super::super::recording;
use super::play::{ANSWERED, Played, SHORT, WRITTEN};

/// The requests in order: the function of the host, how it ended, Information, and what a read brought.
fn requests() -> [(&'static str, HResult, usize, &'static str); 9] {
    let (part, rest) = ANSWERED.split_at(SHORT as usize);
    [
        ("WriteFile", HResult::ERROR_PIPE_LISTENING, 0, ""),
        ("WriteFile", HResult::S_OK, WRITTEN[0].len(), ""),
        ("WriteFile", HResult::S_OK, WRITTEN[1].len(), ""),
        ("ReadFile", HResult::S_OK, ANSWERED.len(), ANSWERED),
        ("ReadFile", HResult::ERROR_MORE_DATA, part.len(), part),
        ("ReadFile", HResult::S_OK, rest.len(), rest),
        ("ReadFile", HResult::S_OK, 0, ""),
        ("ReadFile", HResult::ERROR_OPERATION_ABORTED, 0, ""),
        ("ReadFile", HResult::ERROR_BROKEN_PIPE, 0, ""),
    ]
}

/// The demo with a trace and some of its steps.
pub(super) fn played() -> Played {
    let completion = |index: usize| completion(index);
    Played {
        stack: "handles#1".to_owned(),
        expression: "passthrough / echo / terminator".to_owned(),
        steps: steps(),
        trace: recording::trace(&trace()),
        states: [v1::TargetState::Started, v1::TargetState::Deleted],
        before: completion(0),
        connected: HResult::ERROR_PIPE_CONNECTED,
        written: [completion(1), completion(2)],
        received: WRITTEN.map(str::to_owned),
        whole: completion(3),
        parts: [completion(4), completion(5)],
        empty: completion(6),
        cancel: CancelOutcome { cancelled: true, answer: v1::CancelAnswer::Delivered },
        cancelled: completion(7),
        broken: completion(8),
        ended: [HResult::S_OK; 2],
        findings: Vec::new(),
        sheet: BalanceSheet {
            accepted: 9,
            completed: 5,
            cancelled: 1,
            failed: 3,
            outstanding: 0,
            files_left_open: 0,
            leaked_files: 0,
            leaked_handles: 0,
            files: Vec::new(),
        },
    }
}

fn completion(index: usize) -> Completion {
    let (function, hresult, information, data) = requests()[index];
    let kind = if function == "ReadFile" { v1::IoKind::Read } else { v1::IoKind::Write };
    recording::completed(index as u64 + 1, kind, hresult, information as u64, Bytes::from(data))
}

/// The stack has started, the target is made, each request goes to the host and comes back, the target goes.
fn trace() -> String {
    let mut text = "1 PnpEnter - - - -\n0 Call:CreateFileHandleTarget - 0 - -\n".to_owned();
    for ((function, hresult, information, _), id) in requests().into_iter().zip(1..) {
        let status = hresult.0;
        // Writing into a string cannot fail.
        let _ = writeln!(text, "0 Send:Send L0:{id} 0 - -\n0 Call:{function} L0:{id} - - -");
        let _ = writeln!(text, "0 Return:{function} L0:{id} {status:X} {information} -");
        let _ = writeln!(text, "0 OnCompletion L0:{id} {status:X} {information} -");
    }
    text + "0 Call:DeleteTarget - - - -\n0 Return:DeleteTarget - 0 - -\n"
}

fn steps() -> Vec<Step> {
    let step = |act, outcome: &str, after, through| Step { act, outcome: outcome.to_owned(), after, through };
    vec![
        step(Act::numbered(1, "CreateNamedPipe(NP_NAME)").rule("FHT-19"), "handle 1", 1, 1),
        step(Act::numbered(3, "CreateFileHandleTarget(handle)"), "S_OK", 1, 2),
        step(Act::call("Send(write, no client yet)"), "S_OK", 2, 6),
        step(Act::of(Actor::Peer, "connect"), "connected", 6, 6),
        step(Act::numbered(7, "DeleteTarget: DeleteWdfObject()"), "S_OK", 38, 40),
        step(Act::numbered(8, "CloseHandle(handle)").rule("FHT-6"), "S_OK", 40, 40),
    ]
}
