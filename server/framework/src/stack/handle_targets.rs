//! The life of file-handle targets: made on a handle of the host, children of their device (FHT-2, FHT-22).
//!
//! A target goes when its driver deletes it or with its device; either way what it holds is cancelled and waited for.
//! Its handle stays as it is (FHT-22): one that outlives the device is listed as leaked (STOP-10), one that is closed
//! before its target is a finding (FHT-20).

use crate::clock::Now;
use crate::handle::{Aim, HandleClosing, HandleFacts, HandleId, LeakedHandle, TargetFile};
use crate::ids::{CallId, DeviceId, RequestId, TargetId};
use crate::io::{FormatIo, IoParameters, SendOptions};
use crate::rule::Rule;
use crate::status::HResult;
use crate::target::{TargetCall, TargetEvent, TargetRef};
use crate::trace::{Call, TraceKind};

use super::Stack;
use super::core::Core;

impl Stack {
    /// The host has opened a handle for the drivers of this stack. Its number was never used before.
    pub fn handle_opened(&mut self, handle: HandleId, facts: HandleFacts) {
        self.core.handles.opened(handle, facts);
    }

    /// A handle was closed. Operations that the host has on it are still answered, each once (FHT-20).
    pub fn handle_closed(&mut self, now: Now, handle: HandleId, closing: HandleClosing) {
        self.core.now = now;
        self.core.handle_closed(handle, closing);
    }

    /// `CreateFileHandleTarget` (FHT-2).
    ///
    /// # Errors
    /// Those of FHT-3 and FHT-5, `E_OUTOFMEMORY` beyond [`crate::handle::HANDLE_TARGETS_MAX`], and
    /// `STATUS_INVALID_DEVICE_STATE` for an upper driver that is gone.
    pub fn handle_target_requested(
        &mut self,
        now: Now,
        upper: DeviceId,
        handle: HandleId,
    ) -> Result<TargetId, HResult> {
        if self.alive(now, upper) {
            self.core.create_handle_target(upper, handle)
        } else {
            Err(HResult::STATUS_INVALID_DEVICE_STATE)
        }
    }

    /// `GetTargetFile` (TGT-4): None is NULL, and so is the default target's.
    pub fn target_file(&self, upper: DeviceId, target: Option<TargetId>) -> Option<TargetFile> {
        self.core.target_file(upper, target)
    }

    /// `FormatRequestForRead`, `…Write`, `…Ioctl` on a file-handle target; `file` replaces its handle (FHT-7).
    pub fn handle_format_requested(
        &mut self,
        upper: DeviceId,
        request: RequestId,
        target: TargetId,
        file: Option<TargetFile>,
        io: FormatIo,
    ) -> HResult {
        if self.core.is_dead() {
            HResult::STATUS_INVALID_DEVICE_STATE
        } else {
            self.core.format_for_handle(upper, request, target, file, io)
        }
    }

    /// `Send` to a target; None is the default one. As [`Stack::send_requested`].
    pub fn send_to_requested(
        &mut self,
        now: Now,
        upper: DeviceId,
        request: RequestId,
        target: Option<TargetId>,
        options: SendOptions,
    ) -> HResult {
        if self.alive(now, upper) {
            self.core.send_request(upper, request, target, options)
        } else {
            HResult::STATUS_INVALID_DEVICE_STATE
        }
    }

    /// `CancelSentRequestsForFile` on a file-handle target: of what was sent through it, that on the handle for which `file`
    /// stands (TGT-33, FHT-7).
    pub fn cancel_for_target_file_requested(&mut self, now: Now, upper: DeviceId, target: TargetId, file: TargetFile) {
        if self.alive(now, upper) {
            self.core.cancel_sent_requests_for_target_file(upper, target, file);
        }
    }

    /// `DeleteWdfObject` of a target: what Remove does, and then the object goes (FHT-21). The default target is the
    /// framework's (OBJ-4). Returns through `ReturnCall`.
    pub fn target_delete_requested(&mut self, now: Now, upper: DeviceId, target: Option<TargetId>, call: CallId) {
        self.change_target(now, upper, target, call, TargetCall::Delete);
    }
}

impl Core {
    pub(crate) fn create_handle_target(&mut self, device: DeviceId, handle: HandleId) -> Result<TargetId, HResult> {
        let created = self.handles.create_target(device, handle);
        let status = created.err().unwrap_or(HResult::S_OK);
        self.note(device, TraceKind::Call(Call::CreateFileHandleTarget)).status(status).record();
        created
    }

