//! A server without drivers: it hands each send, close and cancel, and each opening of a handle, to the test, which answers when it likes, and
//! delivers the events that the test writes. It keeps the laws of the event stream, and can be told to cut it. What comes
//! on a QueuePair reaches the test as the unary calls do.

mod feed;
mod queue;
mod service;

use std::sync::{Arc, Mutex, PoisonError};

use lowerdeck_client::v1::device_service_server::DeviceServiceServer;
use lowerdeck_client::v1::session_service_server::SessionServiceServer;
use lowerdeck_client::v1::{self, event::Body};
use lowerdeck_client::{Session, SessionOptions, transport};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot, watch};
use tokio_stream::wrappers::TcpListenerStream;
use tokio_util::sync::{CancellationToken, DropGuard};
use tonic::{Response, Status};
use tonic_types::{ErrorDetails, StatusExt};

use self::feed::Feed;
use self::service::Service;

/// Events, calls and messages that a test may leave unread.
const CAPACITY: usize = 4096;

/// A call that waits for the test's answer.
pub struct Asked<M, R> {
    pub message: M,
    reply: oneshot::Sender<Result<R, Status>>,
}

impl<M, R> Asked<M, R> {
    /// Answers; a client that has gone does not mind.
    pub fn answer(self, answer: Result<R, Status>) {
        drop(self.reply.send(answer));
    }
}

pub type Sent = Asked<v1::FormatAndSendRequest, v1::FormatAndSendResponse>;
pub type Opening = Asked<v1::OpenHandleRequest, v1::OpenHandleResponse>;
pub type CreatingTarget = Asked<v1::CreateFileHandleTargetRequest, v1::CreateFileHandleTargetResponse>;
pub type Closing = Asked<v1::CloseRequest, v1::CloseResponse>;

/// The test's end of the server.
pub struct Fake {
    pub sends: mpsc::Receiver<Sent>,
    pub closes: mpsc::Receiver<Closing>,
    pub opens: mpsc::Receiver<Opening>,
    pub targets: mpsc::Receiver<CreatingTarget>,
    pub cancels: mpsc::Receiver<u64>,
    pub returns: mpsc::Receiver<v1::ReturnFromCallbackRequest>,
    /// `after_sequence` of each stream that was asked for.
    pub streams: mpsc::Receiver<u64>,
    /// Each message of a QueuePair, as it came.
    pub messages: mpsc::Receiver<v1::QueuePairRequest>,
    /// Up to which events are acknowledged, by whatever means.
    pub acknowledged: watch::Receiver<u64>,
    shared: Arc<Shared>,
    endpoint: String,
    _stop: DropGuard,
}

struct Shared {
    sends: mpsc::Sender<Sent>,
    closes: mpsc::Sender<Closing>,
    opens: mpsc::Sender<Opening>,
    targets: mpsc::Sender<CreatingTarget>,
    cancels: mpsc::Sender<u64>,
    returns: mpsc::Sender<v1::ReturnFromCallbackRequest>,
    streams: mpsc::Sender<u64>,
    messages: mpsc::Sender<v1::QueuePairRequest>,
    acknowledged: watch::Sender<u64>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    events: Vec<v1::Event>,
    stream: Option<Feed>,
    /// Send all events again on the next stream, whatever was asked for.
    repeat_all: bool,
    away: bool,
    /// AcknowledgeEvents calls.
    acknowledge_calls: u64,
    hold_close: bool,
    closed: v1::CloseSessionResponse,
    limits: v1::SessionLimits,
    files: u64,
}

impl Fake {
    pub async fn start() -> Fake {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let (sends, sends_out) = mpsc::channel(CAPACITY);
        let (closes, closes_out) = mpsc::channel(CAPACITY);
        let (opens, opens_out) = mpsc::channel(CAPACITY);
        let (targets, targets_out) = mpsc::channel(CAPACITY);
        let (cancels, cancels_out) = mpsc::channel(CAPACITY);
        let (returns, returns_out) = mpsc::channel(CAPACITY);
        let (streams, streams_out) = mpsc::channel(CAPACITY);
        let (messages, messages_out) = mpsc::channel(CAPACITY);
        let (acknowledged, acknowledged_out) = watch::channel(0);
        let state = Mutex::default();
        let shared = Shared { sends, closes, opens, targets, cancels, returns, streams, messages, acknowledged, state };
        let shared = Arc::new(shared);
        let stop = CancellationToken::new();
        let server = tonic::transport::Server::builder()
            .add_service(SessionServiceServer::new(Service(shared.clone())))
            .add_service(DeviceServiceServer::new(Service(shared.clone())))
            .serve_with_incoming_shutdown(TcpListenerStream::new(listener), stop.clone().cancelled_owned());
        #[allow(clippy::disallowed_methods, reason = "ends with the test's runtime")]
        tokio::spawn(server);
        Fake {
            sends: sends_out,
            closes: closes_out,
            opens: opens_out,
            targets: targets_out,
            cancels: cancels_out,
            returns: returns_out,
            streams: streams_out,
            messages: messages_out,
            acknowledged: acknowledged_out,
            shared,
            endpoint: format!("http://{address}"),
            _stop: stop.drop_guard(),
        }
    }

    pub async fn open(&mut self, options: SessionOptions) -> Session {
        let channel = transport::connect(&self.endpoint).await.expect("it listens");
        let session = Session::open(channel, options).await.expect("it opens");
        assert_eq!(self.streams.recv().await, Some(0), "a new session begins at 0");
        session
    }

