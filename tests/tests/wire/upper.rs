//! An upper driver for these tests: a session on a stack of its own, and how everything about it stands.

use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use lowerdeck_proto::v1;
use lowerdeck_tests::wire::{Channelled, Clients, Server};
use tonic::transport::Channel;
use tonic::{Code, Response, Status};
use uuid::Uuid;

use crate::event_feed::EventFeed;
use crate::refusal::{Refusal, expect, granted};

/// Where the first request of an [`Upper`] is numbered.
const FIRST_NUMBER: u64 = 1;

/// Names stacks, so that tests can plug as many as they like.
static PLUGGED: AtomicU64 = AtomicU64::new(0);

/// One session.
pub struct Upper {
    /// Its UUID.
    pub id: Uuid,
    /// Its stubs.
    pub clients: Clients,
    /// Its stack instance.
    pub stack: String,
    next_number: AtomicU64,
}

/// Everything that a refused call must leave as it is.
#[derive(Debug, PartialEq)]
pub struct Standing {
    trace: Vec<v1::TraceEntry>,
    outstanding: Option<v1::OutstandingReport>,
    balance: Option<v1::Balance>,
    events: (u64, u64),
}

/// A template on a manual clock, strict.
pub fn template(expression: &str) -> v1::PlugStackRequest {
    v1::PlugStackRequest {
        name: format!("t{}", PLUGGED.fetch_add(1, Ordering::Relaxed)),
        expression: expression.to_owned(),
        sharing: v1::StackSharing::Private.into(),
        verifier: v1::VerifierMode::Strict.into(),
        clock: v1::ClockKind::Manual.into(),
        method_neither: v1::MethodNeitherAction::Reject.into(),
        umdf_dispatcher: v1::UmdfDispatcher::FileHandle.into(),
    }
}

/// As [`template`], but one instance that sessions meet on.
pub fn shared(expression: &str) -> v1::PlugStackRequest {
    v1::PlugStackRequest { sharing: v1::StackSharing::Shared.into(), ..template(expression) }
}

/// Asks for a session on `stack`, everything else by default.
pub fn on_stack(stack: &str) -> v1::OpenSessionRequest {
    v1::OpenSessionRequest { stack: stack.to_owned(), ..Default::default() }
}

/// Plugs a stack and gives its name.
pub async fn plug(channel: &Channel, stack: v1::PlugStackRequest) -> String {
    let name = stack.name.clone();
    granted(v1::lab_service_client::LabServiceClient::new(channel.clone()).plug_stack(stack).await);
    name
}

/// The format of a read of `size` bytes.
pub fn read(file_id: &str, size: u64) -> v1::Format {
    let output_memory = Some(v1::OutputMemory { size, offset: None, contents: Default::default() });
    let io = Some(v1::format::Io::Read(v1::ReadFormat { device_offset: None, output_memory }));
    v1::Format { file_id: file_id.to_owned(), target_id: String::new(), io }
}

/// The format of a write of `data`.
pub fn write(file_id: &str, data: Bytes) -> v1::Format {
    let input_memory = Some(v1::InputMemory { data, offset: None });
    let io = Some(v1::format::Io::Write(v1::WriteFormat { device_offset: None, input_memory }));
    v1::Format { file_id: file_id.to_owned(), target_id: String::new(), io }
}

/// Send flags and timeout.
pub fn options(flags: u32, timeout_ticks: i64) -> Option<v1::SendOptions> {
    Some(v1::SendOptions { flags, timeout_ticks })
}

impl std::fmt::Debug for Upper {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "session {} on {}", self.id, self.stack)
    }
}

impl Upper {
    /// A session on a private stack of its own.
    pub async fn on(server: &Server, expression: &str) -> Upper {
        let name = plug(&server.channel(), template(expression)).await;
        Upper::attach(&server.channel(), on_stack(&name)).await
    }

