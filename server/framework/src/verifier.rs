//! Verdicts: findings and driver stops (MAP-11, STOP-3).
//!
//! Strict is UMDF 1's own behaviour: a violation stops the driver and with it the stack. Lenient records a
//! finding and goes on. Neither is ever silent. Some verdicts are findings in both modes (an imbalance is
//! reported, not repaired: FWD-6).

use crate::ids::{FileLabel, Level, RequestLabel};
use crate::report::OutstandingReport;
use crate::rule::Rule;

/// How violations are treated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum VerifierMode {
    /// A violation is a driver stop.
    #[default]
    Strict,
    /// A violation is a finding.
    Lenient,
}

/// One verdict that did not stop the stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Ordinal in the stack, from 1.
    pub sequence: u64,
    /// Monotonic ticks.
    pub time: u64,
    /// The rule that was broken.
    pub rule: Rule,
    /// The layer that broke it.
    pub level: Level,
    /// Its driver's name.
    pub driver: String,
    /// The file concerned, if any.
    pub file: Option<FileLabel>,
    /// The request concerned, if any.
    pub request: Option<RequestLabel>,
}

/// Why and how a stack was stopped (STOP-3, STOP-6).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DriverStop {
    /// Monotonic ticks.
    pub time: u64,
    /// The rule that was broken.
    pub rule: Rule,
    /// The layer that broke it.
    pub level: Level,
    /// Its driver's name.
    pub driver: String,
    /// What the driver said when it panicked; empty otherwise.
    pub detail: String,
    /// Event class of STOP-6.
    pub event_class: &'static str,
    /// Problem of STOP-6: `Other`, unless a host hung or died.
    pub problem: &'static str,
    /// Verifier category of STOP-6.
    pub category: &'static str,
    /// Operation of STOP-6.
    pub operation: &'static str,
    /// What was outstanding at that moment (STOP-5).
    pub outstanding: OutstandingReport,
}

/// Findings kept for the operator; the oldest are dropped beyond the limit, and counted.
#[derive(Debug)]
pub(crate) struct Verifier {
    pub(crate) mode: VerifierMode,
    kept: std::collections::VecDeque<Finding>,
    limit: usize,
    recorded: u64,
}

impl Verifier {
    pub(crate) fn new(mode: VerifierMode, limit: usize) -> Verifier {
        Verifier { mode, kept: std::collections::VecDeque::new(), limit, recorded: 0 }
    }

    pub(crate) fn next_sequence(&self) -> u64 {
        self.recorded + 1
    }

    pub(crate) fn record(&mut self, finding: Finding) {
        self.recorded += 1;
        if self.kept.len() == self.limit {
            self.kept.pop_front();
        }
        self.kept.push_back(finding);
    }

    pub(crate) fn findings(&self) -> impl Iterator<Item = &Finding> {
        self.kept.iter()
    }
}
