//! The laws of the event log.

use bytes::Bytes;
use lowerdeck_framework::io::IoKind;
use lowerdeck_framework::ioctl::IoControlCode;
use lowerdeck_framework::status::HResult;
use proptest::prelude::*;

use super::*;

fn completed(number: u64, bytes: usize) -> EventBody {
    let params = CompletionParams {
        kind: IoKind::Read,
        status: HResult::S_OK,
        information: bytes as u64,
        output: Bytes::from(vec![0; bytes]),
        output_start: 0,
        input_start: 0,
        code: IoControlCode(0),
        device_offset: 0,
    };
    EventBody::RequestCompleted(Completion {
        number,
        file: None,
        params,
        echo: FormatEcho::default(),
        was_submitted: false,
    })
}

fn log_of(count: u64) -> EventLog {
    let mut log = EventLog::new();
    for number in 1..=count {
        log.append(0, completed(number, 10));
    }
    log
}

fn sequences<'a>(events: impl Iterator<Item = &'a Event>) -> Vec<u64> {
    events.map(|event| event.sequence).collect()
}

fn acknowledged(log: &mut EventLog, through: u64) -> Result<Vec<u64>, SessionError> {
    let mut completed = Vec::new();
    log.acknowledge(through, |number| completed.push(number))?;
    Ok(completed)
}

#[test]
fn acknowledging_tells_which_requests_have_completed() {
    let mut log = log_of(3);
    assert_eq!(acknowledged(&mut log, 2), Ok(vec![1, 2]));
    assert_eq!(acknowledged(&mut log, 2), Ok(vec![]));
    assert_eq!((log.acknowledged(), log.last()), (2, 3));
}

#[test]
fn acknowledging_an_event_that_never_was_changes_nothing() {
    let mut log = log_of(3);
    assert_eq!(acknowledged(&mut log, 4), Err(SessionError::EventSequenceUnknown { asked: 4, last: 3 }));
    assert_eq!(log.acknowledged(), 0);
}

#[test]
fn resuming_before_what_was_acknowledged_is_refused() {
    let mut log = log_of(3);
    acknowledged(&mut log, 2).expect("event 2 exists");
    assert_eq!(log.check_resume(1), Err(SessionError::EventsAlreadyAcknowledged { acknowledged: 2 }));
    assert_eq!((log.check_resume(0), log.check_resume(2), log.check_resume(3)), (Ok(()), Ok(()), Ok(())));
    assert!(log.check_resume(4).is_err());
}

#[test]
fn a_batch_is_cut_by_bytes_but_never_empty() {
    let log = log_of(5);
    assert_eq!(sequences(log.batch_after(0, 100, 25)), [1, 2]);
    assert_eq!(sequences(log.batch_after(2, 100, 1)), [3]);
    assert_eq!(sequences(log.batch_after(0, 3, 1000)), [1, 2, 3]);
}

#[test]
fn retention_is_full_at_its_limits_and_free_after_acknowledgement() {
    let mut log = log_of(3);
    assert!(log.check_retention(coming(0, 0), 4, 31).is_ok());
    assert!(matches!(
        log.check_retention(coming(0, 0), 3, 31),
        Err(SessionError::RetentionFull { name: "retained_events_max", .. })
    ));
    assert!(matches!(
        log.check_retention(coming(0, 0), 4, 30),
        Err(SessionError::RetentionFull { name: "retained_bytes_max", .. })
    ));
    log.acknowledge(1, |_| {}).expect("event 1 exists");
    assert!(log.check_retention(coming(0, 0), 3, 30).is_ok());
}

fn coming(events: u64, bytes: u64) -> Coming {
    Coming { events, bytes }
}

#[test]
fn retention_counts_the_bytes_to_come() {
    let log = log_of(3);
    assert!(log.check_retention(coming(1, 9), 10, 40).is_ok());
    assert!(matches!(
        log.check_retention(coming(1, 10), 10, 40),
        Err(SessionError::RetentionFull { name: "retained_bytes_max", value: 40 })
    ));
}

#[test]
fn retention_counts_the_completions_to_come() {
    let log = log_of(3);
    assert!(log.check_retention(coming(1, 0), 5, 31).is_ok());
    assert!(matches!(
        log.check_retention(coming(2, 0), 5, 31),
        Err(SessionError::RetentionFull { name: "retained_events_max", value: 5 })
    ));
}

#[test]
fn nothing_follows_the_last_event() {
    let mut log = log_of(1);
    log.append(0, EventBody::SessionEnding { reason: EndReason::Draining, hard_deadline: None });
    log.append(0, EventBody::SessionEnding { reason: EndReason::Closed, hard_deadline: None });
    log.append(0, completed(9, 0));
    assert_eq!(log.last(), 3);
}

proptest! {
    #[test]
    fn a_reader_that_resumes_anywhere_sees_every_event_once(
        steps in prop::collection::vec((0u64..5, 1u64..4, any::<bool>()), 1..40),
    ) {
        let mut log = EventLog::new();
        let mut seen = Vec::new();
        let mut appended = 0;
        for (count, batch, acknowledge) in steps {
            for _ in 0..count {
                appended += 1;
                log.append(0, completed(appended, 3));
            }
            let after = seen.last().copied().unwrap_or(0);
            seen.extend(sequences(log.batch_after(after, batch, 1000)));
            if acknowledge {
                log.acknowledge(seen.last().copied().unwrap_or(0), |_| {}).expect("only what was seen");
            }
        }
        let after = seen.last().copied().unwrap_or(0);
        seen.extend(sequences(log.batch_after(after, u64::MAX, u64::MAX)));
        prop_assert_eq!(seen, (1..=appended).collect::<Vec<_>>());
    }
}