    /// A session as `terms` ask for it.
    pub async fn attach(channel: &Channel, terms: v1::OpenSessionRequest) -> Upper {
        Upper::try_attach(channel, terms).await.unwrap_or_else(|status| panic!("{status:?}"))
    }

    /// A session as `terms` ask for it, if the server opens one.
    pub async fn try_attach(channel: &Channel, terms: v1::OpenSessionRequest) -> Result<Upper, Status> {
        let id = Uuid::new_v4();
        let mut clients = Clients::new(channel, id);
        let session = clients.session.open_session(terms).await?.into_inner().session;
        let stack = session.expect("an answer to OpenSession has a session").stack;
        Ok(Upper { id, clients, stack, next_number: AtomicU64::new(FIRST_NUMBER) })
    }

    /// A request id that was never used.
    pub fn number(&self) -> u64 {
        self.next_number.fetch_add(1, Ordering::Relaxed)
    }

    /// The stub of the device service.
    pub fn device(&self) -> DeviceClient {
        self.clients.device.clone()
    }

    /// The stub of the session service.
    pub fn session(&self) -> SessionClient {
        self.clients.session.clone()
    }

    /// The stub of the lab service.
    pub fn lab(&self) -> v1::lab_service_client::LabServiceClient<Channel> {
        self.clients.lab.clone()
    }

    /// Opens a file.
    pub async fn file(&self) -> String {
        let request = v1::CreateWdfFileRequest { request_id: self.number(), file_name: None };
        let reply = granted(self.device().create_wdf_file(request).await);
        assert_eq!(reply.hresult, 0, "the stack opens files");
        reply.file_id
    }

    /// Opens the server end of a pipe, for overlapped I/O.
    pub async fn pipe(&self) -> String {
        let handle_id = Uuid::new_v4().to_string();
        let pipe = v1::CreateNamedPipe {
            name: format!(r"\\.\pipe\{handle_id}"),
            open_mode: 3 | 0x4000_0000, // PIPE_ACCESS_DUPLEX, FILE_FLAG_OVERLAPPED
            pipe_mode: 4 | 2,           // PIPE_TYPE_MESSAGE, PIPE_READMODE_MESSAGE
            max_instances: 2,
            ..Default::default()
        };
        let object = Some(v1::open_handle_request::Object::CreateNamedPipe(pipe));
        let open = v1::OpenHandleRequest { handle_id: handle_id.clone(), object };
        assert_eq!(granted(self.device().open_handle(open).await).hresult, 0, "a new name is free");
        handle_id
    }

    /// Sends `format` in one call under a new id, which it gives; the driver below must accept it.
    pub async fn send(&self, format: v1::Format) -> u64 {
        let request_id = self.number();
        let message = v1::FormatAndSendRequest { request_id, format: Some(format), ..Default::default() };
        assert_eq!(granted(self.device().format_and_send(message).await).hresult, 0, "the target accepts it");
        request_id
    }

    /// Makes a request object, unformatted.
    pub async fn object(&self) -> u64 {
        let request_id = self.number();
        let message = v1::CreateRequestRequest { request_id, no_completion_callback: false };
        granted(self.device().create_request(message).await);
        request_id
    }

    /// Closes a file.
    pub async fn close(&self, file_id: &str) {
        granted(self.device().close(v1::CloseRequest { file_id: file_id.to_owned() }).await);
    }

    /// Cancels a request and says what became of it.
    pub async fn cancel(&self, request_id: u64) -> v1::CancelAnswer {
        granted(self.device().cancel(v1::CancelRequest { request_id }).await).answer()
    }

    /// Gives a command to the driver in layer 1.
    pub async fn control(&self, command: &str) -> String {
        let (stack, command) = (self.stack.clone(), command.to_owned());
        granted(self.lab().control_driver(v1::ControlDriverRequest { stack, layer: 1, command }).await).reply
    }

    /// The request as its creator sees it.
    pub async fn request(&self, request_id: u64) -> Result<v1::GetRequestResponse, Status> {
        self.device().get_request(v1::GetRequestRequest { request_id }).await.map(Response::into_inner)
    }

