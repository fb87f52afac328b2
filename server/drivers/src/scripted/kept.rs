//! The received requests that a script keeps, and the identities of those it has completed.

use std::collections::{BTreeMap, VecDeque};

use lowerdeck_framework::ids::{FileId, ReceivedId, RequestLabel};
use lowerdeck_framework::io::IoKind;
use lowerdeck_framework::received::OwnedRequest;

/// Completed requests whose identity is remembered for `complete-again`: a script names recent ones.
pub const MAX_REMEMBERED_REQUESTS: usize = 256;

/// What the driver knows about the cancellation of a kept request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum KeptState {
    /// Not cancelable.
    Held,
    /// Marked cancelable.
    Armed,
    /// Unmarking came too late: `OnCancel` will be called.
    Cancelling,
    /// `OnCancel` was called, the request is still kept.
    Cancelled,
}

impl std::fmt::Display for KeptState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            KeptState::Held => "held",
            KeptState::Armed => "armed",
            KeptState::Cancelling => "cancelling",
            KeptState::Cancelled => "cancelled",
        })
    }
}

/// One kept request.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) request: OwnedRequest,
    pub(super) label: Option<RequestLabel>,
    pub(super) file: Option<FileId>,
    pub(super) kind: IoKind,
    pub(super) code: u32,
    pub(super) state: KeptState,
    /// In which order requests were kept, from 1; 0 before that.
    pub(super) ordinal: u64,
}

impl Kept {
    pub(super) fn new(
        request: OwnedRequest,
        label: Option<RequestLabel>,
        file: Option<FileId>,
        kind: IoKind,
        code: u32,
    ) -> Kept {
        Kept { request, label, file, kind, code, state: KeptState::Held, ordinal: 0 }
    }
}

/// All kept requests. There are at most as many as the stack has outstanding.
#[derive(Debug, Default)]
pub(super) struct KeptRequests {
    next: u64,
    all: BTreeMap<ReceivedId, Kept>,
    /// The latest last.
    completed: VecDeque<(RequestLabel, ReceivedId)>,
}

impl KeptRequests {
    /// Keeps a request; one that was removed for a moment keeps its old place.
    pub(super) fn insert(&mut self, mut kept: Kept) {
        if kept.ordinal == 0 {
            self.next += 1;
            kept.ordinal = self.next;
        }
        self.all.insert(kept.request.id(), kept);
    }

    pub(super) fn get_mut(&mut self, request: ReceivedId) -> Option<&mut Kept> {
        self.all.get_mut(&request)
    }

    pub(super) fn remove(&mut self, request: ReceivedId) -> Option<Kept> {
        self.all.remove(&request)
    }

    /// The latest kept request with `label`.
    pub(super) fn labelled(&self, label: RequestLabel) -> Option<ReceivedId> {
        let same = |kept: &&Kept| kept.label == Some(label);
        self.all.values().filter(same).max_by_key(|kept| kept.ordinal).map(|kept| kept.request.id())
    }

    /// The requests of a file, in the order in which they were kept.
    pub(super) fn of_file(&self, file: FileId) -> Vec<ReceivedId> {
        let mut of_file: Vec<&Kept> = self.all.values().filter(|kept| kept.file == Some(file)).collect();
        of_file.sort_by_key(|kept| kept.ordinal);
        of_file.into_iter().map(|kept| kept.request.id()).collect()
    }

    /// Remembers the identity of a request that is about to be completed.
    pub(super) fn remember(&mut self, label: Option<RequestLabel>, request: ReceivedId) {
        let Some(label) = label else { return };
        if self.completed.len() == MAX_REMEMBERED_REQUESTS {
            self.completed.pop_front();
        }
        self.completed.push_back((label, request));
    }

    /// The identity that the latest completed request with `label` had.
    pub(super) fn completed(&self, label: RequestLabel) -> Option<ReceivedId> {
        self.completed.iter().rev().find(|(known, _)| *known == label).map(|(_, request)| *request)
    }

    /// One line for each kept request, in the order in which they were kept: label, kind, state.
    pub(super) fn listing(&self) -> String {
        let mut all: Vec<&Kept> = self.all.values().collect();
        all.sort_by_key(|kept| kept.ordinal);
        let line = |kept: &Kept| {
            let label = kept.label.map_or_else(|| "?".to_owned(), |label| label.to_string());
            format!("{label} {} {}", kept.kind, kept.state)
        };
        all.into_iter().map(line).collect::<Vec<_>>().join("\n")
    }
}
