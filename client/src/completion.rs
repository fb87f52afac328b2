//! How an I/O ended, and the future of it.
//!
//! Law: a [`PendingIo`] that is dropped changes nothing below; the request goes on, and its completion is counted and
//! acknowledged all the same (MAP-5).

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use lowerdeck_proto::v1;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use crate::error::Error;
use crate::hresult::HResult;
use crate::request::{self, CancelOutcome};
use crate::session::Core;

/// The one completion of an accepted Send: `OnCompletion` with its parameters (REQ-14, REQ-35, REQ-36).
#[derive(Debug, Clone, PartialEq)]
pub struct Completion {
    /// The request, as this session numbers it.
    pub request_id: u64,
    /// The file it was formatted with.
    pub file_id: String,
    /// What was asked for: `GetCompletedRequestType`.
    pub io_kind: v1::IoKind,
    /// How it ended: `GetCompletionStatus`.
    pub hresult: HResult,
    /// Bytes transferred: `GetInformation`.
    pub information: u64,
    /// The output of a read, a query or a device control request, at most `information` bytes.
    pub data: Bytes,
    /// The control code of a device control request; otherwise 0.
    pub ioctl_code: u32,
    /// The device offset given at Format, in bytes.
    pub device_offset: Option<i64>,
    /// The offset of the output memory as given at Format.
    pub output_offset: Option<v1::MemoryOffset>,
    /// The offset of the input memory as given at Format.
    pub input_offset: Option<v1::MemoryOffset>,
}

impl Completion {
    /// The completion if it is a success, or came with data that is valid all the same: a warning (REQ-37), or the part of
    /// a message that fitted, `ERROR_MORE_DATA` (FHT-15).
    ///
    /// # Errors
    /// [`Error::Umdf`] for every other result.
    pub fn ok(self) -> Result<Completion, Error> {
        let is_part = self.hresult == HResult::ERROR_MORE_DATA;
        if self.hresult.is_success() || self.hresult.is_warning() || is_part {
            return Ok(self);
        }
        Err(Error::Umdf {
            call: match self.io_kind {
                v1::IoKind::Read => "read",
                v1::IoKind::Write => "write",
                v1::IoKind::DeviceControl => "device control",
                v1::IoKind::Create => "create",
                v1::IoKind::FlushBuffers => "flush",
                v1::IoKind::QueryInformation => "query of information",
                v1::IoKind::SetInformation => "change of information",
                v1::IoKind::Unspecified => "I/O",
            },
            hresult: self.hresult,
        })
    }
}

impl From<v1::RequestCompleted> for Completion {
    fn from(wire: v1::RequestCompleted) -> Completion {
        Completion {
            io_kind: wire.io_kind(),
            request_id: wire.request_id,
            file_id: wire.file_id,
            hresult: HResult(wire.hresult),
            information: wire.information,
            data: wire.data,
            ioctl_code: wire.ioctl_code,
            device_offset: wire.device_offset,
            output_offset: wire.output_offset,
            input_offset: wire.input_offset,
        }
    }
}

/// A sent request, and the future of its completion. Cheap to drop: that cancels nothing.
#[derive(Debug)]
pub struct PendingIo {
    request_id: u64,
    core: Arc<Core>,
    completion: oneshot::Receiver<Completion>,
}

impl PendingIo {
    /// The request's number in its session, as traces and reports show it.
    pub fn request_id(&self) -> u64 {
        self.request_id
    }

    /// Asks for the request's cancellation: `CancelSentRequest`. The completion still comes, once (REQ-30).
    ///
    /// # Errors
    /// As every call; a request that completed and was acknowledged is reported as already completed.
    pub async fn cancel(&self) -> Result<CancelOutcome, Error> {
        request::cancel(&self.core, self.request_id).await
    }
}

impl Future for PendingIo {
    type Output = Result<Completion, Error>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let completion = Pin::new(&mut self.completion).poll(context);
        completion.map(|completion| completion.map_err(|_| self.core.ended_error()))
    }
}

/// What runs when a request completes: `OnCompletion`. It runs in the session's event task and must not block.
pub(crate) type OnCompletion = Box<dyn FnOnce(&Completion) + Send>;

/// What the session keeps for a request until it completes: its place in the window and who waits.
pub(crate) struct Ticket {
    waiter: oneshot::Sender<Completion>,
    callback: Option<OnCompletion>,
    _place: OwnedSemaphorePermit,
}

impl Ticket {
    pub(crate) fn new(
        core: &Arc<Core>,
        request_id: u64,
        callback: Option<OnCompletion>,
        place: OwnedSemaphorePermit,
    ) -> (Ticket, PendingIo) {
        let (waiter, completion) = oneshot::channel();
        let ticket = Ticket { waiter, callback, _place: place };
        let pending = PendingIo { request_id, core: core.clone(), completion };
        (ticket, pending)
    }

    /// Hands the completion to the callback and to whoever waits.
    pub(crate) fn complete(self, completion: Completion) {
        if let Some(callback) = self.callback {
            callback(&completion);
        }
        if self.waiter.send(completion).is_err() {
            tracing::trace!("nobody waits for this completion");
        }
    }
}

impl std::fmt::Debug for Ticket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Ticket")
    }
}
