//! What a session does with requests: create, format, send, cancel, reuse, delete, look at.

use std::sync::Arc;

use lowerdeck_framework::io::{CompletionParams, Format, FormatIo, IoKind, SendOptions};
use lowerdeck_framework::memory::{InputMemory, OutputMemory};
use lowerdeck_framework::request::RequestState;
use lowerdeck_framework::stack::CancelAnswer;
use lowerdeck_framework::status::HResult;
use tokio::sync::oneshot;

use super::error::SessionError;
use super::events::{Completion, FormatEcho};
use super::leasing::BlockingPermit;
use super::live::{Operation, Session};
use super::quota;
use super::requests::{Entry, Object, Origin};
use crate::host::limits::Limits;

/// The arguments of a Format call as the client gave them; the file is not checked yet.
#[derive(Debug, Clone, PartialEq)]
pub struct FormatArguments {
    /// The file; empty for NULL.
    pub file: String,
    /// The target; empty for the default one.
    pub target: String,
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

    fn check_payload(&self, limits: &Limits) -> Result<u64, SessionError> {
        let (input, output) = self.memories();
        quota::check_payload(input.max(output), limits.payload_bytes_max)?;
        Ok(input + output)
    }

    fn echo(&self) -> FormatEcho {
        let from = |input: &Option<InputMemory>| input.as_ref().and_then(|memory| memory.window);
        let into = |output: &Option<OutputMemory>| output.as_ref().and_then(|memory| memory.window);
        let echo = FormatEcho::default();
        match &self.io {
            FormatIo::Read { output, device_offset } => {
                FormatEcho { device_offset: *device_offset, output_offset: into(output), ..echo }
            }
            FormatIo::Write { input, device_offset } => {
                FormatEcho { device_offset: *device_offset, input_offset: from(input), ..echo }
            }
            FormatIo::DeviceControl { code, input, output } => {
                FormatEcho { code: code.0, output_offset: into(output), input_offset: from(input), ..echo }
            }
            FormatIo::QueryInformation { output, .. } => FormatEcho { output_offset: into(output), ..echo },
            FormatIo::SetInformation { input, .. } => FormatEcho { input_offset: from(input), ..echo },
            FormatIo::FlushBuffers | FormatIo::InternalDeviceControl { .. } => echo,
        }
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

impl Sent {
    fn without_completion(status: HResult) -> Sent {
        Sent { status, completion: None }
    }
}

/// A Send on its way to its answer.
enum Sending {
    Answered(Sent),
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
        self.operate(|op| {
            match op.state.requests.entry(number) {
                Some(Entry::Object(object)) if object.origin == (Origin::Created { callback }) => {
                    let view = op.stack.request_view(object.id);
                    let untouched = view.is_some_and(|view| view.state == RequestState::Unformatted);
                    return if untouched { Ok(HResult::S_OK) } else { Err(SessionError::RequestIdInUse(number)) };
                }
                Some(_) => return Err(SessionError::RequestIdInUse(number)),
                None => op.state.requests.check_new(number, op.limits)?,
            }
            op.state.requests.check_object(0, op.limits)?;
            let id = op.stack.request_created(op.upper, number, callback);
            op.state.requests.insert_object(number, Object::new(id, Origin::Created { callback }));
            Ok(HResult::S_OK)
        })
    }

    /// FormatRequestForXxx (TGT-5).
    ///
    /// # Errors
    /// Those of naming a request, a file and a target, [`SessionError::PayloadTooLarge`],
    /// [`SessionError::LimitReached`], and those of every call.
    pub fn format_request(&self, number: u64, format: FormatArguments) -> Result<HResult, SessionError> {
        self.own_target(&format.target)?;
        self.operate(|op| {
            op.state.requests.object(number)?;
            let bytes = format.check_payload(op.limits)?;
            let file = op.own_or_null(&format.file)?;
            let object = op.state.requests.object(number)?;
            let (id, before, echo) = (object.id, object.bytes, format.echo());
            op.state.requests.check_bytes(before, bytes, op.limits)?;
            let arguments = Format { file: file.map(|file| file.id), io: format.io };
            let status = op.stack.format_requested(op.upper, id, arguments);
            let object = op.state.requests.object(number)?;
            if status.is_success() {
                object.echo = echo;
                object.file = file.map(|file| file.uuid);
                object.delete_on_acknowledge = false; // whoever formats it again means to go on with it
                op.state.requests.charge(number, bytes);
            } else if !object.outstanding {
                op.state.requests.charge(number, 0);
            }
            Ok(status)
        })
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
        self.own_target(target)?;
        let _permit = self.permit_for(options)?;
        let sending = self.operate(|op| {
            op.state.requests.object(number)?;
            op.check_retention()?;
            op.send(number, options)
        })?;
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
        self.own_target(&format.target)?;
        let _permit = self.permit_for(options)?;
        let sending = self.operate(|op| op.format_and_send(number, format, options, retain))?;
        self.answer(sending).await
    }

    /// CancelSentRequest (REQ-27).
    ///
    /// # Errors
    /// Those of naming a request, and those of every call.
    pub fn cancel(&self, number: u64) -> Result<CancelAnswer, SessionError> {
        self.operate(|op| {
            let id = op.state.requests.object(number)?.id;
            Ok(op.stack.cancel_requested(op.now, op.upper, id))
        })
    }

    /// Reuse (REQ-41).
    ///
    /// # Errors
    /// Those of naming a request, and those of every call.
    pub fn reuse_request(&self, number: u64, status: HResult, callback: bool) -> Result<(), SessionError> {
        self.operate(|op| {
            let id = op.state.requests.object(number)?.id;
            op.stack.reuse_requested(op.upper, id, status, callback);
            let unformatted = op.stack.request_view(id).is_some_and(|view| view.state == RequestState::Unformatted);
            if unformatted {
                let object = op.state.requests.object(number)?;
                object.delete_on_acknowledge = false; // whoever reuses it means to go on with it
                object.echo = FormatEcho::default();
                op.state.requests.charge(number, 0);
            }
            Ok(())
        })
    }

    /// DeleteWdfObject (REQ-3).
    ///
    /// # Errors
    /// Those of naming a request, and those of every call.
    pub fn delete_request(&self, number: u64) -> Result<HResult, SessionError> {
        self.operate(|op| {
            let id = op.state.requests.object(number)?.id;
            Ok(op.delete(number, id))
        })
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
            let completion =
                |params: CompletionParams| Completion { number, file: object.file, params, echo: object.echo };
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
            Sending::Answered(sent) => Ok(sent),
            Sending::Waiting(completion) => {
                let completion = completion.await.map_err(|_| self.abandoned())?;
                Ok(Sent { status: HResult::S_OK, completion: Some(completion) })
            }
        }
    }
}

