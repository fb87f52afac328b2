//! The requests that `echo` keeps: those whose delay runs and the reads that wait for data.
//!
//! Law: each is found by its ordinal (its timer's cookie), by its identity (a cancel) and by its file (a cleanup)
//! without a search over the others.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use bytes::Bytes;
use lowerdeck_framework::ids::{FileId, ReceivedId};
use lowerdeck_framework::received::OwnedRequest;
use lowerdeck_framework::timer::TimerId;

/// What a kept request is waiting to do.
#[derive(Debug)]
pub(super) enum Work {
    /// Take up to this many bytes.
    Read { length: u64 },
    /// Enter these bytes. Boxed: a million reads may wait, and no write waits long.
    Write { data: Box<Bytes> },
}

/// One kept request, marked cancelable.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) request: OwnedRequest,
    pub(super) file: Option<FileId>,
    pub(super) work: Work,
    /// Runs while the delay does; boxed for the same reason.
    pub(super) timer: Option<Box<TimerId>>,
}

/// All kept requests, in the order in which they came.
#[derive(Debug, Default)]
pub(super) struct PendingRequests {
    next: u64,
    all: BTreeMap<u64, Pending>,
    by_identity: BTreeMap<ReceivedId, u64>,
    by_file: HashMap<Option<FileId>, BTreeSet<u64>>,
    /// Reads whose delay is over and which lack data.
    ready_reads: BTreeSet<u64>,
}

impl PendingRequests {
    /// The ordinal that the next kept request will get.
    pub(super) fn next_ordinal(&self) -> u64 {
        self.next
    }

    /// Keeps a request.
    pub(super) fn insert(&mut self, pending: Pending) -> u64 {
        let ordinal = self.next;
        self.next += 1;
        self.put_back(ordinal, pending);
        ordinal
    }

    /// Keeps a request that was removed for a moment.
    pub(super) fn put_back(&mut self, ordinal: u64, pending: Pending) {
        self.by_identity.insert(pending.request.id(), ordinal);
        self.by_file.entry(pending.file).or_default().insert(ordinal);
        self.all.insert(ordinal, pending);
    }

    pub(super) fn remove(&mut self, ordinal: u64) -> Option<Pending> {
        let pending = self.all.remove(&ordinal)?;
        self.by_identity.remove(&pending.request.id());
        if let Entry::Occupied(mut of_file) = self.by_file.entry(pending.file) {
            of_file.get_mut().remove(&ordinal);
            if of_file.get().is_empty() {
                of_file.remove();
            }
        }
        self.ready_reads.remove(&ordinal);
        Some(pending)
    }

    pub(super) fn find(&self, request: ReceivedId) -> Option<u64> {
        self.by_identity.get(&request).copied()
    }

    /// How much a kept read asks for; None for a write and for what is not kept.
    pub(super) fn read_length(&self, ordinal: u64) -> Option<u64> {
        match self.all.get(&ordinal)?.work {
            Work::Read { length } => Some(length),
            Work::Write { .. } => None,
        }
    }

    /// The requests of a file, oldest first.
    pub(super) fn of_file(&self, file: FileId) -> Vec<u64> {
        self.by_file.get(&Some(file)).into_iter().flatten().copied().collect()
    }

    /// The delay of a read is over.
    pub(super) fn read_is_ready(&mut self, ordinal: u64) {
        if let Some(pending) = self.all.get_mut(&ordinal) {
            pending.timer = None;
            self.ready_reads.insert(ordinal);
        }
    }

    /// Takes the oldest ready read off the list of ready ones; it stays kept.
    pub(super) fn next_ready_read(&mut self) -> Option<u64> {
        self.ready_reads.pop_first()
    }
}