    pub(crate) fn target_file(&self, device: DeviceId, target: Option<TargetId>) -> Option<TargetFile> {
        target.filter(|target| self.handles.own(device, *target).is_some()).map(TargetFile)
    }

    /// A Format call on a file-handle target.
    pub(crate) fn format_for_handle(
        &mut self,
        creator: DeviceId,
        request: RequestId,
        target: TargetId,
        file: Option<TargetFile>,
        io: FormatIo,
    ) -> HResult {
        let aim = self.aim_at_handle(creator, target, file);
        let checked = aim.and_then(|aim| IoParameters::try_from(io).map(|parameters| (parameters, aim)));
        self.formatted(creator, request, None, checked)
    }

    /// Which handle a Format call on `target` with `pFile` means (FHT-7, FHT-8).
    ///
    /// # Errors
    /// `STATUS_INVALID_DEVICE_STATE` for a target that takes nothing any more or was deleted (TGT-14), `E_INVALIDARG` for
    /// another device's, and for a file that is of no target of this one.
    pub(super) fn aim_at_handle(
        &self,
        device: DeviceId,
        target: TargetId,
        file: Option<TargetFile>,
    ) -> Result<Aim, HResult> {
        let owned = match self.handles.targets.get(target) {
            None => return Err(HResult::STATUS_INVALID_DEVICE_STATE),
            Some(owned) if owned.device != device => return Err(HResult::E_INVALIDARG),
            Some(owned) => owned,
        };
        if !owned.target.state.accepts() {
            return Err(HResult::STATUS_INVALID_DEVICE_STATE);
        }
        let handle = match file {
            None => owned.handle,
            Some(TargetFile(bound)) => self.handles.own(device, bound).ok_or(HResult::E_INVALIDARG)?.handle,
        };
        Ok(Aim::Handle { target, handle })
    }

    fn handle_closed(&mut self, handle: HandleId, closing: HandleClosing) {
        self.handles.closed(handle, closing);
        if self.is_dead() {
            return; // who had a target on it is gone
        }
        let bereft: Vec<DeviceId> = self
            .handles
            .targets
            .values()
            .filter(|target| target.handle == handle)
            .map(|target| target.device)
            .collect();
        for device in bereft {
            self.finding(device, Rule::Fht20, None, None);
        }
    }

    /// A target that holds nothing any more goes. Calls that came after its deletion return.
    pub(super) fn forget_handle_target(&mut self, target: TargetId) {
        let Some(gone) = self.handles.targets.remove(target) else { return };
        for (call, change) in gone.target.calls {
            self.target_call_returned(gone.device, call, change, change.on_no_target());
        }
    }

    /// The device goes, and its targets with it (FHT-22). False as long as the host has operations of theirs; each that
    /// ends asks again ([`Core::host_hop_ended`]).
    pub(crate) fn delete_handle_targets(&mut self, device: DeviceId) -> bool {
        let targets: Vec<TargetId> = self.handles.of_device(device).collect();
        let mut all_empty = true;
        for target in &targets {
            let at = TargetRef { device, handle: Some(*target) };
            self.clear_target(at, TargetEvent::Remove);
            all_empty &= self.target(at).is_none_or(|target| target.is_empty());
        }
        if all_empty {
            for target in targets {
                self.report_leak(target);
                self.forget_handle_target(target);
            }
        }
        all_empty
    }

    /// STOP-10: a handle that nobody is left to close.
    fn report_leak(&mut self, target: TargetId) {
        let (device, handle) = match self.handles.targets.get(target) {
            Some(target) if self.handles.is_open(target.handle) => (target.device, target.handle),
            _ => return,
        };
        if self.handles.leaked().any(|leaked| leaked.handle == handle) {
            return; // two targets on one handle
        }
        let owner = &self.devices[device];
        self.handles.leak(LeakedHandle { level: owner.level, driver: owner.name.clone(), handle });
        self.finding(device, Rule::Stop10, None, None);
    }

    /// A request to a handle has ended: a removal of its device may have waited for that.
    pub(crate) fn host_hop_ended(&mut self, device: DeviceId) {
        self.forget_upper_if_done(device);
        self.removal_goes_on(device);
    }
}
