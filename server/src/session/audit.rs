//! The audit trail: who touched what was not theirs. For the operator, never for the caller.
//!
//! Law: every refusal by ownership leaves one entry; the ring is bounded and the count is not.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use crate::host::clock;

/// What kind of thing was named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Subject {
    /// A file.
    File,
    /// A request.
    Request,
    /// A target.
    Target,
    /// A handle.
    Handle,
    /// A callback.
    Callback,
}

/// One refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// When.
    pub time: SystemTime,
    /// The caller, by the first 8 digits of its session's UUID.
    pub session: Arc<str>,
    /// What kind of thing it named.
    pub subject: Subject,
    /// The id it gave, cut to 64 characters.
    pub id: String,
}

/// The trail.
#[derive(Debug)]
pub struct Audit {
    entries_max: usize,
    count: AtomicU64,
    entries: Mutex<VecDeque<AuditEntry>>,
}

impl Audit {
    /// An empty trail that keeps the last `entries_max`.
    pub fn new(entries_max: u64) -> Arc<Audit> {
        let entries_max = usize::try_from(entries_max).unwrap_or(usize::MAX);
        Arc::new(Audit { entries_max, count: AtomicU64::new(0), entries: Mutex::default() })
    }

    /// Records that `session` named `id`, which is not its own.
    pub fn refuse(&self, session: &Arc<str>, subject: Subject, id: &str) {
        let id: String = id.chars().take(64).collect();
        tracing::warn!(target: "audit", session = %session, subject = ?subject, id = %id.escape_debug(), "ownership refused");
        self.count.fetch_add(1, Ordering::Relaxed);
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.len() >= self.entries_max {
            entries.pop_front();
        }
        if self.entries_max > 0 {
            entries.push_back(AuditEntry { time: clock::wall_time(), session: Arc::clone(session), subject, id });
        }
    }

    /// Refusals since the server began.
    pub fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    /// The last refusals, oldest first.
    pub fn entries(&self) -> Vec<AuditEntry> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}
