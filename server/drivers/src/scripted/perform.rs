//! Performing the actions of a rule, one after the other.
//!
//! Law: whatever an action does, each request it takes out of the kept ones is completed, sent on or kept again.

use std::collections::VecDeque;

use lowerdeck_framework::context::{DriverContext, Forward};
use lowerdeck_framework::ids::{FileId, QueueId, ReceivedId};
use lowerdeck_framework::io::{Format, FormatIo, SendOptions};
use lowerdeck_framework::memory::{InputMemory, OutputMemory};
use lowerdeck_framework::status::HResult;

use super::action::{Action, OwnCallback, OwnIo, OwnSend, Passage};
use super::arguments::Completion;
use super::driver::ScriptedDriver;
use super::kept::{Kept, KeptState};
use super::own::{MAX_OWN_REQUESTS, OwnCall, OwnRequest};
use super::rule::Trigger;
use crate::transfer;

/// The queue that `queue` moves requests to.
pub(super) const MANUAL_QUEUE: QueueId = QueueId(1);

/// Most notes kept; the oldest are dropped.
pub const MAX_NOTES: usize = 256;

/// What scripts write down.
#[derive(Debug, Default)]
pub(super) struct Notes {
    lines: VecDeque<String>,
}

impl Notes {
    pub(super) fn add(&mut self, line: impl Into<String>) {
        if self.lines.len() == MAX_NOTES {
            self.lines.pop_front();
        }
        self.lines.push_back(line.into());
    }

    /// One line each, the oldest first.
    pub(super) fn listing(&self) -> String {
        self.lines.iter().map(String::as_str).collect::<Vec<_>>().join("\n")
    }
}

/// What a callback is about. Its request is among the kept ones.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scene {
    pub(super) trigger: Trigger,
    pub(super) request: Option<ReceivedId>,
    pub(super) file: Option<FileId>,
}

/// What performing a rule came to.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Outcome {
    /// The request was completed or sent on, or shall be kept.
    pub(super) decided: bool,
    /// The callback shall not return.
    pub(super) blocked: bool,
    /// It cannot return: it waits in a synchronous Send or for the private lock.
    pub(super) waits: bool,
    /// What a PnP callback fails with.
    pub(super) failure: Option<HResult>,
}

impl ScriptedDriver {
    /// Performs `actions` in order.
    pub(super) fn perform(&mut self, cx: &mut DriverContext<'_>, actions: &[Action], scene: Scene) -> Outcome {
        let mut outcome = Outcome::default();
        for (index, action) in actions.iter().enumerate() {
            match (action, scene.request) {
                (Action::Block, _) => (outcome.blocked, outcome.decided) = (true, true),
                (Action::PrivateLock, _) => {
                    if self.waits_for_private_lock(cx, &actions[index + 1..], scene) {
                        return Outcome { decided: true, waits: true, ..outcome };
                    }
                }
                (Action::Hold, _) => outcome.decided = true,
                (Action::Fail(status), None) => outcome.failure = Some(*status),
                (_, Some(request)) if self.perform_on_request(cx, action, request) => outcome.decided = true,
                _ => self.perform_aside(cx, action, scene),
            }
        }
        // `then=complete` decides as well: the request is completed later.
        let later = |action: &Action| match action {
            Action::Send(send) => send.then_complete,
            Action::CreateFile { then_complete, .. } => *then_complete,
            _ => false,
        };
        outcome.decided |= actions.iter().any(later);
        outcome.waits = cx.is_in_send();
        outcome.decided |= outcome.waits; // nothing more is done before the Send has returned
        outcome
    }

