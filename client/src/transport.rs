//! Connections: one HTTP/2 channel that any number of sessions share, and the metadata that names a session on it.

use lowerdeck_proto::SESSION_METADATA_KEY;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};
use uuid::Uuid;

use crate::error::Error;
use crate::limits;

/// Connects to a server, `http://HOST:PORT`. The channel finds its server again by itself after a loss.
///
/// # Errors
/// [`Error::EndpointMalformed`]; [`Error::Unreachable`] if nobody answers within [`limits::CONNECT_TIMEOUT`].
pub async fn connect(endpoint: &str) -> Result<Channel, Error> {
    endpoint_of(endpoint)?
        .connect()
        .await
        .map_err(|error| Error::Unreachable { endpoint: endpoint.to_owned(), cause: innermost(&error) })
}

/// The endpoint with the bounds of [`limits`].
fn endpoint_of(endpoint: &str) -> Result<Endpoint, Error> {
    let parsed = Endpoint::from_shared(endpoint.to_owned());
    let parsed =
        parsed.map_err(|error| Error::EndpointMalformed { endpoint: endpoint.to_owned(), cause: innermost(&error) })?;
    if parsed.uri().scheme().is_none() || parsed.uri().authority().is_none() {
        return Err(Error::EndpointMalformed {
            endpoint: endpoint.to_owned(),
            cause: "scheme or host is missing".to_owned(),
        });
    }
    Ok(parsed
        .connect_timeout(limits::CONNECT_TIMEOUT)
        .http2_keep_alive_interval(limits::KEEP_ALIVE_INTERVAL)
        .keep_alive_timeout(limits::KEEP_ALIVE_TIMEOUT)
        .keep_alive_while_idle(true)
        .max_frame_size(limits::FRAME_BYTES)
        .initial_stream_window_size(limits::WINDOW_BYTES)
        .initial_connection_window_size(limits::WINDOW_BYTES)
        .tcp_nodelay(true))
}

fn innermost(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

/// Writes the session's UUID into every call, so that no call can be made without it.
#[derive(Debug, Clone)]
pub struct SessionName {
    value: MetadataValue<Ascii>,
}

/// A channel on which every call names its session.
pub type SessionChannel = InterceptedService<Channel, SessionName>;

impl SessionName {
    /// The session of this UUID.
    pub fn new(session: Uuid) -> SessionName {
        let value = MetadataValue::try_from(session.hyphenated().to_string()).expect("a hyphenated UUID is ASCII");
        SessionName { value }
    }
}

impl Interceptor for SessionName {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        request.metadata_mut().insert(SESSION_METADATA_KEY, self.value.clone());
        Ok(request)
    }
}

#[cfg(test)]
mod tests;
