//! A server in this process on a free loopback port, the stubs of one session on it, and the RPCs a script needs.

use std::collections::HashMap;
use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use lowerdeck_framework::status::HResult;
use lowerdeck_proto::{SESSION_METADATA_KEY, reason, v1};
use lowerdeck_server::app::{App, RunningServer};
use lowerdeck_server::config::Config;
use lowerdeck_server::host::handle_host::{HandlePlaces, SocketPolicy};
use lowerdeck_server::host::limits::Limits;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};
use uuid::Uuid;

use super::messages;
use super::road::{Feed, Road};
use crate::backend::{Act, Call, Deed, Outcome, Setting, Transition};
use crate::stage::PATIENCE;

/// The lease with which a client is lost: the shortest the server grants.
const LEASE_OF_THE_LOST_SECONDS: i64 = 1;

/// A server and the runtime it and its clients live in.
pub struct Server {
    runtime: Option<Runtime>,
    running: Option<RunningServer>,
    channel: Channel,
    places: Option<TempDir>,
}

impl Server {
    /// Starts a server with the default configuration on a free loopback port.
    pub fn start() -> Server {
        Server::start_with(|_| {})
    }

    /// As [`Server::start`], with the limits that `change` sets.
    pub fn start_with(change: impl FnOnce(&mut Limits)) -> Server {
        Server::start_as(None, |config| change(&mut config.limits))
    }

    /// As [`Server::start`], with places for handles: files, pipes, and sockets of the loopback.
    pub fn with_handles() -> Server {
        Server::with_handles_and(|_| {})
    }

    /// As [`Server::with_handles`], with the limits that `change` sets.
    pub fn with_handles_and(change: impl FnOnce(&mut Limits)) -> Server {
        let places = TempDir::new().expect("the machine has a place for scratch files");
        let (files, pipes) = (places.path().join("files"), places.path().join("pipes"));
        std::fs::create_dir(&files).expect("a new directory takes another");
        Server::start_as(Some(places), |config| {
            change(&mut config.limits);
            config.places =
                HandlePlaces { files_root: Some(files), pipe_directory: Some(pipes), sockets: SocketPolicy::Loopback };
        })
    }

    /// Where the files of [`Server::with_handles`] are.
    pub fn files_root(&self) -> PathBuf {
        self.places.as_ref().expect("the server has places for handles").path().join("files")
    }

    /// Where the pipes of [`Server::with_handles`] are sockets.
    pub fn pipe_directory(&self) -> PathBuf {
        self.places.as_ref().expect("the server has places for handles").path().join("pipes")
    }

    fn start_as(places: Option<TempDir>, change: impl FnOnce(&mut Config)) -> Server {
        let runtime = Runtime::new().expect("the machine gives threads");
        let mut config = Config { listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), ..Config::default() };
        change(&mut config);
        let (running, channel) = runtime.block_on(async {
            let running = App::start(config).await.expect("the built-in configuration is valid");
            let endpoint =
                Endpoint::from_shared(format!("http://{}", running.addr)).expect("a socket address is a URI");
            (running, endpoint.connect().await.expect("the server listens when it has started"))
        });
        Server { runtime: Some(runtime), running: Some(running), channel, places }
    }

    /// Begins a drain, which ends at once when `now` is cancelled.
    pub fn drain(&mut self, now: CancellationToken) -> JoinHandle<()> {
        let running = self.running.take().expect("a server drains once");
        self.spawn(running.drain(now))
    }

    /// A channel to it.
    pub fn channel(&self) -> Channel {
        self.channel.clone()
    }

    /// The server itself.
    pub fn running(&self) -> &RunningServer {
        self.running.as_ref().expect("it runs until it is drained or dropped")
    }

    fn runtime(&self) -> &Runtime {
        self.runtime.as_ref().expect("it runs until it is dropped")
    }

    /// Waits for `future`, at most [`PATIENCE`].
    pub fn run<F: Future>(&self, future: F) -> F::Output {
        self.runtime().block_on(async {
            tokio::time::timeout(PATIENCE, future).await.unwrap_or_else(|_| panic!("nothing came within {PATIENCE:?}"))
        })
    }

    /// Runs `future` beside the script.
    pub fn spawn<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.runtime().spawn(future)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let Some(runtime) = self.runtime.take() else { return };
        if let Some(running) = self.running.take() {
            runtime.block_on(running.shutdown());
        }
        runtime.shutdown_background();
    }
}

/// Puts the session's UUID into the metadata of every call.
#[derive(Clone)]
pub struct SessionIdentity(MetadataValue<Ascii>);

impl tonic::service::Interceptor for SessionIdentity {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        request.metadata_mut().insert(SESSION_METADATA_KEY, self.0.clone());
        Ok(request)
    }
}

/// A channel that names the session.
pub type Channelled = InterceptedService<Channel, SessionIdentity>;

