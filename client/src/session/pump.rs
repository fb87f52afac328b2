//! The event task of a session: follows the stream, resumes after a loss, hands every event to whom it concerns.
//!
//! Laws: an event is handed on once, in order, before it is acknowledged; nothing in here waits for a user's code
//! except a completion callback, which must not block.

use std::sync::Arc;

use lowerdeck_proto::v1::event::Body;
use lowerdeck_proto::{reason, v1};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic::Streaming;

use crate::callback::{CallbackInvocation, Handler};
use crate::completion::Completion;
use crate::device::Device;
use crate::error::Error;
use crate::hresult::HResult;
use crate::limits;
use crate::session::core::{Core, Repeat};
use crate::session::event::{SessionEnd, SessionEvent};
use crate::session::pairing::Completed;
use crate::session::reconnect::{Arrival, Backoff, EventCursor};

/// The state of the event task.
pub(super) struct EventPump {
    pub(super) core: Arc<Core>,
    pub(super) handler: Option<Handler>,
    pub(super) tasks: TaskTracker,
    pub(super) stop: CancellationToken,
    cursor: EventCursor,
    callbacks: Arc<Semaphore>,
    /// The last reason heard; with any but DRAINING nothing follows.
    ending: Option<v1::SessionEndReason>,
}

/// How one stream ended.
enum Followed {
    /// The session is over.
    Ended(SessionEnd),
    /// The connection is: resume.
    Broken(String),
}

impl EventPump {
    pub(super) fn new(
        core: Arc<Core>,
        handler: Option<Handler>,
        tasks: TaskTracker,
        stop: CancellationToken,
    ) -> EventPump {
        EventPump {
            core,
            handler,
            tasks,
            stop,
            cursor: EventCursor::default(),
            callbacks: Arc::new(Semaphore::new(limits::CALLBACKS_AT_ONCE)),
            ending: None,
        }
    }

    /// Runs until the session is over or the task is stopped; answers whether every event was heard.
    pub(super) async fn run(mut self) -> bool {
        let stop = self.stop.clone();
        let end = tokio::select! {
            end = self.follow_to_the_end() => end,
            () = stop.cancelled() => SessionEnd::Dropped,
        };
        let heard_all = self.ending.is_some();
        tracing::debug!(%end, "the event stream has ended");
        self.core.finish(end);
        heard_all
    }

    async fn follow_to_the_end(&mut self) -> SessionEnd {
        let mut backoff = Backoff::new(self.core.reconnect_window);
        loop {
            let cause = match self.follow(&mut backoff).await {
                Followed::Ended(end) => return end,
                Followed::Broken(cause) => cause,
            };
            let Some(pause) = backoff.pause() else {
                return SessionEnd::ConnectionLost { window: self.core.reconnect_window, cause };
            };
            let after = self.cursor.processed();
            tracing::debug!(after, ?pause, cause, "the event stream is resumed");
            tokio::time::sleep(pause).await;
        }
    }

    /// Follows one stream to its end.
    async fn follow(&mut self, backoff: &mut Backoff) -> Followed {
        let after_sequence = self.cursor.processed();
        let request = v1::StreamEventsRequest { after_sequence };
        let opened = self.core.devices.clone().stream_events(request).await;
        let mut stream = match opened {
            Ok(response) => response.into_inner(),
            Err(status) => return self.stream_ended(&status),
        };
        loop {
            let batch = match next(&mut stream).await {
                Ok(Some(batch)) => batch,
                Ok(None) => return self.stream_finished(),
                Err(Silence::Ended(status)) => return self.stream_ended(&status),
                Err(Silence::TooLong) => return Followed::Broken("the stream fell silent".into()),
            };
            backoff.reset();
            for event in batch.events {
                match self.cursor.arrived(event.sequence) {
                    Arrival::Next => self.dispatch(event),
                    Arrival::Seen => {}
                    Arrival::Gap { expected } => {
                        return Followed::Ended(SessionEnd::ContractBroken(format!(
                            "event {} came where {expected} was due",
                            event.sequence
                        )));
                    }
                }
            }
            self.core.processed.send_replace(self.cursor.processed());
        }
    }

    /// The stream ended with OK: the session is over if that was announced.
    fn stream_finished(&self) -> Followed {
        match self.ending {
            Some(reason) => Followed::Ended(reason.into()),
            None => Followed::Broken("the stream ended early".to_owned()),
        }
    }

    fn stream_ended(&self, status: &tonic::Status) -> Followed {
        let error = Error::from_status("StreamEvents", status);
        match &error {
            Error::Interrupted { cause, .. } => Followed::Broken(cause.clone()),
            _ if error.is(reason::EVENT_STREAM_REPLACED) => Followed::Ended(SessionEnd::Replaced),
            _ if self.ending.is_some() => self.stream_finished(),
            _ if error.is(reason::DRAINING) => Followed::Ended(SessionEnd::ServerDrained),
            _ if error.is_end_of_session() => Followed::Ended(SessionEnd::Forgotten(error.to_string())),
            _ => Followed::Ended(SessionEnd::ContractBroken(error.to_string())),
        }
    }

    fn dispatch(&mut self, event: v1::Event) {
        match event.body {
            Some(Body::RequestCompleted(completed)) => self.completed(completed.into()),
            Some(Body::FileGone(gone)) => {
                let waiter = self.core.books().files.remove(&gone.file_id);
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

    fn completed(&self, completion: Completion) {
        let ticket = {
            let mut books = self.core.books();
            match books.pairing.completed(completion.request_id) {
                Completed::Deliver(ticket) => {
                    books.ledger.count(completion.hresult);
                    Some(ticket)
                }
                Completed::Unawaited => {
                    books.ledger.accepted += 1;
                    books.ledger.count(completion.hresult);
                    None
                }
                Completed::Unknown => {
                    books.ledger.unexpected += 1;
                    let request = completion.request_id;
                    tracing::error!(request, "a completion fits no send (REQ-14)");
                    None
                }
            }
        };
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
    let returned =
        core.call("ReturnFromCallback", Repeat::Safe, |mut device| async move {
            device.return_from_callback(message).await
        })
        .await;
    match returned {
        Ok(_) => {}
        // The first return arrived and only its reply was lost.
        Err(error) if error.is(reason::CALLBACK_GONE) => {}
        Err(error) => tracing::warn!(%error, "the return from a callback was not taken"),
    }
}

/// Why a stream gave no message.
enum Silence {
    Ended(tonic::Status),
    TooLong,
}

async fn next(stream: &mut Streaming<v1::StreamEventsResponse>) -> Result<Option<v1::StreamEventsResponse>, Silence> {
    match tokio::time::timeout(limits::EVENT_SILENCE, stream.message()).await {
        Ok(message) => message.map_err(Silence::Ended),
        Err(_) => Err(Silence::TooLong),
    }
}
