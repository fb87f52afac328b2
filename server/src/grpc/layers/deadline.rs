//! The deadline layer: a call whose `grpc-timeout` passes answers DEADLINE_EXCEEDED.
//!
//! Laws: what the call began goes on (MAP-5), because handlers change state in one synchronous step and only wait
//! afterwards; a response that has begun to stream is not cut off.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http::{HeaderMap, Request, Response};
use tokio::time::Sleep;
use tonic::body::Body;
use tower::{Layer, Service};

use crate::grpc::status::{Refusal, status_of};

/// How much before the deadline we answer, so that our answer overtakes the transport's own, which has another code.
const MARGIN: Duration = Duration::from_millis(5);

/// Makes [`Deadline`]s.
#[derive(Debug, Clone, Copy)]
pub struct DeadlineLayer;

impl<S> Layer<S> for DeadlineLayer {
    type Service = Deadline<S>;

    fn layer(&self, inner: S) -> Deadline<S> {
        Deadline { inner }
    }
}

/// The service that watches the deadline.
#[derive(Debug, Clone)]
pub struct Deadline<S> {
    inner: S,
}

/// The time that a call may take; None for none, or one that makes no sense.
fn timeout(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get("grpc-timeout")?.to_str().ok()?;
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if digits.is_empty() || digits.len() > 8 || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let count: u64 = digits.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_secs(count * 3600)),
        "M" => Some(Duration::from_secs(count * 60)),
        "S" => Some(Duration::from_secs(count)),
        "m" => Some(Duration::from_millis(count)),
        "u" => Some(Duration::from_micros(count)),
        "n" => Some(Duration::from_nanos(count)),
        _ => None,
    }
}

impl<S> Service<Request<Body>> for Deadline<S>
where
    S: Service<Request<Body>, Response = Response<Body>>,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Timed<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let timeout = timeout(request.headers()).map(|timeout| timeout - MARGIN.min(timeout / 2));
        Timed { inner: self.inner.call(request), sleep: timeout.map(|timeout| Box::pin(tokio::time::sleep(timeout))) }
    }
}

pin_project_lite::pin_project! {
    /// A call and its deadline.
    pub struct Timed<F> {
        #[pin]
        inner: F,
        sleep: Option<Pin<Box<Sleep>>>,
    }
}

impl<F, E> Future for Timed<F>
where
    F: Future<Output = Result<Response<Body>, E>>,
{
    type Output = Result<Response<Body>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if let Poll::Ready(answer) = this.inner.poll(cx) {
            return Poll::Ready(answer);
        }
        let Some(sleep) = this.sleep else { return Poll::Pending };
        ready!(sleep.as_mut().poll(cx));
        Poll::Ready(Ok(status_of(&Refusal::DeadlinePassed).into_http()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Option<Duration> {
        let mut headers = HeaderMap::new();
        headers.insert("grpc-timeout", text.parse().expect("a header value"));
        timeout(&headers)
    }

    #[test]
    fn timeouts_are_read_in_every_unit() {
        assert_eq!(parsed("2H"), Some(Duration::from_secs(7200)));
        assert_eq!(parsed("3M"), Some(Duration::from_secs(180)));
        assert_eq!(parsed("99999999S"), Some(Duration::from_secs(99_999_999)));
        assert_eq!(parsed("250m"), Some(Duration::from_millis(250)));
        assert_eq!(parsed("7u"), Some(Duration::from_micros(7)));
        assert_eq!(parsed("0n"), Some(Duration::ZERO));
    }

    /// The status that a call answers within `timeout`, if it is not the handler's own.
    async fn status(timeout: &str, handler: impl Future<Output = ()> + Send) -> Option<String> {
        let mut handler = Some(handler);
        let inner = tower::service_fn(move |_: Request<Body>| {
            let handler = handler.take();
            async move {
                handler.expect("called once").await;
                Ok::<_, std::convert::Infallible>(Response::new(Body::default()))
            }
        });
        let request = Request::builder().header("grpc-timeout", timeout).body(Body::default());
        let call = DeadlineLayer.layer(inner).call(request.expect("a request"));
        let response = call.await.expect("infallible");
        let status = response.headers().get("grpc-status")?;
        Some(status.to_str().expect("digits").to_owned())
    }

    #[tokio::test]
    async fn a_call_beyond_its_deadline_answers_deadline_exceeded() {
        assert_eq!(status("1m", std::future::pending()).await.as_deref(), Some("4"));
    }

    #[tokio::test]
    async fn a_call_within_its_deadline_is_left_alone() {
        assert_eq!(status("1H", std::future::ready(())).await, None);
    }

    #[test]
    fn timeouts_that_make_no_sense_are_none() {
        for text in ["", "S", "10", "-1S", "1x", "123456789S", "1 S"] {
            assert_eq!(parsed(text), None, "{text}");
        }
    }
}