/// The stubs of one session, and the ids of the files it opened by the script's numbers.
#[derive(Clone)]
pub struct Clients {
    /// With the session's identity.
    pub session: v1::session_service_client::SessionServiceClient<Channelled>,
    /// With the session's identity.
    pub device: v1::device_service_client::DeviceServiceClient<Channelled>,
    /// Without.
    pub lab: v1::lab_service_client::LabServiceClient<Channel>,
    files: Arc<Mutex<HashMap<u64, String>>>,
}

impl Clients {
    /// Stubs for the session `id` on `channel`.
    pub fn new(channel: &Channel, id: Uuid) -> Clients {
        let identity = SessionIdentity(id.to_string().parse().expect("a UUID is ASCII"));
        let channelled = InterceptedService::new(channel.clone(), identity);
        Clients {
            session: v1::session_service_client::SessionServiceClient::new(channelled.clone()),
            device: v1::device_service_client::DeviceServiceClient::new(channelled),
            lab: v1::lab_service_client::LabServiceClient::new(channel.clone()),
            files: Arc::default(),
        }
    }

    /// The id of an opened file.
    pub fn file(&self, number: u64) -> String {
        let files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        files.get(&number).cloned().unwrap_or_else(|| panic!("file {number} never opened"))
    }

    /// Takes in the id of a file, which may be another session's.
    pub fn remember(&self, number: u64, id: String) {
        self.files.lock().unwrap_or_else(PoisonError::into_inner).insert(number, id);
    }

    /// Drops the id of a file.
    pub fn forget(&self, number: u64) {
        self.files.lock().unwrap_or_else(PoisonError::into_inner).remove(&number);
    }
}

/// Another session on a stack that is plugged and shared.
pub async fn another(server: &Server, stack: &str) -> Clients {
    let mut clients = Clients::new(&server.channel(), Uuid::new_v4());
    let client_name = "another".to_owned();
    let open = v1::OpenSessionRequest { stack: stack.to_owned(), client_name, ..Default::default() };
    clients.session.open_session(open).await.unwrap_or_else(|status| panic!("{status:?}"));
    clients
}

/// A session: its stubs, the instance it is on, and where its events come from.
pub(super) type Opened = (Clients, String, Feed);

/// Plugs the stack of `setting`, opens a session on it and its event stream.
pub async fn open(server: &Server, setting: &Setting) -> (Clients, String, tonic::Streaming<v1::StreamEventsResponse>) {
    match try_open(server, setting, Road::Calls).await {
        Ok((clients, stack, Feed::Events(events))) => (clients, stack, events),
        Ok((_, stack, Feed::Queue(_))) => panic!("{stack} was to be opened with StreamEvents"),
        Err((_, stack)) => panic!("{stack} did not start"),
    }
}

/// As [`open`], on `road`.
///
/// # Errors
/// The stubs and the instance, when that failed to start: there is no session then, but a trace.
pub(super) async fn try_open(server: &Server, setting: &Setting, road: Road) -> Result<Opened, (Clients, String)> {
    let id = Uuid::new_v4();
    let mut clients = Clients::new(&server.channel(), id);
    let name = format!("s{}", id.simple());
    let sharing = if setting.shared { v1::StackSharing::Shared } else { v1::StackSharing::Private };
    let verifier = if setting.lenient { v1::VerifierMode::Lenient } else { v1::VerifierMode::Strict };
    let plug = v1::PlugStackRequest {
        name: name.clone(),
        expression: setting.stack.clone(),
        sharing: sharing.into(),
        verifier: verifier.into(),
        clock: v1::ClockKind::Manual.into(),
        method_neither: messages::method_neither(setting.method_neither).into(),
        umdf_dispatcher: messages::umdf_dispatcher(setting.file_handles).into(),
    };
    clients.lab.plug_stack(plug).await.unwrap_or_else(|status| panic!("{status:?}"));
    match attach(&mut clients, setting, &name, road).await {
        Ok((stack, feed)) => Ok((clients, stack, feed)),
        // The first instance of its template.
        Err(status) if messages::reason(&status) == reason::STACK_START_FAILED => Err((clients, format!("{name}#1"))),
        Err(status) => panic!("{status:?}"),
    }
}

/// Opens another session on the stack called `name`.
pub(super) async fn reopen(server: &Server, setting: &Setting, name: &str, road: Road) -> Result<Opened, Status> {
    let mut clients = Clients::new(&server.channel(), Uuid::new_v4());
    let (stack, feed) = attach(&mut clients, setting, name, road).await?;
    Ok((clients, stack, feed))
}

async fn attach(clients: &mut Clients, setting: &Setting, name: &str, road: Road) -> Result<(String, Feed), Status> {
    let callbacks = setting.callbacks.iter().map(|name| messages::callback(name).into()).collect();
    let (stack, client_name) = (name.to_owned(), "conformance".to_owned());
    let open = v1::OpenSessionRequest { stack, callbacks, client_name, ..Default::default() };
    let opened = clients.session.open_session(open).await?;
    let stack = opened.into_inner().session.expect("an answer to OpenSession has a session").stack;
    Ok((stack, Feed::open(road, clients).await?))
}

