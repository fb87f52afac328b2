//! Intra-stack files: driver-created file objects and the order in which they close (CLS-3).
//!
//! ```text
//!             CreateSucceeded          CloseRequested               CleanupReturned              IoDrained
//!  Creating ─────────────────► Open ─────────────────► CleaningUp ─────────────────► Draining ─────────────► Closing
//!      │ CreateFailed           P0: no new I/O of the    P1-P3: OnCleanupFile, layer    P4: the creator's       │ P6: OnCloseFile,
//!      ▼                        creator                  by layer                       requests cancelled,     │ layer by layer
//!    Gone ◄────────────────────────────────── Pinned ◄──────────────────────────────    P5: wait for all        ▼
//!          ReferencesGone                             CloseReturned                                          (Pinned)
//! ```
//!
//! Laws: a failed create leaves no trace of the session (FILE-12); each layer that saw a successful create sees
//! one cleanup and one close in that order (CLS-12); a file whose I/O is done but whose completed requests
//! still refer to it stays Pinned and counts as open (CLS-19, STOP-2).
//! The walk over the layers is in `stack/close.rs`; this module knows no driver.

use crate::chain::{Chain, ChainKind};
use crate::ids::{CallId, DeviceId, FileLabel};
use crate::transition::machine;

machine! {
    /// Life of a driver-created file.
    states FileState {
        /// The create is with the lower layers.
        Creating,
        /// Usable.
        Open,
        /// Close was called; the cleanup notification is on its way down (P0-P3).
        CleaningUp,
        /// The creator's requests were cancelled; waiting for every request of the file (P4, P5).
        Draining,
        /// The close notification is on its way down (P6).
        Closing,
        /// All layers have closed; completed, undeleted requests still refer to it (CLS-19).
        Pinned,
        /// Destroyed (P7); other layers may still refer to their own objects of it (OBJ-17).
        Gone,
    }
    /// What can happen to it.
    events FileEvent {
        /// The create completed below with success.
        CreateSucceeded,
        /// The create failed.
        CreateFailed,
        /// The creator, or the host on its behalf, called `Close`.
        CloseRequested,
        /// The cleanup notification has returned from the last layer it goes to.
        CleanupReturned,
        /// The last request tied to the file has completed.
        IoDrained,
        /// The close notification has returned from the last layer it goes to.
        CloseReturned,
        /// No completed request refers to the file any more.
        ReferencesGone,
    }
    table {
        CreateSucceeded: Creating => Open;
        CreateFailed: Creating => Gone;
        CloseRequested: Open => CleaningUp;
        CleanupReturned: CleaningUp => Draining;
        IoDrained: Draining => Closing;
        CloseReturned: Closing => Pinned;
        ReferencesGone: Pinned => Gone;
    }
}

/// One layer's own `IWDFFile` for the session (OBJ-8).
#[derive(Debug)]
pub(crate) struct LayerFile {
    pub(crate) device: DeviceId,
    pub(crate) state: LayerFileState,
    /// `AssignContext`: at most one (OBJ-6).
    pub(crate) context: Option<u64>,
    /// References that the layer's driver has taken and must release (OBJ-17).
    pub(crate) references: u32,
}

/// Life of one layer's object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LayerFileState {
    /// The create is with this layer or below.
    Creating,
    /// Its create has succeeded.
    Open,
    /// `OnCloseFile` has returned; references hold it (OBJ-3).
    Closed,
    /// Its create has failed; references hold it.
    Failed,
}

impl LayerFile {
    pub(crate) fn new(device: DeviceId) -> LayerFile {
        LayerFile { device, state: LayerFileState::Creating, context: None, references: 0 }
    }

    pub(crate) fn is_open(&self) -> bool {
        self.state == LayerFileState::Open
    }

    /// Whether it has left the object tree.
    pub(crate) fn is_deleted(&self) -> bool {
        matches!(self.state, LayerFileState::Closed | LayerFileState::Failed)
    }
}

/// One intra-stack file.
#[derive(Debug)]
pub(crate) struct File {
    pub(crate) label: FileLabel,
    pub(crate) name: Option<Box<str>>,
    pub(crate) creator: DeviceId,
    /// The creator's own name for it; opaque here.
    pub(crate) tag: u128,
    /// The blocking `CreateWdfFile` call, then the blocking `Close` call.
    pub(crate) call: Option<CallId>,
    pub(crate) state: FileState,
    /// The layers that hold an object of it, top first.
    pub(crate) layers: Vec<LayerFile>,
    /// Every request tied to it, from any layer (P5).
    pub(crate) io: Chain,
    /// Driver-created requests formatted on it and not outstanding (CLS-19).
    pub(crate) pins: u32,
    /// The creator is gone: close as soon as the create has succeeded (MAP-6).
    pub(crate) orphaned: bool,
    /// The framework keeps it for its creator, who does not close it (PNP-14).
    pub(crate) hidden: bool,
    /// Closed on its creator's behalf: nobody else will delete the requests that pin it.
    pub(crate) abandoned: bool,
}

impl File {
    pub(crate) fn new(label: FileLabel, creator: DeviceId, tag: u128, name: Option<Box<str>>) -> File {
        File {
            label,
            name,
            creator,
            tag,
            call: None,
            state: FileState::Creating,
            layers: Vec::new(),
            io: Chain::new(ChainKind::File),
            pins: 0,
            orphaned: false,
            hidden: false,
            abandoned: false,
        }
    }

    /// Whether the device below holds an open object of this session (OBJ-18, FWD-7).
    pub(crate) fn is_known_to(&self, device: DeviceId) -> bool {
        self.layers.iter().any(|layer| layer.device == device && layer.is_open())
    }

    /// Whether somebody has opened it and it is not gone.
    pub(crate) fn is_session(&self) -> bool {
        !matches!(self.state, FileState::Creating | FileState::Gone)
    }

    /// Whether new I/O may be tied to it by `sender` (CLS-18, CLS-11, CLS-10).
    pub(crate) fn accepts_io_from(&self, sender: DeviceId) -> bool {
        match self.state {
            FileState::Open => true,
            FileState::CleaningUp | FileState::Draining => sender != self.creator,
            FileState::Creating | FileState::Closing | FileState::Pinned | FileState::Gone => false,
        }
    }
}
