//! What happens to requests within one step: the code under the unary calls and under the submissions of a queue pair.
//!
//! Laws: every check comes before every change, so that a refusal changed nothing and leaves its id unused; a message
//! that comes again after it was accepted does no second I/O.

use std::sync::Arc;

use lowerdeck_framework::ids::{DeviceId, RequestId, TargetId};
use lowerdeck_framework::io::{IoParameters, SendOptions};
use lowerdeck_framework::request::RequestState;
use lowerdeck_framework::stack::{CancelAnswer, Stack};
use lowerdeck_framework::status::HResult;
use uuid::Uuid;

use super::error::SessionError;
use super::events::FormatEcho;
use super::live::Operation;
use super::request_calls::{FormatArguments, Sending};
use super::requests::{Asked, AskedOfHandle, Entry, Object, Origin, RequestTable};

impl Operation<'_> {
    /// [`super::Session::create_request`].
    pub(super) fn create_request(&mut self, number: u64, callback: bool) -> Result<HResult, SessionError> {
        match self.state.requests.entry(number) {
            Some(Entry::Object(object)) if object.origin == (Origin::Created { callback }) => {
                let view = self.stack.request_view(object.id);
                let untouched = view.is_some_and(|view| view.state == RequestState::Unformatted);
                return if untouched { Ok(HResult::S_OK) } else { Err(SessionError::RequestIdInUse(number)) };
            }
            Some(_) => return Err(SessionError::RequestIdInUse(number)),
            None => self.state.requests.check_new(number, self.limits)?,
        }
        self.state.requests.check_object(0, self.limits)?;
        let id = self.stack.request_created(self.upper, number, callback);
        self.state.requests.insert_object(number, Object::new(id, Origin::Created { callback }));
        Ok(HResult::S_OK)
    }

    /// [`super::Session::format_request`].
    pub(super) fn format_request(&mut self, number: u64, format: FormatArguments) -> Result<HResult, SessionError> {
        self.state.requests.object(number)?;
        let bytes = format.check_payload(self.limits)?;
        let aim = self.aim(&format)?;
        let object = self.state.requests.object(number)?;
        let (id, before, echo) = (object.id, object.bytes, format.echo());
        self.state.requests.check_bytes(before, bytes, self.limits)?;
        self.remember_origin(number)?;
        let status = self.format_at(id, &aim, format.io);
        let object = self.state.requests.object(number)?;
        if status.is_success() {
            object.echo = echo;
            object.was_submitted = false; // its completion no longer belongs to what was submitted
            object.file = aim.lower_file().map(Into::into);
            object.delete_on_acknowledge = false; // whoever formats it again means to go on with it
            self.state.requests.charge(number, bytes);
        } else if !object.outstanding {
            self.state.requests.charge(number, 0);
        }
        Ok(status)
    }

    /// [`super::Session::send_request`], up to the point where a synchronous Send waits.
    pub(super) fn send_request(
        &mut self,
        number: u64,
        options: SendOptions,
        target: &str,
    ) -> Result<Sending, SessionError> {
        let target = self.own_target(target)?;
        self.state.requests.object(number)?;
        self.check_retention()?;
        self.send(number, options, target)
    }

    /// [`super::Session::cancel`].
    pub(super) fn cancel(&mut self, number: u64) -> Result<CancelAnswer, SessionError> {
        let id = self.state.requests.object(number)?.id;
        Ok(self.stack.cancel_requested(self.now, self.upper, id))
    }

    /// [`super::Session::reuse_request`].
    pub(super) fn reuse_request(&mut self, number: u64, status: HResult, callback: bool) -> Result<(), SessionError> {
        self.remember_origin(number)?;
        let id = self.state.requests.object(number)?.id;
        self.stack.reuse_requested(self.upper, id, status, callback);
        let unformatted = self.stack.request_view(id).is_some_and(|view| view.state == RequestState::Unformatted);
        if unformatted {
            let object = self.state.requests.object(number)?;
            object.delete_on_acknowledge = false; // whoever reuses it means to go on with it
            object.echo = FormatEcho::default();
            self.state.requests.charge(number, 0);
        }
        Ok(())
    }

    /// [`super::Session::delete_request`].
    pub(super) fn delete_request(&mut self, number: u64) -> Result<HResult, SessionError> {
        let id = self.state.requests.object(number)?.id;
        Ok(self.delete(number, id))
    }

    /// Request object `number` is about to forget what it is formatted for.
    fn remember_origin(&mut self, number: u64) -> Result<(), SessionError> {
        let object = self.state.requests.object(number)?;
        if let Origin::Sent { asked: asked @ Asked::Formatted, .. } = &mut object.origin
            && let Some(parameters) = self.stack.request_parameters(object.id)
        {
            *asked = Asked::Parameters(Arc::clone(parameters));
        }
        Ok(())
    }

    /// Whether a FormatAndSend says what the one said that made `object`.
    fn says(&self, object: &Object, format: &FormatArguments, options: SendOptions, retain: bool) -> bool {
        let Origin::Sent { file, asked, has_device_offset, options: sent_with, retain: retained } = &object.origin
        else {
            return false;
        };
        let is_sent_alike = *sent_with == options && *retained == retain;
        if let Asked::OfHandle(asked) = asked {
            return is_sent_alike && self.says_of_handle(asked, format);
        }
        let name = Some(&*format.file).filter(|name| !name.is_empty()).or(self.batch_file.as_deref());
        let named = name.map(Uuid::try_parse).transpose();
        let before = match asked {
            Asked::Formatted => self.stack.request_parameters(object.id),
            Asked::Parameters(parameters) => Some(parameters),
            Asked::Exactly(_) | Asked::OfHandle(_) => None,
        };
        let is_same_io = match asked {
            Asked::Exactly(exact) => **exact == format.io,
            Asked::OfHandle(_) => false,
            Asked::Formatted | Asked::Parameters(_) => {
                format.io.is_whole()
                    && format.echo().has_device_offset == *has_device_offset
                    && IoParameters::try_from(format.io.clone()).is_ok_and(|now| before.is_some_and(|io| **io == now))
            }
        };
        format.target.is_empty() && is_same_io && named.is_ok_and(|named| named == *file) && is_sent_alike
    }

    fn says_of_handle(&self, asked: &AskedOfHandle, format: &FormatArguments) -> bool {
        let file = Some(&*format.file).filter(|name| !name.is_empty()).map(Uuid::try_parse).transpose();
        let target = self.own_target(&format.target);
        asked.io == format.io && file == Ok(asked.file) && target == Ok(Some(asked.target))
    }

    /// Request `id` was sent.
    fn expect_completion(&mut self, id: RequestId) {
        self.coming.events += 1;
        self.coming.bytes += self.stack.request_parameters(id).map_or(0, |parameters| parameters.output_length);
    }

    fn check_retention(&self) -> Result<(), SessionError> {
        let (events_max, bytes_max) = (self.limits.retained_events_max, self.limits.retained_bytes_max);
        self.state.events.check_retention(self.coming, events_max, bytes_max)
    }

    /// Sends the request object `number`, which exists.
    fn send(&mut self, number: u64, options: SendOptions, target: Option<TargetId>) -> Result<Sending, SessionError> {
        let object = self.state.requests.object(number)?;
        let was_outstanding = object.outstanding;
        let status = self.stack.send_to_requested(self.now, self.upper, object.id, target, options);
        if !status.is_success() || was_outstanding {
            return Ok(Sending::Answered(status));
        }
        object.outstanding = true;
        let (id, file) = (object.id, object.file);
        let waiting = options.has(SendOptions::SYNCHRONOUS).then(|| object.wait());
        self.expect_completion(id);
        self.state.books.accepted(file.map(|file| file.account));
        Ok(match waiting {
            Some(receiver) => Sending::Waiting(receiver),
            None => Sending::Answered(status),
        })
    }

    /// [`Session::format_and_send`], up to the point where a synchronous Send waits.
    pub(super) fn format_and_send(
        &mut self,
        number: u64,
        format: FormatArguments,
        options: SendOptions,
        retain: bool,
    ) -> Result<Sending, SessionError> {
        if let Some(entry) = self.state.requests.get(number) {
            return match entry {
                Entry::Object(object) if self.says(object, &format, options, retain) => {
                    self.answer_again(number, options)
                }
                _ => Err(SessionError::RequestIdInUse(number)),
            };
        }
        self.state.requests.check_new(number, self.limits)?;
        self.check_retention()?;
        let bytes = format.check_payload(self.limits)?;
        let aim = self.aim(&format)?;
        self.state.requests.check_object(bytes, self.limits)?;

        let id = self.stack.request_created(self.upper, number, true);
        let echo = format.echo();
        let asked = aim.asked(&format.io);
        let status = self.format_at(id, &aim, format.io);
        if !status.is_success() {
            self.stack.delete_requested(self.upper, id);
            return Ok(Sending::Answered(status));
        }
        let status = self.stack.send_to_requested(self.now, self.upper, id, aim.target(), options);
        if !status.is_success() {
            self.stack.delete_requested(self.upper, id);
            return Ok(Sending::Answered(status));
        }
        let file = aim.lower_file();
        let (file_named, has_device_offset) = (file.map(|file| file.uuid), echo.has_device_offset);
        let origin = Origin::Sent { file: file_named, asked, has_device_offset, options, retain };
        let mut object = Object::new(id, origin);
        object.was_submitted = self.is_submission;
        (object.outstanding, object.file, object.echo, object.bytes) = (true, file.map(Into::into), echo, bytes);
        let waiting = options.has(SendOptions::SYNCHRONOUS).then(|| object.wait());
        self.expect_completion(id);
        self.state.books.accepted(file.map(|file| file.account));
        self.state.requests.insert_object(number, object);
        Ok(match waiting {
            Some(receiver) => Sending::Waiting(receiver),
            None => Sending::Answered(status),
        })
    }

    /// The answer to a FormatAndSend that was accepted before: the same as then, without a second I/O.
    fn answer_again(&mut self, number: u64, options: SendOptions) -> Result<Sending, SessionError> {
        let object = self.state.requests.object(number)?;
        if !options.has(SendOptions::SYNCHRONOUS) {
            return Ok(Sending::Answered(HResult::S_OK));
        }
        if object.outstanding {
            return Ok(Sending::Waiting(object.wait()));
        }
        Ok(match self.stack.request_view(object.id).and_then(|view| view.completion) {
            Some(params) => Sending::Completed(Box::new(object.completion(number, params))),
            None => Sending::Answered(HResult::S_OK),
        })
    }

    /// Deletes a request object; its number is used for ever.
    pub(super) fn delete(&mut self, number: u64, id: RequestId) -> HResult {
        delete(self.stack, self.upper, &mut self.state.requests, number, id)
    }
}

/// [`Operation::delete`], of its parts.
pub(super) fn delete(
    stack: &mut Stack,
    upper: DeviceId,
    requests: &mut RequestTable,
    number: u64,
    id: RequestId,
) -> HResult {
    let status = stack.delete_requested(upper, id);
    if !stack.has_request(id) {
        requests.remove(number);
    }
    status
}
