//! The contract between the framework and a hosted driver.
//!
//! The framework calls a driver from one place only (the choke point in `stack/dispatch.rs`), one callback at
//! a time per stack, never from inside another of its calls: what a driver starts with [`DriverContext`]
//! runs later, as a step of its own. So a driver needs no locks, and ten thousand re-sends from
//! `on_completion` need no stack (REQ-43).
//!
//! The driver's duties: complete every received request exactly once (REQ-44), which [`OwnedRequest`] enforces
//! as far as types can; never block (a callback that must wait returns [`Flow::Blocked`] and holds its
//! device's lock until [`DriverContext::return_from_callback`]; one that sends synchronously goes on in
//! [`Driver::on_send_returned`]); never panic (a panic is a driver stop of the
//! stack, STOP-9). A driver knows no clock, thread, socket or log.

use crate::callback::{Callback, CallbackSet};
use crate::context::DriverContext;
use crate::forwarding::{DriverRole, ForwardingState};
use crate::ids::{CallId, CallbackId, FileId, QueueId, ReceivedId, RequestId};
use crate::io::{CompletionParams, IoKind};
use crate::io_stop::StopFlags;
use crate::received::OwnedRequest;
use crate::status::HResult;

/// Whether a callback has returned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Flow {
    /// It has returned.
    Returned,
    /// It has not: it goes on until [`DriverContext::return_from_callback`] with this id, which came from
    /// [`DriverContext::block`], and holds its device's lock meanwhile (SYN-1).
    Blocked(CallbackId),
}

/// `WDF_IO_QUEUE_DISPATCH_TYPE`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DispatchType {
    /// The next request only after the present one is completed or forwarded to another queue (QUE-3).
    Sequential,
    /// As soon as available (QUE-5).
    Parallel,
    /// Only when the driver retrieves (QUE-5).
    Manual,
}

/// Arguments of `CreateIoQueue` and `ConfigureRequestDispatching`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueConfig {
    /// How requests are delivered.
    pub dispatch: DispatchType,
    /// The queue callbacks its callback object implements; none for a manual queue (QUE-1).
    pub handlers: CallbackSet,
    /// Whether it is the default queue.
    pub is_default: bool,
    /// The types routed to it besides what the default queue gets: create, read, write and ioctl only (QUE-2).
    pub routes: &'static [IoKind],
    /// Whether zero-length reads and writes reach the driver (QUE-11).
    pub allow_zero_length: bool,
    /// Whether it delivers in D0 only (QUE-13).
    pub power_managed: bool,
}

impl QueueConfig {
    /// A default queue for `handlers`, zero-length requests allowed.
    pub const fn default_queue(dispatch: DispatchType, handlers: CallbackSet) -> QueueConfig {
        QueueConfig { dispatch, handlers, is_default: true, routes: &[], allow_zero_length: true, power_managed: false }
    }

    /// A manual queue, to keep requests in.
    pub const fn manual() -> QueueConfig {
        QueueConfig {
            dispatch: DispatchType::Manual,
            handlers: CallbackSet::EMPTY,
            is_default: false,
            routes: &[],
            allow_zero_length: true,
            power_managed: false,
        }
    }
}

/// `WDF_CALLBACK_CONSTRAINT` (SYN-1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LockingConstraint {
    /// `WdfDeviceLevel`: the covered callbacks of one device exclude each other.
    #[default]
    DeviceLevel,
    /// `None`.
    None,
}

/// `UmdfFileObjectPolicy` (OBJ-18).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FileObjectPolicy {
    /// Requests without a file this driver knows are refused by the framework.
    #[default]
    RejectNullAndUnknown,
    /// They are delivered with a NULL file.
    AllowNullAndUnknown,
}

/// `WDF_DEVICE_IO_BUFFER_RETRIEVAL`: when the data of a request is there for the driver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BufferRetrieval {
    /// `WdfDeviceIoBufferRetrievalCopyImmediately`: from the beginning.
    #[default]
    CopyImmediately,
    /// `WdfDeviceIoBufferRetrievalDeferred`: when it is retrieved. Such a driver must not ask for a request's memories
    /// (IOC-13).
    Deferred,
}

