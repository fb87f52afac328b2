//! The two kinds of stream on which a session hears its events.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use lowerdeck_client::v1::event::Body;
use lowerdeck_client::v1::{self, queue_entry};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tokio_stream::{Stream, StreamExt};
use tonic::Status;

use super::CAPACITY;

/// Messages, and perhaps a status that ends them.
pub type FeedStream<M> = Pin<Box<dyn Stream<Item = Result<M, Status>> + Send>>;
pub type FeedSender<M> = mpsc::Sender<Result<M, Status>>;

/// A stream that is open.
pub enum Feed {
    Events(FeedSender<v1::StreamEventsResponse>),
    QueuePair {
        sender: FeedSender<v1::QueuePairResponse>,
        /// Submissions that are taken.
        head: Arc<AtomicU64>,
    },
}

/// A StreamEvents.
pub fn events() -> (Feed, FeedStream<v1::StreamEventsResponse>) {
    let (sender, stream) = channel();
    (Feed::Events(sender), stream)
}

pub fn channel<M: Send + 'static>() -> (FeedSender<M>, FeedStream<M>) {
    let (sender, receiver) = mpsc::channel(CAPACITY);
    (sender, Box::pin(ReceiverStream::new(receiver).map(|item| item)))
}

impl Feed {
    /// Sends a message with these events, or a heartbeat.
    pub fn deliver(&self, events: Vec<v1::Event>) {
        let heartbeat = events.is_empty().then(v1::Heartbeat::default);
        let delivered = match self {
            Feed::Events(sender) => sender.try_send(Ok(v1::StreamEventsResponse { events, heartbeat })).is_ok(),
            Feed::QueuePair { sender, head } => {
                let message = v1::QueuePairResponse {
                    submissions_taken: head.load(Ordering::Relaxed),
                    results: Vec::new(),
                    first_sequence: events.first().map_or(0, |event| event.sequence),
                    entries: events.into_iter().map(entry).collect(),
                    heartbeat,
                };
                sender.try_send(Ok(message)).is_ok()
            }
        };
        assert!(delivered, "a test writes few events, on a stream that is open");
    }

    /// Ends it with this status.
    pub fn end(self, status: Status) {
        let ended = match self {
            Feed::Events(sender) => sender.try_send(Err(status)).is_ok(),
            Feed::QueuePair { sender, .. } => sender.try_send(Err(status)).is_ok(),
        };
        assert!(ended, "the stream has room");
    }
}

/// A completion without what the client knows, any other event in full.
fn entry(event: v1::Event) -> v1::QueueEntry {
    let body = match event.body {
        Some(Body::RequestCompleted(completed)) => queue_entry::Body::Completion(v1::QueueCompletion {
            request_id: completed.request_id,
            hresult: completed.hresult,
            information: completed.information,
            data: completed.data,
        }),
        body => queue_entry::Body::Event(Box::new(v1::Event { body, ..event })),
    };
    v1::QueueEntry { body: Some(body) }
}
