//! `OnIoStop`: why a delivered request is being stopped, and how far its driver is with the answer (QUE-14).
//!
//! ```text
//!          Suspending, Purging       Entered            Acknowledged
//!  Running ───────────────────► Due ─────────► Asked ───────────────► Suspended
//!     ▲                          │ ▲             │                     │     │
//!     └────────── Resumed ───────┴─┼─────────────┴─────────────────────┘     │
//!                                  └──────────────── Purging ───────────────┘
//! ```
//!
//! A request that its driver completes, or puts back into its queue, needs no answer any more. One that is not
//! answered keeps its device where it is; a Purge can only be answered by an ending (STOP-10). Who is asked, and what
//! waits for the answers, is in `stack/io_stop.rs`.

use crate::transition::machine;

machine! {
    /// What the driver of a delivered request was told about its being stopped.
    states StopNotice {
        /// Nothing.
        Running,
        /// `OnIoStop` is to be called.
        Due,
        /// `OnIoStop` has been entered.
        Asked,
        /// `StopAcknowledge(FALSE)`: the driver keeps it, the device may go on without it.
        Suspended,
    }
    /// What changes it.
    events StopEvent {
        /// The device leaves D0.
        Suspending,
        /// The device is being removed: what was suspended is asked about again.
        Purging,
        /// `OnIoStop` was entered.
        Entered,
        /// `StopAcknowledge(FALSE)`.
        Acknowledged,
        /// The device is in D0 again.
        Resumed,
    }
    table {
        Suspending: Running => Due;
        Purging: Running | Suspended => Due;
        Entered: Due => Asked;
        Acknowledged: Asked => Suspended;
        Resumed: Due | Asked | Suspended => Running;
    }
}

/// `WDF_REQUEST_STOP_ACTION_FLAGS`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct StopFlags(pub u32);

impl StopFlags {
    /// `WdfRequestStopActionSuspend`: the device leaves D0.
    pub const SUSPEND: StopFlags = StopFlags(0x1);
    /// `WdfRequestStopActionPurge`: the device is being removed.
    pub const PURGE: StopFlags = StopFlags(0x2);
    /// `WdfRequestStopRequestCancelable`: the request is marked cancelable.
    pub const CANCELABLE: StopFlags = StopFlags(0x1000_0000);

    /// Both together.
    #[must_use]
    pub const fn with(self, other: StopFlags) -> StopFlags {
        StopFlags(self.0 | other.0)
    }

    /// Whether all of `other` is in it.
    pub const fn has(self, other: StopFlags) -> bool {
        self.0 & other.0 == other.0
    }
}

/// What a device's next PnP callback waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum IoWait {
    /// What its power-managed queues have delivered, before `OnD0Exit` (QUE-14, QUE-15).
    Suspend,
    /// What queues of one kind have delivered, before `OnSelfManagedIoFlush` or `OnSelfManagedIoCleanup` (STOP-10).
    Purge {
        /// Which queues.
        power_managed: bool,
    },
    /// `OnIoResume` of what was suspended, before `OnSelfManagedIoRestart` (PNP-2).
    Resume,
}

impl IoWait {
    /// Whether queues of this kind are concerned.
    pub(crate) const fn concerns(self, power_managed: bool) -> bool {
        match self {
            IoWait::Suspend | IoWait::Resume => power_managed,
            IoWait::Purge { power_managed: purged } => power_managed == purged,
        }
    }

    /// What the driver of a delivered request hears of it.
    pub(crate) const fn event(self) -> StopEvent {
        match self {
            IoWait::Purge { .. } => StopEvent::Purging,
            IoWait::Suspend => StopEvent::Suspending,
            IoWait::Resume => StopEvent::Resumed,
        }
    }

    /// The reason that `OnIoStop` gives.
    pub(crate) const fn flags(self) -> StopFlags {
        match self {
            IoWait::Purge { .. } => StopFlags::PURGE,
            IoWait::Suspend | IoWait::Resume => StopFlags::SUSPEND,
        }
    }
}