/// What a driver declares in `OnDeviceAdd`, before its device exists.
#[derive(Debug, Clone)]
pub struct DeviceConfig {
    /// `SetFilter` or not.
    pub role: DriverRole,
    /// `AutoForwardCreateCleanupClose` (FWD-1).
    pub forwarding: ForwardingState,
    /// File, PnP and object callbacks it registers; queue callbacks are in `queues`.
    pub callbacks: CallbackSet,
    /// Its queues; [`QueueId`] is the index here. At most 255.
    pub queues: Vec<QueueConfig>,
    /// `SetLockingConstraint`.
    pub locking: LockingConstraint,
    /// `UmdfFileObjectPolicy`.
    pub file_policy: FileObjectPolicy,
    /// `SetIoTypePreference`, its buffer retrieval mode.
    pub buffer_retrieval: BufferRetrieval,
}

/// A request that `on_completion` gives back.
#[derive(Debug)]
pub enum CompletedRequest {
    /// A received request this driver had sent on: it owns it again and must complete it (REQ-40).
    Received(OwnedRequest),
    /// A request this driver created: it may reuse or delete it.
    Created(RequestId),
}

/// What became of `AcquireLock` (SYN-6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LockAnswer {
    /// The driver has the lock.
    Acquired,
    /// A callback has it; [`Driver::on_lock_acquired`] follows.
    Waits,
}

/// How a blocking call of a hosted driver returned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DriverCallResult {
    /// `CreateWdfFile` returned (FILE-11).
    WdfFileCreated(Result<FileId, HResult>),
    /// `Close` returned (CLS-13).
    Closed,
    /// `Start`, `Stop`, `Remove` or `DeleteWdfObject` of a target returned.
    TargetChanged(HResult),
}

/// A hosted driver. Every callback has the behaviour of a driver that does not care; which ones are called is
/// decided by [`DeviceConfig`], not by what is overridden.
///
/// An unused parameter name starts with an underscore; see [`Callback`] for the UMDF names.
#[expect(unused_variables, reason = "the defaults ignore their arguments, the names are documentation")]
pub trait Driver: Send {
    /// The driver's name as it was declared in the stack expression.
    fn name(&self) -> &str;

    /// What it declares in `OnDeviceAdd`. Called once, before anything else.
    fn configure(&self) -> DeviceConfig;

    /// `OnCreateFile`. The default completes the create with `S_OK`.
    fn on_create_file(
        &mut self,
        cx: &mut DriverContext<'_>,
        queue: QueueId,
        request: OwnedRequest,
        file: FileId,
    ) -> Flow {
        cx.complete(request, HResult::S_OK);
        Flow::Returned
    }

    /// `OnRead`; `length` in bytes. The default refuses it.
    fn on_read(&mut self, cx: &mut DriverContext<'_>, queue: QueueId, request: OwnedRequest, length: u64) -> Flow {
        cx.complete(request, HResult::STATUS_INVALID_DEVICE_REQUEST);
        Flow::Returned
    }

    /// `OnWrite`; `length` in bytes. The default refuses it.
    fn on_write(&mut self, cx: &mut DriverContext<'_>, queue: QueueId, request: OwnedRequest, length: u64) -> Flow {
        cx.complete(request, HResult::STATUS_INVALID_DEVICE_REQUEST);
        Flow::Returned
    }

    /// `OnDeviceIoControl`; code and lengths are in [`DriverContext::parameters`]. The default refuses it.
    fn on_device_io_control(&mut self, cx: &mut DriverContext<'_>, queue: QueueId, request: OwnedRequest) -> Flow {
        cx.complete(request, HResult::STATUS_INVALID_DEVICE_REQUEST);
        Flow::Returned
    }

    /// `OnDefaultIoHandler`: types without a handler of their own. The default refuses it.
    fn on_default_io_handler(&mut self, cx: &mut DriverContext<'_>, queue: QueueId, request: OwnedRequest) -> Flow {
        cx.complete(request, HResult::STATUS_INVALID_DEVICE_REQUEST);
        Flow::Returned
    }

    /// `OnIoCanceledOnQueue`: a cancel found a request in `queue` that this driver had had before and put there
    /// (REQ-52). It owns the request again. The default completes it cancelled.
    fn on_io_canceled_on_queue(&mut self, cx: &mut DriverContext<'_>, queue: QueueId, request: OwnedRequest) -> Flow {
        cx.complete(request, HResult::ERROR_OPERATION_ABORTED);
        Flow::Returned
    }

