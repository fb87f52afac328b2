//! The floor: a bare tonic server that answers with the messages of the contract and does nothing.
//!
//! Law: what it sends for a message has the shape of what Lowerdeck sends for it, so that the same load generator
//! drives both, and the difference is Lowerdeck.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use lowerdeck_proto::v1;
use tokio_stream::{Stream, StreamExt};
use tonic::body::Body;
use tonic::server::{Grpc, NamedService, StreamingService, UnaryService};
use tonic::{Request, Response, Status, Streaming};
use tonic_prost::ProstCodec;

/// The payload of the largest read that is measured.
const DATA_BYTES: usize = 1024 * 1024;

/// The service, at the path of `DeviceService`.
#[derive(Clone)]
pub struct FloorDevice {
    zeros: Bytes,
    files: Arc<AtomicU64>,
}

impl FloorDevice {
    pub fn new() -> FloorDevice {
        FloorDevice { zeros: Bytes::from(vec![0; DATA_BYTES]), files: Arc::default() }
    }

    fn data(&self, send: &v1::FormatAndSendRequest) -> Bytes {
        let io = send.format.as_ref().and_then(|format| format.io.as_ref());
        match io {
            Some(v1::format::Io::Read(read)) => {
                let size = read.output_memory.as_ref().map_or(0, |memory| memory.size as usize);
                self.zeros.slice(..size.min(DATA_BYTES))
            }
            _ => Bytes::new(),
        }
    }
}

type Answer<T> = Pin<Box<dyn Future<Output = Result<Response<T>, Status>> + Send>>;

/// `QueuePair`: each submission is complete as soon as it comes.
struct EchoQueue(FloorDevice);

impl StreamingService<v1::QueuePairRequest> for EchoQueue {
    type Response = v1::QueuePairResponse;
    type ResponseStream = Pin<Box<dyn Stream<Item = Result<v1::QueuePairResponse, Status>> + Send>>;
    type Future = Answer<Self::ResponseStream>;

    fn call(&mut self, request: Request<Streaming<v1::QueuePairRequest>>) -> Self::Future {
        let floor = self.0.clone();
        let mut first = 0;
        let mut taken = 0;
        Box::pin(async move {
            let answers = request.into_inner().map(move |batch| {
                let batch = batch?;
                taken += batch.submissions.len() as u64;
                let first_sequence = first.max(batch.after_sequence) + 1;
                let entries: Vec<_> =
                    batch.submissions.into_iter().filter_map(|submission| floor.entry(submission)).collect();
                first = first_sequence - 1 + entries.len() as u64;
                Ok(v1::QueuePairResponse { submissions_taken: taken, first_sequence, entries, ..Default::default() })
            });
            Ok(Response::new(Box::pin(answers) as Self::ResponseStream))
        })
    }
}

impl FloorDevice {
    fn entry(&self, submission: v1::Submission) -> Option<v1::QueueEntry> {
        let v1::submission::Call::FormatAndSend(send) = submission.call? else { return None };
        let data = self.data(&send);
        let completion =
            v1::QueueCompletion { request_id: send.request_id, hresult: 0, information: data.len() as u64, data };
        Some(v1::QueueEntry { body: Some(v1::queue_entry::Body::Completion(completion)) })
    }
}

/// A unary call, answered at once.
struct EchoCall<F>(F);

impl<I, O, F> UnaryService<I> for EchoCall<F>
where
    O: Send + 'static,
    F: FnMut(I) -> O,
{
    type Response = O;
    type Future = std::future::Ready<Result<Response<O>, Status>>;

    fn call(&mut self, request: Request<I>) -> Self::Future {
        std::future::ready(Ok(Response::new((self.0)(request.into_inner()))))
    }
}

impl NamedService for FloorDevice {
    const NAME: &'static str = "lowerdeck.v1.DeviceService";
}

impl tower::Service<http::Request<Body>> for FloorDevice {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<http::Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let floor = self.clone();
        Box::pin(async move {
            let method = request.uri().path().rsplit('/').next().unwrap_or_default().to_owned();
            let answer = match method.as_str() {
                "QueuePair" => Grpc::new(ProstCodec::default()).streaming(EchoQueue(floor), request).await,
                "FormatAndSend" => {
                    let echo = EchoCall(move |send: v1::FormatAndSendRequest| {
                        let data = floor.data(&send);
                        let file_id = send.format.map(|format| format.file_id).unwrap_or_default();
                        let (request_id, information) = (send.request_id, data.len() as u64);
                        let io_kind = v1::IoKind::DeviceControl.into();
                        let ioctl_code = 0x8000_2000;
                        let completion = v1::RequestCompleted {
                            request_id,
                            file_id,
                            io_kind,
                            information,
                            data,
                            ioctl_code,
                            ..Default::default()
                        };
                        v1::FormatAndSendResponse { hresult: 0, completion: Some(completion) }
                    });
                    Grpc::new(ProstCodec::default()).unary(echo, request).await
                }
                "AcknowledgeEvents" => {
                    let echo = EchoCall(|ack: v1::AcknowledgeEventsRequest| v1::AcknowledgeEventsResponse {
                        acknowledged_sequence: ack.through_sequence,
                    });
                    Grpc::new(ProstCodec::default()).unary(echo, request).await
                }
                "CreateWdfFile" => {
                    let number = floor.files.fetch_add(1, Ordering::Relaxed);
                    let echo = EchoCall(move |_: v1::CreateWdfFileRequest| v1::CreateWdfFileResponse {
                        hresult: 0,
                        file_id: format!("00000000-0000-4000-8000-{number:012x}"),
                    });
                    Grpc::new(ProstCodec::default()).unary(echo, request).await
                }
                _ => Status::unimplemented("the floor does not have this call").into_http(),
            };
            Ok(answer)
        })
    }
}

/// The session calls that a load makes.
#[derive(Clone)]
pub struct FloorSessions;

impl NamedService for FloorSessions {
    const NAME: &'static str = "lowerdeck.v1.SessionService";
}

impl tower::Service<http::Request<Body>> for FloorSessions {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<http::Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        Box::pin(async move {
            let method = request.uri().path().rsplit('/').next().unwrap_or_default().to_owned();
            Ok(match method.as_str() {
                "OpenSession" => {
                    let echo = EchoCall(|_: v1::OpenSessionRequest| v1::OpenSessionResponse::default());
                    Grpc::new(ProstCodec::default()).unary(echo, request).await
                }
                "CloseSession" => {
                    let echo = EchoCall(|_: v1::CloseSessionRequest| v1::CloseSessionResponse::default());
                    Grpc::new(ProstCodec::default()).unary(echo, request).await
                }
                _ => Status::unimplemented("the floor does not have this call").into_http(),
            })
        })
    }
}
