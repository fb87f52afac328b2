//! A device: one layer of the stack, hosted or upper, with its target, its queues and its lock.

use std::collections::VecDeque;

use crate::callback::{Callback, CallbackSet};
use crate::driver::{DeviceConfig, DriverCallResult, LockingConstraint};
use crate::ids::{CallId, CallbackId, DeviceId, Level, QueueId};
use crate::io::IoKind;
use crate::io_stop::IoWait;
use crate::power::{PowerState, SurpriseNotice};
use crate::queue::Queue;
use crate::scheduler::Step;
use crate::stack::phase::Phase;
use crate::target::Target;

/// Where a device is in its PnP life (PNP-2, PNP-3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DeviceState {
    /// Attached, not started: `OnDeviceAdd` may run (FILE-18).
    Added,
    /// Its start callbacks are running.
    Starting,
    /// Started.
    Started,
    /// Its removal callbacks are running.
    Removing,
    /// Removed.
    Removed,
}

/// One device.
#[derive(Debug)]
pub(crate) struct Device {
    pub(crate) level: Level,
    pub(crate) name: String,
    /// The next lower device; None for the terminator.
    pub(crate) lower: Option<DeviceId>,
    pub(crate) state: DeviceState,
    pub(crate) target: Target,
    /// File and PnP callbacks the driver registered.
    pub(crate) callbacks: CallbackSet,
    /// The run of PnP callbacks under way.
    pub(crate) phase: Option<Phase>,
    /// PnP callbacks still to run in it.
    pub(crate) pnp: VecDeque<Callback>,
    pub(crate) power: PowerState,
    /// What the next of its PnP callbacks waits for.
    pub(crate) waits: Option<IoWait>,
    /// At least as many requests as its driver keeps after `StopAcknowledge(FALSE)`: some of them may have ended.
    pub(crate) suspended: u32,
    /// While an operation is critical: when it last got on, in monotonic ticks (STOP-8).
    pub(crate) progress: u64,
    /// `OnSurpriseRemoval`.
    pub(crate) notice: SurpriseNotice,
    /// After a failure: what its removal still calls (PNP-8).
    pub(crate) owed: Option<&'static [Callback]>,
    /// `SetPnpState(WdfPnpStateFailed, WdfTrue)`, not committed (PNP-15).
    pub(crate) failed_uncommitted: bool,
    /// Files this device created that are not destroyed.
    pub(crate) open_files: u32,
    /// Numbers for requests whose creator gives none.
    pub(crate) next_request: u64,
    pub(crate) role: Role,
}

/// What kind of driver the device has.
#[derive(Debug)]
pub(crate) enum Role {
    /// A remote upper driver (L0).
    Upper(Upper),
    /// A driver hosted here.
    Hosted(Hosted),
}

/// The remote half.
#[derive(Debug)]
pub(crate) struct Upper {
    /// The host's own number for it.
    pub(crate) tag: u64,
    /// It is no driver but an application's handle on the whole stack (REQ-45).
    pub(crate) is_application: bool,
    /// Its client died: completions are discarded, files are closed on its behalf (MAP-6).
    pub(crate) lost: bool,
    /// Detach when the last file is gone.
    pub(crate) leaving: bool,
}

/// The hosted half.
#[derive(Debug)]
pub(crate) struct Hosted {
    /// Index of the driver in the stack's driver table.
    pub(crate) driver: usize,
    pub(crate) config: DeviceConfig,
    pub(crate) queues: Vec<Queue>,
    pub(crate) lock: DeviceLock,
    /// Blocking calls that returned and of which the driver has not been told.
    pub(crate) returns: VecDeque<(CallId, DriverCallResult)>,
}

/// Who can hold a device's lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LockHolder {
    /// A callback that has not returned.
    Callback(CallbackId),
    /// The driver, between `AcquireLock` and `ReleaseLock` (SYN-6).
    Driver,
}

/// The device-level lock as state (SYN-1): who holds it, and which steps wait for it.
#[derive(Debug, Default)]
pub(crate) struct DeviceLock {
    /// Who holds it.
    pub(crate) holder: Option<LockHolder>,
    /// The driver asked for it with `AcquireLock` and has not been told that it has it.
    pub(crate) wanted: bool,
    /// Steps that need the lock, in the order they tried.
    pub(crate) waiting: VecDeque<Step>,
}

impl Device {
    pub(crate) fn hosted(&self) -> Option<&Hosted> {
        match &self.role {
            Role::Hosted(hosted) => Some(hosted),
            Role::Upper(_) => None,
        }
    }

    pub(crate) fn hosted_mut(&mut self) -> Option<&mut Hosted> {
        match &mut self.role {
            Role::Hosted(hosted) => Some(hosted),
            Role::Upper(_) => None,
        }
    }

    pub(crate) fn upper(&self) -> Option<&Upper> {
        match &self.role {
            Role::Upper(upper) => Some(upper),
            Role::Hosted(_) => None,
        }
    }

    pub(crate) fn upper_mut(&mut self) -> Option<&mut Upper> {
        match &mut self.role {
            Role::Upper(upper) => Some(upper),
            Role::Hosted(_) => None,
        }
    }

    /// The upper driver's tag, for level 0.
    pub(crate) fn tag(&self) -> Option<u64> {
        self.upper().map(|upper| upper.tag)
    }
}

impl Hosted {
    /// Where a request of `kind` goes, and whether a handler there takes it: the queue configured for the type,
    /// else the default queue; types without a handler fall to `OnDefaultIoHandler` (FILE-15, QUE-2).
    pub(crate) fn route(&self, kind: IoKind) -> Option<(QueueId, Option<Callback>)> {
        let queues = &self.config.queues;
        let index = queues
            .iter()
            .position(|queue| queue.routes.contains(&kind))
            .or_else(|| queues.iter().position(|queue| queue.is_default))?;
        let id =
            QueueId(u8::try_from(index).expect("a device has at most 255 queues, checked when the stack is built"));
        Some((id, self.route_handler(id, kind)))
    }

    /// The callback of `queue` that takes requests of `kind`. A create never falls to the default handler:
    /// without `OnCreateFile` the framework decides (FWD-2).
    pub(crate) fn route_handler(&self, queue: QueueId, kind: IoKind) -> Option<Callback> {
        let handlers = self.config.queues.get(usize::from(queue.0))?.handlers;
        let own = match kind {
            IoKind::Create => Callback::OnCreateFile,
            IoKind::Read => Callback::OnRead,
            IoKind::Write => Callback::OnWrite,
            IoKind::DeviceControl => Callback::OnDeviceIoControl,
            IoKind::FlushBuffers | IoKind::QueryInformation | IoKind::SetInformation => Callback::OnDefaultIoHandler,
        };
        let fallback = (kind != IoKind::Create).then_some(Callback::OnDefaultIoHandler);
        std::iter::once(own).chain(fallback).find(|callback| handlers.contains(*callback))
    }

    /// Whether callbacks of this device exclude each other.
    pub(crate) fn is_device_locked(&self) -> bool {
        self.config.locking == LockingConstraint::DeviceLevel
    }
}