    /// `OnIoStop` of a request of `queue` that this driver has not completed, owned or forwarded: its device leaves D0,
    /// or is being removed, as `flags` say (QUE-14). Answered by completing the request, by
    /// [`DriverContext::stop_acknowledge_requeue`] or by [`DriverContext::stop_acknowledge`]; until then the device
    /// stays where it is. The default does nothing.
    fn on_io_stop(
        &mut self,
        cx: &mut DriverContext<'_>,
        queue: QueueId,
        request: ReceivedId,
        flags: StopFlags,
    ) -> Flow {
        Flow::Returned
    }

    /// `OnIoResume` of a request that was acknowledged and kept: the device is in D0 again (PNP-2). The default does
    /// nothing.
    fn on_io_resume(&mut self, cx: &mut DriverContext<'_>, queue: QueueId, request: ReceivedId) -> Flow {
        Flow::Returned
    }

    /// `OnCancel` of an armed request. The driver still holds its [`OwnedRequest`] and should complete it soon,
    /// normally with `ERROR_OPERATION_ABORTED` (REQ-49). The default does nothing.
    fn on_cancel(&mut self, cx: &mut DriverContext<'_>, request: ReceivedId) -> Flow {
        Flow::Returned
    }

    /// `OnCompletion` of a request sent with a completion callback (REQ-14). The default completes a received
    /// request with the same result and deletes a created one.
    fn on_completion(
        &mut self,
        cx: &mut DriverContext<'_>,
        request: CompletedRequest,
        params: &CompletionParams,
    ) -> Flow {
        match request {
            CompletedRequest::Received(request) => cx.complete_as(request, params),
            CompletedRequest::Created(request) => {
                cx.delete_request(request);
            }
        }
        Flow::Returned
    }

    /// A synchronous Send returns into the callback that made it (REQ-13), which goes on here; [`DriverContext::block`]
    /// gives that callback's id. `request` is None when `on_completion` was registered and got it, before. An error
    /// is the result of a PnP callback, as from [`Driver::on_pnp`]. The default ends a request as that of
    /// `on_completion` does.
    fn on_send_returned(
        &mut self,
        cx: &mut DriverContext<'_>,
        request: Option<CompletedRequest>,
        params: &CompletionParams,
    ) -> Result<Flow, HResult> {
        match request {
            Some(CompletedRequest::Received(request)) => cx.complete_as(request, params),
            Some(CompletedRequest::Created(request)) => {
                cx.delete_request(request);
            }
            None => {}
        }
        Ok(Flow::Returned)
    }

    /// `OnCleanupFile`: complete or cancel what this driver keeps for the file (CLS-4). The default does nothing.
    fn on_cleanup_file(&mut self, cx: &mut DriverContext<'_>, file: FileId) -> Flow {
        Flow::Returned
    }

    /// `OnCloseFile`: no further I/O for the file will come (CLS-10). The default does nothing.
    fn on_close_file(&mut self, cx: &mut DriverContext<'_>, file: FileId) -> Flow {
        Flow::Returned
    }

    /// `OnCleanup` of the context this driver assigned to its object of `file` (OBJ-5).
    fn on_context_cleanup(&mut self, cx: &mut DriverContext<'_>, file: FileId, context: u64) {}

    /// A PnP callback (PNP-2, PNP-3). An error from a start callback fails the start; from `OnQueryRemove` or
    /// `OnQueryStop` it is a veto (PNP-6); from a power callback it ends the stack (PNP-8). The default succeeds.
    fn on_pnp(&mut self, cx: &mut DriverContext<'_>, callback: Callback) -> Result<Flow, HResult> {
        Ok(Flow::Returned)
    }

    /// A timer armed with [`DriverContext::arm_timer`] is due. `cookie` is what the driver gave.
    fn on_timer(&mut self, cx: &mut DriverContext<'_>, cookie: u64) {}

    /// A blocking call this driver made has returned.
    fn on_call_returned(&mut self, cx: &mut DriverContext<'_>, call: CallId, result: DriverCallResult) {}

    /// The driver has its device's lock, for which [`DriverContext::acquire_lock`] had to wait (SYN-6). The default
    /// gives it back.
    fn on_lock_acquired(&mut self, cx: &mut DriverContext<'_>) {
        cx.release_lock();
    }

    /// A command of the lab's operator, at most 4096 bytes of text; the reply is text.
    ///
    /// # Errors
    /// What is wrong with the command and what would be right; nothing was changed.
    fn on_control(&mut self, cx: &mut DriverContext<'_>, command: &str) -> Result<String, String> {
        Err(format!("driver `{}` takes no commands", self.name()))
    }
}
