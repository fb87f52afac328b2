//! What a session does with requests: create, format, send, cancel, reuse, delete, look at.

use std::sync::Arc;

use lowerdeck_framework::io::{CompletionParams, FormatIo, IoKind, SendOptions};
use lowerdeck_framework::memory::{InputMemory, OutputMemory};
use lowerdeck_framework::request::RequestState;
use lowerdeck_framework::stack::CancelAnswer;
use lowerdeck_framework::status::HResult;
use tokio::sync::oneshot;

use super::error::SessionError;
use super::events::{Completion, FormatEcho, Windows};
use super::leasing::BlockingPermit;
use super::live::Session;
use super::quota;
use crate::host::limits::Limits;

/// The arguments of a Format call as the client gave them; the file is not checked yet.
#[derive(Debug, Clone, PartialEq)]
pub struct FormatArguments {
    /// The file; empty for that of the batch, or NULL.
    pub file: Box<str>,
    /// The target; empty for the default one.
    pub target: Box<str>,
    /// Which Format call, with its memories.
    pub io: FormatIo,
}

impl FormatArguments {
    /// Bytes of its memories, whole and not only the windows: the client owns as much.
    fn memories(&self) -> (u64, u64) {
        let given = |input: &Option<InputMemory>| input.as_ref().map_or(0, |memory| memory.data.len() as u64);
        let room = |output: &Option<OutputMemory>| output.as_ref().map_or(0, |memory| memory.size);
        match &self.io {
            FormatIo::Read { output, .. } | FormatIo::QueryInformation { output, .. } => (0, room(output)),
            FormatIo::Write { input, .. } | FormatIo::SetInformation { input, .. } => (given(input), 0),
            FormatIo::DeviceControl { input, output, .. } => (given(input), room(output)),
            FormatIo::FlushBuffers | FormatIo::InternalDeviceControl { .. } => (0, 0),
        }
    }

    pub(super) fn check_payload(&self, limits: &Limits) -> Result<u64, SessionError> {
        let (input, output) = self.memories();
        quota::check_payload(input.max(output), limits.payload_bytes_max)?;
        Ok(input + output)
    }

    pub(super) fn echo(&self) -> FormatEcho {
        let (input, output, has_device_offset) = match &self.io {
            FormatIo::Read { output, device_offset } => (None, output.as_ref(), device_offset.is_some()),
            FormatIo::Write { input, device_offset } => (input.as_ref(), None, device_offset.is_some()),
            FormatIo::DeviceControl { input, output, .. } => (input.as_ref(), output.as_ref(), false),
            FormatIo::QueryInformation { output, .. } => (None, output.as_ref(), false),
            FormatIo::SetInformation { input, .. } => (input.as_ref(), None, false),
            FormatIo::FlushBuffers | FormatIo::InternalDeviceControl { .. } => (None, None, false),
        };
        let input = input.and_then(|memory| memory.window.as_deref().copied());
        let output = output.and_then(|memory| memory.window.as_deref().copied());
        let given = input.is_some() || output.is_some();
        FormatEcho { has_device_offset, windows: given.then(|| Box::new(Windows { output, input })) }
    }
}

/// How a Send went.
#[derive(Debug, Clone, PartialEq)]
pub struct Sent {
    /// What Send returned.
    pub status: HResult,
    /// The completion, for an accepted synchronous Send.
    pub completion: Option<Completion>,
}

/// A Send on its way to its answer.
pub(super) enum Sending {
    /// It was accepted or refused, and nobody waits.
    Answered(HResult),
    /// It was accepted, and has completed.
    Completed(Box<Completion>),
    /// It was accepted; its caller waits.
    Waiting(oneshot::Receiver<Completion>),
}

/// A request as its creator sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct RequestRecord {
    /// Where it is in its life.
    pub state: RequestState,
    /// GetStatus (REQ-8).
    pub status: HResult,
    /// What it is formatted for.
    pub kind: Option<IoKind>,
    /// Its completion, once completed.
    pub completion: Option<Completion>,
    /// Whether a cancel was asked for.
    pub cancel_requested: bool,
}

