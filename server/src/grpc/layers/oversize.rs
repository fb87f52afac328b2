//! The oversize layer: a message above the limit answers RESOURCE_EXHAUSTED with the limit's name.
//!
//! The transport answers OUT_OF_RANGE, which no handler of ours ever gives; so every OUT_OF_RANGE is an oversize.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::{Request, Response};
use tonic::Code;
use tonic::body::Body;
use tower::{Layer, Service};

use crate::grpc::status::{Refusal, status_of};

/// Makes [`Oversize`]s.
#[derive(Debug, Clone, Copy)]
pub struct OversizeLayer {
    limit: u64,
}

impl OversizeLayer {
    /// Names `limit`, in bytes.
    pub fn new(limit: u64) -> OversizeLayer {
        OversizeLayer { limit }
    }
}

impl<S> Layer<S> for OversizeLayer {
    type Service = Oversize<S>;

    fn layer(&self, inner: S) -> Oversize<S> {
        Oversize { inner, limit: self.limit }
    }
}

/// The service that translates.
#[derive(Debug, Clone)]
pub struct Oversize<S> {
    inner: S,
    limit: u64,
}

impl<S> Service<Request<Body>> for Oversize<S>
where
    S: Service<Request<Body>, Response = Response<Body>>,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Translated<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        Translated { inner: self.inner.call(request), limit: self.limit }
    }
}

pin_project_lite::pin_project! {
    /// A call whose answer may have to be translated.
    pub struct Translated<F> {
        #[pin]
        inner: F,
        limit: u64,
    }
}

impl<F, E> Future for Translated<F>
where
    F: Future<Output = Result<Response<Body>, E>>,
{
    type Output = Result<Response<Body>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let response = ready!(this.inner.poll(cx))?;
        let code = response.headers().get("grpc-status").map(|code| Code::from_bytes(code.as_bytes()));
        if code == Some(Code::OutOfRange) {
            return Poll::Ready(Ok(status_of(&Refusal::MessageTooLarge { limit: *this.limit }).into_http()));
        }
        Poll::Ready(Ok(response))
    }
}
