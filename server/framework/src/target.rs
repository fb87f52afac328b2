//! The I/O targets of a device: the default one, and those on handles (FHT). Each is first of all a queue (TGT-3).
//!
//! ```text
//!             Stop                    Remove, DeviceRemoved
//!  Started ─────────► Stopped ────────────────────────────► Deleted
//!     ▲ ◄──────────── │  ▲ │ Stop                             ▲
//!     └─ Start        ┘  └─┘        (also from Started) ──────┘
//! ```
//!
//! A stopped target accepts requests and pends them; nothing a Stop does touches pended ones (TGT-24). State
//! changes of one target never overlap: a call that comes while another still waits is kept in order (TGT-28).

use std::collections::VecDeque;

use slotmap::SlotMap;

use crate::chain::{Chain, ChainKind};
use crate::device::Device;
use crate::handle::Handles;
use crate::ids::{CallId, DeviceId, TargetId};
use crate::transition::machine;

machine! {
    /// `WDF_IO_TARGET_STATE` (TGT-18).
    states TargetState {
        /// `WdfIoTargetStarted`, 1.
        Started,
        /// `WdfIoTargetStopped`, 2.
        Stopped,
        /// `WdfIoTargetClosedForQueryRemove`, 3.
        ClosedForQueryRemove,
        /// `WdfIoTargetClosed`, 4.
        Closed,
        /// `WdfIoTargetDeleted`, 5.
        Deleted,
    }
    /// What changes it.
    events TargetEvent {
        /// `Start` (TGT-20).
        Start,
        /// `Stop` with any action (TGT-23).
        Stop,
        /// `Remove` or the deletion of the target (TGT-29).
        Remove,
        /// The device was removed: the framework closes its local targets (TGT-31).
        DeviceRemoved,
    }
    table {
        Start: Started | Stopped => Started;
        Stop: Started | Stopped => Stopped;
        Remove: Started | Stopped | ClosedForQueryRemove | Closed | Deleted => Deleted;
        DeviceRemoved: Started | Stopped | ClosedForQueryRemove | Closed => Closed;
        DeviceRemoved: Deleted => Deleted;
    }
}

impl TargetState {
    /// The number of the UMDF enumeration.
    pub const fn number(self) -> u32 {
        match self {
            TargetState::Started => 1,
            TargetState::Stopped => 2,
            TargetState::ClosedForQueryRemove => 3,
            TargetState::Closed => 4,
            TargetState::Deleted => 5,
        }
    }

    /// Whether a Send is accepted at all (TGT-18).
    pub(crate) const fn accepts(self) -> bool {
        matches!(self, TargetState::Started | TargetState::Stopped)
    }
}

/// One target of one device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TargetRef {
    /// Whose target.
    pub(crate) device: DeviceId,
    /// Which file-handle target; None is the default target.
    pub(crate) handle: Option<TargetId>,
}

impl TargetRef {
    /// The default target of `device`.
    pub(crate) const fn default_of(device: DeviceId) -> TargetRef {
        TargetRef { device, handle: None }
    }
}

/// `WDF_IO_TARGET_SENT_IO_ACTION` (TGT-24).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SentIoAction {
    /// Cancel what is in flight, return when it has completed.
    Cancel,
    /// Return when what is in flight has completed.
    WaitForCompletion,
    /// Return at once.
    LeavePending,
}

impl SentIoAction {
    /// The action with this number of the UMDF enumeration. None for what is out of range, with which a Stop changes
    /// nothing (TGT-23).
    pub const fn from_number(number: u32) -> Option<SentIoAction> {
        match number {
            1 => Some(SentIoAction::Cancel),
            2 => Some(SentIoAction::WaitForCompletion),
            3 => Some(SentIoAction::LeavePending),
            _ => None,
        }
    }
}

/// A state change that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TargetCall {
    Start,
    Stop(SentIoAction),
    Remove,
    /// `DeleteWdfObject`: Remove, and then the object goes (FHT-21).
    Delete,
}

/// A target: its state and the requests it has outstanding.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) state: TargetState,
    /// Accepted while stopped, oldest first; never delivered yet.
    pub(crate) pended: Chain,
    /// Delivered and not completed, oldest first.
    pub(crate) in_flight: Chain,
    /// How many of `in_flight` a Stop waits for (all but those that ignore the target's state, TGT-27).
    pub(crate) awaited: u32,
    /// Calls in the order they came; the first is under way, the others wait for it (TGT-28).
    pub(crate) calls: VecDeque<(CallId, TargetCall)>,
}

impl Target {
    pub(crate) fn new() -> Target {
        Target {
            state: TargetState::Started,
            pended: Chain::new(ChainKind::Target),
            in_flight: Chain::new(ChainKind::Target),
            awaited: 0,
            calls: VecDeque::new(),
        }
    }

    /// The target `at`; None when it was deleted, or its device is gone.
    pub(crate) fn of<'a>(
        devices: &'a mut SlotMap<DeviceId, Device>,
        handles: &'a mut Handles,
        at: TargetRef,
    ) -> Option<&'a mut Target> {
        match at.handle {
            None => devices.get_mut(at.device).map(|device| &mut device.target),
            Some(id) => handles.own_mut(at.device, id).map(|owned| &mut owned.target),
        }
    }

    /// Whether it holds no request.
    pub(crate) fn is_empty(&self) -> bool {
        self.pended.is_empty() && self.in_flight.is_empty()
    }
}
