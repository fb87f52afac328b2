//! The trace: every callback, transition and decision of one stack in one total order (MAP-10).
//!
//! Entries are small copies in a ring of a named size; the oldest are dropped, and the sequence numbers tell
//! how many. Same events, same scheduler, same entries.

use std::collections::VecDeque;

use crate::callback::Callback;
use crate::ids::{FileLabel, Level, RequestLabel};
use crate::io::IoKind;
use crate::rule::Rule;
use crate::stack::LAYERS_MAX;
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
    entries: VecDeque<Kept>,
    capacity: usize,
    next: u64,
}

impl Trace {
    /// `capacity` entries are kept; 0 keeps none and costs nothing.
    pub(crate) fn new(capacity: usize) -> Trace {
        Trace { entries: VecDeque::new(), capacity, next: 1 }
    }

    /// Appends `entry`: it has the next sequence number.
    pub(crate) fn push(&mut self, entry: Kept) {
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
    pub(crate) fn after(&self, sequence: u64) -> impl Iterator<Item = TraceEntry> {
        let first = self.next - self.entries.len() as u64;
        let skip = (sequence + 1).saturating_sub(first).min(self.entries.len() as u64);
        self.entries.range(skip as usize..).zip(first + skip..).map(|(kept, sequence)| kept.entry(sequence))
    }

    /// The sequence number the next entry will get.
    pub(crate) fn next_sequence(&self) -> u64 {
        self.next
    }
}

/// An entry as it is kept: every request makes several, and what the ring has of them stays in a cache or does not.
/// Its place says its number, and a flag whether a field means something.
#[derive(Debug)]
pub(crate) struct Kept {
    time: u64,
    information: u64,
    upper: u64,
    number: u64,
    /// The label above the lowest byte, 0 for none, and the rule's place among all in that byte, [`NO_RULE`] for none.
    file_and_rule: u64,
    status: HResult,
    kind: TraceKind,
    /// With [`HAS_UPPER`] and [`HAS_STATUS`].
    level: u8,
    /// With [`HAS_REQUEST`].
    creator: u8,
}

const _: () = assert!(size_of::<Kept>() == 48);
const _: () = assert!(Rule::ALL.len() < NO_RULE as usize);
/// A stack has at most 32 layers, so a level leaves these bits free.
const _: () = assert!(LAYERS_MAX <= LEVEL as usize);
const HAS_UPPER: u8 = 0x80;
const HAS_STATUS: u8 = 0x40;
const HAS_REQUEST: u8 = 0x80;
const LEVEL: u8 = 0x3F;
const NO_RULE: u8 = u8::MAX;

impl Kept {
    /// An entry about a layer, and the upper driver's tag at level 0.
    pub(crate) fn new(time: u64, level: Level, upper: Option<u64>, kind: TraceKind) -> Kept {
        Kept {
            time,
            information: 0,
            upper: upper.unwrap_or(0),
            number: 0,
            file_and_rule: u64::from(NO_RULE),
            status: HResult::S_OK,
            kind,
            level: level.0 | if upper.is_some() { HAS_UPPER } else { 0 },
            creator: 0,
        }
    }

    pub(crate) fn set_file(&mut self, file: FileLabel) {
        self.file_and_rule = file.0 << 8 | self.file_and_rule & 0xFF;
    }

    pub(crate) fn set_request(&mut self, request: RequestLabel) {
        (self.number, self.creator) = (request.number, request.creator.0 | HAS_REQUEST);
    }

    pub(crate) fn set_status(&mut self, status: HResult) {
        self.status = status;
        self.level |= HAS_STATUS;
    }

    pub(crate) fn set_information(&mut self, information: u64) {
        self.information = information;
    }

    pub(crate) fn set_rule(&mut self, rule: Rule) {
        self.file_and_rule = self.file_and_rule & !0xFF | u64::from(rule as u8);
    }

    fn entry(&self, sequence: u64) -> TraceEntry {
        let label = RequestLabel { creator: Level(self.creator & LEVEL), number: self.number };
        TraceEntry {
            sequence,
            time: self.time,
            level: Level(self.level & LEVEL),
            upper: (self.level & HAS_UPPER != 0).then_some(self.upper),
            kind: self.kind,
            file: Some(FileLabel(self.file_and_rule >> 8)).filter(|label| label.0 != 0),
            request: (self.creator & HAS_REQUEST != 0).then_some(label),
            status: (self.level & HAS_STATUS != 0).then_some(self.status),
            information: self.information,
            rule: Rule::ALL.get(usize::from(self.file_and_rule as u8)).copied(),
        }
    }
}

#[cfg(test)]
mod tests;
