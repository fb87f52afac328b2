//! The wire: `lowerdeck.v1`, health and reflection over gRPC. The only place that knows tonic and prost.
//!
//! Laws: a handler decodes, makes one call of a session or the lab, and encodes; every refusal becomes a status in
//! [`status`] and nowhere else; every call of a session passes the session layer.

pub mod connections;
mod device_service;
mod event_stream;
mod from_proto;
mod handle_from_proto;
mod health;
mod lab_service;
mod lab_to_proto;
pub mod layers;
mod pulled_stream;
mod queue_codec;
mod queue_pair;
mod queue_route;
mod queue_to_proto;
mod services;
pub mod serving;
mod session_service;
mod status;
mod to_proto;
mod trace_stream;

use std::sync::Arc;
use std::time::Duration;

use lowerdeck_proto::v1;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use tonic::transport::Server;
use tower::layer::util::{Identity, Stack};

use self::layers::deadline::DeadlineLayer;
use self::layers::oversize::OversizeLayer;
use self::layers::session::SessionLayer;
use self::status::Refusal;
use crate::host::limits::Limits;
use crate::session::Sessions;
use crate::session::error::SessionError;
use crate::session::lab::Laboratory;

/// When a client whose stream ended in a drain should try again: at once, elsewhere.
const RETRY_AFTER_END: Duration = Duration::from_secs(1);
/// How often an idle connection is probed: dead peers are noticed before most leases run out.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(30);
/// How long a probe may take.
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(10);

/// What every long stream listens to.
#[derive(Debug, Clone)]
pub struct Streams {
    /// After how much silence a heartbeat is sent.
    pub heartbeat: Duration,
    /// Cancelled at the end of a drain.
    pub end: CancellationToken,
    /// Counts what may have changed the health of something.
    pub health: watch::Sender<u64>,
}

impl Streams {
    /// Resolves when a stream was silent for so long that it has to give a sign of life.
    ///
    /// # Errors
    /// [`SessionError::Draining`] when a drain ends first.
    async fn silence(&self) -> Result<(), Refusal> {
        tokio::select! {
            biased; // whoever is owed a sign of life gets it
            () = tokio::time::sleep(self.heartbeat) => Ok(()),
            () = self.end.cancelled() => Err(SessionError::Draining { retry_after: RETRY_AFTER_END }.into()),
        }
    }
}

/// What the wire serves.
#[derive(Clone)]
pub struct Served {
    /// The sessions.
    pub sessions: Arc<Sessions>,
    /// The stacks.
    pub laboratory: Arc<Laboratory>,
    /// The limits.
    pub limits: Arc<Limits>,
    /// What streams listen to.
    pub streams: Streams,
}

/// Our layers around tonic's routes, outermost last in the type.
pub type Layered = Stack<SessionLayer, Stack<DeadlineLayer, Stack<OversizeLayer, Identity>>>;

/// The server with its layers, outermost first: oversize translates what tonic's decoder answers; the deadline
/// covers everything that can wait; the session is resolved last, right before the handler.
pub fn server(served: &Served) -> Server<Layered> {
    let limits = &served.limits;
    let small = |value: u64| u32::try_from(value).unwrap_or(u32::MAX);
    Server::builder()
        .http2_keepalive_interval(Some(KEEPALIVE_INTERVAL))
        .http2_keepalive_timeout(Some(KEEPALIVE_TIMEOUT))
        .http2_max_header_list_size(small(limits.header_bytes_max))
        .max_concurrent_streams(small(limits.concurrent_streams_max))
        .layer(OversizeLayer::new(limits.message_bytes_max))
        .layer(DeadlineLayer)
        .layer(SessionLayer::new(Arc::clone(&served.sessions)))
}

/// All services.
///
/// # Errors
/// If the descriptor sets cannot be served, which a test excludes.
pub fn routes(served: Served) -> Result<Routes, tonic_reflection::server::Error> {
    let Served { sessions, laboratory, limits, streams } = served;
    let size = usize::try_from(limits.message_bytes_max).unwrap_or(usize::MAX);
    let session = session_service::SessionService::new(Arc::clone(&sessions));
    let device = device_service::DeviceService::new(Arc::clone(&limits), streams.clone());
    let device = queue_route::DeviceRoute::new(device, Arc::clone(&limits), streams.clone(), size);
    let lab = lab_service::LabService::new(
        Arc::clone(&laboratory),
        Arc::clone(&sessions),
        Arc::clone(&limits),
        streams.clone(),
    );
    let health = health::HealthService::new(laboratory, sessions, limits, streams);
    let mut routes = Routes::builder();
    routes
        .add_service(v1::session_service_server::SessionServiceServer::new(session).max_decoding_message_size(size))
        .add_service(device)
        .add_service(v1::lab_service_server::LabServiceServer::new(lab).max_decoding_message_size(size))
        .add_service(tonic_health::pb::health_server::HealthServer::new(health).max_decoding_message_size(size))
        .add_service(reflection().build_v1()?)
        .add_service(reflection().build_v1alpha()?);
    Ok(routes.routes())
}

fn reflection() -> tonic_reflection::server::Builder<'static> {
    tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(lowerdeck_proto::FILE_DESCRIPTOR_SET)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
}
