//! Commands of the lab's operator: obeying them.
//!
//! A command that names something that is not there is refused with what there is, and changes nothing. What
//! the framework answers to the driver is the reply, by name.

use lowerdeck_framework::context::DriverContext;
use lowerdeck_framework::driver::DispatchType;
use lowerdeck_framework::ids::{QueueId, ReceivedId, RequestId, RequestLabel};
use lowerdeck_framework::status::HResult;

use super::action::Action;
use super::command::{Command, Misuse};
use super::driver::ScriptedDriver;
use super::kept::{Kept, KeptState};
use super::perform::MANUAL_QUEUE;
use super::rule::Trigger;

/// The reply to a command that has nothing to report.
const DONE: &str = "ok";

/// The answer of a method, by name.
fn answer(result: Result<(), HResult>) -> String {
    result.err().unwrap_or(HResult::S_OK).to_string()
}

pub(super) fn truth(value: bool) -> String {
    if value { "TRUE".to_owned() } else { "FALSE".to_owned() }
}

impl ScriptedDriver {
    /// Obeys a command.
    pub(super) fn control(&mut self, cx: &mut DriverContext<'_>, command: Command) -> Result<String, String> {
        match command {
            Command::Rule(rule) => self.rules.add(*rule)?,
            Command::Clear => self.rules.clear(),
            Command::Rules => return Ok(self.rules.listing()),
            Command::Kept => return Ok(self.kept.listing()),
            Command::Notes => return Ok(self.notes.listing()),
            Command::Complete(label, completion) => {
                let request = self.labelled(label)?;
                self.finish_kept(cx, request, &completion);
            }
            Command::UnmarkComplete(label, completion) => {
                let request = self.labelled(label)?;
                return Ok(answer(self.unmark_complete(cx, request, &completion)));
            }
            Command::CompleteAgain(label, status) => {
                let absent = || format!("no request {label} was completed here lately");
                cx.complete_by_identity(self.kept.completed(label).ok_or_else(absent)?, status, 0);
            }
            Command::Arm(label, object) => self.arm_labelled(cx, label, object)?,
            Command::Unmark(label) => {
                let request = self.labelled(label)?;
                return Ok(answer(self.unmark(cx, request)));
            }
            Command::IsCanceled(label) => {
                let request = self.labelled(label)?;
                return Ok(truth(self.kept.get_mut(request).is_some_and(|kept| cx.is_canceled(&kept.request))));
            }
            Command::Forward(label, passage) => {
                let request = self.labelled(label)?;
                let forwarded = self.forward(cx, request, &passage);
                return Ok(self.answer_or_keep(forwarded));
            }
            Command::Queue(label) => {
                let request = self.labelled(label)?;
                let queued = self.queue(cx, request);
                return Ok(self.answer_or_keep(queued));
            }
            Command::Requeue(label) => {
                let request = self.labelled(label)?;
                let requeued = self.requeue(cx, request);
                return Ok(self.answer_or_keep(requeued));
            }
            Command::Acknowledge(requeue, label) => return self.acknowledge_labelled(cx, label, requeue),
            Command::OperateQueue(queue, Some(operation)) => return Ok(cx.operate_queue(queue, operation).to_string()),
            Command::OperateQueue(queue, None) => return Ok(cx.start_queue(queue).to_string()),
            Command::QueueState(queue) => {
                let status = cx.queue_status(queue).ok_or_else(|| format!("there is no queue {}", queue.0))?;
                return Ok(format!("waiting={} held={}", status.waiting, status.held));
            }
            Command::Retrieve { name, queue } => return self.retrieve(cx, name.as_deref(), queue),
            Command::Release(trigger) => return self.release(cx, trigger),
            Command::AcquireLock => return self.acquire_lock(cx),
            Command::ReleaseLock => cx.release_lock(),
            Command::SetPnpFailed => cx.set_pnp_failed(true),
            Command::CommitPnpState => cx.commit_pnp_state(),
            Command::TargetState(name) => return self.target_state(cx, &name),
            Command::DeleteOwn(number) => return self.delete_own(cx, number),
            Command::Misuse(misuse, number) => self.misuse(cx, misuse, number)?,
            Command::Buffer(command) => return self.handle_buffer(cx, command),
            Command::Ask(inquiry) => return self.inquire(cx, &inquiry),
            Command::Object(command) => return self.handle_objects(cx, &command),
            Command::Act(action) => return self.act(cx, &action),
        }
        Ok(DONE.to_owned())
    }

    /// The latest kept request with that label.
    pub(super) fn labelled(&self, label: RequestLabel) -> Result<ReceivedId, String> {
        self.kept.labelled(label).ok_or_else(|| {
            let listing = self.kept.listing();
            let kept = if listing.is_empty() { "nothing is".to_owned() } else { listing.replace('\n', ", ") };
            format!("request {label} is not kept here; kept: {kept}")
        })
    }

