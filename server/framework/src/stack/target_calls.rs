//! Start, Stop, Remove and deletion of a target (TGT-20 to TGT-30), one at a time per target (TGT-28).

use crate::effect::CallResult;
use crate::ids::{CallId, DeviceId, RequestId};
use crate::rule::Rule;
use crate::scheduler::Step;
use crate::status::HResult;
use crate::target::{SentIoAction, Target, TargetCall, TargetEvent, TargetRef};
use crate::trace::{Call, TraceKind};

use super::core::Core;

impl TargetCall {
    fn traced(self) -> Call {
        match self {
            TargetCall::Start => Call::Start,
            TargetCall::Stop(_) => Call::Stop,
            TargetCall::Remove => Call::Remove,
            TargetCall::Delete => Call::DeleteTarget,
        }
    }

    /// How it returns where no such target is any more: a Start is refused (TGT-20), Stop and Remove always succeed
    /// (TGT-23, TGT-29).
    pub(crate) fn on_no_target(self) -> HResult {
        match self {
            TargetCall::Start => HResult::STATUS_INVALID_DEVICE_STATE,
            TargetCall::Stop(_) | TargetCall::Remove => HResult::S_OK,
            TargetCall::Delete => HResult::E_INVALIDARG,
        }
    }
}

impl Core {
    /// The target `at`; None when it was deleted, or its device is gone.
    pub(crate) fn target(&self, at: TargetRef) -> Option<&Target> {
        match at.handle {
            None => self.devices.get(at.device).map(|device| &device.target),
            Some(id) => self.handles.own(at.device, id).map(|owned| &owned.target),
        }
    }

    fn target_mut(&mut self, at: TargetRef) -> Option<&mut Target> {
        Target::of(&mut self.devices, &mut self.handles, at)
    }

    /// Takes a state change in; it begins when those before it have returned.
    pub(crate) fn change_target(&mut self, at: TargetRef, call: CallId, change: TargetCall) {
        self.note(at.device, TraceKind::Call(change.traced())).record();
        match self.target_mut(at) {
            None => self.target_call_returned(at.device, call, change, change.on_no_target()),
            Some(_) if change == TargetCall::Delete && at.handle.is_none() => {
                self.target_call_returned(at.device, call, change, HResult::ERROR_ACCESS_DENIED); // OBJ-4
            }
            Some(target) => {
                target.calls.push_back((call, change));
                if target.calls.len() == 1 {
                    self.begin_target_call(at);
                }
            }
        }
    }

    /// `Stop`; None is an action out of range, which changes nothing and succeeds all the same (TGT-23).
    pub(crate) fn stop_target(&mut self, at: TargetRef, call: CallId, action: Option<SentIoAction>) {
        match action {
            Some(action) => self.change_target(at, call, TargetCall::Stop(action)),
            None => {
                self.note(at.device, TraceKind::Call(Call::Stop)).record();
                let nothing = TargetCall::Stop(SentIoAction::LeavePending);
                self.target_call_returned(at.device, call, nothing, HResult::S_OK);
            }
        }
    }

    /// `Stop` inside a request handler or an `OnCompletion`, where waiting for sent I/O would be waiting for oneself:
    /// a finding, and what is in flight stays so (TGT-26).
    pub(crate) fn stop_target_inside_callback(
        &mut self,
        at: TargetRef,
        call: CallId,
        action: Option<SentIoAction>,
        completed: Option<RequestId>,
    ) {
        let waits =
            action == Some(SentIoAction::WaitForCompletion) && self.target(at).is_some_and(|target| target.awaited > 0);
        if waits {
            self.finding(at.device, Rule::Tgt26, None, completed);
        }
        let action = if waits { Some(SentIoAction::LeavePending) } else { action };
        self.stop_target(at, call, action);
    }

    fn begin_target_call(&mut self, at: TargetRef) {
        let Some(target) = Target::of(&mut self.devices, &mut self.handles, at) else { return };
        let Some((_, change)) = target.calls.front().copied() else { return };
        match change {
            TargetCall::Start => {
                let started = target.state.step(TargetEvent::Start);
                let drains = started && !target.pended.is_empty();
                if drains {
                    self.run_queue.push(Step::Release(at));
                }
                let status = if started { HResult::S_OK } else { HResult::STATUS_INVALID_DEVICE_STATE };
                return self.end_target_call(at, status);
            }
            TargetCall::Stop(action) => {
                target.state.step(TargetEvent::Stop);
                if action == SentIoAction::Cancel {
                    self.cancel_in_flight(at, false);
                }
            }
            TargetCall::Remove | TargetCall::Delete => self.clear_target(at, TargetEvent::Remove),
        }
        self.settle_target(at);
    }

    /// The target delivers nothing any more: what it holds back completes cancelled, what is in flight is asked to
    /// (TGT-29, TGT-30).
    pub(crate) fn clear_target(&mut self, at: TargetRef, event: TargetEvent) {
        let Some(target) = Target::of(&mut self.devices, &mut self.handles, at) else { return };
        target.state.step(event);
        for id in target.pended.members(&self.received) {
            self.complete_by_framework(id, HResult::ERROR_OPERATION_ABORTED);
        }
        self.cancel_in_flight(at, true);
    }

    /// Lets the call under way return when what it waits for has happened.
    pub(crate) fn settle_target(&mut self, at: TargetRef) {
        let Some(target) = self.target(at) else { return };
        let Some((_, change)) = target.calls.front() else { return };
        let done = match change {
            TargetCall::Start => false, // returns at once, never waits
            TargetCall::Stop(SentIoAction::LeavePending) => true,
            TargetCall::Stop(_) => target.awaited == 0,
            TargetCall::Remove | TargetCall::Delete => target.is_empty(),
        };
        if done {
            self.end_target_call(at, HResult::S_OK);
        }
    }

    fn end_target_call(&mut self, at: TargetRef, status: HResult) {
        let Some((call, change)) = self.target_mut(at).and_then(|target| target.calls.pop_front()) else { return };
        self.target_call_returned(at.device, call, change, status);
        match (change, at.handle) {
            (TargetCall::Delete, Some(target)) => self.forget_handle_target(target),
            _ => self.begin_target_call(at),
        }
    }

    pub(crate) fn target_call_returned(&mut self, device: DeviceId, call: CallId, change: TargetCall, status: HResult) {
        self.note(device, TraceKind::CallReturned(change.traced())).status(status).record();
        self.return_call(device, call, CallResult::TargetChanged(status));
    }

    /// The device was removed: its local target closes, with what it still holds (TGT-31).
    pub(crate) fn close_target_of_removed(&mut self, device: DeviceId) {
        self.clear_target(TargetRef::default_of(device), TargetEvent::DeviceRemoved);
    }
}
