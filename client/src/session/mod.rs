//! A session: one upper driver, layer L0, on one stack.
//!
//! Requests and events travel on one QueuePair unless the options say otherwise (`road`).
//!
//! Laws: the session owns its tasks (events, lease, callbacks; acknowledgements on the unary road) and joins them in
//! `close`; at close the server's balance is compared with what the client was told. A session dropped without `close`
//! is given up: its tasks stop, and the server closes its files when the lease runs out (MAP-6).

mod core;
mod dispatch;
mod event;
mod event_stream;
mod format_echo;
mod ledger;
mod options;
mod pairing;
mod pump;
mod queue_pair;
mod reconnect;
mod road;
mod submission_queue;
mod submissions;
mod submit;
mod upkeep;

use std::sync::Arc;
use std::time::Duration;

use lowerdeck_proto::v1;
use tokio::sync::broadcast;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic::transport::Channel;
use uuid::Uuid;

use crate::device::Device;
use crate::error::Error;
use crate::handle::Handle;
use crate::limits;

pub(crate) use self::core::{Core, Repeat};
pub use self::event::{SessionEnd, SessionEvent};
pub use self::ledger::{BalanceSheet, Imbalance};
pub use self::options::SessionOptions;
pub use self::road::Road;

/// An open session.
#[derive(Debug)]
#[must_use = "a session that is dropped is given up; close it"]
pub struct Session {
    core: Arc<Core>,
    id: Uuid,
    opened: v1::Session,
    close_timeout: Duration,
    tasks: TaskTracker,
    stop: CancellationToken,
    events: Option<JoinHandle<bool>>,
}

impl Session {
    /// Attaches to a stack. Without callbacks it returns when the stack has started. Must be called in a tokio
    /// runtime.
    ///
    /// # Errors
    /// The refusals of OpenSession ([`Error::Refused`]); [`Error::Interrupted`] if the server is not found in time.
    pub async fn open(channel: Channel, options: SessionOptions) -> Result<Session, Error> {
        let core = Arc::new(Core::new(channel, &options));
        let message = options.message();
        let opened = core
            .session_call("OpenSession", |mut sessions| {
                let message = message.clone();
                async move { sessions.open_session(message).await }
            })
            .await?;
        let Some(opened) = opened.session else {
            return Err(Error::ContractBroken { call: "OpenSession", what: "the answer has no session".to_owned() });
        };
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        let pump = pump::EventPump::new(core.clone(), options.handler, tasks.clone(), stop.clone());
        match &core.queue {
            Some(queue) => queue.keep_to(&opened.limits.unwrap_or_default()),
            None => drop(tasks.spawn(upkeep::acknowledge(core.clone(), stop.clone()))),
        }
        let events = tasks.spawn(pump.run());
        if let Some(lease) = lease_of(&opened) {
            tasks.spawn(upkeep::renew(core.clone(), lease, stop.clone()));
        }
        Ok(Session {
            core,
            id: options.session_id,
            opened,
            close_timeout: options.close_timeout,
            tasks,
            stop,
            events: Some(events),
        })
    }

    /// The session's UUID, which this client chose.
    pub fn id(&self) -> Uuid {
        self.id
    }

    /// The stack instance, for example `disk#3`: what the lab calls take.
    pub fn stack(&self) -> &str {
        &self.opened.stack
    }

    /// The limits that hold for this session, as the server told them.
    pub fn limits(&self) -> v1::SessionLimits {
        self.opened.limits.unwrap_or_default()
    }

    /// The upper driver's device.
    pub fn device(&self) -> Device {
        Device::new(self.core.clone())
    }

    /// Opens a handle of the server's host: `CreateFile`, `CreateNamedPipe`, or a socket, by [`crate::CreateFile`],
    /// [`crate::CreateNamedPipe`] and [`crate::OpenSocket`], or by the contract's own messages.
    ///
    /// # Errors
    /// [`Error::Umdf`] with the failure of the function, for example `ERROR_FILE_NOT_FOUND`; `HANDLES_NOT_CONFIGURED` on a
    /// server that has no place for such an object; or as every call.
    pub async fn open_handle(&self, object: impl Into<v1::open_handle_request::Object>) -> Result<Handle, Error> {
        Handle::open(&self.core, object.into()).await
    }

    /// How the session stands at the server: GetSession.
    ///
    /// # Errors
    /// As every call.
    pub async fn describe(&self) -> Result<v1::Session, Error> {
        let described =
            self.core
                .session_call("GetSession", |mut sessions| async move {
                    sessions.get_session(v1::GetSessionRequest {}).await
                })
                .await?;
        described
            .session
            .ok_or_else(|| Error::ContractBroken { call: "GetSession", what: "the answer has no session".to_owned() })
    }

    /// The session's events from now on. A subscriber more than [`limits::SUBSCRIBER_EVENTS`] behind is told how many
    /// it lost; completions and callbacks do not depend on it.
    pub fn subscribe(&self) -> broadcast::Receiver<SessionEvent> {
        self.core.events.subscribe()
    }

    /// Why the session is over, if it is: the lease, the stack, or the connection.
    pub fn ended(&self) -> Option<SessionEnd> {
        self.core.end()
    }

    /// Ends the session in order and compares the books: CloseSession. Files that are still open are closed and
    /// counted; a request that a driver holds delays the end (CLS-7), up to the close timeout.
    ///
    /// # Errors
    /// [`Error::Unbalanced`]; [`Error::StillOpen`] after the timeout; a refusal with `SESSION_ENDED` if the
    /// session was lost before. The tasks are joined in every case.
    pub async fn close(mut self) -> Result<BalanceSheet, Error> {
        let closed = self.call_close().await;
        let events = self.events.take().expect("only close takes it, and consumes");
        let heard_all = match &closed {
            Ok(_) => tokio::time::timeout(limits::STREAM_END_TIMEOUT, events).await,
            Err(_) => Ok(Ok(false)), // the end of the stream may never come
        };
        let heard_all = matches!(heard_all, Ok(Ok(true)));
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        let closed = closed?;
        let books = self.core.books();
        let sheet = books.ledger.check(&closed, books.pairing.open(), heard_all);
        sheet.map_err(|imbalance| Error::Unbalanced(Box::new(imbalance)))
    }

    /// The deadline is the client's own: a server's answer to it would look like a refusal.
    async fn call_close(&self) -> Result<v1::CloseSessionResponse, Error> {
        let closing = self.core.session_call("CloseSession", |mut sessions| async move {
            sessions.close_session(v1::CloseSessionRequest {}).await
        });
        let closed = tokio::time::timeout(self.close_timeout, closing).await;
        closed.unwrap_or(Err(Error::StillOpen { waited: self.close_timeout }))
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if self.events.is_some() {
            tracing::warn!(stack = %self.opened.stack, "a session was dropped without close");
        }
        self.stop.cancel();
    }
}

/// The lease in force, as the server told it.
fn lease_of(opened: &v1::Session) -> Option<Duration> {
    let lease = Duration::try_from(opened.lease?).ok()?;
    (!lease.is_zero()).then_some(lease)
}