impl Operation<'_> {
    fn own_or_null(&self, file: &str) -> Result<Option<super::ownership::OwnedFile>, SessionError> {
        if file.is_empty() { Ok(None) } else { self.own(file).map(Some) }
    }

    fn check_retention(&self) -> Result<(), SessionError> {
        self.state.events.check_retention(self.limits.retained_events_max, self.limits.retained_bytes_max)
    }

    /// Sends the request object `number`, which exists.
    fn send(&mut self, number: u64, options: SendOptions) -> Result<Sending, SessionError> {
        let object = self.state.requests.object(number)?;
        let was_outstanding = object.outstanding;
        let status = self.stack.send_requested(self.now, self.upper, object.id, options);
        if !status.is_success() || was_outstanding {
            return Ok(Sending::Answered(Sent::without_completion(status)));
        }
        object.outstanding = true;
        let file = object.file;
        let waiting = options.has(SendOptions::SYNCHRONOUS).then(|| {
            let (sender, receiver) = oneshot::channel();
            object.waiters.push(sender);
            receiver
        });
        self.state.books.accepted(file);
        Ok(match waiting {
            Some(receiver) => Sending::Waiting(receiver),
            None => Sending::Answered(Sent::without_completion(status)),
        })
    }

    fn format_and_send(
        &mut self,
        number: u64,
        format: FormatArguments,
        options: SendOptions,
        retain: bool,
    ) -> Result<Sending, SessionError> {
        if let Some(entry) = self.state.requests.entry(number) {
            let Entry::Object(object) = entry else { return Err(SessionError::RequestIdInUse(number)) };
            if object.origin != (Origin::Sent { format, options, retain }) {
                return Err(SessionError::RequestIdInUse(number));
            }
            return self.answer_again(number, options);
        }
        self.state.requests.check_new(number, self.limits)?;
        self.check_retention()?;
        let bytes = format.check_payload(self.limits)?;
        let file = self.own_or_null(&format.file)?;
        self.state.requests.check_object(bytes, self.limits)?;

        let id = self.stack.request_created(self.upper, number, true);
        let arguments = Format { file: file.map(|file| file.id), io: format.io.clone() };
        let status = self.stack.format_requested(self.upper, id, arguments);
        if !status.is_success() {
            self.stack.delete_requested(self.upper, id);
            return Ok(Sending::Answered(Sent::without_completion(status)));
        }
        let echo = format.echo();
        let status = self.stack.send_requested(self.now, self.upper, id, options);
        if !status.is_success() {
            self.stack.delete_requested(self.upper, id);
            return Ok(Sending::Answered(Sent::without_completion(status)));
        }
        let mut object = Object::new(id, Origin::Sent { format, options, retain });
        (object.outstanding, object.file, object.echo, object.bytes) = (true, file.map(|file| file.uuid), echo, bytes);
        let waiting = options.has(SendOptions::SYNCHRONOUS).then(|| {
            let (sender, receiver) = oneshot::channel();
            object.waiters.push(sender);
            receiver
        });
        self.state.books.accepted(object.file);
        self.state.requests.insert_object(number, object);
        Ok(match waiting {
            Some(receiver) => Sending::Waiting(receiver),
            None => Sending::Answered(Sent::without_completion(status)),
        })
    }

    /// The answer to a FormatAndSend that was accepted before: the same as then, without a second I/O.
    fn answer_again(&mut self, number: u64, options: SendOptions) -> Result<Sending, SessionError> {
        let object = self.state.requests.object(number)?;
        let accepted = Sent::without_completion(HResult::S_OK);
        if !options.has(SendOptions::SYNCHRONOUS) {
            return Ok(Sending::Answered(accepted));
        }
        if object.outstanding {
            let (sender, receiver) = oneshot::channel();
            object.waiters.retain(|waiter| !waiter.is_closed());
            object.waiters.push(sender);
            return Ok(Sending::Waiting(receiver));
        }
        let params = self.stack.request_view(object.id).and_then(|view| view.completion);
        let completion = params.map(|params| Completion { number, file: object.file, params, echo: object.echo });
        Ok(Sending::Answered(Sent { completion, ..accepted }))
    }

    /// Deletes a request object; its number is used for ever.
    pub(super) fn delete(&mut self, number: u64, id: lowerdeck_framework::ids::RequestId) -> HResult {
        let status = self.stack.delete_requested(self.upper, id);
        if self.stack.request_view(id).is_none() {
            self.state.requests.remove(number);
        }
        status
    }
}
