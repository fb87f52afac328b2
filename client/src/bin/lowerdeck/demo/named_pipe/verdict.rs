//! Whether the demo went as the rules say. Pure: judges what was recorded.

use lowerdeck_client::{Completion, HResult, v1};
use v1::TraceKind as Kind;

use super::super::verdict::{Check, holds, once};
use super::play::{ANSWERED, Played, SHORT, WRITTEN};
use crate::words;

/// Judges a demo.
pub(super) fn judge(played: &Played) -> Vec<Check> {
    let mut checks = target(played);
    checks.extend(messages(played));
    checks.extend(endings(played));
    checks
}

/// What is said of the target and of its pipe.
fn target(played: &Played) -> Vec<Check> {
    let [started, deleted] = played.states;
    let sends = all(played).len();
    let (called, returned) = (of_host(played, Kind::Call), of_host(played, Kind::Return));
    vec![
        Check::new(
            "FHT-11",
            "the target was started when it was made",
            holds(started == v1::TargetState::Started, &format!("it was {}", started.as_str_name())),
        ),
        Check::new(
            "FHT-19",
            "the pipe had no client until one was connected, and a write before that failed",
            ended(&played.before, HResult::ERROR_PIPE_LISTENING, b"").and(holds(
                [HResult::S_OK, HResult::ERROR_PIPE_CONNECTED].contains(&played.connected),
                &format!("ConnectNamedPipe gave {}", played.connected),
            )),
        ),
        Check::new(
            "FHT-10",
            "the host performed each request once",
            holds((called, returned) == (sends, sends), &format!("{called} calls, {returned} returns, {sends} sends")),
        ),
        Check::new("FHT-12", "no driver below saw a create, I/O or a close", unseen(played)),
        Check::new(
            "FHT-21",
            "the target was deleted before its handle was closed, and the verifier found nothing",
            holds(
                played.ended == [HResult::S_OK; 2] && deleted == v1::TargetState::Deleted && played.findings.is_empty(),
                &format!("{:?}, {}, findings {:?}", played.ended, deleted.as_str_name(), played.findings),
            ),
        ),
    ]
}

/// What is said of messages.
fn messages(played: &Played) -> Vec<Check> {
    let [first, second] = &played.written;
    let [part, rest] = &played.parts;
    let (beginning, end) = ANSWERED.as_bytes().split_at(SHORT as usize);
    let whole = |done: &Completion, text: &str| {
        let is_whole = done.hresult == HResult::S_OK && done.information == text.len() as u64;
        holds(is_whole, &format!("a write ended with {} {}", done.hresult, done.information))
    };
    vec![
        Check::new(
            "FHT-14",
            "each write was one message at the other end, and a read ended with a whole one",
            whole(first, WRITTEN[0])
                .and(whole(second, WRITTEN[1]))
                .and(holds(played.received == WRITTEN, &format!("the peer received {:?}", played.received)))
                .and(ended(&played.whole, HResult::S_OK, ANSWERED.as_bytes())),
        ),
        Check::new(
            "FHT-15",
            "a read that was too short got what fits, and the next one the rest",
            ended(part, HResult::ERROR_MORE_DATA, beginning).and(ended(rest, HResult::S_OK, end)),
        ),
        Check::new(
            "FHT-16",
            "a message of no bytes was a success and no end",
            ended(&played.empty, HResult::S_OK, b""),
        ),
    ]
}

/// How requests end that find no message, and that each ends once.
fn endings(played: &Played) -> Vec<Check> {
    let cancelled = &played.cancelled;
    let sheet = &played.sheet;
    let figures = (sheet.accepted, sheet.completed, sheet.cancelled, sheet.failed);
    vec![
        Check::new(
            "FHT-13",
            "the read that waited was cancelled",
            holds(
                played.cancel.cancelled && cancelled.hresult.is_cancelled(),
                &format!("{:?}, and it ended with {}", played.cancel.answer, cancelled.hresult),
            ),
        ),
        Check::new(
            "FHT-18",
            "a read after the peer had closed found the pipe broken",
            ended(&played.broken, HResult::ERROR_BROKEN_PIPE, b""),
        ),
        Check::new(
            "REQ-14",
            "each request completed once",
            all(played).into_iter().try_for_each(|done| once(&played.trace, done.request_id)),
        ),
        Check::new(
            "",
            "the books balance: 9 accepted = 5 completed + 1 cancelled + 3 failed",
            holds(figures == (9, 5, 1, 3) && sheet.leaked_handles == 0, &format!("{sheet:?}")),
        ),
    ]
}

/// Every completion, in the order of the demo.
fn all(played: &Played) -> Vec<&Completion> {
    let Played { before, written, whole, parts, empty, cancelled, broken, .. } = played;
    let begin = [before].into_iter().chain(written).chain([whole]).chain(parts);
    begin.chain([empty, cancelled, broken]).collect()
}

/// Whether a request ended like this, with this data.
fn ended(done: &Completion, hresult: HResult, data: &[u8]) -> Result<(), String> {
    let is_so = done.hresult == hresult && done.data == data && done.information == data.len() as u64;
    let found = format!("L0:{} ended with {} {} {:?}", done.request_id, done.hresult, done.information, done.data);
    holds(is_so, &found)
}

/// How many functions of the host were called, or have returned.
fn of_host(played: &Played, kind: Kind) -> usize {
    played.trace.iter().filter(|entry| entry.kind() == kind && words::is_of_host(entry)).count()
}

fn unseen(played: &Played) -> Result<(), String> {
    let told = |entry: &&v1::TraceEntry| {
        entry.layer > 0
            && matches!(
                entry.kind(),
                Kind::Create | Kind::CreateByFramework | Kind::Io | Kind::CleanupEnter | Kind::CloseEnter
            )
    };
    match played.trace.iter().find(told) {
        None => Ok(()),
        Some(entry) => Err(format!("{} saw {} at #{}", words::layer(entry), words::entry(entry), entry.sequence)),
    }
}

#[cfg(test)]
mod tests;
