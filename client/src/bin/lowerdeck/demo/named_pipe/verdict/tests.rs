//! A demo that goes right, and each way in which it may not.

use lowerdeck_client::HResult;
use lowerdeck_client::v1::TraceKind;

use super::super::play::Played;
use super::super::recording;
use super::judge;
use crate::words;

/// The rules that do not hold when this is changed.
fn broken(change: impl FnOnce(&mut Played)) -> Vec<&'static str> {
    let mut played = recording::played();
    change(&mut played);
    let checks = judge(&played);
    let broken = checks.iter().filter(|check| check.result.is_err());
    broken.map(|check| check.rule).collect()
}

#[test]
fn the_demo_as_it_should_go_passes_every_check() {
    assert_eq!(broken(|_| {}), [""; 0]);
}

#[test]
fn a_write_that_succeeds_without_a_client_is_noticed() {
    assert_eq!(broken(|played| played.before.hresult = HResult::S_OK), ["FHT-19"]);
}

#[test]
fn messages_that_run_together_are_noticed() {
    assert_eq!(broken(|played| played.received = ["hello, pipeand again".to_owned(), String::new()]), ["FHT-14"]);
}

#[test]
fn a_message_whose_rest_is_lost_is_noticed() {
    assert_eq!(broken(|played| played.parts[1].data.clear()), ["FHT-15"]);
    assert_eq!(broken(|played| played.parts[0].hresult = HResult::S_OK), ["FHT-15"]);
}

#[test]
fn a_message_of_no_bytes_that_ends_the_pipe_is_noticed() {
    assert_eq!(broken(|played| played.empty.hresult = HResult::ERROR_HANDLE_EOF), ["FHT-16"]);
}

#[test]
fn a_read_that_is_not_cancelled_is_noticed() {
    assert_eq!(broken(|played| played.cancelled.hresult = HResult::S_OK), ["FHT-13"]);
}

#[test]
fn a_pipe_that_does_not_break_is_noticed() {
    assert_eq!(broken(|played| played.broken.hresult = HResult::S_OK), ["FHT-18"]);
}

#[test]
fn a_request_that_the_host_did_not_get_or_got_twice_is_noticed() {
    let host = |played: &Played| played.trace.iter().position(words::is_of_host).expect("the recording has some");
    let not = broken(|played| drop(played.trace.remove(host(played))));
    let twice = broken(|played| {
        let again = played.trace[host(played)].clone();
        played.trace.push(again);
    });
    assert_eq!((not, twice), (vec!["FHT-10"], vec!["FHT-10"]));
}

#[test]
fn a_driver_that_sees_the_io_is_noticed() {
    let seen = broken(|played| {
        let mut entry = played.trace[0].clone();
        entry.set_kind(TraceKind::Io);
        played.trace.push(entry);
    });
    assert_eq!(seen, ["FHT-12"]);
}

#[test]
fn a_second_completion_is_noticed() {
    let twice = broken(|played| {
        let completion = played.trace.iter().find(|entry| entry.kind() == TraceKind::OnCompletion);
        played.trace.extend(completion.cloned());
    });
    assert_eq!(twice, ["REQ-14"]);
}

#[test]
fn a_handle_closed_under_its_target_is_noticed() {
    assert_eq!(broken(|played| played.findings.push("FHT-20".to_owned())), ["FHT-21"]);
}

#[test]
fn a_handle_left_open_is_noticed() {
    assert_eq!(broken(|played| played.sheet.leaked_handles = 1), [""]);
}