    /// Performs an action that decides about the request; false when it is none.
    fn perform_on_request(&mut self, cx: &mut DriverContext<'_>, action: &Action, request: ReceivedId) -> bool {
        match action {
            Action::Complete(completion) => self.finish_kept(cx, request, completion),
            Action::Fail(status) => self.finish_kept(cx, request, &Completion::of(*status)),
            Action::CompleteTwice(status) => {
                self.finish_kept(cx, request, &Completion::of(*status));
                cx.complete_by_identity(request, *status, 0);
            }
            Action::Arm(object) => self.arm(cx, request, *object),
            Action::UnmarkComplete(completion) => {
                if let Err(status) = self.unmark_complete(cx, request, completion) {
                    self.notes.add(format!("unmark-complete: {status}"));
                }
            }
            Action::Forward(passage) => {
                if let Err((kept, status)) = self.forward(cx, request, passage) {
                    // The driver still owns it and answers with the error of its Send (REQ-8).
                    self.finish(cx, kept, &Completion::of(status));
                }
            }
            Action::Queue => {
                if let Err((kept, status)) = self.queue(cx, request) {
                    self.notes.add(format!("queue: {status}"));
                    self.kept.insert(kept);
                }
            }
            Action::Acknowledge { requeue } => drop(self.acknowledge(cx, request, *requeue)),
            _ => return false,
        }
        true
    }

    /// Performs an action that is not about the request.
    fn perform_aside(&mut self, cx: &mut DriverContext<'_>, action: &Action, scene: Scene) {
        let noted = match (action, scene.file) {
            (Action::Context(context), Some(file)) => cx.assign_context(file, *context),
            (Action::Send(send), file) => self.send_own(cx, send, file, scene.request),
            (Action::CreateFile { name, then_complete }, _) => {
                self.create_own(cx, name, scene.request.filter(|_| *then_complete))
            }
            (Action::CloseOwn(name), _) => self.close_own(cx, name),
            (Action::OpenHidden(name), _) => self.open_hidden(cx, name),
            (Action::CancelOwn(number), _) => self.own.request(*number).map_or(Err(HResult::E_INVALIDARG), |request| {
                cx.cancel_sent_request(request);
                Ok(())
            }),
            (Action::Target(action), _) => self.act_on_target(cx, action),
            (Action::CompleteFile(completion), Some(file)) => {
                for request in self.kept.of_file(file) {
                    self.settle(cx, request, completion);
                }
                Ok(())
            }
            (Action::RetrieveFile(completion), Some(file)) => {
                while let Ok(request) = cx.retrieve_next_request(MANUAL_QUEUE, Some(file)) {
                    let kept = Self::described(cx, request);
                    self.finish(cx, kept, completion);
                }
                Ok(())
            }
            (Action::PrivateUnlock, _) => {
                self.private_unlock(cx);
                Ok(())
            }
            (Action::Note(text), _) => {
                self.notes.add(text.clone());
                Ok(())
            }
            _ => Ok(()),
        };
        if let Err(status) = noted {
            self.notes.add(format!("{}: {status}", action.name()));
        }
    }

    /// Completes a request and remembers its identity.
    pub(super) fn finish(&mut self, cx: &mut DriverContext<'_>, kept: Kept, completion: &Completion) {
        let Kept { request, label, .. } = kept;
        self.kept.remember(label, request.id());
        let Completion { status, information, data } = completion;
        match information {
            None if data.is_empty() => cx.complete(request, *status),
            None => cx.complete_with_output(request, *status, data.clone()),
            Some(information) => {
                cx.complete_with_output_and_information(request, *status, data.clone(), *information);
            }
        }
    }

    /// Completes a kept request whatever its state: whether that is allowed is for the framework to say.
    pub(super) fn finish_kept(&mut self, cx: &mut DriverContext<'_>, request: ReceivedId, completion: &Completion) {
        if let Some(kept) = self.kept.remove(request) {
            self.finish(cx, kept, completion);
        }
    }

    /// `MarkCancelable`, once.
    pub(super) fn arm(&mut self, cx: &mut DriverContext<'_>, request: ReceivedId, object: u32) {
        if let Some(kept) = self.kept.get_mut(request).filter(|kept| kept.state == KeptState::Held) {
            cx.mark_cancelable_with(&kept.request, object);
            kept.state = KeptState::Armed;
        }
    }

    /// `UnmarkCancelable`.
    pub(super) fn unmark(&mut self, cx: &mut DriverContext<'_>, request: ReceivedId) -> Result<(), HResult> {
        let kept = self.kept.get_mut(request).ok_or(HResult::STATUS_INVALID_PARAMETER)?;
        let unmarked = cx.unmark_cancelable(&kept.request);
        kept.state = match (unmarked, kept.state) {
            (Ok(()), _) => KeptState::Held,
            (Err(_), KeptState::Armed) => KeptState::Cancelling,
            (Err(_), state) => state,
        };
        unmarked
    }

