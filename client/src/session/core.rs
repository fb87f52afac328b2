//! What everything of one session shares: its channel, its request ids, its window, its books and how it ended.
//!
//! Laws: the books' lock is held for a few table operations, never across an await; a call that may be repeated is
//! repeated until the reconnect window is used up or the session is over.

use std::collections::HashMap;
use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lowerdeck_proto::v1;
use lowerdeck_proto::v1::device_service_client::DeviceServiceClient;
use lowerdeck_proto::v1::session_service_client::SessionServiceClient;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, broadcast, oneshot, watch};
use tonic::transport::Channel;
use tonic::{Response, Status};

use crate::completion::Ticket;
use crate::error::Error;
use crate::limits;
use crate::session::event::{SessionEnd, SessionEvent};
use crate::session::format_echo::FormatEcho;
use crate::session::ledger::Ledger;
use crate::session::options::SessionOptions;
use crate::session::pairing::Pairing;
use crate::session::reconnect::Backoff;
use crate::session::road::Road;
use crate::session::submission_queue::SubmissionQueue;
use crate::transport::{SessionChannel, SessionName};

/// Whether a call may be sent again when its reply was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// The contract gives the same answer to the same message.
    Safe,
    /// Repeating could do it twice.
    Never,
}

/// The tables behind one lock.
#[derive(Debug)]
pub(crate) struct Books {
    /// Who waits for which request, and what a submitted one was formatted with.
    pub(crate) pairing: Pairing<Ticket, Option<Box<FormatEcho>>>,
    pub(crate) ledger: Ledger,
    /// Who waits for which file's end. Bounded by the server's `files_max`.
    pub(crate) files: HashMap<String, oneshot::Sender<()>>,
    /// Files that are closed and not gone: they may wait for an acknowledgement (CLS-19).
    pub(crate) closing: u64,
}

impl Books {
    /// A closed file is gone, or was not to be closed.
    pub(crate) fn file_gone(&mut self) {
        self.closing = self.closing.saturating_sub(1);
    }
}

/// One session's shared part.
pub(crate) struct Core {
    pub(crate) devices: DeviceServiceClient<SessionChannel>,
    pub(crate) sessions: SessionServiceClient<SessionChannel>,
    /// The QueuePair's; none on the unary road.
    pub(crate) queue: Option<Arc<SubmissionQueue>>,
    pub(crate) window: Arc<Semaphore>,
    pub(crate) reconnect_window: Duration,
    pub(crate) events: broadcast::Sender<SessionEvent>,
    /// The number of the last event processed.
    pub(crate) processed: watch::Sender<u64>,
    books: Mutex<Books>,
    next_request_id: AtomicU64,
    end: watch::Sender<Option<SessionEnd>>,
}

impl Core {
    pub(crate) fn new(channel: Channel, options: &SessionOptions) -> Core {
        let channel = SessionChannel::new(channel, SessionName::new(options.session_id));
        let books = Books { pairing: Pairing::new(), ledger: Ledger::default(), files: HashMap::new(), closing: 0 };
        Core {
            devices: DeviceServiceClient::new(channel.clone()).max_decoding_message_size(limits::MESSAGE_BYTES),
            sessions: SessionServiceClient::new(channel),
            queue: (options.road == Road::QueuePair).then(|| Arc::new(SubmissionQueue::new())),
            window: Arc::new(Semaphore::new(options.in_flight_window)),
            reconnect_window: options.reconnect_window,
            events: broadcast::Sender::new(limits::SUBSCRIBER_EVENTS),
            processed: watch::Sender::new(0),
            books: Mutex::new(books),
            next_request_id: AtomicU64::new(1),
            end: watch::Sender::new(None),
        }
    }

    /// The next number for a request of this session; never 0, never used before.
    pub(crate) fn next_request_id(&self) -> u64 {
        self.next_request_id.fetch_add(1, Ordering::Relaxed)
    }

    /// The tables. A panic elsewhere does not make them unusable: each operation leaves them whole.
    pub(crate) fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A call of `DeviceService`.
    pub(crate) async fn call<T, F>(
        &self,
        name: &'static str,
        repeat: Repeat,
        mut attempt: impl FnMut(DeviceServiceClient<SessionChannel>) -> F,
    ) -> Result<T, Error>
    where
        F: Future<Output = Result<Response<T>, Status>>,
    {
        self.attempts(name, repeat, || attempt(self.devices.clone())).await
    }

