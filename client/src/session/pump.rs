//! The event task of a session: follows the stream of its road, resumes after a loss, ends with the session.
//!
//! Laws: an event is handed on once, in order, before it is acknowledged; whatever a stream was asked and did not
//! answer is settled when it ends, so that nobody waits for a stream that is gone.

use std::sync::Arc;

use lowerdeck_proto::reason;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::callback::Handler;
use crate::error::Error;
use crate::limits;
use crate::session::core::Core;
use crate::session::dispatch::Dispatch;
use crate::session::event::SessionEnd;
use crate::session::reconnect::{Arrival, Backoff, EventCursor};

/// The state of the event task.
pub(super) struct EventPump {
    pub(super) core: Arc<Core>,
    pub(super) cursor: EventCursor,
    pub(super) dispatch: Dispatch,
    stop: CancellationToken,
}

/// How one stream ended.
pub(super) enum Followed {
    /// The session is over.
    Ended(SessionEnd),
    /// The connection is: resume.
    Broken(String),
}

/// Why a stream gave no message.
pub(super) enum Silence {
    /// It ended without fault.
    Finished,
    /// It was ended with this.
    Ended(tonic::Status),
    /// Not even a heartbeat came.
    TooLong,
}

impl EventPump {
    pub(super) fn new(
        core: Arc<Core>,
        handler: Option<Handler>,
        tasks: TaskTracker,
        stop: CancellationToken,
    ) -> EventPump {
        let dispatch = Dispatch::new(core.clone(), handler, tasks, stop.clone());
        EventPump { core, cursor: EventCursor::default(), dispatch, stop }
    }

    /// Runs until the session is over or the task is stopped; answers whether every event was heard.
    pub(super) async fn run(mut self) -> bool {
        let stop = self.stop.clone();
        let end = tokio::select! {
            end = self.follow_to_the_end() => end,
            () = stop.cancelled() => SessionEnd::Dropped,
        };
        let heard_all = self.dispatch.ending.is_some();
        tracing::debug!(%end, "the event stream has ended");
        self.core.finish(end);
        if let Some(queue) = &self.core.queue {
            queue.finish();
        }
        heard_all
    }

    async fn follow_to_the_end(&mut self) -> SessionEnd {
        let core = self.core.clone();
        let mut backoff = Backoff::new(core.reconnect_window);
        loop {
            let followed = match &core.queue {
                Some(queue) => self.follow_queue_pair(queue, &mut backoff).await,
                None => self.follow_events(&mut backoff).await,
            };
            let cause = match followed {
                Followed::Ended(end) => return end,
                Followed::Broken(cause) => cause,
            };
            if let Some(queue) = &core.queue {
                queue.interrupt(&cause);
            }
            let Some(pause) = backoff.pause() else {
                return SessionEnd::ConnectionLost { window: core.reconnect_window, cause };
            };
            let after = self.cursor.processed();
            tracing::debug!(after, ?pause, cause, "the event stream is resumed");
            tokio::time::sleep(pause).await;
        }
    }

    /// Whether the event of this number is to be handed on now.
    ///
    /// # Errors
    /// The end of the session, when an event is missing.
    pub(super) fn is_next(&mut self, sequence: u64) -> Result<bool, SessionEnd> {
        match self.cursor.arrived(sequence) {
            Arrival::Next => Ok(true),
            Arrival::Seen => Ok(false),
            Arrival::Gap { expected } => {
                Err(SessionEnd::ContractBroken(format!("event {sequence} came where {expected} was due")))
            }
        }
    }

    /// What it means that the stream of `call` gives no more messages.
    pub(super) fn fell_silent(&self, call: &'static str, silence: Silence) -> Followed {
        let status = match silence {
            Silence::Finished => return self.stream_finished(),
            Silence::TooLong => return Followed::Broken("the stream fell silent".to_owned()),
            Silence::Ended(status) => status,
        };
        let error = Error::from_status(call, &status);
        match &error {
            Error::Interrupted { cause, .. } => Followed::Broken(cause.clone()),
            _ if error.is(reason::EVENT_STREAM_REPLACED) => Followed::Ended(SessionEnd::Replaced),
            _ if self.dispatch.ending.is_some() => self.stream_finished(),
            _ if error.is(reason::DRAINING) => Followed::Ended(SessionEnd::ServerDrained),
            _ if error.is_end_of_session() => Followed::Ended(SessionEnd::Forgotten(error.to_string())),
            _ => Followed::Ended(SessionEnd::ContractBroken(error.to_string())),
        }
    }

    /// The session is over if that was announced.
    fn stream_finished(&self) -> Followed {
        match self.dispatch.ending {
            Some(reason) => Followed::Ended(reason.into()),
            None => Followed::Broken("the stream ended early".to_owned()),
        }
    }
}

/// The next message of a stream.
pub(super) async fn next<M>(stream: &mut tonic::Streaming<M>) -> Result<M, Silence> {
    match tokio::time::timeout(limits::EVENT_SILENCE, stream.message()).await {
        Ok(Ok(Some(message))) => Ok(message),
        Ok(Ok(None)) => Err(Silence::Finished),
        Ok(Err(status)) => Err(Silence::Ended(status)),
        Err(_) => Err(Silence::TooLong),
    }
}
