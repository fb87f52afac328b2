//! The bench: a server in this process, and upper drivers on it.

use std::future::Future;
use std::time::Duration;

use lowerdeck_proto::v1;
use lowerdeck_proto::v1::device_service_client::DeviceServiceClient;
use lowerdeck_proto::v1::lab_service_client::LabServiceClient;
use lowerdeck_proto::v1::session_service_client::SessionServiceClient;
use lowerdeck_proto::{SESSION_METADATA_KEY, v1::event::Body};
use lowerdeck_server::app::{App, Config, RunningServer};
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status, Streaming};
use tonic_types::StatusExt;
use uuid::Uuid;

/// Longer than anything here takes, so that what never happens fails a test instead of hanging it.
const PATIENCE: Duration = Duration::from_secs(30);

/// What must happen.
pub async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("what was waited for happens")
}

/// A call that its caller stops waiting for as soon as `seen` has happened.
pub async fn abandon<T>(call: impl Future<Output = T>, seen: impl Future) {
    tokio::select! {
        _ = call => panic!("the call was answered"),
        _ = seen => {}
    }
}

/// Puts a session's UUID into every call.
#[derive(Clone)]
pub struct Identity(Option<MetadataValue<Ascii>>);

impl tonic::service::Interceptor for Identity {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(value) = &self.0 {
            request.metadata_mut().insert(SESSION_METADATA_KEY, value.clone());
        }
        Ok(request)
    }
}

type Wire = InterceptedService<Channel, Identity>;

/// A server and a connection to it.
pub struct Bench {
    pub server: RunningServer,
    pub channel: Channel,
}

impl Bench {
    /// A server with the built-in stacks.
    pub async fn new() -> Bench {
        Bench::with(|_| {}).await
    }

    /// A server with a configuration of its own.
    pub async fn with(configure: impl FnOnce(&mut Config)) -> Bench {
        let mut config = Config { listen: ([127, 0, 0, 1], 0).into(), ..Config::default() };
        configure(&mut config);
        let server = App::start(config).await.expect("the server starts");
        let endpoint = Endpoint::from_shared(format!("http://{}", server.addr)).expect("an address is a URI");
        let channel = endpoint.connect().await.expect("the server accepts");
        Bench { server, channel }
    }

    pub fn lab(&self) -> LabServiceClient<Channel> {
        LabServiceClient::new(self.channel.clone())
    }

    /// A caller with the given metadata, whatever it is.
    pub fn caller(&self, session: Option<&str>) -> Upper {
        let value = session.map(|text| MetadataValue::try_from(text).expect("ASCII"));
        let wire = InterceptedService::new(self.channel.clone(), Identity(value));
        Upper {
            id: session.unwrap_or_default().to_owned(),
            session: SessionServiceClient::new(wire.clone()),
            device: DeviceServiceClient::new(wire),
            stack: String::new(),
            next_id: 1,
        }
    }

    /// A session on `stack`.
    pub async fn open(&self, stack: &str) -> Upper {
        self.open_with(v1::OpenSessionRequest { stack: stack.to_owned(), ..Default::default() }).await
    }

    pub async fn open_with(&self, terms: v1::OpenSessionRequest) -> Upper {
        let mut upper = self.caller(Some(&Uuid::new_v4().to_string()));
        let opened = upper.session.open_session(terms).await.expect("the session opens").into_inner();
        upper.stack = opened.session.expect("a session").stack;
        upper
    }

    pub async fn control(&self, stack: &str, layer: u32, command: &str) -> String {
        let request = v1::ControlDriverRequest { stack: stack.to_owned(), layer, command: command.to_owned() };
        self.lab().control_driver(request).await.expect("the driver understands").into_inner().reply
    }

    /// The kinds in the stack's trace as it grows, until `kind` is among them.
    pub async fn trace_until(&self, stack: &str, kind: v1::TraceKind) -> Vec<v1::TraceKind> {
        let request = v1::FollowTraceRequest { stack: stack.to_owned(), after_sequence: 0 };
        let mut stream = self.lab().follow_trace(request).await.expect("a stream").into_inner();
        let mut kinds = Vec::new();
        while !kinds.contains(&kind) {
            let piece = within(stream.message()).await.expect("alive").expect("the kind comes before the end");
            kinds.extend(piece.entries.iter().map(v1::TraceEntry::kind));
        }
        kinds
    }

    pub async fn trace(&self, stack: &str) -> Vec<v1::TraceEntry> {
        let request = v1::ReadTraceRequest { stack: stack.to_owned(), after_sequence: 0, limit: 0 };
        self.lab().read_trace(request).await.expect("the stack is remembered").into_inner().entries
    }
}