    /// A call of `SessionService`, all of which may be repeated.
    pub(crate) async fn session_call<T, F>(
        &self,
        name: &'static str,
        mut attempt: impl FnMut(SessionServiceClient<SessionChannel>) -> F,
    ) -> Result<T, Error>
    where
        F: Future<Output = Result<Response<T>, Status>>,
    {
        self.attempts(name, Repeat::Safe, || attempt(self.sessions.clone())).await
    }

    async fn attempts<T, F>(
        &self,
        name: &'static str,
        repeat: Repeat,
        mut attempt: impl FnMut() -> F,
    ) -> Result<T, Error>
    where
        F: Future<Output = Result<Response<T>, Status>>,
    {
        let mut backoff = Backoff::new(self.reconnect_window);
        loop {
            let error = match attempt().await {
                Ok(response) => return Ok(response.into_inner()),
                Err(status) => Error::from_status(name, &status),
            };
            if !matches!(error, Error::Interrupted { .. }) || repeat == Repeat::Never {
                return Err(error);
            }
            let Some(pause) = backoff.pause() else {
                return Err(error);
            };
            tracing::debug!(call = name, ?pause, %error, "the call is repeated");
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                end = self.ended() => return Err(Error::SessionEnded(end)),
            }
        }
    }

    /// A place in the in-flight window; waits for one.
    pub(crate) async fn place(&self) -> Result<OwnedSemaphorePermit, Error> {
        let place = self.window.clone().acquire_owned().await;
        place.map_err(|_| self.ended_error())
    }

    /// Remembers to tell when this file is gone.
    pub(crate) fn watch_file(&self, id: &str) -> oneshot::Receiver<()> {
        let (gone, receiver) = oneshot::channel();
        self.books().files.insert(id.to_owned(), gone);
        self.sweep_if_ended();
        receiver
    }

    /// Close. From here on the file may wait for an acknowledgement, until it is gone.
    pub(crate) async fn close_file(&self, message: v1::CloseRequest) -> Result<(), Error> {
        self.books().closing += 1;
        let closed = self.ask(message).await;
        if matches!(closed, Err(Error::Refused(_))) {
            self.books().file_gone();
        }
        closed.map(|v1::CloseResponse {}| ())
    }

    /// A file was dropped without close.
    pub(crate) fn file_leaked(&self) {
        self.books().ledger.leaked_files += 1;
    }

    /// A handle was dropped without close.
    pub(crate) fn handle_leaked(&self) {
        self.books().ledger.leaked_handles += 1;
    }

    /// The session is over: the first reason stays, and everyone who waits is told.
    pub(crate) fn finish(&self, end: SessionEnd) {
        self.end.send_if_modified(|known| {
            let first = known.is_none();
            known.get_or_insert(end);
            first
        });
        self.window.close();
        self.sweep_if_ended();
    }

    /// Releases everyone who waits for a session that is over, also those who came while it ended.
    pub(crate) fn sweep_if_ended(&self) {
        if self.end.borrow().is_none() {
            return;
        }
        let (tickets, files) = {
            let mut books = self.books();
            (books.pairing.end(), std::mem::take(&mut books.files))
        };
        drop((tickets, files)); // after the lock: dropping wakes those who wait
    }

    /// Waits for the end.
    pub(crate) async fn ended(&self) -> SessionEnd {
        let mut end = self.end.subscribe();
        loop {
            if let Some(end) = end.borrow_and_update().clone() {
                return end;
            }
            if end.changed().await.is_err() {
                return SessionEnd::Dropped;
            }
        }
    }

    /// Why the session is over, as an error for whoever waited.
    pub(crate) fn ended_error(&self) -> Error {
        let end = self.end.borrow().clone();
        Error::SessionEnded(end.unwrap_or(SessionEnd::Dropped))
    }

    /// Why the session is over, if it is.
    pub(crate) fn end(&self) -> Option<SessionEnd> {
        self.end.borrow().clone()
    }

    /// GetRequest.
    pub(crate) async fn get_request(&self, id: u64) -> Result<v1::GetRequestResponse, Error> {
        let message = v1::GetRequestRequest { request_id: id };
        self.call("GetRequest", Repeat::Safe, |mut device| async move { device.get_request(message).await }).await
    }
}

impl std::fmt::Debug for Core {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Core").finish_non_exhaustive()
    }
}
