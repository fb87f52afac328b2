//! What a hosted driver does with its I/O targets: the default one, and those it makes on handles of the host (FHT).
//!
//! The other methods of [`DriverContext`] are in `context.rs`. Where a target is named, None is the default one. Calls
//! that wait on Windows return through `on_call_returned` with `DriverCallResult::TargetChanged`.

use crate::context::{DriverContext, HandleForward};
use crate::handle::{HandleId, TargetFile};
use crate::ids::{CallId, RequestId, TargetId};
use crate::io::{FormatIo, SendOptions};
use crate::received::OwnedRequest;
use crate::status::HResult;
use crate::target::{SentIoAction, TargetCall, TargetRef, TargetState};

impl DriverContext<'_> {
    /// `CreateFileHandleTarget` (FHT-2).
    ///
    /// # Errors
    /// `ERROR_BAD_CONFIGURATION` without the dispatcher (FHT-5), `ERROR_INVALID_HANDLE` for a handle that is not open
    /// and `E_INVALIDARG` for a synchronous one (FHT-3), `E_OUTOFMEMORY` beyond
    /// [`crate::handle::HANDLE_TARGETS_MAX`].
    pub fn create_file_handle_target(&mut self, handle: HandleId) -> Result<TargetId, HResult> {
        self.core.create_handle_target(self.device, handle)
    }

    /// `GetTargetFile` (TGT-4); the default target has none.
    pub fn target_file(&self, target: Option<TargetId>) -> Option<TargetFile> {
        self.core.target_file(self.device, target)
    }

    /// `GetState` (TGT-32); Deleted for a target that is not this driver's, or is gone.
    pub fn target_state(&self, target: Option<TargetId>) -> TargetState {
        self.core.target(self.named(target)).map_or(TargetState::Deleted, |target| target.state)
    }

    /// `Start` (TGT-20).
    pub fn start_target(&mut self, target: Option<TargetId>) -> CallId {
        self.change_target(target, TargetCall::Start)
    }

    /// `Stop` (TGT-24). None is an action out of range, which changes nothing (TGT-23). To wait for sent I/O in a
    /// request callback is a finding, and the call returns at once (TGT-26).
    pub fn stop_target(&mut self, target: Option<TargetId>, action: Option<SentIoAction>) -> CallId {
        let (at, call) = (self.named(target), self.core.next_call());
        if self.callback.handles_requests() {
            self.core.stop_target_inside_callback(at, call, action, None);
        } else {
            self.core.stop_target(at, call, action);
        }
        call
    }

    /// `Remove` (TGT-29).
    pub fn remove_target(&mut self, target: Option<TargetId>) -> CallId {
        self.change_target(target, TargetCall::Remove)
    }

    /// `DeleteWdfObject` of a target: what Remove does, and then the object goes (FHT-21). The default target is the
    /// framework's (OBJ-4).
    pub fn delete_target(&mut self, target: Option<TargetId>) -> CallId {
        self.change_target(target, TargetCall::Delete)
    }

    /// `FormatRequestForRead`, `…Write`, `…Ioctl` on a file-handle target; `file` replaces its handle (FHT-7).
    pub fn format_request_for_handle(
        &mut self,
        request: RequestId,
        target: TargetId,
        file: Option<TargetFile>,
        io: FormatIo,
    ) -> HResult {
        self.core.format_for_handle(self.device, request, target, file, io)
    }

    /// `Send` of a driver-created request to a file-handle target.
    pub fn send_request_to_handle(&mut self, request: RequestId, target: TargetId, options: SendOptions) -> HResult {
        self.send_created(request, Some(target), options)
    }

    /// Sends a received request to a file-handle target; otherwise as [`DriverContext::send_received`].
    ///
    /// # Errors
    /// The request, still owned, with the code of Format or Send; `STATUS_INVALID_DEVICE_REQUEST` for SEND_AND_FORGET
    /// (FHT-9) and for a create.
    pub fn send_received_to_handle(
        &mut self,
        request: OwnedRequest,
        target: TargetId,
        forward: HandleForward,
        callback: bool,
        options: SendOptions,
    ) -> Result<(), (OwnedRequest, HResult)> {
        if self.is_second_synchronous(options) {
            return Err((request, HResult::STATUS_INVALID_DEVICE_REQUEST));
        }
        match self.core.send_received_to_handle(self.device, request.id(), target, forward, callback, options) {
            Ok(hop) => {
                request.surrender();
                self.wait_if_synchronous(hop, options, callback);
                Ok(())
            }
            Err(status) => Err((request, status)),
        }
    }

    fn named(&self, target: Option<TargetId>) -> TargetRef {
        TargetRef { device: self.device, handle: target }
    }

    fn change_target(&mut self, target: Option<TargetId>, change: TargetCall) -> CallId {
        let (at, call) = (self.named(target), self.core.next_call());
        self.core.change_target(at, call, change);
        call
    }
}
