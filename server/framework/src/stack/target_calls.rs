//! Start, Stop and Remove of a default target (TGT-20 to TGT-30), one at a time per target (TGT-28).

use crate::effect::CallResult;
use crate::ids::{CallId, DeviceId};
use crate::scheduler::Step;
use crate::status::HResult;
use crate::target::{SentIoAction, TargetCall, TargetEvent};
use crate::trace::{Call, TraceKind};

use super::core::Core;

impl TargetCall {
    fn traced(self) -> Call {
        match self {
            TargetCall::Start => Call::Start,
            TargetCall::Stop(_) => Call::Stop,
            TargetCall::Remove => Call::Remove,
        }
    }
}

impl Core {
    /// Takes a state change in; it begins when those before it have returned.
    pub(crate) fn change_target(&mut self, device: DeviceId, call: CallId, change: TargetCall) {
        self.note(device, TraceKind::Call(change.traced())).record();
        let calls = &mut self.devices[device].target.calls;
        calls.push_back((call, change));
        if calls.len() == 1 {
            self.begin_target_call(device);
        }
    }

    fn begin_target_call(&mut self, device: DeviceId) {
        let Some((_, change)) = self.devices[device].target.calls.front().copied() else { return };
        let target = &mut self.devices[device].target;
        match change {
            TargetCall::Start => {
                let started = target.state.step(TargetEvent::Start);
                let drains = started && !target.pended.is_empty();
                if drains {
                    self.run_queue.push(Step::Release(device));
                }
                let status = if started { HResult::S_OK } else { HResult::STATUS_INVALID_DEVICE_STATE };
                return self.end_target_call(device, status);
            }
            TargetCall::Stop(action) => {
                target.state.step(TargetEvent::Stop);
                if action == SentIoAction::Cancel {
                    self.cancel_in_flight(device, false);
                }
            }
            TargetCall::Remove => {
                target.state.step(TargetEvent::Remove);
                self.sweep_pended(device);
                self.cancel_in_flight(device, true);
            }
        }
        self.settle_target(device);
    }

    /// Pended requests of a target that will deliver nothing any more complete cancelled (TGT-30).
    pub(crate) fn sweep_pended(&mut self, device: DeviceId) {
        let pended = self.devices[device].target.pended.members(&self.received);
        for id in pended {
            self.complete_by_framework(id, HResult::ERROR_OPERATION_ABORTED);
        }
    }

    /// Lets the call under way return when what it waits for has happened.
    pub(crate) fn settle_target(&mut self, device: DeviceId) {
        let Some(target) = self.devices.get(device).map(|device| &device.target) else { return };
        let Some((_, change)) = target.calls.front() else { return };
        let done = match change {
            TargetCall::Start => false, // returns at once, never waits
            TargetCall::Stop(SentIoAction::LeavePending) => true,
            TargetCall::Stop(_) => target.awaited == 0,
            TargetCall::Remove => target.in_flight.is_empty() && target.pended.is_empty(),
        };
        if done {
            self.end_target_call(device, HResult::S_OK);
        }
    }

    fn end_target_call(&mut self, device: DeviceId, status: HResult) {
        let Some((call, change)) = self.devices[device].target.calls.pop_front() else { return };
        self.note(device, TraceKind::CallReturned(change.traced())).status(status).record();
        self.return_call(device, call, CallResult::TargetChanged(status));
        self.begin_target_call(device);
    }

    /// The device was removed: its local target closes, with what it still holds (TGT-31).
    pub(crate) fn close_target_of_removed(&mut self, device: DeviceId) {
        self.devices[device].target.state.step(TargetEvent::DeviceRemoved);
        self.sweep_pended(device);
        self.cancel_in_flight(device, true);
    }
}
