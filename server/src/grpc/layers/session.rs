//! The session layer: resolves the metadata entry `lowerdeck-session` before any handler runs.
//!
//! Laws: no handler of `SessionService` or `DeviceService` runs without it, whatever calls are added; a resolved call
//! renews the lease. Only OpenSession and CloseSession may name a session that is not open: they get its id alone.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use lowerdeck_proto::SESSION_METADATA_KEY;
use tonic::body::Body;
use tower::{Layer, Service};
use uuid::Uuid;

use crate::grpc::status::{Refusal, status_of};
use crate::session::{Session, Sessions};

const SESSION_SERVICE: &str = "/lowerdeck.v1.SessionService/";
const DEVICE_SERVICE: &str = "/lowerdeck.v1.DeviceService/";
/// Calls that name a session which need not be open.
const ID_ONLY: [&str; 2] = ["OpenSession", "CloseSession"];

/// The UUID that the caller sent. Put into the extensions of every call of the two services.
#[derive(Debug, Clone, Copy)]
pub struct SessionId(pub Uuid);

/// The open session of the caller, from the extensions of its request.
pub fn caller<T>(request: &tonic::Request<T>) -> Result<Arc<Session>, Refusal> {
    request.extensions().get::<Arc<Session>>().cloned().ok_or(Refusal::MetadataMissing)
}

/// Makes [`SessionResolver`]s.
#[derive(Clone)]
pub struct SessionLayer {
    sessions: Arc<Sessions>,
}

impl SessionLayer {
    /// Resolves among `sessions`.
    pub fn new(sessions: Arc<Sessions>) -> SessionLayer {
        SessionLayer { sessions }
    }
}

impl<S> Layer<S> for SessionLayer {
    type Service = SessionResolver<S>;

    fn layer(&self, inner: S) -> SessionResolver<S> {
        SessionResolver { inner, sessions: Arc::clone(&self.sessions) }
    }
}

/// The service that resolves.
#[derive(Clone)]
pub struct SessionResolver<S> {
    inner: S,
    sessions: Arc<Sessions>,
}

impl<S> SessionResolver<S> {
    fn resolve(&self, request: &mut Request<Body>) -> Result<(), Refusal> {
        let path = request.uri().path();
        let device = path.starts_with(DEVICE_SERVICE);
        let Some(method) = path.strip_prefix(SESSION_SERVICE).or_else(|| path.strip_prefix(DEVICE_SERVICE)) else {
            return Ok(());
        };
        let id_only = !device && ID_ONLY.contains(&method);
        let id = session_uuid(request.headers())?;
        if id_only {
            request.extensions_mut().insert(SessionId(id));
            if let Ok(session) = self.sessions.resolve(id) {
                session.renew(None);
            }
            return Ok(());
        }
        let session = self.sessions.resolve(id)?;
        session.renew(None);
        request.extensions_mut().insert(session);
        Ok(())
    }
}

fn session_uuid(headers: &http::HeaderMap) -> Result<Uuid, Refusal> {
    let mut values = headers.get_all(SESSION_METADATA_KEY).iter();
    let value = values.next().ok_or(Refusal::MetadataMissing)?;
    let text = value.to_str().map_err(|_| Refusal::MetadataMalformed)?;
    let id = Uuid::try_parse(text).map_err(|_| Refusal::MetadataMalformed)?;
    let hyphenated = text.len() == uuid::fmt::Hyphenated::LENGTH;
    if values.next().is_some() || !hyphenated || id.get_version_num() != 4 {
        return Err(Refusal::MetadataMalformed);
    }
    Ok(id)
}

impl<S> Service<Request<Body>> for SessionResolver<S>
where
    S: Service<Request<Body>, Response = Response<Body>>,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Resolved<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        match self.resolve(&mut request) {
            Ok(()) => Resolved { call: Some(self.inner.call(request)), refusal: None },
            Err(refusal) => Resolved { call: None, refusal: Some(refusal) },
        }
    }
}

pin_project_lite::pin_project! {
    /// A call that goes on, or its refusal.
    pub struct Resolved<F> {
        #[pin]
        call: Option<F>,
        refusal: Option<Refusal>,
    }
}

impl<F, E> Future for Resolved<F>
where
    F: Future<Output = Result<Response<Body>, E>>,
{
    type Output = Result<Response<Body>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        match this.call.as_pin_mut() {
            Some(call) => call.poll(cx),
            None => {
                let refusal = this.refusal.take().unwrap_or(Refusal::Internal);
                Poll::Ready(Ok(status_of(&refusal).into_http()))
            }
        }
    }
}