    /// How the session stands.
    pub async fn view(&self) -> v1::Session {
        let reply = granted(self.session().get_session(v1::GetSessionRequest {}).await);
        reply.session.expect("an answer to GetSession has a session")
    }

    /// Opens the event stream after event `after_sequence`.
    pub async fn events_after(&self, after_sequence: u64) -> EventFeed {
        EventFeed::open(self.device(), after_sequence).await
    }

    /// Acknowledges everything up to `through_sequence`.
    pub async fn acknowledge(&self, through_sequence: u64) {
        granted(self.device().acknowledge_events(v1::AcknowledgeEventsRequest { through_sequence }).await);
    }

    /// The stack's trace.
    pub async fn trace(&self) -> Vec<v1::TraceEntry> {
        let (mut entries, mut after_sequence) = (Vec::new(), 0);
        loop {
            let request = v1::ReadTraceRequest { stack: self.stack.clone(), after_sequence, limit: 0 };
            let page = granted(self.lab().read_trace(request).await);
            if page.entries.is_empty() {
                return entries;
            }
            after_sequence = page.next_after_sequence;
            entries.extend(page.entries);
        }
    }

    /// How often the trace shows `kind` at `layer`.
    pub async fn count(&self, layer: u32, kind: v1::TraceKind) -> usize {
        self.trace().await.iter().filter(|entry| entry.layer == layer && entry.kind() == kind).count()
    }

    /// Follows the trace from its beginning until an entry satisfies `wanted`.
    pub async fn traced(&self, wanted: impl Fn(&v1::TraceEntry) -> bool) -> v1::TraceEntry {
        let request = v1::FollowTraceRequest { stack: self.stack.clone(), after_sequence: 0 };
        let mut trace = granted(self.lab().follow_trace(request).await);
        loop {
            let batch = trace.message().await.unwrap_or_else(|status| panic!("{status:?}"));
            let batch = batch.unwrap_or_else(|| panic!("the trace ended without the entry that was waited for"));
            if let Some(entry) = batch.entries.into_iter().find(|entry| wanted(entry)) {
                return entry;
            }
        }
    }

    /// The rules of the findings about its stack, oldest first.
    pub async fn findings(&self) -> Vec<String> {
        let (mut rules, mut page_token) = (Vec::new(), String::new());
        loop {
            let request = v1::ListFindingsRequest { stack: self.stack.clone(), page_size: 0, page_token };
            let page = granted(self.lab().list_findings(request).await);
            rules.extend(page.findings.into_iter().map(|finding| finding.rule));
            page_token = page.next_page_token;
            if page_token.is_empty() {
                return rules;
            }
        }
    }

    /// Which files are not gone.
    pub async fn outstanding(&self) -> Option<v1::OutstandingReport> {
        let request = v1::GetOutstandingFilesRequest { stack: self.stack.clone() };
        granted(self.lab().get_outstanding_files(request).await).report
    }

    /// How everything stands. Only a stack on a manual clock stands still.
    pub async fn standing(&self) -> Standing {
        let session = self.view().await;
        Standing {
            trace: self.trace().await,
            outstanding: self.outstanding().await,
            balance: session.balance,
            events: (session.last_event_sequence, session.acknowledged_sequence),
        }
    }

    /// Makes `call`, which must be refused so, and must leave everything as it is.
    pub async fn refused<T: std::fmt::Debug>(
        &self,
        call: impl Future<Output = Result<Response<T>, Status>>,
        code: Code,
        reason: &str,
    ) -> Refusal {
        let before = self.standing().await;
        let refusal = expect(call.await, code, reason);
        assert_eq!(self.standing().await, before, "a refused call changes nothing ({reason})");
        refusal
    }
}

/// The stub of the device service with the session's identity.
pub type DeviceClient = v1::device_service_client::DeviceServiceClient<Channelled>;
/// The stub of the session service with the session's identity.
pub type SessionClient = v1::session_service_client::SessionServiceClient<Channelled>;
