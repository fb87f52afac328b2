//! A response stream that is pulled: no task and no channel per stream, the connection that wants the next message
//! asks its source for it.
//!
//! Laws: one message is made at a time, so a slow reader holds up nobody and nothing piles up here; after an error or
//! the end nothing follows.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio_stream::Stream;
use tokio_util::sync::ReusableBoxFuture;
use tonic::Status;

use super::status::Refusal;

/// Where messages come from.
pub trait Source: Send + Sized + 'static {
    /// What it gives.
    type Message: Send + 'static;

    /// The next message, once there is one; None at the end.
    fn next(&mut self) -> impl Future<Output = Result<Option<Self::Message>, Refusal>> + Send;
}

type Step<S> = (Option<Result<<S as Source>::Message, Status>>, Option<S>);

/// The stream.
pub struct PulledStream<S: Source> {
    next: ReusableBoxFuture<'static, Step<S>>,
    done: bool,
}

impl<S: Source> PulledStream<S> {
    /// Streams everything that `source` gives.
    pub fn new(source: S) -> PulledStream<S> {
        PulledStream { next: ReusableBoxFuture::new(step(source)), done: false }
    }
}

async fn step<S: Source>(mut source: S) -> Step<S> {
    match source.next().await {
        Ok(Some(message)) => (Some(Ok(message)), Some(source)),
        Ok(None) => (None, None),
        Err(refusal) => (Some(Err(refusal.into())), None),
    }
}

impl<S: Source> Stream for PulledStream<S> {
    type Item = Result<S::Message, Status>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.done {
            return Poll::Ready(None);
        }
        match self.next.poll(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready((item, Some(source))) => {
                self.next.set(step(source));
                Poll::Ready(item)
            }
            Poll::Ready((item, None)) => {
                self.done = true;
                Poll::Ready(item)
            }
        }
    }
}
