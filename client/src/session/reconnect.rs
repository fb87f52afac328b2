//! Bookkeeping over lost connections: which event is next, and how long to wait before the next attempt. Pure.

use std::time::Duration;

use crate::limits;

/// How far the session's events are processed. Events are numbered from 1 without gaps.
#[derive(Debug, Default)]
pub(crate) struct EventCursor {
    processed: u64,
}

/// What a number says about its event.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Arrival {
    /// The next one: process it.
    Next,
    /// Processed before; it was sent again because the acknowledgement had not arrived.
    Seen,
    /// An event is missing: the server broke the contract.
    Gap {
        /// The number that should have come.
        expected: u64,
    },
}

impl EventCursor {
    /// Takes note of an event's number.
    pub(crate) fn arrived(&mut self, sequence: u64) -> Arrival {
        let expected = self.processed + 1;
        match sequence.cmp(&expected) {
            std::cmp::Ordering::Less => Arrival::Seen,
            std::cmp::Ordering::Equal => {
                self.processed = sequence;
                Arrival::Next
            }
            std::cmp::Ordering::Greater => Arrival::Gap { expected },
        }
    }

    /// The number of the last event processed: where to resume, and what may be acknowledged.
    pub(crate) fn processed(&self) -> u64 {
        self.processed
    }
}

/// Pauses between attempts to reach the server: they double from [`limits::BACKOFF_FIRST`] to
/// [`limits::BACKOFF_LONGEST`], and end when they add up to the window.
#[derive(Debug, Clone)]
pub(crate) struct Backoff {
    window: Duration,
    next: Duration,
    waited: Duration,
}

impl Backoff {
    pub(crate) fn new(window: Duration) -> Backoff {
        Backoff { window, next: limits::BACKOFF_FIRST, waited: Duration::ZERO }
    }

    /// The server was reached: the next loss has the whole window again.
    pub(crate) fn reset(&mut self) {
        *self = Backoff::new(self.window);
    }

    /// The pause before the next attempt; `None` if the window is used up.
    pub(crate) fn pause(&mut self) -> Option<Duration> {
        if self.waited >= self.window {
            return None;
        }
        let pause = self.next;
        self.waited += pause;
        self.next = (pause * 2).min(limits::BACKOFF_LONGEST);
        Some(pause)
    }
}

#[cfg(test)]
mod tests;
