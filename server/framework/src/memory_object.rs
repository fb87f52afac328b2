//! Memory objects: `IWDFMemory`, what hosted drivers format their requests with (OBJ-13 to OBJ-16).
//!
//! ```text
//!          Deleted            ReferencesGone
//!  Alive ───────────► Zombie ────────────────► Freed
//! ```
//!
//! A memory is Alive while it is in the object tree. Taken out of the tree it is a Zombie as long as anybody refers
//! to it: its id is known, every operation on it fails, nothing that refers to it is harmed (OBJ-3). A reference is
//! the driver's own, or that of a request which is formatted with the memory (OBJ-16).
//!
//! Bytes are shared and never modified in place: what a travelling request has borrowed stays as it was, whatever
//! becomes of the memory. The calls of drivers are in `object_calls.rs`, what they do in `stack/memory_objects.rs`.

use bytes::{Bytes, BytesMut};

use crate::ids::{BufferId, DeviceId, MemoryId, ReceivedId, RequestId};
use crate::ioctl::IoControlCode;
use crate::memory::MemoryOffset;
use crate::transition::machine;

machine! {
    /// Life of a memory object.
    states MemoryState {
        /// In the object tree: usable.
        Alive,
        /// Deleted, or gone with its parent, and still referred to (OBJ-3).
        Zombie,
        /// Destroyed.
        Freed,
    }
    /// What can happen to it.
    events MemoryEvent {
        /// `DeleteWdfObject`, or its parent was deleted or completed (OBJ-1).
        Deleted,
        /// Nobody refers to it any more.
        ReferencesGone,
    }
    table {
        Deleted: Alive => Zombie;
        ReferencesGone: Zombie => Freed;
    }
}

/// The parent of a memory object, with which it is deleted (OBJ-1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MemoryParent {
    /// The driver: until it is unloaded.
    #[default]
    Driver,
    /// A request of the driver's own, until that is deleted.
    Request(RequestId),
    /// A request the driver has received, until that is completed.
    Received(ReceivedId),
}

/// Which memory of a received request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ReceivedMemory {
    /// `GetInputMemory`: data of a write, input of a device control.
    Input,
    /// `GetOutputMemory`: where the data of a read or the output of a device control goes.
    Output,
}

/// A memory object and the window of it that is transferred (TGT-9).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemoryPart {
    /// Which memory.
    pub memory: MemoryId,
    /// The window, or the whole memory.
    pub window: Option<MemoryOffset>,
}

/// The kind-specific part of a Format call with memory objects (TGT-6). A missing memory is a NULL pointer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MemoryFormat {
    /// `FormatRequestForRead`.
    Read {
        /// Receives the data when the request completes.
        output: Option<MemoryPart>,
        /// `DeviceOffset` in bytes; None is seen below as 0.
        device_offset: Option<i64>,
    },
    /// `FormatRequestForWrite`.
    Write {
        /// Supplies the data, as it is at Format (MAP-7).
        input: Option<MemoryPart>,
        /// `DeviceOffset` in bytes; None is seen below as 0.
        device_offset: Option<i64>,
    },
    /// `FormatRequestForIoctl`.
    DeviceControl {
        /// The full 32-bit code.
        code: IoControlCode,
        /// Supplies the input, as it is at Format.
        input: Option<MemoryPart>,
        /// Receives the output when the request completes.
        output: Option<MemoryPart>,
    },
}

impl MemoryFormat {
    /// Input and output.
    pub(crate) const fn parts(&self) -> (Option<MemoryPart>, Option<MemoryPart>) {
        match *self {
            MemoryFormat::Read { output, .. } => (None, output),
            MemoryFormat::Write { input, .. } => (input, None),
            MemoryFormat::DeviceControl { input, output, .. } => (input, output),
        }
    }
}

/// Where a memory object has its bytes.
#[derive(Debug)]
pub(crate) enum Backing {
    /// `CreateWdfMemory`: its own.
    Created(Bytes),
    /// `CreatePreallocatedWdfMemory`: a buffer of the caller's, which it does not own (OBJ-15).
    Preallocated(BufferId),
    /// A buffer of a received request, the same that the driver can look at in place, until it has completed that.
    Received(ReceivedId, ReceivedMemory),
    /// The received request was completed: its bytes are gone.
    Withdrawn,
}

/// One memory object.
#[derive(Debug)]
pub(crate) struct Memory {
    /// The device whose driver may use it.
    pub(crate) owner: DeviceId,
    pub(crate) parent: MemoryParent,
    pub(crate) backing: Backing,
    pub(crate) state: MemoryState,
    /// References that the driver holds and must release.
    pub(crate) references: u32,
    /// Own requests that are formatted with it, input and output counted apart (OBJ-16).
    pub(crate) formatted: u32,
}

impl Memory {
    pub(crate) fn new(owner: DeviceId, parent: MemoryParent, backing: Backing) -> Memory {
        Memory { owner, parent, backing, state: MemoryState::Alive, references: 0, formatted: 0 }
    }

    /// Whether the framework made it, so that no driver may delete it: it belongs to a received request.
    pub(crate) const fn is_of_framework(&self) -> bool {
        matches!(self.backing, Backing::Received(..) | Backing::Withdrawn)
    }
}

/// A buffer of a driver's own. It is no object: it has no parent, no references and cannot be a zombie.
#[derive(Debug)]
pub(crate) struct Buffer {
    pub(crate) owner: DeviceId,
    pub(crate) bytes: Bytes,
}

/// The memory objects that hang on a request, received or of the driver's own. Few requests have any.
#[derive(Debug, Default)]
pub(crate) struct RequestMemories {
    /// Of a received request: its own memories, once they were asked for. Of an own one: those of the last Format.
    pub(crate) input: Option<MemoryId>,
    pub(crate) output: Option<MemoryId>,
    /// Created under it (OBJ-1).
    pub(crate) children: Vec<MemoryId>,
}

/// `bytes` with `data` laid over them from `start` on; what does not fit is left out.
pub(crate) fn overlaid(bytes: &Bytes, start: u64, data: &[u8]) -> Bytes {
    let mut changed = BytesMut::from(&bytes[..]);
    overlay(&mut changed, start, data);
    changed.freeze()
}

/// Lays `data` over `buffer` from `start` on; what does not fit is left out.
pub(crate) fn overlay(buffer: &mut [u8], start: u64, data: &[u8]) {
    let start = usize::try_from(start).unwrap_or(usize::MAX).min(buffer.len());
    let fits = data.len().min(buffer.len() - start);
    buffer[start..start + fits].copy_from_slice(&data[..fits]);
}
