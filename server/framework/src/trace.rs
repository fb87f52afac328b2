//! The trace: every callback, transition and decision of one stack in one total order (MAP-10).
//!
//! Entries are small copies in a ring of a named size; the oldest are dropped, and the sequence numbers tell
//! how many. Same events, same scheduler, same entries.

use std::collections::VecDeque;

use crate::callback::Callback;
use crate::ids::{FileLabel, Level, RequestLabel};
use crate::io::IoKind;
use crate::rule::Rule;
use crate::status::HResult;

/// What happened. The names are those of the scenarios.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TraceKind {
    /// An upper driver called `CreateWdfFile`, `Send`, `Cancel`, `Close` or a target method: see [`Call`]. Or a
    /// hosted driver sent synchronously.
    Call(Call),
    /// A blocking call of that kind returned.
    CallReturned(Call),
    /// `OnCreateFile` was entered.
    Create,
    /// The framework completed a create here, or forwarded it, without the driver (FWD-2).
    CreateByFramework,
    /// The create completed at this layer.
    CreateDone,
    /// A queue callback was entered, or the driver retrieved the request.
    Io(IoKind),
    /// `OnIoCanceledOnQueue` was entered.
    OnIoCanceledOnQueue,
    /// `OnIoStop` was entered; Information has its flags (QUE-14).
    OnIoStop,
    /// `OnIoResume` was entered (PNP-2).
    OnIoResume,
    /// `OnCancel` was entered.
    OnCancel,
    /// A request was completed at this layer.
    Done,
    /// `OnCompletion` was entered at this layer.
    OnCompletion,
    /// The host was given a request of this layer to perform on a handle (FHT-10).
    HostIo(IoKind),
    /// A request of this layer to a file-handle target ended.
    HostDone(IoKind),
    /// `OnCleanupFile` was entered.
    CleanupEnter,
    /// `OnCleanupFile` has returned.
    CleanupLeave,
    /// `OnCloseFile` was entered.
    CloseEnter,
    /// `OnCloseFile` has returned.
    CloseLeave,
    /// The framework cancels the creator's requests now (P4).
    CancelCreatorsRequests,
    /// This layer's file object was destroyed.
    FileGone,
    /// A context's `OnCleanup` was entered (OBJ-5).
    ContextCleanup,
    /// A PnP callback was entered.
    PnpEnter(Callback),
    /// A PnP callback has returned.
    PnpLeave(Callback),
    /// A timeout expired and asks for cancellation (REQ-24).
    Timeout,
    /// An upper driver's client died; its files are closed on its behalf (MAP-6).
    UpperLost,
    /// An upper driver's session ended in order.
    UpperLeft,
    /// A finding was recorded.
    Finding,
    /// The stack was stopped.
    DriverStop,
}

/// Calls that an upper driver makes; of a hosted one, synchronous Sends alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Call {
    /// `IWDFDevice::CreateWdfFile`.
    CreateWdfFile,
    /// `IWDFIoRequest::Send`.
    Send,
    /// `IWDFIoRequest::CancelSentRequest`.
    CancelSentRequest,
    /// `IWDFIoTarget::CancelSentRequestsForFile`.
    CancelSentRequestsForFile,
    /// `IWDFDriverCreatedFile::Close`.
    Close,
    /// `IWDFIoTargetStateManagement::Start`.
    Start,
    /// `IWDFIoTargetStateManagement::Stop`.
    Stop,
    /// `IWDFIoTargetStateManagement::Remove`.
    Remove,
    /// `IWDFFileHandleTargetFactory::CreateFileHandleTarget`.
    CreateFileHandleTarget,
    /// `IWDFObject::DeleteWdfObject` of a target.
    DeleteTarget,
}

/// One entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceEntry {
    /// Ordinal in the stack, from 1, without gaps.
    pub sequence: u64,
    /// Monotonic ticks.
    pub time: u64,
    /// The layer it happened at.
    pub level: Level,
    /// Which upper driver, for level 0: the tag the host gave it.
    pub upper: Option<u64>,
    /// What happened.
    pub kind: TraceKind,
    /// The file concerned.
    pub file: Option<FileLabel>,
    /// The request concerned.
    pub request: Option<RequestLabel>,
    /// Status, where one was given.
    pub status: Option<HResult>,
    /// Information, where a request completed.
    pub information: u64,
    /// The rule that decided or was broken.
    pub rule: Option<Rule>,
}

/// The ring of entries.
#[derive(Debug)]
pub(crate) struct Trace {
    entries: VecDeque<TraceEntry>,
    capacity: usize,
    next: u64,
}

impl Trace {
    /// `capacity` entries are kept; 0 keeps none and costs nothing.
    pub(crate) fn new(capacity: usize) -> Trace {
        Trace { entries: VecDeque::new(), capacity, next: 1 }
    }

    /// Appends `entry`, giving it the next sequence number.
    pub(crate) fn push(&mut self, mut entry: TraceEntry) {
        entry.sequence = self.next;
        self.next += 1;
        if self.capacity == 0 {
            return;
        }
        if self.entries.len() == self.capacity {
            self.entries.pop_front();
        }
        self.entries.push_back(entry);
    }

    /// Entries after `sequence`, oldest first.
    pub(crate) fn after(&self, sequence: u64) -> impl Iterator<Item = &TraceEntry> {
        let first = self.entries.front().map_or(self.next, |entry| entry.sequence);
        let skip = (sequence + 1).saturating_sub(first).min(self.entries.len() as u64);
        self.entries.range(skip as usize..)
    }

    /// The sequence number the next entry will get.
    pub(crate) fn next_sequence(&self) -> u64 {
        self.next
    }
}
