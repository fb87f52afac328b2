//! Where a script waits: in synchronous Sends, for its device's lock, and for a lock of its own.
//!
//! Law: a callback that waits has not returned; it goes on in its own name, where it stopped.

use std::collections::VecDeque;

use lowerdeck_framework::context::DriverContext;
use lowerdeck_framework::driver::{CompletedRequest, Flow};
use lowerdeck_framework::ids::CallbackId;
use lowerdeck_framework::io::CompletionParams;
use lowerdeck_framework::status::HResult;

use super::action::Action;
use super::arguments::Completion;
use super::driver::ScriptedDriver;
use super::kept::KeptState;
use super::perform::{Outcome, Scene};
use super::rule::Trigger;

/// A lock of which the framework knows nothing, as drivers have them (REQ-48). At most one callback per outstanding
/// request waits for it.
#[derive(Debug, Default)]
pub(super) struct PrivateLock {
    held: bool,
    /// The oldest first.
    waiting: VecDeque<Waiting>,
}

/// A callback that waits for the private lock, and what it does once it has it.
#[derive(Debug)]
struct Waiting {
    callback: CallbackId,
    actions: Vec<Action>,
    scene: Scene,
}

impl ScriptedDriver {
    /// Takes the private lock; where it is taken, leaves the present callback waiting, `rest` still to be done.
    pub(super) fn waits_for_private_lock(&mut self, cx: &mut DriverContext<'_>, rest: &[Action], scene: Scene) -> bool {
        let waits = self.private.held;
        self.private.held = true;
        if waits {
            let callback = cx.block();
            self.private.waiting.push_back(Waiting { callback, actions: rest.to_vec(), scene });
        }
        waits
    }

    /// Frees the private lock, or hands it to the callback that has waited longest.
    pub(super) fn private_unlock(&mut self, cx: &mut DriverContext<'_>) {
        let Some(Waiting { callback, actions, scene }) = self.private.waiting.pop_front() else {
            self.private.held = false;
            return;
        };
        let gone_on = cx.resume(callback, |cx| {
            let outcome = self.perform(cx, &actions, scene);
            if !outcome.decided {
                self.leave_cancelled(cx, scene);
            }
            outcome
        });
        match gone_on {
            Some(Outcome { waits: true, .. }) | None => {}
            Some(Outcome { blocked: true, .. }) => self.blocked.push((scene.trigger, callback)),
            Some(_) => {
                cx.return_from_callback(callback, Ok(()));
            }
        }
    }

    /// Without a decision, what `OnCancel` was called for ends cancelled, as always; anything else is kept.
    fn leave_cancelled(&mut self, cx: &mut DriverContext<'_>, scene: Scene) {
        let Some(request) = scene.request else { return };
        if self.kept.get_mut(request).is_some_and(|kept| kept.state == KeptState::Cancelled) {
            self.finish_kept(cx, request, &Completion::of(HResult::ERROR_OPERATION_ABORTED));
        }
    }

    /// `AcquireLock` of the device.
    pub(super) fn acquire_lock(&mut self, cx: &mut DriverContext<'_>) -> Result<String, String> {
        Ok(match cx.acquire_lock() {
            Ok(answer) => format!("{answer:?}"),
            Err(status) => status.to_string(),
        })
    }

    /// A synchronous Send returns into its callback.
    pub(super) fn send_returned(
        &mut self,
        cx: &mut DriverContext<'_>,
        request: Option<CompletedRequest>,
        params: &CompletionParams,
    ) -> Result<Flow, HResult> {
        let trigger = Trigger::SendReturned;
        let outcome = match request {
            Some(CompletedRequest::Received(request)) => self.regained(cx, trigger, request, params),
            Some(CompletedRequest::Created(request)) => self.own_completed(cx, trigger, request, params),
            None => self.obey_without_request(cx, trigger, None, None),
        };
        match outcome.failure {
            Some(status) => Err(status),
            None => Ok(self.flow(cx, trigger, outcome)),
        }
    }
}