    /// Unmarks and completes; leaves the request alone when its cancellation is under way (REQ-50).
    pub(super) fn unmark_complete(
        &mut self,
        cx: &mut DriverContext<'_>,
        request: ReceivedId,
        completion: &Completion,
    ) -> Result<(), HResult> {
        self.unmark(cx, request)?;
        self.finish_kept(cx, request, completion);
        Ok(())
    }

    /// Completes a kept request the way its state asks for.
    fn settle(&mut self, cx: &mut DriverContext<'_>, request: ReceivedId, completion: &Completion) {
        match self.kept.get_mut(request).map(|kept| kept.state) {
            Some(KeptState::Armed) => {
                // Lost to a cancel, it is left to OnCancel.
                let _ = self.unmark_complete(cx, request, completion);
            }
            Some(KeptState::Held | KeptState::Cancelled) => self.finish_kept(cx, request, completion),
            Some(KeptState::Cancelling) | None => {}
        }
    }

    /// Sends a kept request on, as it is or formatted again with another file.
    ///
    /// # Errors
    /// The request, still owned, with the error of the Format or the Send.
    pub(super) fn forward(
        &mut self,
        cx: &mut DriverContext<'_>,
        request: ReceivedId,
        passage: &Passage,
    ) -> Result<(), (Kept, HResult)> {
        if let Some(target) = &passage.target {
            return self.forward_to_target(cx, request, target, passage.callback, passage.options);
        }
        let Some(kept) = self.kept.remove(request) else { return Ok(()) };
        let format = match &passage.file {
            None => Forward::CurrentType,
            Some(name) => match cx.parameters(&kept.request).to_format() {
                Some(io) => Forward::Formatted(Format { file: self.file_named(cx, name), io }),
                None => return Err((kept, HResult::STATUS_INVALID_DEVICE_REQUEST)),
            },
        };
        let options = passage.options;
        let (label, id) = (kept.label, kept.request.id());
        cx.send_received(kept.request, format, passage.callback, options)
            .map_err(|(request, status)| (Kept { request, ..kept }, status))?;
        if options.has(SendOptions::SEND_AND_FORGET) {
            self.kept.remember(label, id); // it never comes back: `complete-again` may still name it
        }
        Ok(())
    }

    /// Puts a kept request back at the head of the manual queue it came from.
    pub(super) fn requeue(&mut self, cx: &mut DriverContext<'_>, request: ReceivedId) -> Result<(), (Kept, HResult)> {
        let Some(kept) = self.kept.remove(request) else { return Ok(()) };
        cx.requeue(kept.request).map_err(|(request, status)| (Kept { request, ..kept }, status))
    }

    /// Moves a kept request to the manual queue.
    ///
    /// # Errors
    /// As [`ScriptedDriver::forward`].
    pub(super) fn queue(&mut self, cx: &mut DriverContext<'_>, request: ReceivedId) -> Result<(), (Kept, HResult)> {
        let Some(kept) = self.kept.remove(request) else { return Ok(()) };
        cx.forward_to_io_queue(kept.request, MANUAL_QUEUE)
            .map_err(|(request, status)| (Kept { request, ..kept }, status))
    }

    /// Sends a request of its own, on behalf of the present one if there is one; if that fails, so does a present one
    /// that waits for it.
    pub(super) fn send_own(
        &mut self,
        cx: &mut DriverContext<'_>,
        send: &OwnSend,
        file: Option<FileId>,
        present: Option<ReceivedId>,
    ) -> Result<(), HResult> {
        let sent = self.try_send_own(cx, send, file, present);
        let then = present.filter(|_| send.then_complete);
        if let (Err(status), Some(then)) = (sent, then) {
            self.finish_kept(cx, then, &Completion::of(status));
        }
        sent
    }