/// An upper driver.
#[derive(Clone)]
pub struct Upper {
    pub id: String,
    pub session: SessionServiceClient<Wire>,
    pub device: DeviceServiceClient<Wire>,
    pub stack: String,
    next_id: u64,
}

impl Upper {
    pub fn new_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id - 1
    }

    /// A file named `name`, which must come to be.
    pub async fn file(&mut self, name: &str) -> String {
        let request_id = self.new_id();
        let request = v1::CreateWdfFileRequest { request_id, file_name: Some(name.to_owned()) };
        let created = self.device.create_wdf_file(request).await.expect("an answer").into_inner();
        assert_eq!(created.hresult, 0);
        created.file_id
    }

    /// Sends a read of `size` bytes; gives its id.
    pub async fn send_read(&mut self, file: &str, size: u64, flags: u32) -> (u64, v1::FormatAndSendResponse) {
        let request = read(self.new_id(), file, size, flags);
        let id = request.request_id;
        (id, self.device.format_and_send(request).await.expect("an answer").into_inner())
    }

    pub async fn events(&mut self, after: u64) -> Events {
        let request = v1::StreamEventsRequest { after_sequence: after };
        Events { stream: self.device.stream_events(request).await.expect("a stream").into_inner(), ready: Vec::new() }
    }

    pub async fn close(&mut self, file: &str) {
        self.device.close(v1::CloseRequest { file_id: file.to_owned() }).await.expect("Close cannot fail");
    }

    pub async fn acknowledge(&mut self, through: u64) {
        let request = v1::AcknowledgeEventsRequest { through_sequence: through };
        self.device.acknowledge_events(request).await.expect("an answer");
    }

    pub async fn end(&mut self) -> v1::CloseSessionResponse {
        self.session.close_session(v1::CloseSessionRequest {}).await.expect("an answer").into_inner()
    }
}

/// A read through FormatAndSend.
pub fn read(request_id: u64, file: &str, size: u64, flags: u32) -> v1::FormatAndSendRequest {
    let output = v1::OutputMemory { size, offset: None, contents: Default::default() };
    let io = v1::format::Io::Read(v1::ReadFormat { device_offset: Some(0), output_memory: Some(output) });
    v1::FormatAndSendRequest {
        request_id,
        format: Some(v1::Format { file_id: file.to_owned(), target_id: String::new(), io: Some(io) }),
        options: Some(v1::SendOptions { flags, timeout_ticks: 0 }),
        retain: false,
    }
}

/// A write through FormatAndSend.
pub fn write(request_id: u64, file: &str, data: &'static [u8]) -> v1::FormatAndSendRequest {
    let input = v1::InputMemory { data: data.into(), offset: None };
    let io = v1::format::Io::Write(v1::WriteFormat { device_offset: Some(0), input_memory: Some(input) });
    v1::FormatAndSendRequest {
        request_id,
        format: Some(v1::Format { file_id: file.to_owned(), target_id: String::new(), io: Some(io) }),
        options: None,
        retain: false,
    }
}

/// A session's events, one at a time.
pub struct Events {
    stream: Streaming<v1::StreamEventsResponse>,
    ready: Vec<v1::Event>,
}

impl Events {
    /// The next event; None at the stream's end.
    pub async fn next(&mut self) -> Result<Option<(u64, Body)>, Status> {
        while self.ready.is_empty() {
            match within(self.stream.message()).await? {
                Some(batch) => self.ready = batch.events.into_iter().rev().collect(),
                None => return Ok(None),
            }
        }
        let event = self.ready.pop().expect("not empty");
        Ok(Some((event.sequence, event.body.expect("an event has a body"))))
    }

    /// The next event, which must be there.
    pub async fn expect(&mut self) -> (u64, Body) {
        self.next().await.expect("the stream lives").expect("the stream goes on")
    }

    pub async fn completion(&mut self) -> (u64, v1::RequestCompleted) {
        match self.expect().await {
            (sequence, Body::RequestCompleted(completed)) => (sequence, completed),
            other => panic!("expected a completion, got {other:?}"),
        }
    }
}

/// Code and reason of a refusal.
pub fn refusal(status: &Status) -> (tonic::Code, String) {
    let details = status.get_error_details();
    let info = details.error_info().expect("every refusal carries ErrorInfo");
    assert_eq!(info.domain, lowerdeck_proto::ERROR_DOMAIN);
    (status.code(), info.reason.clone())
}
