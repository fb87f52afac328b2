//! What a script creates towards the lower driver: requests and files of its own.

use std::collections::{BTreeMap, VecDeque};

use lowerdeck_framework::ids::{CallId, FileId, ReceivedId, RequestId};

/// Most requests of its own that are outstanding or kept undeleted: each answers a callback, and a lower driver
/// may never complete them.
pub const MAX_OWN_REQUESTS: usize = 4096;

/// Most files of its own that are open or being opened.
pub const MAX_OWN_FILES: usize = 1024;

/// Sessions of upper drivers that a script can name in `send(…, file="name")`: the latest.
const MAX_KNOWN_SESSIONS: usize = 1024;

/// A request of its own.
#[derive(Debug, Clone, Copy)]
pub(super) struct OwnRequest {
    pub(super) number: u64,
    /// The received request to complete with its result.
    pub(super) then: Option<ReceivedId>,
}

/// A blocking call under way.
#[derive(Debug, Clone)]
pub(super) enum OwnCall {
    Create {
        name: String,
        then: Option<ReceivedId>,
    },
    Close(FileId),
    /// A method of a target.
    Target {
        word: &'static str,
        name: String,
    },
}

/// Everything of its own.
#[derive(Debug, Default)]
pub(super) struct OwnObjects {
    pub(super) requests: BTreeMap<RequestId, OwnRequest>,
    pub(super) calls: BTreeMap<CallId, OwnCall>,
    /// Open files by the name they were created with, the latest last.
    pub(super) files: Vec<(String, FileId)>,
    /// Files whose create this driver has seen, the latest last.
    sessions: VecDeque<FileId>,
}

impl OwnObjects {
    /// The latest request with `number`.
    pub(super) fn request(&self, number: u64) -> Option<RequestId> {
        self.requests.iter().rev().find(|(_, own)| own.number == number).map(|(id, _)| *id)
    }

    /// The latest file of its own named `name`.
    pub(super) fn file(&self, name: &str) -> Option<FileId> {
        self.files.iter().rev().find(|(known, _)| known == name).map(|(_, file)| *file)
    }

    /// Whether one more create or close may begin.
    pub(super) fn has_room_for_call(&self) -> bool {
        self.files.len() + self.calls.len() < 2 * MAX_OWN_FILES
    }

    /// Whether one more file may be created.
    pub(super) fn has_room_for_file(&self) -> bool {
        self.files.len() + self.calls.len() < MAX_OWN_FILES
    }

    /// An upper driver's file appeared here.
    pub(super) fn session_began(&mut self, file: FileId) {
        if self.sessions.len() == MAX_KNOWN_SESSIONS {
            self.sessions.pop_front();
        }
        self.sessions.push_back(file);
    }

    /// It is gone.
    pub(super) fn session_ended(&mut self, file: FileId) {
        self.sessions.retain(|known| *known != file);
    }

    /// The files of upper drivers, the latest first.
    pub(super) fn sessions(&self) -> impl Iterator<Item = FileId> {
        self.sessions.iter().rev().copied()
    }
}
