//! Driver-created requests, step by step: `IWDFIoRequest` and `IWDFIoRequest2`.
//!
//! Laws: a request that is dropped is not deleted; it lives until `delete_wdf_object` or the end of the session, and
//! may keep its file from going (CLS-19). An accepted Send has exactly one completion (REQ-14).

use std::sync::{Arc, Mutex, PoisonError};

use lowerdeck_proto::{reason, v1};

use crate::completion::{Completion, OnCompletion, PendingIo};
use crate::error::Error;
use crate::hresult::HResult;
use crate::session::Core;
use crate::target::IoTarget;

/// A request object.
pub struct IoRequest {
    core: Arc<Core>,
    id: u64,
    silent: bool,
    callback: Mutex<Option<OnCompletion>>,
}

/// The arguments of Send besides the target.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SendOptions {
    /// `WDF_REQUEST_SEND_OPTION_*` bits, raw; unknown ones are answered by Send, not refused here (REQ-16).
    pub flags: u32,
    /// In ticks of 100 ns, with [`SendOptions::TIMEOUT`] only: negative is relative, positive absolute (REQ-22).
    pub timeout_ticks: i64,
}

impl SendOptions {
    /// The timeout is valid.
    pub const TIMEOUT: u32 = 0x1;
    /// Send returns after the completion.
    pub const SYNCHRONOUS: u32 = 0x2;
    /// Deliver even while the target is stopped (REQ-21).
    pub const IGNORE_TARGET_STATE: u32 = 0x4;

    /// With a relative timeout, which cancels and does not abandon (REQ-24).
    #[must_use]
    pub fn with_timeout(self, timeout: std::time::Duration) -> SendOptions {
        let ticks = i64::try_from(timeout.as_nanos() / 100).unwrap_or(i64::MAX);
        SendOptions { flags: self.flags | Self::TIMEOUT, timeout_ticks: -ticks }
    }
}

impl From<SendOptions> for v1::SendOptions {
    fn from(options: SendOptions) -> v1::SendOptions {
        v1::SendOptions { flags: options.flags, timeout_ticks: options.timeout_ticks }
    }
}

/// The return of Send.
#[derive(Debug)]
pub struct SendOutcome {
    /// `S_OK` if the target accepted the request; otherwise no completion follows (REQ-7).
    pub hresult: HResult,
    /// The completion to come; for an accepted request with completion callback only.
    pub pending: Option<PendingIo>,
    /// The completion of a synchronous Send.
    pub completion: Option<Completion>,
}

/// The return of `CancelSentRequest`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CancelOutcome {
    /// UMDF's BOOL: whether the cancel was delivered. TRUE promises no cancelled result (REQ-27).
    pub cancelled: bool,
    /// What became of the cancel.
    pub answer: v1::CancelAnswer,
}

impl IoRequest {
    pub(crate) async fn create(core: &Arc<Core>, silent: bool) -> Result<IoRequest, Error> {
        let message = v1::CreateRequestRequest { request_id: core.next_request_id(), no_completion_callback: silent };
        let created = core.ask(message).await?;
        let hresult = HResult(created.hresult);
        if !hresult.is_success() {
            return Err(Error::Umdf { call: "CreateRequest", hresult });
        }
        Ok(IoRequest { core: core.clone(), id: message.request_id, silent, callback: Mutex::new(None) })
    }

    /// The request's number in its session, as traces and reports show it.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// Registers what runs when the next Send completes: `SetCompletionCallback`. It runs in the session's event task,
    /// possibly before Send has returned (REQ-12), and must not block.
    pub fn set_completion_callback(&self, callback: impl FnOnce(&Completion) + Send + 'static) {
        *self.lock_callback() = Some(Box::new(callback));
    }

    /// `Send`. Waits for a place in the session's window first, and for the completion with the synchronous flag.
    ///
    /// # Errors
    /// [`Error::Interrupted`] if the connection was lost and it cannot be told whether the Send was accepted; a Send
    /// may not be repeated blindly (REQ-11). A refusal by the target is the value.
    pub async fn send(&self, target: &IoTarget, options: SendOptions) -> Result<SendOutcome, Error> {
        let message = v1::SendRequestRequest {
            request_id: self.id,
            options: Some(options.into()),
            target_id: target.id().to_owned(),
        };
        let callback = self.lock_callback().take();
        self.core.send_request(message, self.silent, callback).await
    }

    /// `CancelSentRequest`: does not wait, and changes nothing about the one completion that follows (REQ-27, REQ-30).
    ///
    /// # Errors
    /// As every call.
    pub async fn cancel_sent_request(&self) -> Result<CancelOutcome, Error> {
        cancel(&self.core, self.id).await
    }

    /// `Reuse`: takes a completed request back to unformatted, with `hresult` as its status (REQ-41).
    ///
    /// # Errors
    /// As every call. Reusing an outstanding request is a verifier violation (REQ-42).
    pub async fn reuse(&self, hresult: HResult) -> Result<(), Error> {
        let message =
            v1::ReuseRequestRequest { request_id: self.id, hresult: hresult.0, no_completion_callback: self.silent };
        self.core.ask(message).await?;
        Ok(())
    }

    /// `GetStatus`, `GetCompletionParams` and the state.
    ///
    /// # Errors
    /// As every call.
    pub async fn get(&self) -> Result<v1::GetRequestResponse, Error> {
        self.core.get_request(self.id).await
    }

    /// `DeleteWdfObject` (REQ-3). Deleting an outstanding request is a verifier violation (REQ-4).
    ///
    /// # Errors
    /// As every call.
    pub async fn delete_wdf_object(self) -> Result<HResult, Error> {
        let message = v1::DeleteRequestRequest { request_id: self.id };
        let deleted = self.core.ask(message).await?;
        Ok(HResult(deleted.hresult))
    }

    fn lock_callback(&self) -> std::sync::MutexGuard<'_, Option<OnCompletion>> {
        self.callback.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for IoRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IoRequest").field("id", &self.id).finish()
    }
}

/// `CancelSentRequest`. A request that is gone has completed: this session's event task acknowledged it meanwhile.
pub(crate) async fn cancel(core: &Arc<Core>, request_id: u64) -> Result<CancelOutcome, Error> {
    match core.ask(v1::CancelRequest { request_id }).await {
        Ok(cancelled) => Ok(CancelOutcome { cancelled: cancelled.cancelled, answer: cancelled.answer() }),
        Err(error) if error.is(reason::REQUEST_GONE) => {
            Ok(CancelOutcome { cancelled: false, answer: v1::CancelAnswer::AlreadyCompleted })
        }
        Err(error) => Err(error),
    }
}