    fn try_send_own(
        &mut self,
        cx: &mut DriverContext<'_>,
        send: &OwnSend,
        file: Option<FileId>,
        present: Option<ReceivedId>,
    ) -> Result<(), HResult> {
        if self.own.requests.len() >= MAX_OWN_REQUESTS {
            return Err(HResult::STATUS_INSUFFICIENT_RESOURCES);
        }
        let file = match &send.file {
            Some(name) => self.file_named(cx, name),
            None => file,
        };
        let output = (send.length > 0).then(|| OutputMemory::empty(send.length));
        let io = match send.io {
            OwnIo::Read => FormatIo::Read { output, device_offset: None },
            OwnIo::Write => FormatIo::Write { input: own_input(send.length)?, device_offset: None },
            OwnIo::Ioctl(code) => FormatIo::DeviceControl { code, input: None, output },
            OwnIo::Flush => FormatIo::FlushBuffers,
            OwnIo::QueryInformation(class) => FormatIo::QueryInformation { class, output },
            OwnIo::SetInformation(class) => FormatIo::SetInformation { class, input: own_input(send.length)? },
        };
        let target = send.target.as_ref().map(|name| self.targets.on_handle(name)).transpose()?;
        let (number, callback) = (Some(send.number), send.callback != OwnCallback::After);
        let request = match send.parent {
            None => cx.create_request(number, callback),
            Some(parent) => {
                let parent = self.own.request(parent).ok_or(HResult::E_INVALIDARG)?;
                cx.create_child_request(number, callback, parent)?
            }
        };
        let mut status = match (target, send.memory) {
            (Some(target), None) => cx.format_request_for_handle(request, target, None, io),
            (Some(_), Some(_)) => HResult::E_INVALIDARG, // its memories are for the default target
            (None, Some(memory)) => self.format_own_with_memory(cx, request, file, send, memory, present),
            (None, None) => cx.format_request(request, file, io),
        };
        if send.callback != OwnCallback::Before {
            cx.set_completion_callback(request, send.callback == OwnCallback::After);
        }
        if status.is_success() {
            let options = send.options;
            status = match target {
                Some(target) => cx.send_request_to_handle(request, target, options),
                None => cx.send_request(request, options),
            };
        }
        if status.is_success() {
            let then = present.filter(|_| send.then_complete);
            self.own.requests.insert(request, OwnRequest { number: send.number, then });
            Ok(())
        } else {
            cx.delete_request(request);
            Err(status)
        }
    }

    /// A file of its own, else an upper driver's, by name.
    pub(super) fn file_named(&self, cx: &DriverContext<'_>, name: &str) -> Option<FileId> {
        self.own.file(name).or_else(|| self.own.sessions().find(|file| cx.file_name(*file) == name))
    }

    /// `CreateWdfFile`; its result comes with `on_call_returned`.
    pub(super) fn create_own(
        &mut self,
        cx: &mut DriverContext<'_>,
        name: &str,
        then: Option<ReceivedId>,
    ) -> Result<(), HResult> {
        if !self.own.has_room_for_file() {
            let status = HResult::STATUS_INSUFFICIENT_RESOURCES;
            if let Some(then) = then {
                self.finish_kept(cx, then, &Completion::of(status));
            }
            return Err(status);
        }
        let call = cx.create_wdf_file(Some(name));
        self.own.calls.insert(call, OwnCall::Create { name: name.to_owned(), then });
        Ok(())
    }

    /// Has the framework open a file of its own; its result comes with `on_call_returned`.
    pub(super) fn open_hidden(&mut self, cx: &mut DriverContext<'_>, name: &str) -> Result<(), HResult> {
        if !self.own.has_room_for_file() {
            return Err(HResult::STATUS_INSUFFICIENT_RESOURCES);
        }
        let call = cx.open_framework_file(Some(name));
        self.own.calls.insert(call, OwnCall::Create { name: name.to_owned(), then: None });
        Ok(())
    }

    /// Closes the latest file of its own with that name.
    pub(super) fn close_own(&mut self, cx: &mut DriverContext<'_>, name: &str) -> Result<(), HResult> {
        let file = self.own.file(name).ok_or(HResult::E_INVALIDARG)?;
        if !self.own.has_room_for_call() {
            return Err(HResult::STATUS_INSUFFICIENT_RESOURCES);
        }
        let call = cx.close_file(file);
        self.own.calls.insert(call, OwnCall::Close(file));
        Ok(())
    }
}

/// A memory with `length` bytes of the pattern; NULL for none.
fn own_input(length: u64) -> Result<Option<InputMemory>, HResult> {
    let data = transfer::pattern(length)?;
    Ok((length > 0).then_some(InputMemory { data, window: None }))
}
