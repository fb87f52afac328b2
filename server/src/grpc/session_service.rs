//! `SessionService`: attach, look, renew, leave. Decodes, asks the session, encodes; decides nothing.

use std::sync::Arc;

use lowerdeck_proto::v1;
use tonic::{Request, Response, Status};

use super::layers::session::{SessionId, caller};
use super::status::Refusal;
use super::{from_proto, to_proto};
use crate::session::Sessions;

/// The service.
pub struct SessionService {
    sessions: Arc<Sessions>,
}

impl SessionService {
    /// Serves the sessions of `sessions`.
    pub fn new(sessions: Arc<Sessions>) -> SessionService {
        SessionService { sessions }
    }
}

fn session_id<T>(request: &Request<T>) -> Result<uuid::Uuid, Refusal> {
    request.extensions().get::<SessionId>().map(|id| id.0).ok_or(Refusal::MetadataMissing)
}

#[tonic::async_trait]
impl v1::session_service_server::SessionService for SessionService {
    async fn open_session(
        &self,
        request: Request<v1::OpenSessionRequest>,
    ) -> Result<Response<v1::OpenSessionResponse>, Status> {
        let id = session_id(&request)?;
        let terms = from_proto::open_terms(request.into_inner())?;
        let session = self.sessions.open(id, terms).await.map_err(Refusal::from)?;
        let view = session.view().map_err(Refusal::from)?;
        Ok(Response::new(v1::OpenSessionResponse { session: Some(to_proto::session(&view)) }))
    }

    async fn get_session(
        &self,
        request: Request<v1::GetSessionRequest>,
    ) -> Result<Response<v1::GetSessionResponse>, Status> {
        let view = caller(&request)?.view().map_err(Refusal::from)?;
        Ok(Response::new(v1::GetSessionResponse { session: Some(to_proto::session(&view)) }))
    }

    async fn renew_session(
        &self,
        request: Request<v1::RenewSessionRequest>,
    ) -> Result<Response<v1::RenewSessionResponse>, Status> {
        let session = caller(&request)?;
        let lease = from_proto::lease(request.into_inner().lease)?;
        self.sessions.renew(&session, lease).map_err(Refusal::from)?;
        let view = session.view().map_err(Refusal::from)?;
        Ok(Response::new(v1::RenewSessionResponse { session: Some(to_proto::session(&view)) }))
    }

    async fn close_session(
        &self,
        request: Request<v1::CloseSessionRequest>,
    ) -> Result<Response<v1::CloseSessionResponse>, Status> {
        let last = self.sessions.close(session_id(&request)?).await.map_err(Refusal::from)?;
        Ok(Response::new(to_proto::last_word(&last)))
    }
}
