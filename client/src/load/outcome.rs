//! What a load came to, and how far it is.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::Histogram;
use crate::hresult::HResult;

/// What a load came to.
#[derive(Debug, Clone, Default)]
pub struct LoadOutcome {
    /// Requests that completed.
    pub completed: u64,
    /// Of these, with a failing status.
    pub failed: u64,
    /// The first failing status there was.
    pub first_failure: Option<HResult>,
    /// Bytes of data that came with them.
    pub bytes: u64,
    /// From the first request to the last completion.
    pub elapsed: Duration,
    /// Time from handing a request to the transport, with its batch, to its completion.
    pub latency: Histogram,
}

impl LoadOutcome {
    /// Completions per second.
    pub fn rate(&self) -> f64 {
        self.completed as f64 / self.elapsed.as_secs_f64().max(f64::MIN_POSITIVE)
    }

    /// Bytes of data per second.
    pub fn throughput(&self) -> f64 {
        self.bytes as f64 / self.elapsed.as_secs_f64().max(f64::MIN_POSITIVE)
    }

    /// Counts one completion.
    pub(super) fn count(&mut self, hresult: u32, bytes: usize) {
        self.completed += 1;
        self.bytes += bytes as u64;
        let hresult = HResult(hresult);
        if !hresult.is_success() {
            self.failed += 1;
            self.first_failure.get_or_insert(hresult);
        }
    }

    /// Adds what was done at the same time elsewhere.
    pub(super) fn merge(&mut self, other: &LoadOutcome) {
        self.completed += other.completed;
        self.failed += other.failed;
        self.first_failure = self.first_failure.or(other.first_failure);
        self.bytes += other.bytes;
        self.elapsed = self.elapsed.max(other.elapsed);
        self.latency.merge(&other.latency);
    }
}

/// How many requests have completed so far, for whoever watches a load; clones count together.
#[derive(Debug, Clone, Default)]
pub struct LoadProgress(Arc<AtomicU64>);

impl LoadProgress {
    /// Requests that have completed.
    pub fn completed(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    pub(super) fn add(&self, completed: usize) {
        self.0.fetch_add(completed as u64, Ordering::Relaxed);
    }
}
