//! What each part of a transition calls, as tables (PNP-2, PNP-3, PNP-4, PNP-7, PNP-8).

use crate::callback::Callback;
use crate::device::DeviceState;
use crate::power::PowerState;

/// A run of PnP callbacks of one device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    Add,
    Start,
    QueryRemove,
    QueryStop,
    /// Out of D0, to this state.
    PowerDown(PowerState),
    PowerUp,
    /// The first half of a rebalance: down until the hardware is released.
    StopHardware,
    /// The second half: up again from there.
    RestartHardware,
    Remove,
}

impl Phase {
    /// What is called of a device in `power`.
    pub(crate) fn callbacks(self, power: PowerState) -> &'static [Callback] {
        use Callback::*;
        match (self, power.is_working()) {
            (Phase::Add, _) => &[OnDeviceAdd],
            (Phase::Start, _) => &[OnPrepareHardware, OnD0Entry, OnSelfManagedIoInit],
            (Phase::QueryRemove, _) => &[OnQueryRemove],
            (Phase::QueryStop, _) => &[OnQueryStop],
            (Phase::PowerDown(_), true) => &[OnSelfManagedIoSuspend, OnD0Exit],
            (Phase::PowerUp, false) => &[OnD0Entry, OnSelfManagedIoRestart],
            (Phase::PowerDown(_), false) | (Phase::PowerUp, true) => &[],
            (Phase::StopHardware, true) => &[OnSelfManagedIoSuspend, OnD0Exit, OnReleaseHardware],
            (Phase::StopHardware, false) => &[OnReleaseHardware],
            (Phase::RestartHardware, _) => &[OnPrepareHardware, OnD0Entry, OnSelfManagedIoRestart],
            (Phase::Remove, true) => {
                &[OnSelfManagedIoSuspend, OnD0Exit, OnReleaseHardware, OnSelfManagedIoFlush, OnSelfManagedIoCleanup]
            }
            (Phase::Remove, false) => &[OnReleaseHardware, OnSelfManagedIoFlush, OnSelfManagedIoCleanup],
        }
    }

    /// What removal still calls of a device whose `callback` failed in this phase (PNP-8); None where a failure
    /// changes nothing.
    pub(crate) fn owed_after(self, callback: Callback) -> Option<&'static [Callback]> {
        use Callback::*;
        let owed: &[Callback] = match (self, callback) {
            (Phase::Remove | Phase::QueryRemove | Phase::QueryStop, _) => return None,
            (Phase::Start, OnPrepareHardware) => &[OnReleaseHardware],
            (_, OnSelfManagedIoInit | OnSelfManagedIoRestart | OnSelfManagedIoSuspend | OnReleaseHardware) => {
                &[OnSelfManagedIoFlush, OnSelfManagedIoCleanup]
            }
            (Phase::Add | Phase::Start, _) => &[],
            // It had been started once: its hardware is released and its self-managed I/O cleaned up.
            _ => &[OnReleaseHardware, OnSelfManagedIoFlush, OnSelfManagedIoCleanup],
        };
        Some(owed)
    }

    /// Where its `OnD0Exit` leads.
    pub(crate) fn target(self) -> PowerState {
        match self {
            Phase::PowerDown(target) => target,
            Phase::StopHardware => PowerState::D3,
            _ => PowerState::D3Final,
        }
    }

    /// The PnP state of a device while it runs; power is no part of it.
    pub(crate) fn state(self, present: DeviceState) -> DeviceState {
        match self {
            Phase::Add => DeviceState::Added,
            Phase::Start => DeviceState::Starting,
            Phase::Remove => DeviceState::Removing,
            _ => present,
        }
    }
}
