//! `grpc.health.v1` over our own states.
//!
//! Names differ by meaning: `""` and `liveness` say that the process lives (SERVING while it drains); the names of our
//! services say that it is ready for new sessions (NOT_SERVING first thing in a drain); `lowerdeck.stack/<name>` says
//! that this template, shared stack or instance works. `Watch` on an unknown name answers SERVICE_UNKNOWN and stays
//! open, as the protocol wants.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tonic::{Request, Response, Status};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_server::Health;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};

use super::lab_service::works;
use super::pulled_stream::{PulledStream, Source};
use super::status::Refusal;
use super::{Streams, services};
use crate::host::error::HostError;
use crate::host::limits::Limits;
use crate::session::Sessions;
use crate::session::lab::Laboratory;

/// The prefix of stacks' names.
const STACK_PREFIX: &str = "lowerdeck.stack/";

/// The service.
#[derive(Clone)]
pub struct HealthService {
    laboratory: Arc<Laboratory>,
    sessions: Arc<Sessions>,
    limits: Arc<Limits>,
    streams: Streams,
    watchers: Arc<Semaphore>,
}

impl HealthService {
    /// Tells about `sessions` and the stacks of `laboratory`.
    pub fn new(
        laboratory: Arc<Laboratory>,
        sessions: Arc<Sessions>,
        limits: Arc<Limits>,
        streams: Streams,
    ) -> HealthService {
        let permits = usize::try_from(limits.health_streams_max).unwrap_or(usize::MAX).min(Semaphore::MAX_PERMITS);
        HealthService { laboratory, sessions, limits, streams, watchers: Arc::new(Semaphore::new(permits)) }
    }

    fn status(&self, service: &str) -> ServingStatus {
        let serving = |yes| if yes { ServingStatus::Serving } else { ServingStatus::NotServing };
        if service.is_empty() || service == "liveness" {
            return ServingStatus::Serving;
        }
        if services::NAMES.contains(&service) {
            return serving(!self.sessions.is_draining());
        }
        let stack = service.strip_prefix(STACK_PREFIX);
        let state = stack.and_then(|name| self.laboratory.state(name));
        state.map_or(ServingStatus::ServiceUnknown, |state| serving(works(state)))
    }
}

#[tonic::async_trait]
impl Health for HealthService {
    async fn check(&self, request: Request<HealthCheckRequest>) -> Result<Response<HealthCheckResponse>, Status> {
        match self.status(&request.into_inner().service) {
            ServingStatus::ServiceUnknown => Err(Refusal::HealthServiceUnknown.into()),
            status => Ok(Response::new(HealthCheckResponse { status: status.into() })),
        }
    }

    type WatchStream = PulledStream<Watch>;

    async fn watch(&self, request: Request<HealthCheckRequest>) -> Result<Response<Self::WatchStream>, Status> {
        let permit = Arc::clone(&self.watchers).try_acquire_owned().map_err(|_| {
            let (name, value) = ("health_streams_max", self.limits.health_streams_max);
            Refusal::from(HostError::LimitReached { name, value, advice: "end a stream first" })
        })?;
        let service = request.into_inner().service;
        let watch = Watch { health: self.clone(), service, last: None, _permit: permit };
        Ok(Response::new(PulledStream::new(watch)))
    }
}

/// One watcher: hears the status at once and whenever it changes.
pub struct Watch {
    health: HealthService,
    service: String,
    last: Option<ServingStatus>,
    _permit: OwnedSemaphorePermit,
}

impl Source for Watch {
    type Message = HealthCheckResponse;

    async fn next(&mut self) -> Result<Option<HealthCheckResponse>, Refusal> {
        loop {
            let mut changes = self.health.streams.health.subscribe();
            let status = self.health.status(&self.service);
            if self.last != Some(status) {
                self.last = Some(status);
                return Ok(Some(HealthCheckResponse { status: status.into() }));
            }
            tokio::select! {
                changed = changes.changed() => {
                    if changed.is_err() {
                        return Ok(None);
                    }
                }
                () = self.health.streams.end.cancelled() => return Ok(None),
            }
        }
    }
}
