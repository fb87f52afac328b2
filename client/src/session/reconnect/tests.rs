//! Resuming and waiting.

use std::time::Duration;

use super::{Arrival, Backoff, EventCursor};
use crate::limits;

#[test]
fn events_are_processed_once_whatever_is_sent_again() {
    let mut cursor = EventCursor::default();
    let arrivals = [1, 2, 1, 2, 3].map(|sequence| cursor.arrived(sequence));
    let expected = [Arrival::Next, Arrival::Next, Arrival::Seen, Arrival::Seen, Arrival::Next];
    assert_eq!(arrivals, expected);
    assert_eq!(cursor.processed(), 3);
}

#[test]
fn a_missing_event_is_noticed_and_not_skipped() {
    let mut cursor = EventCursor::default();
    cursor.arrived(1);
    assert_eq!(cursor.arrived(3), Arrival::Gap { expected: 2 });
    assert_eq!(cursor.processed(), 1);
}

#[test]
fn pauses_double_up_to_the_longest_and_fill_the_window() {
    let window = Duration::from_secs(5);
    let mut backoff = Backoff::new(window);
    let pauses: Vec<_> = std::iter::from_fn(|| backoff.pause()).collect();
    assert_eq!(pauses[0], limits::BACKOFF_FIRST);
    assert_eq!(pauses[1], 2 * limits::BACKOFF_FIRST);
    assert_eq!(pauses.last(), Some(&limits::BACKOFF_LONGEST));
    let total: Duration = pauses.iter().sum();
    assert!(total >= window && total < window + limits::BACKOFF_LONGEST);
}

#[test]
fn reaching_the_server_gives_the_whole_window_again() {
    let mut backoff = Backoff::new(Duration::from_millis(30));
    while backoff.pause().is_some() {}
    backoff.reset();
    assert_eq!(backoff.pause(), Some(limits::BACKOFF_FIRST));
}
