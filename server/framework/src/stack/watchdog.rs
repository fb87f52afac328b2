//! The watchdog over critical operations (STOP-8), on the stack's own time.
//!
//! ```text
//!  critical while it lasts                          concerns                         operation
//!  a phase of a PnP or power transition             its device                       Pnp
//!  ... that waits for requests on its files         whoever has them                 IO
//!  a cancel whose OnCancel has not returned         the driver of that OnCancel      Cancel
//!  OnCleanupFile or OnCloseFile not returned        its driver                       Cleanup, Close
//! ```
//!
//! A callback that waits in a synchronous Send has not returned: its own driver is concerned, not the one that has the
//! request. A callback that cannot begin because its driver has the lock counts as not returned. Whatever callback of
//! the driver returns is progress, and gives it the whole time again. Then the host is terminated: a driver stop with
//! the problem `HostTimeout`. An upper driver is a process of its own: it alone is taken for dead (MAP-6). Nothing is
//! armed, and nothing counted, while no operation is critical.

use crate::callback::Callback;
use crate::clock::{Due, TICKS_PER_MILLISECOND};
use crate::effect::Effect;
use crate::file::FileState;
use crate::ids::{DeviceId, FileId};
use crate::rule::Rule;
use crate::scheduler::Step;
use crate::timer::{TimerId, TimerTask};

use super::core::Core;

/// How long a critical operation may take without progress: the 60 s of Windows, in ticks.
pub const CRITICAL_OPERATION_TICKS: u64 = 60_000 * TICKS_PER_MILLISECOND;

/// The watchdog of one stack.
#[derive(Debug)]
pub(crate) struct Watchdog {
    /// Ticks without progress; 0 never bites.
    limit: u64,
    /// At the earliest deadline, or before it.
    timer: Option<TimerId>,
}

impl Watchdog {
    pub(crate) fn new(limit: u64) -> Watchdog {
        Watchdog { limit, timer: None }
    }

    /// Whether progress matters now.
    pub(crate) fn is_armed(&self) -> bool {
        self.timer.is_some()
    }

    /// The stack runs no more, its timers are gone.
    pub(crate) fn disarm(&mut self) {
        self.timer = None;
    }
}

impl Core {
    /// A critical operation of `device` begins.
    pub(crate) fn watch(&mut self, device: DeviceId) {
        self.progressed(device);
        if self.watchdog.limit > 0 && !self.watchdog.is_armed() {
            self.watch_until(self.now.monotonic);
        }
    }

    /// A critical operation begins in which any layer may be the one to wait for.
    pub(crate) fn watch_layers(&mut self) {
        for index in 0..self.layers.len() {
            self.watch(self.layers[index]);
        }
    }

    /// Lets go when nothing is critical any more: a stack at rest has no timer.
    pub(crate) fn unwatch(&mut self) {
        if let Some(timer) = self.watchdog.timer
            && self.critical().is_empty()
        {
            self.timers.disarm(timer);
            self.watchdog.timer = None;
        }
    }

    /// A callback of `device` has returned.
    pub(crate) fn progressed(&mut self, device: DeviceId) {
        if let Some(entry) = self.devices.get_mut(device) {
            entry.progress = self.now.monotonic;
        }
    }

    fn watch_until(&mut self, progress: u64) {
        // At the end of time there is no deadline left: one that is always due would be for ever.
        if let Some(due) = progress.checked_add(self.watchdog.limit) {
            self.watchdog.timer = Some(self.timers.arm(Due::Monotonic(due), TimerTask::Watchdog));
        }
    }

    /// The earliest deadline there was has come: the driver that has not got on since is stopped.
    pub(crate) fn watchdog_due(&mut self) {
        self.watchdog.timer = None;
        let critical = self.critical();
        let progress = |device: &DeviceId| self.devices[*device].progress;
        let Some(oldest) = critical.iter().map(|(device, _)| progress(device)).min() else { return };
        if self.now.monotonic.saturating_sub(oldest) < self.watchdog.limit {
            return self.watch_until(oldest);
        }
        let Some((device, operation)) = critical.into_iter().find(|(device, _)| progress(device) == oldest) else {
            return;
        };
        if self.devices[device].upper().is_none() {
            return self.host_timed_out(device, operation);
        }
        self.effects.push(Effect::DeclareUpperDead { upper: device });
        self.finding(device, Rule::Stop8, None, None);
        self.upper_departs(device, true);
        self.watch_layers();
    }

    /// What is critical now, and whose it is, the nearest cause first.
    fn critical(&self) -> Vec<(DeviceId, &'static str)> {
        let mut critical = Vec::new();
        for blocked in self.callbacks.values() {
            let operation = match blocked.callback {
                Callback::OnCancel | Callback::OnIoCanceledOnQueue => "Cancel",
                Callback::OnCleanupFile => "Cleanup",
                Callback::OnCloseFile => "Close",
                _ => continue,
            };
            critical.push((blocked.device, operation));
        }
        for (id, device) in &self.devices {
            let waiting = device.hosted().into_iter().flat_map(|hosted| &hosted.lock.waiting);
            critical.extend(waiting.filter_map(|step| Some((id, self.operation_of(*step)?))));
        }
        for (id, device) in self.devices.iter().filter(|(_, device)| device.phase.is_some()) {
            let has_returned = device.pnp.is_empty() && !self.is_in_pnp_callback(id);
            let owners = if has_returned { self.owners_of_io(id) } else { Vec::new() };
            match owners.is_empty() {
                true => critical.push((id, "Pnp")),
                false => critical.extend(owners.into_iter().map(|owner| (owner, "IO"))),
            }
        }
        critical
    }

    /// Whether a PnP callback of `device` has not returned; for what it waits is its own affair.
    fn is_in_pnp_callback(&self, device: DeviceId) -> bool {
        self.callbacks.values().any(|blocked| blocked.device == device && Callback::PNP.contains(&blocked.callback))
    }

    /// The operation that a step waiting for its device's lock belongs to.
    fn operation_of(&self, step: Step) -> Option<&'static str> {
        match step {
            Step::Cancel(_) | Step::CancelOnQueue(_) => Some("Cancel"),
            Step::Notify(file, _) => self.notification_of(file),
            _ => None,
        }
    }

    fn notification_of(&self, file: FileId) -> Option<&'static str> {
        match self.files.get(file)?.state {
            FileState::CleaningUp => Some("Cleanup"),
            FileState::Closing => Some("Close"),
            _ => None,
        }
    }

    /// Who has the requests that keep the files of `creator` from going.
    fn owners_of_io(&self, creator: DeviceId) -> Vec<DeviceId> {
        let files = self.files.values().filter(|file| file.creator == creator);
        let tied = files.flat_map(|file| file.io.members(&self.received));
        let current = tied.filter_map(|hop| self.requests.get(self.received.get(hop)?.request)?.current);
        current.filter_map(|hop| self.received.get(hop)).map(|hop| hop.receiver).collect()
    }
}
