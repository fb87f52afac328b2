//! What a stack asks of its host: a closed list of imperatives (design 2.1).
//!
//! Effects come in the stack's total order; for one upper driver that order is a promise (`FileGone` follows
//! the last completion of its file).

use crate::callback::Callback;
use crate::handle::{HandleId, HostIoId};
use crate::ids::{CallId, CallbackId, DeviceId, FileId, Level, RequestId};
use crate::io::{CompletionParams, IoParameters};
use crate::power::PowerState;
use crate::status::HResult;
use crate::verifier::{DriverStop, Finding};

/// One thing the host must do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Let a blocking call of an upper driver return.
    ReturnCall {
        /// Whose call.
        upper: DeviceId,
        /// Which call.
        call: CallId,
        /// With what.
        result: CallResult,
    },
    /// Deliver `OnCompletion` to an upper driver (REQ-14).
    CompleteRequest {
        /// Whose request.
        upper: DeviceId,
        /// Which request.
        request: RequestId,
        /// The upper driver's number for it.
        number: u64,
        /// Whether a completion callback was registered; without one the result is only polled (REQ-15).
        callback: bool,
        /// How it ended.
        params: CompletionParams,
    },
    /// Tell an upper driver that its file is destroyed (P7). Follows the file's last completion.
    AnnounceFileGone {
        /// Whose file.
        upper: DeviceId,
        /// The upper driver's tag for it.
        file_tag: u128,
    },
    /// Invoke a PnP callback of an upper driver; answered with `callback_returned`.
    InvokeCallback {
        /// Whose callback.
        upper: DeviceId,
        /// Which invocation.
        callback: CallbackId,
        /// Which method.
        kind: Callback,
        /// The previous power state for `OnD0Entry`, the target for `OnD0Exit` (PNP-16).
        power: Option<PowerState>,
    },
    /// Perform an operation on a handle; answered once with `host_io_finished`, whatever becomes of it (FHT-10).
    SubmitHostIo {
        /// Which operation.
        io: HostIoId,
        /// On which handle. One that has been closed meanwhile fails with `ERROR_INVALID_HANDLE` (FHT-20).
        handle: HandleId,
        /// Kind, code, offset, input and room for output. Offsets mean nothing to pipes and sockets.
        parameters: IoParameters,
    },
    /// Try to cancel one operation. It is still answered once, in whichever way it ended (FHT-13).
    CancelHostIo {
        /// Which operation. One that was answered already is none any more.
        io: HostIoId,
    },
    /// Publish a finding.
    ReportFinding(Finding),
    /// Publish that the stack was stopped; nothing but queries works on it any more.
    ReportDriverStop(Box<DriverStop>),
    /// An upper driver's device is gone; its ids mean nothing any more.
    ForgetUpper {
        /// Which one.
        upper: DeviceId,
    },
    /// An upper driver did not answer in time: to the stack it is dead (MAP-6, STOP-8). The finding about it follows.
    DeclareUpperDead {
        /// Which one.
        upper: DeviceId,
    },
    /// An orderly removal was vetoed by a driver's `OnQueryRemove`; nothing else happened (PNP-6).
    ReportVeto {
        /// Which layer vetoed.
        level: Level,
        /// With what.
        status: HResult,
    },
    /// The whole stack has been removed, or could not be started.
    StackRemoved,
}

/// How a blocking call of an upper driver returned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallResult {
    /// `CreateWdfFile` (FILE-11).
    WdfFileCreated(Result<FileId, HResult>),
    /// `Close`: void; cleanup has returned and P4 was issued (CLS-13).
    Closed,
    /// `Start`, `Stop`, `Remove` or `DeleteWdfObject` of a target.
    TargetChanged(HResult),
}
