//! Whether a stack that was stopped is started again (STOP-7): failures with their times in, a decision out.
//!
//! Failures in a row are counted. Up to [`RESTARTS_MAX`] of them are answered by a restart, the next one is not: the
//! device stays down until somebody plugs it again. Thirty minutes without a failure, or plugging it again, and the
//! next failure is the first. It knows no stack; the host asks it, and obeys. PNP-12 is the host's to see to: while
//! [`crate::stack::Stack::is_kept_alive`], nothing takes the stopped stack's place.

use crate::clock::TICKS_PER_MILLISECOND;

/// Restarts in a row.
pub const RESTARTS_MAX: u32 = 5;
/// Ticks without a failure after which the count begins again: thirty minutes.
pub const FAILURE_FREE_TICKS: u64 = 30 * 60 * 1000 * TICKS_PER_MILLISECOND;

/// What is to be done about a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RestartDecision {
    /// Start it again; this is the n-th attempt in a row, from 1.
    Restart(u32),
    /// It has failed too often.
    StayDown,
}

/// The failures of one device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RestartPolicy {
    /// Restarts in a row that are allowed.
    allowed: u32,
    /// Failures in a row.
    failures: u32,
    /// When the latest was, in monotonic ticks.
    latest: u64,
}

impl Default for RestartPolicy {
    fn default() -> RestartPolicy {
        RestartPolicy::new(RESTARTS_MAX)
    }
}

impl RestartPolicy {
    /// A policy that allows `allowed` restarts in a row, for a device that has not failed.
    pub const fn new(allowed: u32) -> RestartPolicy {
        RestartPolicy { allowed, failures: 0, latest: 0 }
    }

    /// It failed, at `now` monotonic ticks.
    pub fn failed(&mut self, now: u64) -> RestartDecision {
        if now.saturating_sub(self.latest) >= FAILURE_FREE_TICKS {
            self.failures = 0;
        }
        self.failures = self.failures.saturating_add(1);
        self.latest = now;
        if self.failures <= self.allowed { RestartDecision::Restart(self.failures) } else { RestartDecision::StayDown }
    }

    /// It was plugged again, or disabled and enabled.
    pub fn replugged(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests;