impl Session {
    /// CreateRequest (REQ-1).
    ///
    /// # Errors
    /// [`SessionError::RequestIdInUse`], [`SessionError::RequestGone`], [`SessionError::LimitReached`], and those of
    /// every call.
    pub fn create_request(&self, number: u64, callback: bool) -> Result<HResult, SessionError> {
        self.operate(|op| op.create_request(number, callback))
    }

    /// FormatRequestForXxx (TGT-5).
    ///
    /// # Errors
    /// Those of naming a request, a file and a target, [`SessionError::PayloadTooLarge`],
    /// [`SessionError::LimitReached`], and those of every call.
    pub fn format_request(&self, number: u64, format: FormatArguments) -> Result<HResult, SessionError> {
        self.operate(|op| op.format_request(number, format))
    }

    /// Send (REQ-7).
    ///
    /// # Errors
    /// Those of naming a request and a target, [`SessionError::RetentionFull`], [`SessionError::LimitReached`], and
    /// those of every call.
    pub async fn send_request(
        self: &Arc<Self>,
        number: u64,
        options: SendOptions,
        target: &str,
    ) -> Result<Sent, SessionError> {
        let _permit = self.permit_for(options)?;
        let sending = self.operate(|op| op.send_request(number, options, target))?;
        self.answer(sending).await
    }

    /// CreateRequest, Format and Send in one. A message that comes again does no second I/O.
    ///
    /// # Errors
    /// [`SessionError::RequestIdInUse`], [`SessionError::RequestGone`], [`SessionError::RetentionFull`], those of
    /// naming a file and a target, [`SessionError::PayloadTooLarge`], [`SessionError::LimitReached`], and those of
    /// every call.
    pub async fn format_and_send(
        self: &Arc<Self>,
        number: u64,
        format: FormatArguments,
        options: SendOptions,
        retain: bool,
    ) -> Result<Sent, SessionError> {
        let _permit = self.permit_for(options)?;
        let sending = self.operate(|op| op.format_and_send(number, format, options, retain))?;
        self.answer(sending).await
    }

    /// CancelSentRequest (REQ-27).
    ///
    /// # Errors
    /// Those of naming a request, and those of every call.
    pub fn cancel(&self, number: u64) -> Result<CancelAnswer, SessionError> {
        self.operate(|op| op.cancel(number))
    }

    /// Reuse (REQ-41).
    ///
    /// # Errors
    /// Those of naming a request, and those of every call.
    pub fn reuse_request(&self, number: u64, status: HResult, callback: bool) -> Result<(), SessionError> {
        self.operate(|op| op.reuse_request(number, status, callback))
    }

    /// DeleteWdfObject (REQ-3).
    ///
    /// # Errors
    /// Those of naming a request, and those of every call.
    pub fn delete_request(&self, number: u64) -> Result<HResult, SessionError> {
        self.operate(|op| op.delete_request(number))
    }

    /// GetStatus, GetCompletionParams and the state.
    ///
    /// # Errors
    /// Those of naming a request, and those of every call.
    pub fn request(&self, number: u64) -> Result<RequestRecord, SessionError> {
        self.operate(|op| {
            let object = op.state.requests.object(number)?;
            let Some(view) = op.stack.request_view(object.id) else {
                return Err(SessionError::RequestGone(number));
            };
            let completion = |params: CompletionParams| object.completion(number, params);
            Ok(RequestRecord {
                state: view.state,
                status: view.status,
                kind: view.kind,
                completion: view.completion.map(completion),
                cancel_requested: view.cancel_requested,
            })
        })
    }

    fn permit_for(self: &Arc<Self>, options: SendOptions) -> Result<Option<BlockingPermit>, SessionError> {
        if options.has(SendOptions::SYNCHRONOUS) { self.blocking_permit().map(Some) } else { Ok(None) }
    }

    async fn answer(&self, sending: Sending) -> Result<Sent, SessionError> {
        match sending {
            Sending::Answered(status) => Ok(Sent { status, completion: None }),
            Sending::Completed(completion) => Ok(Sent { status: HResult::S_OK, completion: Some(*completion) }),
            Sending::Waiting(completion) => {
                let completion = completion.await.map_err(|_| self.abandoned())?;
                Ok(Sent { status: HResult::S_OK, completion: Some(completion) })
            }
        }
    }
}
