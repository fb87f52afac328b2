//! What an upper driver (L0) can do: the events of its life, each a method with the time as its argument.
//!
//! A method answers at once with what UMDF's own method returns. What comes later (completions, calls that
//! block, callbacks) comes as effects. A stopped or removed stack answers harmlessly.

use std::sync::Arc;

use crate::callback::CallbackSet;
use crate::clock::Now;
use crate::device::{Device, DeviceState, Role, Upper};
use crate::effect::CallResult;
use crate::ids::{CallId, CallbackId, DeviceId, FileId, Level, RequestId, TargetId};
use crate::io::{FormatIo, IoParameters, SendOptions};
use crate::power::{PowerState, SurpriseNotice};
use crate::request::RequestView;
use crate::status::HResult;
use crate::target::{SentIoAction, Target, TargetCall, TargetRef, TargetState};

use super::cancel::CancelAnswer;
use super::dispatch::as_result;
use super::{Stack, StackState};

/// An upper driver about to attach.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UpperConfig {
    /// The host's own number for it; in traces and reports.
    pub tag: u64,
    /// Its own PnP callbacks that it answers itself; the others succeed at once.
    pub callbacks: CallbackSet,
}

impl Stack {
    /// An upper driver attaches above L1. Before `start` it takes part in the stack's start; on a started stack
    /// its own start runs at once.
    pub fn upper_attached(&mut self, now: Now, config: UpperConfig) -> DeviceId {
        self.attach(now, config, false)
    }

    /// An application opens the stack. Its files go through what an upper driver's go through (OBJ-10, CLS-24); only
    /// its requests say that no driver made them (REQ-45). It has no PnP callbacks.
    pub fn application_attached(&mut self, now: Now, tag: u64) -> DeviceId {
        self.attach(now, UpperConfig { tag, callbacks: CallbackSet::EMPTY }, true)
    }

    fn attach(&mut self, now: Now, config: UpperConfig, is_application: bool) -> DeviceId {
        self.core.now = now;
        let upper = self.core.devices.insert(Device {
            level: Level(0),
            name: "upper".to_owned(),
            lower: self.core.layers.first().copied(),
            state: DeviceState::Added,
            target: Target::new(),
            callbacks: config.callbacks,
            phase: None,
            pnp: Default::default(),
            power: PowerState::D3Final,
            waits: None,
            suspended: 0,
            progress: 0,
            notice: SurpriseNotice::Idle,
            owed: None,
            failed_uncommitted: false,
            open_files: 0,
            next_request: 0,
            role: Role::Upper(Upper { tag: config.tag, is_application, lost: false, leaving: false }),
        });
        self.core.uppers.push(upper);
        if matches!(self.core.state, StackState::Started | StackState::Starting) {
            self.core.start_late_upper(upper);
        }
        upper
    }

    /// Its client died (MAP-6).
    pub fn upper_lost(&mut self, now: Now, upper: DeviceId) {
        self.departs(now, upper, true);
    }

    /// Its session ended in order; files left open are findings and are closed on its behalf (CLS-16).
    pub fn upper_left(&mut self, now: Now, upper: DeviceId) {
        self.departs(now, upper, false);
    }

    fn departs(&mut self, now: Now, upper: DeviceId, lost: bool) {
        self.core.now = now;
        if self.core.is_dead() {
            if let Some(device) = self.core.devices.get_mut(upper) {
                device.open_files = 0;
            }
            self.core.effects.push(crate::effect::Effect::ForgetUpper { upper });
        } else {
            self.core.upper_departs(upper, lost);
        }
    }

    /// `CreateWdfFile`. `number` names the create in traces, `file_tag` the file in effects. Returns through
    /// `ReturnCall` (FILE-9).
    pub fn create_requested(
        &mut self,
        now: Now,
        upper: DeviceId,
        number: u64,
        file_tag: u128,
        name: Option<&str>,
        call: CallId,
    ) {
        if self.alive(now, upper) {
            self.core.create_wdf_file(upper, file_tag, Some(number), name, call);
        } else {
            let result = CallResult::WdfFileCreated(Err(HResult::STATUS_INVALID_DEVICE_STATE));
            self.core.return_call(upper, call, result);
        }
    }

    /// `IWDFDriverCreatedFile::Close`. Returns through `ReturnCall` (CLS-13).
    pub fn close_requested(&mut self, now: Now, upper: DeviceId, file: FileId, call: CallId) {
        if self.alive(now, upper) {
            self.core.close_file(upper, file, call);
        } else {
            if let Some(device) = self.core.devices.get_mut(upper) {
                device.open_files = device.open_files.saturating_sub(1); // an application's handle (PNP-12)
            }
            self.core.return_call(upper, call, CallResult::Closed);
        }
    }

    /// `CreateRequest` and `SetCompletionCallback` (REQ-1, REQ-5).
    pub fn request_created(&mut self, upper: DeviceId, number: u64, callback: bool) -> RequestId {
        self.core.create_request(upper, Some(number), callback)
    }

    /// `FormatRequestForRead`, `…Write`, `…Ioctl` on the default target.
    pub fn format_requested(
        &mut self,
        upper: DeviceId,
        request: RequestId,
        file: Option<FileId>,
        io: FormatIo,
    ) -> HResult {
        if self.core.is_dead() {
            HResult::STATUS_INVALID_DEVICE_STATE
        } else {
            self.core.format_request(upper, request, file, io)
        }
    }

