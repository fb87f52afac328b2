//! A session for a load: opened, with one file.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use lowerdeck_proto::v1;
use lowerdeck_proto::v1::device_service_client::DeviceServiceClient;
use lowerdeck_proto::v1::session_service_client::SessionServiceClient;
use tonic::transport::Channel;
use uuid::Uuid;

use crate::error::Error;
use crate::hresult::HResult;
use crate::limits;
use crate::transport::{SessionChannel, SessionName};

/// A session that a load runs on; clones are the same session and file.
#[derive(Debug, Clone)]
pub struct LoadSession {
    pub(super) device: DeviceServiceClient<SessionChannel>,
    sessions: SessionServiceClient<SessionChannel>,
    pub(super) file: String,
    limits: v1::SessionLimits,
    /// The first request id that is free.
    pub(super) next_request: Arc<AtomicU64>,
    /// The last event processed.
    pub(super) processed: Arc<AtomicU64>,
}

impl LoadSession {
    /// Opens a session on `stack`, with one file.
    ///
    /// # Errors
    /// As the calls that it makes; [`Error::Umdf`] when the file is not created.
    pub async fn open(channel: Channel, stack: &str) -> Result<LoadSession, Error> {
        let channel = SessionChannel::new(channel, SessionName::new(Uuid::new_v4()));
        let mut sessions = SessionServiceClient::new(channel.clone());
        let device = DeviceServiceClient::new(channel).max_decoding_message_size(limits::MESSAGE_BYTES);
        let open = v1::OpenSessionRequest { stack: stack.to_owned(), ..Default::default() };
        let opened = sessions.open_session(open).await.map_err(|status| Error::from_status("OpenSession", &status))?;
        let limits = opened.into_inner().session.and_then(|session| session.limits).unwrap_or_default();
        let (next_request, processed) = (Arc::new(1.into()), Arc::default());
        let session = LoadSession { device, sessions, file: String::new(), limits, next_request, processed };
        session.with_another_file().await
    }

    /// The same session with a new file.
    ///
    /// # Errors
    /// As the call; [`Error::Umdf`] when the file is not created.
    pub async fn with_another_file(&self) -> Result<LoadSession, Error> {
        const CALL: &str = "CreateWdfFile";
        let create = v1::CreateWdfFileRequest { request_id: self.new_request(), file_name: Some("load".to_owned()) };
        let created = self.device.clone().create_wdf_file(create).await;
        let created = created.map_err(|status| Error::from_status(CALL, &status))?.into_inner();
        let hresult = HResult(created.hresult);
        if !hresult.is_success() {
            return Err(Error::Umdf { call: CALL, hresult });
        }
        Ok(LoadSession { file: created.file_id, ..self.clone() })
    }

    /// What the server allows the session; zeros from a server that does not say.
    pub fn limits(&self) -> v1::SessionLimits {
        self.limits
    }

    /// The number of the last event that was processed.
    pub fn processed(&self) -> u64 {
        self.processed.load(Ordering::Relaxed)
    }

    /// A request id that was not used.
    pub(super) fn new_request(&self) -> u64 {
        self.reserve_requests(1)
    }

    /// The first of so many request ids in a row that were not used.
    pub(super) fn reserve_requests(&self, count: u64) -> u64 {
        self.next_request.fetch_add(count, Ordering::Relaxed)
    }

    /// So many more events were processed.
    pub(super) fn add_processed(&self, events: u64) {
        self.processed.fetch_add(events, Ordering::Relaxed);
    }

    /// Ends the session.
    ///
    /// # Errors
    /// As the call.
    pub async fn close(mut self) -> Result<(), Error> {
        let closed = self.sessions.close_session(v1::CloseSessionRequest {}).await;
        closed.map(|_| ()).map_err(|status| Error::from_status("CloseSession", &status))
    }
}