    fn arm_labelled(&mut self, cx: &mut DriverContext<'_>, label: RequestLabel, object: u32) -> Result<(), String> {
        let request = self.labelled(label)?;
        match self.kept.get_mut(request).map(|kept| kept.state) {
            Some(KeptState::Held) => {
                self.arm(cx, request, object);
                Ok(())
            }
            Some(state) => Err(format!("request {label} is {state}, only a held one can be armed")),
            None => Ok(()),
        }
    }

    /// `StopAcknowledge` of a request that it keeps or has sent on.
    fn acknowledge_labelled(
        &mut self,
        cx: &mut DriverContext<'_>,
        label: RequestLabel,
        requeue: bool,
    ) -> Result<String, String> {
        let request = self.kept.labelled(label).or_else(|| self.asked_about(cx, label));
        let request = request.ok_or_else(|| format!("request {label} is neither kept nor sent on here"))?;
        Ok(truth(self.acknowledge(cx, request, requeue)))
    }

    /// The answer of a method that gives a refused request back.
    fn answer_or_keep(&mut self, result: Result<(), (Kept, HResult)>) -> String {
        answer(result.map_err(|(kept, status)| {
            self.kept.insert(kept);
            status
        }))
    }

    /// Retrieves from a manual queue, and keeps what came.
    fn retrieve(
        &mut self,
        cx: &mut DriverContext<'_>,
        name: Option<&str>,
        queue: Option<QueueId>,
    ) -> Result<String, String> {
        let file = match name {
            Some(name) => Some(self.file_named(cx, name).ok_or_else(|| format!("no file `{name}` was created here"))?),
            None => None,
        };
        let is_default_manual = self.dispatch_of(QueueId(0)) == Some(DispatchType::Manual);
        let queue = queue.unwrap_or(if is_default_manual { QueueId(0) } else { MANUAL_QUEUE });
        Ok(match cx.retrieve_next_request(queue, file) {
            Ok(request) => {
                let kept = Self::described(cx, request);
                let label = kept.label.map_or_else(|| DONE.to_owned(), |label| label.to_string());
                self.kept.insert(kept);
                label
            }
            Err(status) => status.to_string(),
        })
    }

    /// Returns from the oldest blocked callback, or from the oldest of a kind.
    fn release(&mut self, cx: &mut DriverContext<'_>, trigger: Option<Trigger>) -> Result<String, String> {
        let wanted = |(blocked, _): &(Trigger, _)| trigger.is_none_or(|trigger| trigger == *blocked);
        let index = self.blocked.iter().position(wanted).ok_or_else(|| {
            let names: Vec<&str> = self.blocked.iter().map(|(trigger, _)| trigger.name()).collect();
            let blocked = if names.is_empty() { "none is".to_owned() } else { names.join(", ") };
            format!("no such callback is blocked; blocked: {blocked}")
        })?;
        let (trigger, callback) = self.blocked.remove(index);
        cx.return_from_callback(callback, Ok(()));
        Ok(trigger.name().to_owned())
    }

    /// Does to a request of its own what is for received ones only.
    fn misuse(&mut self, cx: &mut DriverContext<'_>, misuse: Misuse, number: u64) -> Result<(), String> {
        let request = self.own_numbered(number)?;
        match misuse {
            Misuse::Complete => cx.complete_created(request),
            Misuse::FormatUsingCurrentType => cx.format_created_using_current_type(request),
        }
        Ok(())
    }

    pub(super) fn own_numbered(&self, number: u64) -> Result<RequestId, String> {
        let request = self.own.request(number);
        request.ok_or_else(|| format!("the driver has no request of its own with number {number}"))
    }

    fn delete_own(&mut self, cx: &mut DriverContext<'_>, number: u64) -> Result<String, String> {
        let request = self.own_numbered(number)?;
        let status = cx.delete_request(request);
        // A stale one went with its parent (OBJ-1).
        if status.is_success() || status == HResult::E_INVALIDARG {
            self.own.requests.remove(&request);
        }
        Ok(status.to_string())
    }

    /// An action given as a command.
    fn act(&mut self, cx: &mut DriverContext<'_>, action: &Action) -> Result<String, String> {
        match action {
            Action::Send(send) => Ok(answer(self.send_own(cx, send, None, None))),
            Action::CreateFile { name, .. } => Ok(answer(self.create_own(cx, name, None))),
            Action::CloseOwn(name) => {
                let own = self.own.file(name);
                own.ok_or_else(|| format!("the driver has no open file `{name}` of its own"))?;
                Ok(answer(self.close_own(cx, name)))
            }
            Action::Target(action) => Ok(answer(self.act_on_target(cx, action))),
            Action::PrivateUnlock => {
                self.private_unlock(cx);
                Ok(DONE.to_owned())
            }
            Action::OpenHidden(name) => Ok(answer(self.open_hidden(cx, name))),
            Action::CancelOwn(number) => {
                let request = self.own_numbered(*number)?;
                Ok(truth(cx.cancel_sent_request(request).is_true()))
            }
            _ => Err("this action needs a callback: make it part of a rule".to_owned()),
        }
    }
}
