//! Plug and play: start lowest first (PNP-2), removal highest first (PNP-3), and what keeps a removal waiting.
//!
//! A stack's transition is a plan: devices with the phase each has to run, one after the other. Upper drivers
//! that arrive later run their own two phases beside it. A removed creator with open files is STOP-1; a lower
//! layer is told of removal only when the files opened on it are gone (PNP-10), which follows from the order.

use crate::callback::Callback;
use crate::device::{Device, DeviceState};
use crate::effect::Effect;
use crate::ids::{CallbackId, DeviceId};
use crate::received::ReceivedState;
use crate::rule::Rule;
use crate::scheduler::Step;
use crate::status::HResult;
use crate::trace::TraceKind;

use super::StackState;
use super::core::{BlockedCallback, Core};
use super::dispatch::Invocation;

/// A run of PnP callbacks of one device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    Add,
    Start,
    QueryRemove,
    Remove,
}

impl Phase {
    fn callbacks(self) -> &'static [Callback] {
        match self {
            Phase::Add => &[Callback::OnDeviceAdd],
            Phase::Start => &[Callback::OnPrepareHardware, Callback::OnD0Entry, Callback::OnSelfManagedIoInit],
            Phase::QueryRemove => &[Callback::OnQueryRemove],
            Phase::Remove => &[
                Callback::OnSelfManagedIoSuspend,
                Callback::OnD0Exit,
                Callback::OnReleaseHardware,
                Callback::OnSelfManagedIoFlush,
                Callback::OnSelfManagedIoCleanup,
            ],
        }
    }

    fn state(self, present: DeviceState) -> DeviceState {
        match self {
            Phase::Add => DeviceState::Added,
            Phase::Start => DeviceState::Starting,
            Phase::QueryRemove => present,
            Phase::Remove => DeviceState::Removing,
        }
    }
}

impl Core {
    /// All layers are added before any is started; both lowest first (PNP-2).
    pub(crate) fn start(&mut self) {
        if self.state != StackState::Added {
            return;
        }
        self.state = StackState::Starting;
        let rising: Vec<DeviceId> = self.layers.iter().rev().copied().chain(self.uppers.iter().copied()).collect();
        for phase in [Phase::Add, Phase::Start] {
            self.plan.extend(rising.iter().map(|device| (*device, phase)));
        }
        self.plan_next();
    }

    /// Orderly removal: everybody is asked, then highest first (PNP-6, PNP-3).
    pub(crate) fn remove_stack(&mut self) {
        match self.state {
            StackState::Started => {}
            StackState::Starting => {
                self.removal_wanted = true; // begins when the start has ended
                return;
            }
            StackState::Added => return self.removed(),
            StackState::Removing | StackState::Removed | StackState::Stopped => return,
        }
        self.state = StackState::Removing;
        let falling: Vec<DeviceId> = self.uppers.iter().chain(&self.layers).copied().collect();
        for phase in [Phase::QueryRemove, Phase::Remove] {
            self.plan.extend(falling.iter().map(|device| (*device, phase)));
        }
        self.plan_next();
    }

    fn plan_next(&mut self) {
        match self.plan.front() {
            Some((device, phase)) => self.begin_phase(*device, *phase),
            None if self.state == StackState::Starting => {
                self.state = StackState::Started;
                if std::mem::take(&mut self.removal_wanted) {
                    self.remove_stack();
                }
            }
            None if self.state == StackState::Removing => self.removed(),
            None => {}
        }
    }

    fn removed(&mut self) {
        self.state = StackState::Removed;
        self.timers.clear(); // nothing may wake a stack that runs no more
        self.effects.push(Effect::StackRemoved);
    }

    fn begin_phase(&mut self, device: DeviceId, phase: Phase) {
        let entry = &mut self.devices[device];
        entry.state = phase.state(entry.state);
        entry.phase = Some(phase);
        entry.pnp = phase.callbacks().iter().copied().collect();
        self.run_queue.push(Step::Pnp(device));
    }

    /// An upper driver arrived on a stack that runs: its own two phases, beside any plan.
    pub(crate) fn start_late_upper(&mut self, upper: DeviceId) {
        self.begin_phase(upper, Phase::Add);
    }

    /// The next PnP callback of a device, or the end of its phase.
    pub(crate) fn pnp(&mut self, device: DeviceId) -> Option<Invocation> {
        loop {
            let entry = self.devices.get_mut(device)?;
            let Some(callback) = entry.pnp.pop_front() else {
                self.phase_ended(device);
                return None;
            };
            if callback == Callback::OnSelfManagedIoFlush {
                self.purge_queues(device);
            }
            let entry = &self.devices[device];
            if !entry.callbacks.contains(callback) || entry.upper().is_some_and(|upper| upper.lost) {
                continue;
            }
            self.note(device, TraceKind::PnpEnter(callback)).record();
            if self.devices[device].upper().is_some() {
                self.invoke_upper(device, callback);
                return None;
            }
            return Some(Invocation::Pnp { device, callback });
        }
    }

    fn invoke_upper(&mut self, upper: DeviceId, kind: Callback) {
        let blocked = BlockedCallback { device: upper, callback: kind, walk: None, holds_lock: false };
        let callback: CallbackId = self.callbacks.insert(blocked);
        self.effects.push(Effect::InvokeCallback { upper, callback, kind });
    }