    /// What a request was last formatted for; None for one that is not formatted.
    pub fn request_parameters(&self, request: RequestId) -> Option<&Arc<IoParameters>> {
        self.core.requests.get(request).and_then(|request| request.io.as_ref())
    }

    /// `Send`. `S_OK`: one completion will follow; anything else: none will (REQ-7).
    pub fn send_requested(&mut self, now: Now, upper: DeviceId, request: RequestId, options: SendOptions) -> HResult {
        if self.alive(now, upper) {
            self.core.send_request(upper, request, None, options)
        } else {
            HResult::STATUS_INVALID_DEVICE_STATE
        }
    }

    /// `Reuse` (REQ-41), then `SetCompletionCallback` when `callback`.
    pub fn reuse_requested(&mut self, upper: DeviceId, request: RequestId, status: HResult, callback: bool) -> HResult {
        self.core.reuse_request(upper, request, status, callback)
    }

    /// `DeleteWdfObject` of a request (REQ-4).
    pub fn delete_requested(&mut self, upper: DeviceId, request: RequestId) -> HResult {
        self.core.delete_request(upper, request)
    }

    /// `DeleteWdfObject` of a file, which is no way to end one (CLS-16, OBJ-4).
    pub fn file_delete_requested(&self, upper: DeviceId, file: FileId) -> HResult {
        self.core.delete_file(upper, file)
    }

    /// `CancelSentRequest` (REQ-27).
    pub fn cancel_requested(&mut self, now: Now, upper: DeviceId, request: RequestId) -> CancelAnswer {
        if self.alive(now, upper) {
            self.core.cancel_sent_request(upper, request)
        } else {
            CancelAnswer::AlreadyCompleted
        }
    }

    /// `CancelSentRequestsForFile` (TGT-33).
    pub fn cancel_for_file_requested(&mut self, now: Now, upper: DeviceId, file: FileId) {
        if self.alive(now, upper) {
            self.core.cancel_sent_requests_for_file(upper, file);
        }
    }

    /// Whether a request exists: it was created and not deleted.
    pub fn has_request(&self, request: RequestId) -> bool {
        self.core.has_request(request)
    }

    /// `GetStatus`, `GetType` and `GetCompletionParams` of a request; None for one that was deleted.
    pub fn request_view(&self, request: RequestId) -> Option<RequestView> {
        self.core.request_view(request)
    }

    /// `GetState` of a target; None is the default one (TGT-32). Closed for an upper driver that is gone, Deleted for a
    /// target that is.
    pub fn target_state(&self, upper: DeviceId, target: Option<TargetId>) -> TargetState {
        let gone = if target.is_some() { TargetState::Deleted } else { TargetState::Closed };
        self.core.target(TargetRef { device: upper, handle: target }).map_or(gone, |target| target.state)
    }

    /// `Start` (TGT-20). Returns through `ReturnCall`.
    pub fn target_start_requested(&mut self, now: Now, upper: DeviceId, target: Option<TargetId>, call: CallId) {
        self.change_target(now, upper, target, call, TargetCall::Start);
    }

    /// `Stop` (TGT-24); without an action it was out of range, which changes nothing (TGT-23). Inside the `OnCompletion`
    /// of a request, waiting for sent I/O is a finding (TGT-26). Returns through `ReturnCall`, when what the action waits
    /// for has happened.
    pub fn target_stop_requested(
        &mut self,
        now: Now,
        upper: DeviceId,
        target: Option<TargetId>,
        action: Option<SentIoAction>,
        inside: Option<RequestId>,
        call: CallId,
    ) {
        let at = TargetRef { device: upper, handle: target };
        if !self.alive(now, upper) {
            self.core.return_call(upper, call, CallResult::TargetChanged(HResult::S_OK)); // TGT-23
        } else if inside.is_some() {
            self.core.stop_target_inside_callback(at, call, action, inside);
        } else {
            self.core.stop_target(at, call, action);
        }
    }

    /// `Remove` (TGT-29). Returns through `ReturnCall`.
    pub fn target_remove_requested(&mut self, now: Now, upper: DeviceId, target: Option<TargetId>, call: CallId) {
        self.change_target(now, upper, target, call, TargetCall::Remove);
    }

    pub(super) fn change_target(
        &mut self,
        now: Now,
        upper: DeviceId,
        target: Option<TargetId>,
        call: CallId,
        change: TargetCall,
    ) {
        if self.alive(now, upper) {
            self.core.change_target(TargetRef { device: upper, handle: target }, call, change);
        } else {
            self.core.return_call(upper, call, CallResult::TargetChanged(change.on_no_target()));
        }
    }

    /// An upper driver returns from a callback it was invoked for. False when that invocation is not its, or
    /// has returned already.
    pub fn callback_returned(&mut self, now: Now, upper: DeviceId, callback: CallbackId, result: HResult) -> bool {
        self.core.now = now;
        let own = self.core.callbacks.get(callback).is_some_and(|blocked| blocked.device == upper);
        own && self.core.return_from_callback(callback, as_result(result))
    }

    /// Takes the time in; whether the stack still runs and the upper driver is attached.
    pub(super) fn alive(&mut self, now: Now, upper: DeviceId) -> bool {
        self.core.now = now;
        !self.core.is_dead() && self.core.devices.contains_key(upper)
    }
}
