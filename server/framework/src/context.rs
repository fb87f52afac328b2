//! What a hosted driver can do from inside a callback: UMDF's methods, in snake case.
//!
//! Its I/O targets are in `own_targets.rs`. Nothing here calls a driver. What a call starts (a delivery, a completion, a cancel) runs later, as a step.

use bytes::Bytes;

use crate::callback::Callback;
use crate::clock::{Due, Now};
use crate::handle::TargetFile;
use crate::ids::{CallId, CallbackId, DeviceId, FileId, Level, QueueId, ReceivedId, RequestId};
use crate::io::{CompletionParams, Format, FormatIo, IoParameters, SendOptions};
use crate::queue::{QueueOperation, QueueStatus};
use crate::received::OwnedRequest;
use crate::rule::Rule;
use crate::stack::cancel::CancelAnswer;
use crate::stack::core::Core;
use crate::status::HResult;
use crate::timer::TimerId;

mod waiting;

/// How a received request is sent on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Forward {
    /// `FormatUsingCurrentType`: type, buffers, parameters and file unchanged (TGT-15).
    CurrentType,
    /// A Format call of its own, possibly with another file (TGT-8).
    Formatted(Format),
}

/// How a received request is sent to a file-handle target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HandleForward {
    /// `FormatUsingCurrentType`: type, buffers and parameters unchanged (FHT-7), on the target's own handle: the file it
    /// came with is none of a handle.
    CurrentType,
    /// A Format call of its own.
    Formatted {
        /// Replaces the target's handle (FHT-7).
        file: Option<TargetFile>,
        /// Which Format call.
        io: FormatIo,
    },
}

/// The framework, as one driver sees it during one callback.
pub struct DriverContext<'a> {
    pub(crate) core: &'a mut Core,
    pub(crate) device: DeviceId,
    pub(crate) callback: Callback,
    /// The callback's entry, once it is known not to return now.
    pub(crate) entry: Option<CallbackId>,
}

