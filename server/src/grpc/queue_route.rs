//! The way of `QueuePair` past the generated service, which would read its messages with prost: see
//! [`super::queue_codec`].
//!
//! Law: it is the same service to the outside; every other call goes on to what is generated.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use lowerdeck_proto::v1::device_service_server::DeviceServiceServer;
use tonic::body::Body;
use tonic::server::{Grpc, NamedService, StreamingService};
use tonic::{Status, Streaming};
use tower::Service;

use super::device_service::DeviceService;
use super::layers::session::caller;
use super::queue_codec::{Batch, QueueCodec};
use super::queue_pair::{QueuePair, QueueSource};
use crate::host::limits::Limits;

const QUEUE_PAIR: &str = "/lowerdeck.v1.DeviceService/QueuePair";

/// `DeviceService` as it is routed.
#[derive(Clone)]
pub struct DeviceRoute {
    generated: DeviceServiceServer<DeviceService>,
    queues: Queues,
}

/// Serves queue pairs.
#[derive(Clone)]
struct Queues {
    limits: Arc<Limits>,
    streams: super::Streams,
}

impl DeviceRoute {
    /// Takes QueuePair from what `device` serves; no message may have more than `message_bytes_max`.
    pub fn new(
        device: DeviceService,
        limits: Arc<Limits>,
        streams: super::Streams,
        message_bytes_max: usize,
    ) -> DeviceRoute {
        let generated = DeviceServiceServer::new(device).max_decoding_message_size(message_bytes_max);
        DeviceRoute { generated, queues: Queues { limits, streams } }
    }
}

impl StreamingService<Batch> for Queues {
    type Response = lowerdeck_proto::v1::QueuePairResponse;
    type ResponseStream = QueuePair;
    type Future = std::future::Ready<Result<tonic::Response<QueuePair>, Status>>;

    fn call(&mut self, request: tonic::Request<Streaming<Batch>>) -> Self::Future {
        let stream = caller(&request).map(|session| {
            let (limits, streams) = (Arc::clone(&self.limits), self.streams.clone());
            QueuePair::new(QueueSource::new(request.into_inner(), session, limits, streams))
        });
        std::future::ready(stream.map(tonic::Response::new).map_err(Into::into))
    }
}

impl NamedService for DeviceRoute {
    const NAME: &'static str = <DeviceServiceServer<DeviceService> as NamedService>::NAME;
}

type Answering = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

impl Service<Request<Body>> for DeviceRoute {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Answering;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Answering {
        if request.uri().path() != QUEUE_PAIR {
            return self.generated.call(request);
        }
        let queues = self.queues.clone();
        Box::pin(async move {
            let limits = &queues.limits;
            let message_bytes_max = usize::try_from(limits.message_bytes_max).unwrap_or(usize::MAX);
            let codec = QueueCodec { submissions_max: limits.batch_submissions_max };
            let mut grpc = Grpc::new(codec).max_decoding_message_size(message_bytes_max);
            Ok(grpc.streaming(queues, request).await)
        })
    }
}
