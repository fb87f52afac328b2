//! Plug and play: the machine that runs a transition, and the start (PNP-2).
//!
//! A stack's transition is a plan: devices with the phase each has to run, one after the other; what a phase calls
//! is a table in `phase.rs`. Upper drivers that arrive later run their own two phases beside it. Which plans there
//! are is in `power.rs` and `removal.rs`.

use crate::callback::Callback;
use crate::device::DeviceState;
use crate::effect::Effect;
use crate::ids::{CallbackId, DeviceId};
use crate::power::PowerState;
use crate::scheduler::Step;
use crate::status::HResult;
use crate::trace::TraceKind;

use super::StackState;
use super::core::{BlockedCallback, Core, Sequel};
use super::dispatch::Invocation;
use super::phase::Phase;

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

    /// Whether any device runs a phase, or has one planned.
    pub(crate) fn is_moving(&self) -> bool {
        !self.plan.is_empty() || self.devices.values().any(|device| device.phase.is_some())
    }

    /// The started devices, highest first: upper drivers in order of arrival, then L1 downwards.
    pub(crate) fn falling(&self) -> Vec<DeviceId> {
        let started = |id: &DeviceId| self.devices[*id].state == DeviceState::Started;
        self.uppers.iter().chain(&self.layers).copied().filter(started).collect()
    }

    /// Plans `phase` for every started device, highest first.
    pub(crate) fn plan_falling(&mut self, phase: Phase) {
        let falling = self.falling();
        self.plan.extend(falling.into_iter().map(|device| (device, phase)));
    }

    /// Plans `phase` for every started device, lowest first.
    pub(crate) fn plan_rising(&mut self, phase: Phase) {
        let started = |id: &DeviceId| self.devices[*id].state == DeviceState::Started;
        let rising: Vec<DeviceId> = self.layers.iter().rev().chain(&self.uppers).copied().filter(started).collect();
        self.plan.extend(rising.into_iter().map(|device| (device, phase)));
    }

    /// Begins the next phase of the plan, or ends the transition.
    pub(crate) fn plan_next(&mut self) {
        match self.plan.front() {
            Some((_, Phase::Remove)) if self.waits_for_applications() => {} // PNP-12
            Some((device, phase)) => self.begin_phase(*device, *phase),
            None if self.state == StackState::Removing => self.removed(),
            None => {
                if self.state == StackState::Starting {
                    self.state = StackState::Started;
                }
                self.begin_wanted_removal();
            }
        }
    }

    fn begin_phase(&mut self, device: DeviceId, phase: Phase) {
        let entry = &mut self.devices[device];
        entry.state = phase.state(entry.state);
        entry.phase = Some(phase);
        let owed = entry.owed.filter(|_| phase == Phase::Remove);
        entry.pnp = owed.unwrap_or_else(|| phase.callbacks(entry.power)).iter().copied().collect();
        self.watch(device);
        self.run_queue.push(Step::Pnp(device));
    }

    /// An upper driver arrived on a stack that runs: its own two phases, beside any plan.
    pub(crate) fn start_late_upper(&mut self, upper: DeviceId) {
        self.begin_phase(upper, Phase::Add);
    }

    /// The next PnP callback of a device, or the end of its phase.
    pub(crate) fn pnp(&mut self, device: DeviceId) -> Option<Invocation> {
        loop {
            let Some(callback) = self.devices.get(device)?.pnp.front().copied() else {
                self.phase_ended(device);
                return None;
            };
            let power = self.power_argument(device, callback);
            if !self.prepare_for(device, callback) {
                return None;
            }
            let entry = &mut self.devices[device];
            entry.pnp.pop_front();
            if !entry.callbacks.contains(callback) || entry.upper().is_some_and(|upper| upper.lost) {
                continue;
            }
            self.note(device, TraceKind::PnpEnter(callback)).record();
            if self.devices[device].upper().is_some() {
                self.invoke_upper(device, callback, power);
                return None;
            }
            return Some(Invocation::Pnp { device, callback });
        }
    }

    /// What the framework does just before a callback, whether the driver implements it or not (PNP-2, PNP-3). False
    /// when the callback has to wait.
    fn prepare_for(&mut self, device: DeviceId, callback: Callback) -> bool {
        match callback {
            Callback::OnSelfManagedIoInit | Callback::OnSelfManagedIoRestart => self.start_power_managed(device),
            Callback::OnD0Exit => self.stop_power_managed(device),
            Callback::OnSelfManagedIoFlush => self.purge_queues(device, true),
            Callback::OnSelfManagedIoCleanup => self.purge_queues(device, false),
            _ => true,
        }
    }

    /// The previous state for `OnD0Entry`, the target for `OnD0Exit` (PNP-16).
    fn power_argument(&self, device: DeviceId, callback: Callback) -> Option<PowerState> {
        match callback {
            Callback::OnD0Entry => Some(self.devices[device].power),
            Callback::OnD0Exit => self.devices[device].phase.map(Phase::target),
            _ => None,
        }
    }

    pub(crate) fn invoke_upper(&mut self, upper: DeviceId, kind: Callback, power: Option<PowerState>) {
        let blocked =
            BlockedCallback { device: upper, callback: kind, sequel: Sequel::Nothing, holds_lock: false, send: None };
        let callback: CallbackId = self.callbacks.insert(blocked);
        self.effects.push(Effect::InvokeCallback { upper, callback, kind, power });
    }

    /// A PnP callback has returned.
    pub(crate) fn pnp_returned(&mut self, device: DeviceId, callback: Callback, result: Result<(), HResult>) {
        let status = result.err().unwrap_or(HResult::S_OK);
        self.note(device, TraceKind::PnpLeave(callback)).status(status).record();
        match (result, callback) {
            (_, Callback::OnSurpriseRemoval) => return self.surprise_returned(device),
            (Ok(()), _) => {}
            (Err(status), Callback::OnQueryRemove | Callback::OnQueryStop) => return self.veto(device, status),
            (Err(_), _) => {
                let owed = self.devices[device].phase.and_then(|phase| phase.owed_after(callback));
                if let Some(owed) = owed {
                    return self.device_failed(device, owed);
                }
            }
        }
        self.run_queue.push(Step::Pnp(device));
    }

    /// PNP-6: nothing else happens.
    fn veto(&mut self, device: DeviceId, status: HResult) {
        let entry = &mut self.devices[device];
        entry.phase = None;
        let level = entry.level;
        self.plan.clear();
        self.state = StackState::Started;
        self.effects.push(Effect::ReportVeto { level, status });
        self.begin_wanted_removal();
    }

    /// PNP-8: a device that failed goes, with what is still `owed` to it, and with it the stack, highest first. An
    /// upper driver that fails on a started stack goes alone: the other sessions live on.
    fn device_failed(&mut self, device: DeviceId, owed: &'static [Callback]) {
        let alone = self.state == StackState::Started && self.devices[device].upper().is_some();
        let is_up = |core: &Core, id: DeviceId| id == device || core.devices[id].state == DeviceState::Started;
        self.devices[device].owed = Some(owed);
        if alone {
            let was_next = self.plan.front().is_some_and(|(next, _)| *next == device);
            self.plan.retain(|(planned, _)| *planned != device);
            if was_next {
                self.plan.push_front((device, Phase::Remove));
            }
            return self.begin_phase(device, Phase::Remove);
        }
        let falling: Vec<DeviceId> =
            self.uppers.iter().chain(&self.layers).copied().filter(|id| is_up(self, *id)).collect();
        let entry = &mut self.devices[device];
        (entry.phase, entry.state) = (None, DeviceState::Removing);
        entry.pnp.clear();
        self.state = StackState::Removing;
        self.plan = falling.into_iter().map(|id| (id, Phase::Remove)).collect();
        self.plan_next();
    }

    fn phase_ended(&mut self, device: DeviceId) {
        let Some(phase) = self.devices[device].phase else { return };
        match phase {
            Phase::Start => self.devices[device].state = DeviceState::Started,
            Phase::Remove if !self.finish_removal(device) => return,
            _ => {}
        }
        self.devices[device].phase = None;
        if self.plan.front() == Some(&(device, phase)) {
            self.plan.pop_front();
            self.plan_next();
        } else if phase == Phase::Add {
            self.begin_phase(device, Phase::Start);
        } else if self.plan.is_empty() {
            self.begin_wanted_removal();
        }
    }

    /// A device that is gone has no part in the plan any more.
    pub(crate) fn leave_plan(&mut self, device: DeviceId) {
        let was_next = self.plan.front().is_some_and(|(next, _)| *next == device);
        self.plan.retain(|(planned, _)| *planned != device);
        if was_next {
            self.plan_next();
        } else if self.plan.is_empty() {
            self.begin_wanted_removal();
        }
    }
}