/// `CreateWdfFile`; a file that opened is remembered by its number.
pub async fn create(mut clients: Clients, number: u64, file_name: Option<String>) -> Result<Outcome, Status> {
    let reply =
        clients.device.create_wdf_file(v1::CreateWdfFileRequest { request_id: number, file_name }).await?.into_inner();
    let status = HResult(reply.hresult);
    assert_eq!(status.is_success(), !reply.file_id.is_empty(), "a file id exactly when it opened (FILE-2)");
    if status.is_success() {
        clients.remember(number, reply.file_id);
    }
    Ok(Outcome::Status(status))
}

/// One of two racing acts.
pub async fn act(mut clients: Clients, stack: String, act: Act) -> Result<Deed, Status> {
    match act {
        Act::Close(file) => {
            let file_id = clients.file(file);
            clients.device.close(v1::CloseRequest { file_id }).await?;
            Ok(Deed::Begun(Call(u64::MAX)))
        }
        Act::Send(request) => {
            let reply = clients.device.send_request(messages::send(request, 0, 0)).await?;
            Ok(Deed::Sent(HResult(reply.into_inner().hresult)))
        }
        Act::Cancel(request_id) => {
            let reply = clients.device.cancel(v1::CancelRequest { request_id }).await?.into_inner();
            Ok(Deed::Cancelled(messages::cancel_answer(reply.answer())))
        }
        Act::Start => {
            clients.device.start_target(v1::StartTargetRequest { target_id: String::new() }).await?;
            Ok(Deed::Begun(Call(u64::MAX)))
        }
        Act::Stop => {
            let action = v1::SentIoAction::LeaveSentIoPending.into();
            clients
                .device
                .stop_target(v1::StopTargetRequest { target_id: String::new(), action, ..Default::default() })
                .await?;
            Ok(Deed::Begun(Call(u64::MAX)))
        }
        Act::Remove => {
            let request = v1::RemoveTargetRequest { target_id: String::new(), surprise: false };
            clients.device.remove_target(request).await?;
            Ok(Deed::Begun(Call(u64::MAX)))
        }
        Act::Advance(ticks) => {
            clients.lab.advance_clock(v1::AdvanceClockRequest { stack, ticks, wall_clock_shift_ticks: 0 }).await?;
            Ok(Deed::Advanced)
        }
        Act::PeerWrites(..) => panic!("the other end of a pipe makes no calls"),
        Act::Control(layer, command) => {
            let request = v1::ControlDriverRequest { stack, layer: u32::from(layer), command };
            let reply = clients.lab.control_driver(request).await;
            Ok(Deed::Replied(
                reply.map_or_else(|refused| refused.message().to_owned(), |reply| reply.into_inner().reply),
            ))
        }
    }
}

/// A transition of the whole stack; returns when it is over.
pub async fn transition(mut clients: Clients, stack: String, transition: Transition) -> Result<(), Status> {
    match transition {
        Transition::Power(power) => {
            let power_state = messages::power_state(power).into();
            clients.lab.set_power_state(v1::SetPowerStateRequest { stack, power_state }).await.map(|_| ())
        }
        Transition::Rebalance => clients.lab.rebalance_stack(v1::RebalanceStackRequest { stack }).await.map(|_| ()),
        Transition::SurpriseRemoval => {
            clients.lab.surprise_remove_stack(v1::SurpriseRemoveStackRequest { stack }).await.map(|_| ())
        }
    }
}

/// Lets the session's lease run out, and returns when the trace shows its loss.
pub async fn lose(clients: &Clients, stack: &str) {
    let mut clients = clients.clone();
    let follow = v1::FollowTraceRequest { stack: stack.to_owned(), after_sequence: 0 };
    let mut trace = clients.lab.follow_trace(follow).await.unwrap_or_else(|status| panic!("{status:?}")).into_inner();
    // A stream of events would keep the lease alive: another one takes its place and is dropped.
    drop(clients.device.stream_events(v1::StreamEventsRequest { after_sequence: 0 }).await);
    let lease = Some(prost_types::Duration { seconds: LEASE_OF_THE_LOST_SECONDS, nanos: 0 });
    clients
        .session
        .renew_session(v1::RenewSessionRequest { lease })
        .await
        .unwrap_or_else(|status| panic!("{status:?}"));
    loop {
        let batch = trace.message().await.unwrap_or_else(|status| panic!("{status:?}"));
        let batch = batch.unwrap_or_else(|| panic!("the trace ended before the session was lost"));
        if batch.entries.iter().any(|entry| entry.kind() == v1::TraceKind::UpperLost) {
            return;
        }
    }
}
