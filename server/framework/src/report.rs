//! The outstanding-file report (STOP-5): what Windows shows only after a crash and three debugger commands.

use crate::file::FileState;
use crate::handle::LeakedHandle;
use crate::ids::{FileLabel, Level, RequestLabel};
use crate::io::IoKind;
use crate::received::ReceivedState;

/// Everything outstanding in one stack at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OutstandingReport {
    /// Intra-stack files that are not destroyed, in order of creation.
    pub files: Vec<OutstandingFile>,
    /// Handles that removed devices have left open, oldest first (STOP-10).
    pub leaked_handles: Vec<LeakedHandle>,
}

/// One file that is not destroyed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutstandingFile {
    /// Its ordinal.
    pub label: FileLabel,
    /// The creator's own name for it, as given to `CreateWdfFile` by the host.
    pub tag: u128,
    /// The creator's layer.
    pub creator: Level,
    /// The creator's tag, when it is an upper driver.
    pub owner: Option<u64>,
    /// `pcwszFileName`, empty for none.
    pub name: String,
    /// Where it is in its life.
    pub state: FileState,
    /// Requests tied to it: outstanding ones first, then completed ones that were not deleted (CLS-19).
    pub requests: Vec<OutstandingRequest>,
}

/// One request that keeps a file from being destroyed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutstandingRequest {
    /// Who created it, under which number.
    pub label: RequestLabel,
    /// What it is.
    pub kind: Option<IoKind>,
    /// Whether its packet has completed: then it is the undeleted object that pins the file.
    pub completed: bool,
    /// Whether a cancel was asked.
    pub cancel_requested: bool,
    /// Ticks since it was sent.
    pub age: u64,
    /// The layers that have it, top first: empty once completed.
    pub layers: Vec<RequestAtLayer>,
}

/// One layer's view of an outstanding request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestAtLayer {
    /// The layer.
    pub level: Level,
    /// Its driver.
    pub driver: String,
    /// Who has the packet at this layer.
    pub state: ReceivedState,
}
