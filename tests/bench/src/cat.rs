//! The floor of a file that is read over gRPC: `cat` of it on a bare tonic server stream.
//!
//! Law: it does what any server of files would do first, and nothing for Lowerdeck's sake: one thread reads piece after
//! piece, a few ahead of the stream, and each is a message.

use std::convert::Infallible;
use std::fs::File;
use std::io::Read;
use std::pin::Pin;
use std::task::{Context, Poll};

use anyhow::ensure;
use bytes::Bytes;
use http::uri::PathAndQuery;
use lowerdeck_proto::v1;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::task::TaskTracker;
use tonic::body::Body;
use tonic::server::{Grpc, NamedService, ServerStreamingService};
use tonic::transport::Channel;
use tonic::{Request, Response, Status};
use tonic_prost::ProstCodec;

/// Bytes of each message.
pub const PIECE_BYTES: u64 = 1 << 20;
/// Pieces that are read before they can be sent.
const AHEAD: usize = 4;
const PATH: &str = "/lowerdeck.bench.Cat/Cat";

/// The service. It is asked with the file's path, and answers with its pieces.
#[derive(Clone, Default)]
pub struct Cat {
    readers: TaskTracker,
}

impl NamedService for Cat {
    const NAME: &'static str = "lowerdeck.bench.Cat";
}

type Pieces = ReceiverStream<Result<v1::QueueCompletion, Status>>;

impl ServerStreamingService<v1::CreateFile> for Cat {
    type Response = v1::QueueCompletion;
    type ResponseStream = Pieces;
    type Future = std::future::Ready<Result<Response<Pieces>, Status>>;

    fn call(&mut self, request: Request<v1::CreateFile>) -> Self::Future {
        let opened = File::open(request.into_inner().name).map_err(|error| Status::internal(error.to_string()));
        std::future::ready(opened.map(|file| {
            let (sender, receiver) = mpsc::channel(AHEAD);
            self.readers.spawn_blocking(move || send_pieces(file, &sender));
            Response::new(ReceiverStream::new(receiver))
        }))
    }
}

/// Until the end of the file, or of the stream.
fn send_pieces(mut file: File, sender: &mpsc::Sender<Result<v1::QueueCompletion, Status>>) {
    loop {
        let mut data = Vec::with_capacity(PIECE_BYTES as usize);
        let piece = match file.by_ref().take(PIECE_BYTES).read_to_end(&mut data) {
            Ok(0) => return,
            Ok(_) => Ok(v1::QueueCompletion { data: Bytes::from(data), ..Default::default() }),
            Err(error) => Err(Status::internal(error.to_string())),
        };
        if sender.blocking_send(piece).is_err() {
            return;
        }
    }
}

impl tower::Service<http::Request<Body>> for Cat {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<http::Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let cat = self.clone();
        Box::pin(async { Ok(Grpc::new(ProstCodec::default()).server_streaming(cat, request).await) })
    }
}

/// Reads the file at `path` from the server; `take` gets every piece with its offset. Gives the bytes.
pub async fn read(channel: Channel, path: &str, mut take: impl FnMut(u64, &[u8])) -> anyhow::Result<u64> {
    let mut client = tonic::client::Grpc::new(channel);
    client.ready().await?;
    let codec: ProstCodec<v1::CreateFile, v1::QueueCompletion> = ProstCodec::default();
    let ask = Request::new(v1::CreateFile { name: path.to_owned(), ..Default::default() });
    let mut pieces = client.server_streaming(ask, PathAndQuery::from_static(PATH), codec).await?.into_inner();
    let mut offset = 0;
    while let Some(piece) = pieces.message().await? {
        ensure!(!piece.data.is_empty(), "a piece without bytes at {offset}");
        take(offset, &piece.data);
        offset += piece.data.len() as u64;
    }
    Ok(offset)
}
