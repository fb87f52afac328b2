//! A server without drivers: it hands each send, close and cancel to the test, which answers when it likes, and
//! delivers the events that the test writes. It keeps the laws of the event stream, and can be told to cut it.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use lowerdeck_client::v1::device_service_server::{DeviceService, DeviceServiceServer};
use lowerdeck_client::v1::session_service_server::{SessionService, SessionServiceServer};
use lowerdeck_client::v1::{self, event::Body};
use lowerdeck_client::{Session, SessionOptions, transport};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot, watch};
use tokio_stream::wrappers::{ReceiverStream, TcpListenerStream};
use tokio_stream::{Stream, StreamExt};
use tokio_util::sync::{CancellationToken, DropGuard};
use tonic::{Request, Response, Status};
use tonic_types::{ErrorDetails, StatusExt};

/// Events and calls that a test may leave unread.
const CAPACITY: usize = 256;

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
pub type Closing = Asked<v1::CloseRequest, v1::CloseResponse>;

/// The test's end of the server.
pub struct Fake {
    pub sends: mpsc::Receiver<Sent>,
    pub closes: mpsc::Receiver<Closing>,
    pub cancels: mpsc::Receiver<u64>,
    pub returns: mpsc::Receiver<v1::ReturnFromCallbackRequest>,
    /// `after_sequence` of each stream that was opened.
    pub streams: mpsc::Receiver<u64>,
    pub acknowledged: watch::Receiver<u64>,
    shared: Arc<Shared>,
    endpoint: String,
    _stop: DropGuard,
}

struct Shared {
    sends: mpsc::Sender<Sent>,
    closes: mpsc::Sender<Closing>,
    cancels: mpsc::Sender<u64>,
    returns: mpsc::Sender<v1::ReturnFromCallbackRequest>,
    streams: mpsc::Sender<u64>,
    acknowledged: watch::Sender<u64>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    events: Vec<v1::Event>,
    stream: Option<mpsc::Sender<Result<v1::StreamEventsResponse, Status>>>,
    /// Send all events again on the next stream, whatever was asked for.
    repeat_all: bool,
    away: bool,
    hold_close: bool,
    closed: v1::CloseSessionResponse,
    files: u64,
}