    /// Records an event and delivers it on the stream there is, if there is one.
    pub fn event(&self, body: Body) -> u64 {
        self.shared.lock().record(body)
    }

    pub fn completed(&self, request_id: u64, hresult: u32) -> u64 {
        self.event(Body::RequestCompleted(v1::RequestCompleted {
            request_id,
            hresult,
            ..v1::RequestCompleted::default()
        }))
    }

    /// Ends the stream with this status; the next one begins anew.
    pub fn cut(&self, status: Status) {
        let stream = self.shared.lock().stream.take();
        stream.expect("a stream is open").end(status);
    }

    /// Ends the session, and the stream in order behind its last event.
    pub fn end_session(&self, reason: v1::SessionEndReason) {
        self.shared.lock().end_session(reason);
    }

    /// Ends the stream, and every further one at once: the server is not found again.
    pub fn stay_away(&self) {
        self.shared.lock().away = true;
        self.cut(lost());
    }

    /// Is found again.
    pub fn come_back(&self) {
        self.shared.lock().away = false;
    }

    /// Never answers CloseSession, as if a driver held a request.
    pub fn hold_close(&self) {
        self.shared.lock().hold_close = true;
    }

    /// Lets the next stream send every event again.
    pub fn repeat_all(&self) {
        self.shared.lock().repeat_all = true;
    }

    /// The limits that a session is told when it is opened.
    pub fn limits(&self, limits: v1::SessionLimits) {
        self.shared.lock().limits = limits;
    }

    /// How often AcknowledgeEvents was called.
    pub fn acknowledge_calls(&self) -> u64 {
        self.shared.lock().acknowledge_calls
    }

    /// What CloseSession will answer.
    pub fn balance(&self, accepted: u64, completed: u64, cancelled: u64) {
        self.shared.lock().closed.balance =
            Some(v1::Balance { accepted, completed, cancelled, ..v1::Balance::default() });
    }

    /// Waits until the client has acknowledged this event, so has processed it.
    pub async fn acknowledged(&mut self, sequence: u64) {
        let reached = self.acknowledged.wait_for(|reached| *reached >= sequence);
        reached.await.expect("the server lives");
    }
}

/// A refusal as the server makes it.
pub fn refused(code: tonic::Code, reason: &str) -> Status {
    let mut details = ErrorDetails::new();
    let metadata = std::collections::HashMap::new();
    details.set_error_info(reason, lowerdeck_proto::ERROR_DOMAIN, metadata);
    Status::with_error_details(code, "refused", details)
}

/// What a dying connection looks like to a client.
pub fn lost() -> Status {
    Status::unavailable("connection reset")
}

pub fn accepted() -> Result<v1::FormatAndSendResponse, Status> {
    Ok(v1::FormatAndSendResponse::default())
}

impl State {
    fn record(&mut self, body: Body) -> u64 {
        let sequence = self.events.len() as u64 + 1;
        let event = v1::Event { sequence, time_ticks: 0, body: Some(body) };
        self.events.push(event.clone());
        if let Some(stream) = &self.stream {
            stream.deliver(vec![event]);
        }
        sequence
    }

    fn end_session(&mut self, reason: v1::SessionEndReason) {
        self.record(Body::SessionEnding(v1::SessionEnding { reason: reason.into(), hard_deadline: None }));
        self.stream = None;
    }

    /// Begins a stream after event `after` with everything that is kept. One that has heard the last event ends.
    fn begin(&mut self, after: u64, feed: Feed) {
        let skip = if std::mem::take(&mut self.repeat_all) { 0 } else { after };
        feed.deliver(self.events.iter().skip(skip as usize).cloned().collect());
        let is_over = self.events.iter().any(|event| matches!(event.body, Some(Body::SessionEnding(_))));
        self.stream = (!is_over).then_some(feed);
    }
}

impl Shared {
    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shared {
    fn session(&self) -> Option<v1::Session> {
        let limits = Some(self.lock().limits);
        Some(v1::Session { stack: "fake#1".to_owned(), limits, ..v1::Session::default() })
    }

    fn heard_of(&self, acknowledged: u64) {
        self.acknowledged.send_modify(|reached| *reached = acknowledged.max(*reached));
    }
}

impl Shared {
    /// Hands a call to the test and waits for its answer.
    async fn ask<M, R>(&self, to: &mpsc::Sender<Asked<M, R>>, message: M) -> Result<Response<R>, Status> {
        let answer = hand_over(to, message).await;
        let answer = answer.await.unwrap_or_else(|_| Err(lost()));
        answer.map(Response::new)
    }

    async fn cancel(&self, message: v1::CancelRequest) -> v1::CancelResponse {
        let _ = self.cancels.send(message.request_id).await; // a test may have ended
        let mut response = v1::CancelResponse::default();
        response.set_answer(v1::CancelAnswer::Remembered);
        response
    }

    /// Begins a stream of either kind.
    async fn begin(&self, after: u64, feed: Feed) -> Result<(), Status> {
        let is_away = {
            let mut state = self.lock();
            if !state.away {
                state.begin(after, feed);
            }
            state.away
        };
        let _ = self.streams.send(after).await; // a test may have ended
        if is_away {
            return Err(lost());
        }
        self.heard_of(after);
        Ok(())
    }
}

/// Hands a call to the test; its answer will come.
async fn hand_over<M, R>(to: &mpsc::Sender<Asked<M, R>>, message: M) -> oneshot::Receiver<Result<R, Status>> {
    let (reply, answer) = oneshot::channel();
    drop(to.send(Asked { message, reply }).await);
    answer
}
