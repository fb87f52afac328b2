//! What each event of a session leads to: a completion finds its future, a callback its handler, and whoever subscribed
//! is told.
//!
//! Law: nothing in here waits for a user's code except a completion callback, which must not block.

use std::sync::Arc;

use lowerdeck_proto::v1::event::Body;
use lowerdeck_proto::{reason, v1};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::callback::{CallbackInvocation, Handler};
use crate::completion::Completion;
use crate::device::Device;
use crate::hresult::HResult;
use crate::limits;
use crate::session::core::Core;
use crate::session::event::SessionEvent;
use crate::session::format_echo::FormatEcho;
use crate::session::pairing::Completed;

/// Where the events go.
pub(super) struct Dispatch {
    core: Arc<Core>,
    handler: Option<Handler>,
    tasks: TaskTracker,
    stop: CancellationToken,
    callbacks: Arc<Semaphore>,
    /// The last reason heard; with any but DRAINING nothing follows.
    pub(super) ending: Option<v1::SessionEndReason>,
}

impl Dispatch {
    pub(super) fn new(
        core: Arc<Core>,
        handler: Option<Handler>,
        tasks: TaskTracker,
        stop: CancellationToken,
    ) -> Dispatch {
        let callbacks = Arc::new(Semaphore::new(limits::CALLBACKS_AT_ONCE));
        Dispatch { core, handler, tasks, stop, callbacks, ending: None }
    }

    /// An event in full.
    pub(super) fn event(&mut self, event: v1::Event) {
        match event.body {
            Some(Body::RequestCompleted(completed)) => self.completed(completed.request_id, |_| completed.into()),
            Some(Body::FileGone(gone)) => {
                let waiter = {
                    let mut books = self.core.books();
                    books.file_gone();
                    books.files.remove(&gone.file_id)
                };
                if waiter.is_some_and(|waiter| waiter.send(()).is_err()) {
                    tracing::trace!(file = %gone.file_id, "nobody waits for the end of this file");
                }
                self.tell(|| SessionEvent::FileGone(gone.file_id));
            }
            Some(Body::CallbackInvoked(invoked)) => self.invoked(invoked),
            Some(Body::FindingRecorded(recorded)) => {
                let finding = Box::new(recorded.finding.unwrap_or_default());
                tracing::warn!(rule = %finding.rule, "{}", finding.sentence);
                self.tell(|| SessionEvent::FindingRecorded(finding));
            }
            Some(Body::DriverStopped(stopped)) => {
                let stop = Box::new(stopped.driver_stop.unwrap_or_default());
                tracing::error!(rule = %stop.rule, "driver stop: {}", stop.sentence);
                self.tell(|| SessionEvent::DriverStopped(stop));
            }
            Some(Body::SessionEnding(ending)) => {
                let reason = ending.reason();
                tracing::debug!(?reason, "the session is ending");
                self.ending = Some(reason);
                self.tell(|| SessionEvent::SessionEnding(reason));
            }
            None => tracing::debug!(event.sequence, "an event of a newer server is skipped"),
        }
    }

    /// The completion of a submission, which says the rest itself.
    pub(super) fn submitted_completed(&self, completed: v1::QueueCompletion) {
        let id = completed.request_id;
        self.completed(id, |echo| echo.map(|echo| *echo).unwrap_or_default().complete(completed));
    }

    /// `tell` makes the completion from what was noted when the request was submitted.
    fn completed(&self, request: u64, tell: impl FnOnce(Option<Box<FormatEcho>>) -> Completion) {
        let mut books = self.core.books();
        let paired = books.pairing.completed(request);
        let (ticket, completion) = match paired {
            Completed::Deliver(ticket, echo) => (Some(ticket), tell(echo)),
            Completed::Unawaited(echo) => {
                books.ledger.accepted += 1;
                (None, tell(echo))
            }
            Completed::Unknown => {
                books.ledger.unexpected += 1;
                drop(books);
                tracing::error!(request, "a completion fits no send (REQ-14)");
                self.tell(|| SessionEvent::RequestCompleted(tell(None)));
                return;
            }
        };
        books.ledger.count(completion.hresult);
        drop(books);
        self.tell(|| SessionEvent::RequestCompleted(completion.clone()));
        if let Some(ticket) = ticket {
            ticket.complete(completion);
        }
    }

    fn invoked(&self, invoked: v1::CallbackInvoked) {
        self.tell(|| SessionEvent::CallbackInvoked(invoked.callback()));
        let Ok(place) = self.callbacks.clone().try_acquire_owned() else {
            tracing::error!("more callbacks at once than there are kinds; one is not answered");
            return;
        };
        let core = self.core.clone();
        let handler = self.handler.clone();
        let stop = self.stop.clone();
        self.tasks.spawn(async move {
            tokio::select! {
                () = answer(core, handler, invoked) => {}
                () = stop.cancelled() => {}
            }
            drop(place);
        });
    }

    /// Tells subscribers, if there are any.
    fn tell(&self, event: impl FnOnce() -> SessionEvent) {
        if self.core.events.receiver_count() > 0 {
            drop(self.core.events.send(event())); // fails only when the last one left meanwhile
        }
    }
}

/// Runs the handler of one callback and returns its result to the stack.
async fn answer(core: Arc<Core>, handler: Option<Handler>, invoked: v1::CallbackInvoked) {
    let invocation = CallbackInvocation {
        callback: invoked.callback(),
        previous_power_state: invoked.previous_power_state(),
        target_power_state: invoked.target_power_state(),
        device: Device::new(core.clone()),
    };
    let hresult = match handler {
        Some(handler) => handler.answer(invocation).await,
        None => HResult::S_OK,
    };
    let message = v1::ReturnFromCallbackRequest { callback_id: invoked.callback_id, hresult: hresult.0 };
    match core.ask(message).await {
        Ok(_) => {}
        // The first return arrived and only its reply was lost.
        Err(error) if error.is(reason::CALLBACK_GONE) => {}
        Err(error) => tracing::warn!(%error, "the return from a callback was not taken"),
    }
}