impl Fake {
    pub async fn start() -> Fake {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let (sends, sends_out) = mpsc::channel(CAPACITY);
        let (closes, closes_out) = mpsc::channel(CAPACITY);
        let (cancels, cancels_out) = mpsc::channel(CAPACITY);
        let (returns, returns_out) = mpsc::channel(CAPACITY);
        let (streams, streams_out) = mpsc::channel(CAPACITY);
        let (acknowledged, acknowledged_out) = watch::channel(0);
        let shared =
            Arc::new(Shared { sends, closes, cancels, returns, streams, acknowledged, state: Mutex::default() });
        let stop = CancellationToken::new();
        let server = tonic::transport::Server::builder()
            .add_service(SessionServiceServer::from_arc(shared.clone()))
            .add_service(DeviceServiceServer::from_arc(shared.clone()))
            .serve_with_incoming_shutdown(TcpListenerStream::new(listener), stop.clone().cancelled_owned());
        #[allow(clippy::disallowed_methods, reason = "ends with the test's runtime")]
        tokio::spawn(server);
        Fake {
            sends: sends_out,
            closes: closes_out,
            cancels: cancels_out,
            returns: returns_out,
            streams: streams_out,
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
        let mut state = self.shared.lock();
        let sequence = state.events.len() as u64 + 1;
        let event = v1::Event { sequence, time_ticks: 0, body: Some(body) };
        state.events.push(event.clone());
        if let Some(stream) = &state.stream {
            let batch = v1::StreamEventsResponse { events: vec![event], heartbeat: None };
            stream.try_send(Ok(batch)).expect("a test writes few events");
        }
        sequence
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
        stream.expect("a stream is open").try_send(Err(status)).expect("it has room");
    }

    /// Ends the stream, and every further one at once: the server is not found again.
    pub fn stay_away(&self) {
        self.shared.lock().away = true;
        self.cut(lost());
    }

    /// Never answers CloseSession, as if a driver held a request.
    pub fn hold_close(&self) {
        self.shared.lock().hold_close = true;
    }

    /// Lets the next stream send every event again.
    pub fn repeat_all(&self) {
        self.shared.lock().repeat_all = true;
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

impl Shared {
    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn session() -> Option<v1::Session> {
    Some(v1::Session { stack: "fake#1".to_owned(), ..v1::Session::default() })
}

#[tonic::async_trait]
impl SessionService for Shared {
    async fn open_session(
        &self,
        _: Request<v1::OpenSessionRequest>,
    ) -> Result<Response<v1::OpenSessionResponse>, Status> {
        let session = session();
        Ok(Response::new(v1::OpenSessionResponse { session }))
    }

    async fn get_session(&self, _: Request<v1::GetSessionRequest>) -> Result<Response<v1::GetSessionResponse>, Status> {
        let session = session();
        Ok(Response::new(v1::GetSessionResponse { session }))
    }

    async fn renew_session(
        &self,
        _: Request<v1::RenewSessionRequest>,
    ) -> Result<Response<v1::RenewSessionResponse>, Status> {
        let session = session();
        Ok(Response::new(v1::RenewSessionResponse { session }))
    }

    async fn close_session(
        &self,
        _: Request<v1::CloseSessionRequest>,
    ) -> Result<Response<v1::CloseSessionResponse>, Status> {
        if self.lock().hold_close {
            return std::future::pending().await;
        }
        let mut state = self.lock();
        let event = v1::Event {
            sequence: state.events.len() as u64 + 1,
            time_ticks: 0,
            body: Some(Body::SessionEnding(v1::SessionEnding {
                reason: v1::SessionEndReason::Closed.into(),
                hard_deadline: None,
            })),
        };
        state.events.push(event.clone());
        if let Some(stream) = state.stream.take() {
            let batch = v1::StreamEventsResponse { events: vec![event], heartbeat: None };
            stream.try_send(Ok(batch)).expect("a test writes few events");
        }
        Ok(Response::new(state.closed.clone()))
    }
}

impl Shared {
    /// Hands a call to the test and waits for its answer.
    async fn ask<M, R>(&self, to: &mpsc::Sender<Asked<M, R>>, message: M) -> Result<Response<R>, Status> {
        let (reply, answer) = oneshot::channel();
        let asked = Asked { message, reply };
        drop(to.send(asked).await);
        let answer = answer.await.unwrap_or_else(|_| Err(lost()));
        answer.map(Response::new)
    }
}

/// Calls that no test of the library makes.
macro_rules! not_here {
    ($($name:ident($request:ident) -> $response:ident;)*) => {
        $(fn $name<'a, 'b>(
            &'a self,
            _: Request<v1::$request>,
        ) -> Pin<Box<dyn Future<Output = Result<Response<v1::$response>, Status>> + Send + 'b>>
        where
            'a: 'b,
            Self: 'b,
        {
            Box::pin(std::future::ready(Err(Status::unimplemented(stringify!($name)))))
        })*
    };
}

#[tonic::async_trait]
impl DeviceService for Shared {
    type StreamEventsStream = Pin<Box<dyn Stream<Item = Result<v1::StreamEventsResponse, Status>> + Send>>;
    type QueuePairStream = Pin<Box<dyn Stream<Item = Result<v1::QueuePairResponse, Status>> + Send>>;

    async fn queue_pair(
        &self,
        _: Request<tonic::Streaming<v1::QueuePairRequest>>,
    ) -> Result<Response<Self::QueuePairStream>, Status> {
        Err(Status::unimplemented("queue_pair"))
    }

    async fn create_wdf_file(
        &self,
        _: Request<v1::CreateWdfFileRequest>,
    ) -> Result<Response<v1::CreateWdfFileResponse>, Status> {
        let mut state = self.lock();
        state.files += 1;
        let file_id = format!("file-{}", state.files);
        Ok(Response::new(v1::CreateWdfFileResponse { hresult: 0, file_id }))
    }

    async fn close(&self, request: Request<v1::CloseRequest>) -> Result<Response<v1::CloseResponse>, Status> {
        self.ask(&self.closes, request.into_inner()).await
    }

    async fn format_and_send(
        &self,
        request: Request<v1::FormatAndSendRequest>,
    ) -> Result<Response<v1::FormatAndSendResponse>, Status> {
        self.ask(&self.sends, request.into_inner()).await
    }

    async fn cancel(&self, request: Request<v1::CancelRequest>) -> Result<Response<v1::CancelResponse>, Status> {
        let _ = self.cancels.send(request.into_inner().request_id).await; // a test may have ended
        let mut response = v1::CancelResponse::default();
        response.set_answer(v1::CancelAnswer::Remembered);
        Ok(Response::new(response))
    }

    async fn stream_events(
        &self,
        request: Request<v1::StreamEventsRequest>,
    ) -> Result<Response<Self::StreamEventsStream>, Status> {
        let after = request.into_inner().after_sequence;
        let (sender, receiver) = mpsc::channel(CAPACITY);
        {
            let mut state = self.lock();
            if state.away {
                return Err(lost());
            }
            let skip = if std::mem::take(&mut state.repeat_all) { 0 } else { after };
            let kept = state.events.iter().skip(skip as usize).cloned().collect();
            let first = v1::StreamEventsResponse { events: kept, heartbeat: Some(v1::Heartbeat::default()) };
            drop(sender.try_send(Ok(first)));
            state.stream = Some(sender);
        }
        let _ = self.streams.send(after).await; // a test may have ended
        let stream = ReceiverStream::new(receiver).map(|item| item);
        Ok(Response::new(Box::pin(stream)))
    }

    async fn acknowledge_events(
        &self,
        request: Request<v1::AcknowledgeEventsRequest>,
    ) -> Result<Response<v1::AcknowledgeEventsResponse>, Status> {
        let through = request.into_inner().through_sequence;
        self.acknowledged.send_modify(|reached| *reached = through.max(*reached));
        Ok(Response::new(v1::AcknowledgeEventsResponse { acknowledged_sequence: through }))
    }

    async fn return_from_callback(
        &self,
        request: Request<v1::ReturnFromCallbackRequest>,
    ) -> Result<Response<v1::ReturnFromCallbackResponse>, Status> {
        let _ = self.returns.send(request.into_inner()).await; // a test may have ended
        Ok(Response::new(v1::ReturnFromCallbackResponse {}))
    }

    not_here! {
        create_request(CreateRequestRequest) -> CreateRequestResponse;
        format_request(FormatRequestRequest) -> FormatRequestResponse;
        send_request(SendRequestRequest) -> SendRequestResponse;
        reuse_request(ReuseRequestRequest) -> ReuseRequestResponse;
        delete_request(DeleteRequestRequest) -> DeleteRequestResponse;
        get_request(GetRequestRequest) -> GetRequestResponse;
        cancel_sent_requests_for_file(CancelSentRequestsForFileRequest) -> CancelSentRequestsForFileResponse;
        get_target(GetTargetRequest) -> GetTargetResponse;
        start_target(StartTargetRequest) -> StartTargetResponse;
        stop_target(StopTargetRequest) -> StopTargetResponse;
        remove_target(RemoveTargetRequest) -> RemoveTargetResponse;
        delete_target(DeleteTargetRequest) -> DeleteTargetResponse;
        delete_file(DeleteFileRequest) -> DeleteFileResponse;
    }
}
