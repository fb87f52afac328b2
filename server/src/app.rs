//! The composition root: builds host, session and grpc in that order, and stops them in reverse.
//!
//! Laws: every task is joined; a drain flips readiness first, lets sessions finish until its deadline, ends streams
//! with a status, and never takes longer than its deadline and a short grace.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use crate::config::Config;
use crate::grpc::connections::Connections;
use crate::grpc::serving::{self, Stops};
use crate::grpc::{self, Served, Streams};
use crate::host::catalog::Catalog;
use crate::host::clock;
use crate::host::error::HostError;
use crate::host::handle_host::{HandleHost, HandleHostError};
use crate::host::timekeeper::Timekeeper;
use crate::session::Sessions;
use crate::session::audit::Audit;
use crate::session::lab::Laboratory;

/// How long connections get to close once everything has ended: a round trip or two.
const CLOSE_GRACE: Duration = Duration::from_secs(1);

/// Why a server cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// An address that others can reach, without their being told that nothing is encrypted.
    #[error("{0} is no loopback address and nothing is encrypted: say --insecure-listen if that is meant")]
    InsecureListen(SocketAddr),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The system has no threads to serve with.
    #[error("cannot start the serving threads: {0}")]
    Threads(#[source] io::Error),
    /// A stack cannot be plugged.
    #[error(transparent)]
    Stack(#[from] HostError),
    /// There can be no handles as configured.
    #[error(transparent)]
    Handles(#[from] HandleHostError),
    /// The contract cannot be served by reflection.
    #[error("reflection: {0}")]
    Reflection(#[from] tonic_reflection::server::Error),
}

/// The server before it runs.
pub struct App;

impl App {
    /// Builds everything, listens, and serves. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// [`StartError`]; nothing runs then.
    pub async fn start(config: Config) -> Result<RunningServer, StartError> {
        let address = config.listen;
        if !address.ip().is_loopback() {
            if !config.insecure_listen {
                return Err(StartError::InsecureListen(address));
            }
            tracing::warn!(%address, "listening without encryption or authentication");
        }
        let limits = Arc::new(config.limits);
        let timekeeper = Timekeeper::new();
        let laboratory = Catalog::new(Arc::clone(&limits), config.seed, Arc::clone(&timekeeper));
        for declaration in config.stacks {
            laboratory.plug(declaration)?;
        }
        let audit = Audit::new(limits.audit_entries_max);
        let handle_host = HandleHost::open(&config.places, &limits)?;
        let sessions = Sessions::new(
            Arc::clone(&laboratory),
            Arc::clone(&limits),
            Arc::clone(&audit),
            Arc::clone(&timekeeper),
            Arc::clone(&handle_host),
        );
        let streams = Streams {
            heartbeat: Duration::from_millis(limits.heartbeat_ms_max),
            end: CancellationToken::new(),
            health: laboratory.changes().clone(),
        };
        let drain = Duration::from_millis(limits.drain_ms_max);
        let served = Served {
            sessions: Arc::clone(&sessions),
            laboratory: Arc::clone(&laboratory),
            limits: Arc::clone(&limits),
            streams: streams.clone(),
        };
        let routes = grpc::routes(served.clone())?;
        let listener = TcpListener::bind(address).await.map_err(|source| StartError::Listen { address, source })?;
        let addr = listener.local_addr().map_err(|source| StartError::Listen { address, source })?;

        let tracker = TaskTracker::new();
        let stop_timekeeper = CancellationToken::new();
        let stops = Stops { stop: CancellationToken::new(), abort: CancellationToken::new() };
        let stopped = stop_timekeeper.clone();
        tracker.spawn(async move { timekeeper.run(stopped).await });
        let incoming = Connections::new(listener, limits.connections_max);
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let threads = processors.min(usize::try_from(limits.serving_threads_max).unwrap_or(usize::MAX));
        let serving = serving::serve(threads, incoming, &served, &routes, &stops).map_err(StartError::Threads)?;
        let server = tracker.spawn(serving);
        tracker.close();
        tracing::info!(address = %addr, "listening");
        Ok(RunningServer {
            addr,
            drain,
            sessions,
            laboratory,
            audit,
            streams,
            stops,
            handle_host,
            stop_timekeeper,
            tracker,
            server,
        })
    }
}

/// A server that runs. Dropping it does not stop it: see [`RunningServer::shutdown`] and [`RunningServer::drain`].
pub struct RunningServer {
    /// Where it listens.
    pub addr: SocketAddr,
    drain: Duration,
    sessions: Arc<Sessions>,
    laboratory: Arc<Laboratory>,
    audit: Arc<Audit>,
    streams: Streams,
    stops: Stops,
    handle_host: Arc<HandleHost>,
    stop_timekeeper: CancellationToken,
    tracker: TaskTracker,
    server: JoinHandle<()>,
}

impl RunningServer {
    /// The audit trail.
    pub fn audit(&self) -> &Arc<Audit> {
        &self.audit
    }

    /// The stacks.
    pub fn laboratory(&self) -> &Arc<Laboratory> {
        &self.laboratory
    }

    /// Stops at once: sessions end as if their clients were lost.
    pub async fn shutdown(self) {
        self.drain_for(Duration::ZERO, CancellationToken::new()).await;
    }

    /// Refuses new sessions, lets the others finish until the configured deadline or until `now` is cancelled, and
    /// stops.
    pub async fn drain(self, now: CancellationToken) {
        let drain = self.drain;
        self.drain_for(drain, now).await;
    }

    async fn drain_for(self, drain: Duration, now: CancellationToken) {
        tracing::info!(deadline = ?drain, "draining");
        // Readiness first: whoever routes by it must know before anybody is told to leave.
        self.sessions.refuse_new();
        self.streams.health.send_modify(|count| *count += 1);
        self.sessions.announce_drain(clock::wall_time() + drain);
        tokio::select! {
            () = self.sessions.all_ended() => {}
            () = tokio::time::sleep(drain) => tracing::warn!("sessions were still open at the drain's deadline"),
            () = now.cancelled() => tracing::warn!("told to stop at once"),
        }
        self.sessions.end_all();
        self.streams.end.cancel();
        self.stops.stop.cancel();
        let mut server = self.server;
        let is_closed = tokio::select! {
            _ = &mut server => true,
            () = tokio::time::sleep(CLOSE_GRACE) => false,
            () = now.cancelled() => false,
        };
        if !is_closed {
            self.stops.abort.cancel();
            let _ = server.await; // an error would say that it has ended as well
        }
        self.handle_host.finish().await; // after the sessions, which close what they have
        self.stop_timekeeper.cancel();
        self.tracker.wait().await;
        tracing::info!("stopped");
    }
}
