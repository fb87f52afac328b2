//! Performing the actions of a rule, one after the other.
//!
//! Law: whatever an action does, each request it takes out of the kept ones is completed, sent on or kept again.

use lowerdeck_framework::context::{DriverContext, Forward};
use lowerdeck_framework::ids::{FileId, QueueId, ReceivedId};
use lowerdeck_framework::io::{Format, SendOptions};
use lowerdeck_framework::status::HResult;

use super::action::{Action, Passage};
use super::arguments::Completion;
use super::driver::ScriptedDriver;
use super::kept::{Kept, KeptState};
use super::rule::Trigger;

/// The queue that `queue` moves requests to.
pub(super) const MANUAL_QUEUE: QueueId = QueueId(1);

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
}
