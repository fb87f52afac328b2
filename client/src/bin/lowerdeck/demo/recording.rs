//! A demo as it should go, for the tests of timeline and verdict: written as lines, one per trace entry.

use bytes::Bytes;
use lowerdeck_client::{Completion, HResult, v1};
use v1::TraceKind as Kind;

use super::log::{Act, Actor, Step};
use super::play::Played;

/// Layer, what happened, request, status, Information, rule. A dash stands for none.
const TRACE: &str = "\
1 PnpEnter - - - -
0 Call:CreateWdfFile - - - FILE-4
1 CreateByFramework - - - FWD-2
2 Create - - - -
2 CreateDone - 0 - -
1 CreateDone - 0 - -
0 Return:CreateWdfFile - 0 - -
0 Call:Send L0:2 0 - -
1 Io L0:2 - - -
2 Io L0:2 - - -
2 Done L0:2 0 16 -
0 OnCompletion L0:2 0 16 -
0 Call:Send L0:3 0 - -
2 Io L0:3 - - -
0 Call:Send L0:4 0 - -
2 Io L0:4 - - -
0 Call:Close - - - -
1 CleanupEnter - - - -
1 CleanupLeave - - - -
0 CancelCreatorsRequests - - - CLS-5
2 OnCancel L0:3 - - -
2 Done L0:3 800703E3 0 -
0 OnCompletion L0:3 800703E3 0 -
0 Return:Close - - - -
2 Done L0:4 0 16 -
0 OnCompletion L0:4 0 16 -
1 CloseEnter - - - -
1 CloseLeave - - - -
1 FileGone - - - -
0 FileGone - - - -
";

/// The demo of [`TRACE`] with the steps that belong to it.
pub(super) fn played() -> Played {
    let trace = trace(TRACE);
    let step = |number, actor, call: &str, outcome: &str, after, through| Step {
        act: Act { number, ..Act::of(actor, call) },
        outcome: outcome.to_owned(),
        after,
        through,
    };
    let l0 = |number, call, outcome, after, through| step(number, Actor::L0, call, outcome, after, through);
    let steps = vec![
        step(None, Actor::Lab, "L2: on read nth=2: arm", "", 1, 1),
        l0(Some(1), "CreateWdfFile(\"channel\")", "S_OK, file 3f2a9c01", 1, 7),
        l0(Some(2), "GetDefaultIoTarget()", "next lower driver", 7, 7),
        l0(Some(3), "CreateRequest()", "S_OK", 7, 7),
        l0(Some(4), "SetCompletionCallback()", "set", 7, 7),
        l0(Some(5), "FormatRequestForRead(16 bytes)", "S_OK", 7, 7),
        l0(Some(6), "Send()", "S_OK", 7, 12),
        l0(None, "Send()", "S_OK", 12, 14),
        l0(None, "Send()", "S_OK", 14, 16),
        l0(None, "Close()", "returned", 16, 24),
        step(None, Actor::Lab, "L2: complete L0:4 S_OK 16", "", 24, 30),
    ];
    Played {
        stack: "demo#1".to_owned(),
        expression: "passthrough(files=callbacks) / scripted / terminator".to_owned(),
        steps,
        trace,
        completions: [
            completion(2, HResult::S_OK),
            completion(3, HResult::ERROR_OPERATION_ABORTED),
            completion(4, HResult::S_OK),
        ],
        called_back: true,
        pending_after_close: true,
        sheet: lowerdeck_client::BalanceSheet {
            accepted: 3,
            completed: 2,
            cancelled: 1,
            failed: 0,
            outstanding: 0,
            files_left_open: 0,
            leaked_files: 0,
            leaked_handles: 0,
            files: Vec::new(),
        },
    }
}

/// The entries of a text: layer, what happened, request, status, Information, rule.
pub(super) fn trace(text: &str) -> Vec<v1::TraceEntry> {
    text.lines().zip(1..).map(entry).collect()
}

fn entry((line, sequence): (&str, u64)) -> v1::TraceEntry {
    let words: Vec<&str> = line.split(' ').collect();
    let [layer, what, request, status, information, rule] = words[..] else {
        panic!("six words: {line}");
    };
    let given = |word: &str| (word != "-").then(|| word.to_owned());
    let (kind, text) = what.split_once(':').unwrap_or((what, ""));
    let kind = kind_of(kind);
    let mut entry = v1::TraceEntry {
        sequence,
        layer: layer.parse().expect("a layer"),
        layer_name: format!("L{layer}"),
        request_label: given(request).unwrap_or_default(),
        file_label: "file#1".to_owned(),
        hresult: given(status).map(|word| u32::from_str_radix(&word, 16).expect("a status")),
        information: given(information).map(|word| word.parse().expect("a number")),
        rule: given(rule).unwrap_or_default(),
        text: text.to_owned(),
        ..v1::TraceEntry::default()
    };
    entry.set_kind(kind);
    match (kind, text) {
        (Kind::Io, _) | (_, "ReadFile") => entry.set_io_kind(v1::IoKind::Read),
        (_, "WriteFile") => entry.set_io_kind(v1::IoKind::Write),
        _ => {}
    }
    if kind == Kind::PnpEnter {
        entry.set_callback(v1::PnpCallback::OnD0Entry);
    }
    entry
}

/// `OnCompletion` as `TRACE_KIND_ON_COMPLETION`.
fn kind_of(name: &str) -> Kind {
    let mut long = String::from("TRACE_KIND");
    for character in name.chars() {
        if character.is_uppercase() {
            long.push('_');
        }
        long.push(character.to_ascii_uppercase());
    }
    Kind::from_str_name(&long).expect("a trace kind")
}

fn completion(request_id: u64, hresult: HResult) -> Completion {
    let length = if hresult.is_success() { 16 } else { 0 };
    let data = (0..length).collect::<Bytes>();
    completed(request_id, v1::IoKind::Read, hresult, u64::from(length), data)
}

/// A completion with the parameters that a demo looks at.
pub(super) fn completed(
    request_id: u64,
    io_kind: v1::IoKind,
    hresult: HResult,
    information: u64,
    data: Bytes,
) -> Completion {
    Completion {
        request_id,
        file_id: String::new(),
        io_kind,
        hresult,
        information,
        data,
        ioctl_code: 0,
        device_offset: None,
        output_offset: None,
        input_offset: None,
    }
}
