//! Device power states (PNP-16): working, asleep, and off for good.
//!
//! ```text
//!            Entered               Slept
//!  D3Final ───────────► D0 ──────────────────► D3
//!     ▲                 │ ◄────────────────── │
//!     └── TurnedOff ────┴──── TurnedOff ──────┘
//! ```
//!
//! Every device begins in D3Final, which its first `OnD0Entry` gets as the previous state.

use crate::transition::machine;

machine! {
    /// `WDF_POWER_DEVICE_STATE`, as far as a virtual stack has it.
    states PowerState {
        /// Working: `WdfPowerDeviceD0`, 1.
        D0,
        /// Low power: `WdfPowerDeviceD3`, 4.
        D3,
        /// Off for good, by removal or shutdown, or not yet on: `WdfPowerDeviceD3Final`, 5.
        D3Final,
    }
    /// What changes it.
    events PowerEvent {
        /// `OnD0Entry` has succeeded, or is not implemented.
        Entered,
        /// `OnD0Exit` with the target D3.
        Slept,
        /// `OnD0Exit` with the target D3Final.
        TurnedOff,
    }
    table {
        Entered: D3 | D3Final => D0;
        Slept: D0 => D3;
        TurnedOff: D0 | D3 => D3Final;
    }
}

impl PowerState {
    /// Whether power-managed queues deliver (QUE-13).
    pub const fn is_working(self) -> bool {
        matches!(self, PowerState::D0)
    }

    /// The way out of D0 that ends here.
    pub(crate) const fn exit(self) -> PowerEvent {
        match self {
            PowerState::D3Final => PowerEvent::TurnedOff,
            PowerState::D0 | PowerState::D3 => PowerEvent::Slept,
        }
    }
}

machine! {
    /// How far `OnSurpriseRemoval` of one device is: it has no fixed place among the removal callbacks (PNP-7),
    /// and the device is gone only when it has returned.
    states SurpriseNotice {
        /// Nothing to tell.
        Idle,
        /// To be called, or called and not returned.
        Due,
        /// As `Due`, and the removal has nothing else to wait for.
        Awaited,
        /// It has returned.
        Given,
    }
    /// What changes it.
    events NoticeEvent {
        /// The device is gone from its bus.
        Surprised,
        /// The other removal callbacks have returned.
        RemovalEnded,
        /// The callback has returned.
        Returned,
    }
    table {
        Surprised: Idle => Due;
        RemovalEnded: Due => Awaited;
        Returned: Due | Awaited => Given;
    }
}
