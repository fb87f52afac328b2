//! Handles of the host, and the file-handle targets on them (section FHT).
//!
//! A handle is the host's: it tells the stack which ones there are and when one is closed, and performs the I/O that
//! leaves the stack through a target on one. The stack knows a handle by number and facts alone, takes no reference and
//! closes none (FHT-6, FHT-22). This module must not know what a handle is of.

use std::collections::{BTreeMap, VecDeque};

use slotmap::SlotMap;

use crate::ids::{DeviceId, Level, ReceivedId, TargetId};
use crate::status::HResult;
use crate::target::Target;

/// Most file-handle targets of one device: each is an open connection of its driver.
pub const HANDLE_TARGETS_MAX: usize = 64;
/// Leaked handles that are listed; the oldest are dropped beyond, their findings stay.
pub const LEAKED_HANDLES_MAX: usize = 256;

/// A handle of the host. The host never uses a number twice, so that the number of a closed handle hits nothing
/// (FHT-20).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HandleId(pub u64);

/// What the host knows of a handle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HandleFacts {
    /// Opened for overlapped I/O, without which no target can be on it (FHT-3).
    pub overlapped: bool,
}

/// Who closed a handle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HandleClosing {
    /// Whoever opened it, with `CloseHandle`.
    ByOwner,
    /// The system, because whoever opened it is gone: a leak stays what it was.
    WithOwner,
}

/// One operation at the host; it goes stale when the host has finished it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct HostIoId(pub(crate) ReceivedId);

/// `UmdfDispatcher`, a property of the whole stack: where I/O that leaves its drivers goes (FHT-4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Dispatcher {
    /// To the kernel part of the stack alone: there are no file-handle targets (FHT-5).
    #[default]
    Reflector,
    /// `FileHandle`: drivers may have file-handle targets.
    FileHandle,
}

/// The file that is bound to a file-handle target, as `GetTargetFile` gives it (TGT-4). As `pFile` of a Format call on a
/// file-handle target it stands for the handle of the target it is of (FHT-7, FHT-8).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TargetFile(pub(crate) TargetId);

impl TargetFile {
    /// Stands for every file that is of no target: no Format call on a file-handle target takes it.
    pub fn of_no_target() -> TargetFile {
        TargetFile(TargetId::default())
    }
}

/// Where a Format call has pointed a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Aim {
    /// To the next lower device, through the default target.
    #[default]
    Lower,
    /// To a handle, through a file-handle target.
    Handle { target: TargetId, handle: HandleId },
}

impl Aim {
    /// The file-handle target; None is the default one.
    pub(crate) const fn target(self) -> Option<TargetId> {
        match self {
            Aim::Lower => None,
            Aim::Handle { target, .. } => Some(target),
        }
    }
}

/// A handle that was open when the device with a target on it was removed: nobody is left to close it (STOP-10).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeakedHandle {
    /// The layer whose target was on it.
    pub level: Level,
    /// Its driver.
    pub driver: String,
    /// The handle.
    pub handle: HandleId,
}

/// A file-handle target.
#[derive(Debug)]
pub(crate) struct HandleTarget {
    pub(crate) device: DeviceId,
    pub(crate) handle: HandleId,
    pub(crate) target: Target,
}

/// What the stack knows of handles, and the targets on them.
#[derive(Debug, Default)]
pub(crate) struct Handles {
    pub(crate) dispatcher: Dispatcher,
    open: BTreeMap<HandleId, HandleFacts>,
    pub(crate) targets: SlotMap<TargetId, HandleTarget>,
    leaked: VecDeque<LeakedHandle>,
}

impl Handles {
    pub(crate) fn new(dispatcher: Dispatcher) -> Handles {
        Handles { dispatcher, ..Handles::default() }
    }

    pub(crate) fn opened(&mut self, handle: HandleId, facts: HandleFacts) {
        self.open.insert(handle, facts);
    }

    /// The handle is no more. One that was listed as leaked is not leaked any longer, unless it went with its owner.
    pub(crate) fn closed(&mut self, handle: HandleId, closing: HandleClosing) {
        self.open.remove(&handle);
        if closing == HandleClosing::ByOwner {
            self.leaked.retain(|leaked| leaked.handle != handle);
        }
    }

    pub(crate) fn is_open(&self, handle: HandleId) -> bool {
        self.open.contains_key(&handle)
    }

    /// `CreateFileHandleTarget` (FHT-2).
    ///
    /// # Errors
    /// `ERROR_BAD_CONFIGURATION` without the dispatcher (FHT-5), `ERROR_INVALID_HANDLE` for a handle that is not open
    /// and `E_INVALIDARG` for a synchronous one (FHT-3), `E_OUTOFMEMORY` beyond [`HANDLE_TARGETS_MAX`].
    pub(crate) fn create_target(&mut self, device: DeviceId, handle: HandleId) -> Result<TargetId, HResult> {
        if self.dispatcher != Dispatcher::FileHandle {
            return Err(HResult::ERROR_BAD_CONFIGURATION);
        }
        let facts = self.open.get(&handle).ok_or(HResult::ERROR_INVALID_HANDLE)?;
        if !facts.overlapped {
            return Err(HResult::E_INVALIDARG);
        }
        if self.of_device(device).count() >= HANDLE_TARGETS_MAX {
            return Err(HResult::E_OUTOFMEMORY);
        }
        Ok(self.targets.insert(HandleTarget { device, handle, target: Target::new() }))
    }

    /// The file-handle targets of a device.
    pub(crate) fn of_device(&self, device: DeviceId) -> impl Iterator<Item = TargetId> {
        self.targets.iter().filter(move |(_, target)| target.device == device).map(|(id, _)| id)
    }

    /// A target of `device`, by name.
    pub(crate) fn own(&self, device: DeviceId, target: TargetId) -> Option<&HandleTarget> {
        self.targets.get(target).filter(|target| target.device == device)
    }

    pub(crate) fn own_mut(&mut self, device: DeviceId, target: TargetId) -> Option<&mut HandleTarget> {
        self.targets.get_mut(target).filter(|target| target.device == device)
    }

    pub(crate) fn leak(&mut self, leaked: LeakedHandle) {
        if self.leaked.len() == LEAKED_HANDLES_MAX {
            self.leaked.pop_front();
        }
        self.leaked.push_back(leaked);
    }

    pub(crate) fn leaked(&self) -> impl Iterator<Item = &LeakedHandle> {
        self.leaked.iter()
    }
}