    /// A PnP callback has returned.
    pub(crate) fn pnp_returned(&mut self, device: DeviceId, callback: Callback, result: Result<(), HResult>) {
        let status = result.err().unwrap_or(HResult::S_OK);
        self.note(device, TraceKind::PnpLeave(callback)).status(status).record();
        match (result, callback) {
            (Ok(()), _) => {}
            (Err(status), Callback::OnQueryRemove) => return self.veto(device, status),
            (Err(_), _) => self.start_failed(device, callback),
        }
        self.run_queue.push(Step::Pnp(device));
    }

    /// PNP-6: nothing else happens.
    fn veto(&mut self, device: DeviceId, status: HResult) {
        let level = self.devices[device].level;
        self.plan.clear();
        self.state = StackState::Started;
        self.effects.push(Effect::ReportVeto { level, status });
    }

    /// PNP-8: what is still called after a start callback failed; then the stack goes, from this device down.
    fn start_failed(&mut self, device: DeviceId, callback: Callback) {
        let tail: &[Callback] = match callback {
            Callback::OnPrepareHardware => &[Callback::OnReleaseHardware],
            Callback::OnSelfManagedIoInit => &[Callback::OnSelfManagedIoFlush, Callback::OnSelfManagedIoCleanup],
            _ => &[],
        };
        let entry = &mut self.devices[device];
        if entry.phase != Some(Phase::Start) && entry.phase != Some(Phase::Add) {
            return; // a failing removal callback changes nothing
        }
        entry.pnp = tail.iter().copied().collect();
        entry.phase = Some(Phase::Remove);
        entry.state = DeviceState::Removing;
        if entry.upper().is_some() && self.state == StackState::Started {
            return;
        }
        self.state = StackState::Removing;
        let started = |core: &Core, id: DeviceId| core.devices[id].state == DeviceState::Started;
        let below: Vec<DeviceId> =
            self.layers.iter().copied().filter(|id| *id != device && started(self, *id)).collect();
        self.plan.clear();
        self.plan.push_back((device, Phase::Remove));
        self.plan.extend(below.into_iter().map(|id| (id, Phase::Remove)));
    }

    fn phase_ended(&mut self, device: DeviceId) {
        let Some(phase) = self.devices[device].phase.take() else { return };
        let planned = self.plan.front() == Some(&(device, phase));
        match phase {
            Phase::Add | Phase::QueryRemove => {}
            Phase::Start => self.devices[device].state = DeviceState::Started,
            Phase::Remove => {
                if self.devices[device].open_files > 0 && !self.run_queue.is_empty() {
                    // On Windows a Close made in the last callback has done all it can by itself when it returns;
                    // here that is steps. STOP-1 is judged when they have run.
                    self.devices[device].phase = Some(Phase::Remove);
                    self.run_queue.push(Step::Pnp(device));
                    return;
                }
                if !self.may_be_removed(device) {
                    self.devices[device].phase = Some(Phase::Remove); // goes on when its last file is gone
                    return;
                }
                self.device_removed(device);
            }
        }
        if planned {
            self.plan.pop_front();
            self.plan_next();
        } else if phase == Phase::Add {
            self.begin_phase(device, Phase::Start);
        }
    }

    /// STOP-1: after a creator's removal callbacks no file of its own may be open.
    fn may_be_removed(&mut self, device: DeviceId) -> bool {
        if self.devices[device].open_files == 0 {
            return true;
        }
        if self.devices[device].upper().is_some_and(|upper| upper.lost || upper.leaving) {
            return false; // the host is closing them already (MAP-6)
        }
        let open: Vec<_> = self.files.iter().filter(|(_, file)| file.creator == device).map(|(id, _)| id).collect();
        for file in open {
            self.violation(device, Rule::Stop1, Some(file), None);
            if self.is_dead() {
                return false;
            }
            self.abandon_file(file);
        }
        self.devices[device].open_files == 0
    }

    /// A removal that waited for files of `creator` goes on.
    pub(crate) fn removal_goes_on(&mut self, creator: DeviceId) {
        let waits =
            |device: &Device| device.open_files == 0 && device.pnp.is_empty() && device.phase == Some(Phase::Remove);
        let running = self.callbacks.values().any(|blocked| blocked.device == creator);
        if !running && self.devices.get(creator).is_some_and(waits) {
            self.run_queue.push(Step::Pnp(creator));
        }
    }

    /// A device that is gone has no part in the plan any more.
    pub(crate) fn leave_plan(&mut self, device: DeviceId) {
        let was_next = self.plan.front().is_some_and(|(next, _)| *next == device);
        self.plan.retain(|(planned, _)| *planned != device);
        if was_next {
            self.plan_next();
        }
    }

    fn device_removed(&mut self, device: DeviceId) {
        self.close_target_of_removed(device);
        self.devices[device].state = DeviceState::Removed;
    }

    /// QUE-10: nothing new is accepted, what waits is cancelled, what is armed gets `OnCancel`.
    fn purge_queues(&mut self, device: DeviceId) {
        let Some(hosted) = self.devices[device].hosted_mut() else { return };
        for queue in &mut hosted.queues {
            queue.accepting = false;
        }
        let affected: Vec<_> = self
            .received
            .iter()
            .filter(|(_, hop)| {
                hop.receiver == device && matches!(hop.state, ReceivedState::Queued | ReceivedState::Armed)
            })
            .map(|(id, hop)| (id, hop.request, hop.state))
            .collect();
        for (id, request, state) in affected {
            if state == ReceivedState::Queued {
                self.complete_by_framework(id, HResult::ERROR_OPERATION_ABORTED);
            } else {
                self.cancel_packet(request);
            }
        }
    }
}
