//! A demo that goes right, and each way in which it may not.

use lowerdeck_client::{HResult, v1::TraceKind};

use super::super::play::Played;
use super::super::recording;
use super::judge;

/// The rules that do not hold.
fn broken(played: &Played) -> Vec<&'static str> {
    let checks = judge(played);
    let broken = checks.iter().filter(|check| check.result.is_err());
    broken.map(|check| check.rule).collect()
}

/// The place of an entry in the recording.
fn place(played: &Played, layer: u32, kind: TraceKind, request: &str) -> usize {
    let mut entries = played.trace.iter();
    let found =
        entries.position(|entry| entry.layer == layer && entry.kind() == kind && entry.request_label == request);
    found.expect("the recording has it")
}

/// Takes an entry out and puts it elsewhere, numbering anew.
fn shift(played: &mut Played, from: usize, to: usize) {
    let entry = played.trace.remove(from);
    played.trace.insert(to, entry);
    for (entry, sequence) in played.trace.iter_mut().zip(1..) {
        entry.sequence = sequence;
    }
}

#[test]
fn the_demo_as_it_should_go_passes_every_check() {
    assert_eq!(broken(&recording::played()), [""; 0]);
}

#[test]
fn a_cancel_before_cleanup_has_returned_is_noticed() {
    let mut played = recording::played();
    let cancel = place(&played, 2, TraceKind::OnCancel, "L0:3");
    let cleanup = place(&played, 1, TraceKind::CleanupEnter, "");
    shift(&mut played, cancel, cleanup);
    assert_eq!(broken(&played), ["CLS-3"]);
}

#[test]
fn a_close_that_waits_for_the_held_read_is_noticed() {
    let mut played = recording::played();
    let done = place(&played, 2, TraceKind::Done, "L0:4");
    shift(&mut played, done + 1, done - 1);
    shift(&mut played, done + 1, done - 1);
    played.pending_after_close = false;
    assert_eq!(broken(&played), ["CLS-13"]);
}

#[test]
fn a_close_callback_before_the_last_completion_is_noticed() {
    let mut played = recording::played();
    let close = place(&played, 1, TraceKind::CloseEnter, "");
    let done = place(&played, 2, TraceKind::Done, "L0:4");
    shift(&mut played, close, done);
    assert_eq!(broken(&played), ["CLS-13"]);
}

#[test]
fn io_after_the_close_callback_is_noticed() {
    let mut played = recording::played();
    let io = place(&played, 1, TraceKind::Io, "L0:2");
    let last = played.trace.len() - 1;
    shift(&mut played, io, last);
    assert_eq!(broken(&played), ["CLS-10"]);
}

#[test]
fn a_second_completion_is_noticed() {
    let mut played = recording::played();
    let completion = place(&played, 0, TraceKind::OnCompletion, "L0:3");
    let again = played.trace[completion].clone();
    played.trace.push(again);
    assert_eq!(broken(&played), ["REQ-14"]);
}

#[test]
fn an_armed_read_that_is_not_cancelled_is_noticed() {
    let mut played = recording::played();
    played.completions[1].hresult = HResult::S_OK;
    assert_eq!(broken(&played), ["REQ-32"]);
}

#[test]
fn a_layer_that_sees_two_cleanups_is_noticed() {
    let mut played = recording::played();
    let cleanup = place(&played, 1, TraceKind::CleanupEnter, "");
    let again = played.trace[cleanup].clone();
    played.trace.push(again);
    assert!(broken(&played).contains(&"CLS-12"));
}

#[test]
fn a_missing_entry_is_named() {
    let mut played = recording::played();
    let gone = place(&played, 0, TraceKind::FileGone, "");
    played.trace.remove(gone);
    let checks = judge(&played);
    let reasons: Vec<_> = checks.iter().filter_map(|check| check.result.as_ref().err()).collect();
    assert_eq!(reasons, ["FileGone is missing from the trace"]);
}