impl DriverContext<'_> {
    /// The time of the event being handled.
    pub fn now(&self) -> Now {
        self.core.now
    }

    /// This driver's layer.
    pub fn level(&self) -> Level {
        self.core.devices[self.device].level
    }

    // Received requests.

    /// What was asked: kind, code, offset, input, output length. After a driver stop in this very callback, an
    /// empty create: nothing can be asked of a stopped stack.
    pub fn parameters(&self, request: &OwnedRequest) -> &IoParameters {
        self.core.received.get(request.id()).map_or(&self.core.nothing, |received| &received.parameters)
    }

    /// `GetFileObject`; None only under [`crate::driver::FileObjectPolicy::AllowNullAndUnknown`] (OBJ-17).
    pub fn file_of(&self, request: &OwnedRequest) -> Option<FileId> {
        self.core.received.get(request.id()).and_then(|received| received.file)
    }

    /// The creator's layer and its number for the packet: how people and scripts name it.
    pub fn label_of(&self, request: ReceivedId) -> Option<crate::ids::RequestLabel> {
        self.core.received.get(request).map(|received| self.core.label(received.request))
    }

    /// `Complete`: Information 0, no data.
    pub fn complete(&mut self, request: OwnedRequest, status: HResult) {
        self.core.complete_by_driver(self.device, request.surrender(), status, 0, Bytes::new());
    }

    /// `CompleteWithInformation`; for a write or an ioctl without output.
    pub fn complete_with_information(&mut self, request: OwnedRequest, status: HResult, information: u64) {
        self.core.complete_by_driver(self.device, request.surrender(), status, information, Bytes::new());
    }

    /// Completes with output data; Information is its length. Data beyond the sender's buffer is a violation
    /// and never delivered (REQ-39).
    pub fn complete_with_output(&mut self, request: OwnedRequest, status: HResult, output: Bytes) {
        let information = output.len() as u64;
        self.core.complete_by_driver(self.device, request.surrender(), status, information, output);
    }

    /// Completes with output data and an Information of its own: what the driver wrote beyond Information stays
    /// unseen (REQ-38), what it did not write is zero.
    pub fn complete_with_output_and_information(
        &mut self,
        request: OwnedRequest,
        status: HResult,
        output: Bytes,
        information: u64,
    ) {
        self.core.complete_by_driver(self.device, request.surrender(), status, information, output);
    }

    /// Completes a regained request with the result of the layer below.
    pub fn complete_as(&mut self, request: OwnedRequest, params: &CompletionParams) {
        let id = request.surrender();
        self.core.complete_by_driver(self.device, id, params.status, params.information, params.output.clone());
    }

    /// What a driver does that forgot whom a request belongs to: completes by identity alone. Always checked,
    /// never trusted: a violation unless this driver owns it (REQ-54). For drivers that play such drivers.
    pub fn complete_by_identity(&mut self, request: ReceivedId, status: HResult, information: u64) {
        self.core.complete_by_driver(self.device, request, status, information, Bytes::new());
    }

    /// `Complete` of a request of this driver's own: a violation, and nothing happens to the request (REQ-3). For
    /// drivers that play drivers that do so.
    pub fn complete_created(&mut self, request: RequestId) {
        self.core.misused(self.device, request, Rule::Req3);
    }

    /// `FormatUsingCurrentType` of a request of this driver's own: a violation, and nothing happens to the request
    /// (TGT-15). For drivers that play drivers that do so.
    pub fn format_created_using_current_type(&mut self, request: RequestId) {
        self.core.misused(self.device, request, Rule::Tgt15);
    }

    /// `MarkCancelable`. When a cancel was remembered, `on_cancel` follows at once (REQ-48).
    pub fn mark_cancelable(&mut self, request: &OwnedRequest) {
        self.mark_cancelable_with(request, 0);
    }

    /// `MarkCancelable` with an `OnCancel` callback object of this driver's own numbering;
    /// [`DriverContext::mark_cancelable`] uses 0. Two objects for requests of one queue are a violation (REQ-47).
    pub fn mark_cancelable_with(&mut self, request: &OwnedRequest, object: u32) {
        self.core.mark_cancelable(request.id(), object);
    }

    /// `UnmarkCancelable` (REQ-50).
    ///
    /// # Errors
    /// `ERROR_OPERATION_ABORTED` when cancellation is under way, `STATUS_INVALID_PARAMETER` when it was not
    /// marked (REQ-51).
    pub fn unmark_cancelable(&mut self, request: &OwnedRequest) -> Result<(), HResult> {
        self.core.unmark_cancelable(request.id())
    }

    /// `IsCanceled` (REQ-53).
    pub fn is_canceled(&self, request: &OwnedRequest) -> bool {
        self.core.is_canceled(request.id())
    }

    /// `ForwardToIoQueue` (QUE-7).
    ///
    /// # Errors
    /// The request with `ERROR_INVALID_OPERATION` when it is armed or the queue is its own, or with
    /// `STATUS_WDF_BUSY` when the queue does not accept.
    pub fn forward_to_io_queue(
        &mut self,
        request: OwnedRequest,
        queue: QueueId,
    ) -> Result<(), (OwnedRequest, HResult)> {
        match self.core.forward_to_io_queue(self.device, request.id(), queue) {
            Ok(()) => {
                request.surrender();
                Ok(())
            }
            Err(status) => Err((request, status)),
        }
    }

    /// `Requeue`: back to the head of the manual queue it came from (QUE-7).
    ///
    /// # Errors
    /// The request with `ERROR_INVALID_OPERATION` when it is armed or came from another kind of queue.
    pub fn requeue(&mut self, request: OwnedRequest) -> Result<(), (OwnedRequest, HResult)> {
        match self.core.requeue(self.device, request.id()) {
            Ok(()) => {
                request.surrender();
                Ok(())
            }
            Err(status) => Err((request, status)),
        }
    }

    /// `StopAcknowledge(TRUE)` in answer to `on_io_stop`: back to the head of the queue it came from, to be delivered
    /// again in D0 (QUE-14). After a Purge the queue keeps nothing: the framework completes it cancelled.
    ///
    /// # Errors
    /// The request, when it is armed or nobody asked; that is a violation besides.
    pub fn stop_acknowledge_requeue(&mut self, request: OwnedRequest) -> Result<(), OwnedRequest> {
        if self.core.stop_acknowledge(self.device, request.id(), true) {
            request.surrender();
            return Ok(());
        }
        Err(request)
    }

    /// `StopAcknowledge(FALSE)` in answer to `on_io_stop`: the driver keeps it, owned or forwarded, and the device
    /// goes on without it (QUE-14). A Purge still waits for its end (STOP-10). Acknowledging what nobody asked about
    /// is a violation.
    pub fn stop_acknowledge(&mut self, request: ReceivedId) {
        self.core.stop_acknowledge(self.device, request, false);
    }

    /// `Stop`, `Drain` or `Purge` of a queue. Beginning one while another is in progress is a violation (QUE-10).
    pub fn operate_queue(&mut self, queue: QueueId, operation: QueueOperation) -> HResult {
        self.core.operate_queue(self.device, queue, operation)
    }

    /// `Start` of a queue.
    pub fn start_queue(&mut self, queue: QueueId) -> HResult {
        self.core.start_queue(self.device, queue)
    }

    /// `GetState` of a queue (QUE-12); None for a queue that is not.
    pub fn queue_status(&self, queue: QueueId) -> Option<QueueStatus> {
        self.core.queue_status(self.device, queue)
    }

    /// `RetrieveNextRequest`, or `RetrieveNextRequestByFileObject` with a file.
    ///
    /// # Errors
    /// `ERROR_NO_MORE_ITEMS` when there is none; `STATUS_WDF_PAUSED` when the queue is stopped, or
    /// outside D0;
    /// `STATUS_INVALID_DEVICE_STATE` on a parallel queue (QUE-6).
    pub fn retrieve_next_request(&mut self, queue: QueueId, file: Option<FileId>) -> Result<OwnedRequest, HResult> {
        self.core.retrieve_next_request(self.device, queue, file).map(OwnedRequest::new)
    }

    /// Sends a received request to this driver's default target. `callback` registers `on_completion`, without
    /// which an asynchronous Send is refused (REQ-15), unless it is SEND_AND_FORGET: then the driver is done with
    /// the request, and no `on_completion` follows (REQ-18).
    ///
    /// A SYNCHRONOUS Send that is accepted keeps the present callback from returning, whatever [`crate::driver::Flow`]
    /// it gives: do nothing more in it. It goes on in [`crate::driver::Driver::on_send_returned`] once the request has
    /// completed (REQ-13), and holds its device's lock until it returns from there (SYN-5).
    ///
    /// # Errors
    /// The request, still owned, with the code of Format or Send; no `on_completion` follows (REQ-7).
    pub fn send_received(
        &mut self,
        request: OwnedRequest,
        forward: Forward,
        callback: bool,
        options: SendOptions,
    ) -> Result<(), (OwnedRequest, HResult)> {
        if self.is_second_synchronous(options) {
            return Err((request, HResult::STATUS_INVALID_DEVICE_REQUEST));
        }
        match self.core.send_received(self.device, request.id(), forward, callback, options) {
            Ok(hop) => {
                request.surrender();
                if let Some(hop) = hop {
                    self.wait_if_synchronous(hop, options, callback);
                }
                Ok(())
            }
            Err(status) => Err((request, status)),
        }
    }

    // Requests and files of this driver's own.

    /// `CreateRequest`. `number` is how traces and reports name it; None takes the next free number.
    pub fn create_request(&mut self, number: Option<u64>, callback: bool) -> RequestId {
        self.core.create_request(self.device, number, callback)
    }

    /// `CreateRequest` with another request of this driver's own as the parent, with which it is deleted (OBJ-1).
    ///
    /// # Errors
    /// `E_INVALIDARG` when there is no such parent.
    pub fn create_child_request(
        &mut self,
        number: Option<u64>,
        callback: bool,
        parent: RequestId,
    ) -> Result<RequestId, HResult> {
        self.core.create_child_request(self.device, number, callback, parent)
    }

    /// `SetCompletionCallback` of a request that was not sent yet; false deregisters (REQ-5).
    pub fn set_completion_callback(&mut self, request: RequestId, callback: bool) {
        self.core.set_completion_callback(self.device, request, callback);
    }

    /// A `FormatRequestForXxx` method of the default target.
    pub fn format_request(&mut self, request: RequestId, file: Option<FileId>, io: FormatIo) -> HResult {
        self.core.format_request(self.device, request, file, io)
    }

    /// `Send` of a driver-created request. SYNCHRONOUS: see [`DriverContext::send_received`].
    pub fn send_request(&mut self, request: RequestId, options: SendOptions) -> HResult {
        self.send_created(request, None, options)
    }

    /// `CancelSentRequest` of a driver-created request.
    pub fn cancel_sent_request(&mut self, request: RequestId) -> CancelAnswer {
        self.core.cancel_sent_request(self.device, request)
    }

    /// `CancelSentRequestsForFile` on the default target.
    pub fn cancel_sent_requests_for_file(&mut self, file: FileId) {
        self.core.cancel_sent_requests_for_file(self.device, file);
    }

    /// `DeleteWdfObject` of a driver-created request.
    pub fn delete_request(&mut self, request: RequestId) -> HResult {
        self.core.delete_request(self.device, request)
    }

    /// `CreateWdfFile`. It returns through `on_call_returned`: nothing in the framework waits.
    pub fn create_wdf_file(&mut self, name: Option<&str>) -> CallId {
        let call = self.core.next_call();
        self.core.create_wdf_file(self.device, 0, None, name, call);
        call
    }

    /// Makes the framework open a file of its own towards the lower driver on this driver's behalf, as a USB target
    /// does (PNP-14). It returns through `on_call_returned`, and can be formatted for; closing it is for the framework
    /// alone, when the removal callbacks of the device have returned.
    pub fn open_framework_file(&mut self, name: Option<&str>) -> CallId {
        let call = self.core.next_call();
        self.core.create_hidden_file(self.device, name, call);
        call
    }

    /// `IWDFDriverCreatedFile::Close`. It returns through `on_call_returned`.
    pub fn close_file(&mut self, file: FileId) -> CallId {
        let call = self.core.next_call();
        self.core.close_file(self.device, file, call);
        call
    }

    /// `RetrieveFileName`: the name given to `CreateWdfFile`, empty for none (OBJ-21).
    pub fn file_name(&self, file: FileId) -> &str {
        self.core.files.get(file).and_then(|file| file.name.as_deref()).unwrap_or("")
    }

    /// `AssignContext` on this layer's object of the file (OBJ-6).
    ///
    /// # Errors
    /// `STATUS_INVALID_DEVICE_REQUEST` when there is a context already or no such object.
    pub fn assign_context(&mut self, file: FileId, context: u64) -> Result<(), HResult> {
        self.core.assign_context(self.device, file, context)
    }

    // PnP.

    /// `SetPnpState(WdfPnpStateFailed, …)`: nothing happens before [`DriverContext::commit_pnp_state`] (PNP-15).
    pub fn set_pnp_failed(&mut self, failed: bool) {
        self.core.devices[self.device].failed_uncommitted = failed;
    }

    /// `CommitPnpState`: a device that reported itself broken is removed, without a question (PNP-15).
    pub fn commit_pnp_state(&mut self) {
        self.core.commit_pnp_state(self.device);
    }

    // Time and control flow.

    /// Arms a timer; `on_timer` gets `cookie`. `delay` in ticks of 100 ns, monotonic.
    pub fn arm_timer(&mut self, delay: u64, cookie: u64) -> TimerId {
        let due = Due::Monotonic(self.core.now.monotonic.saturating_add(delay));
        self.core.timers.arm(due, crate::timer::TimerTask::Driver(self.device, cookie))
    }

    /// Disarms a timer; harmless when it has fired.
    pub fn disarm_timer(&mut self, timer: TimerId) {
        self.core.timers.disarm(timer);
    }
}
