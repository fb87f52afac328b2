//! A session for a load: opened, with one file.

use lowerdeck_proto::v1;
use lowerdeck_proto::v1::device_service_client::DeviceServiceClient;
use lowerdeck_proto::v1::session_service_client::SessionServiceClient;
use tonic::transport::Channel;
use uuid::Uuid;

use crate::error::Error;
use crate::limits;
use crate::transport::{SessionChannel, SessionName};

/// A session that a load runs on.
#[derive(Debug, Clone)]
pub struct LoadSession {
    pub(super) device: DeviceServiceClient<SessionChannel>,
    sessions: SessionServiceClient<SessionChannel>,
    pub(super) file: String,
    /// The first request id that is free.
    pub(super) next_request: std::sync::Arc<std::sync::atomic::AtomicU64>,
    /// The last event processed.
    pub(super) processed: std::sync::Arc<std::sync::atomic::AtomicU64>,
}

impl LoadSession {
    pub(super) async fn open(channel: Channel, stack: &str) -> Result<LoadSession, Error> {
        let channel = SessionChannel::new(channel, SessionName::new(Uuid::new_v4()));
        let mut sessions = SessionServiceClient::new(channel.clone());
        let mut device = DeviceServiceClient::new(channel).max_decoding_message_size(limits::MESSAGE_BYTES);
        let open = v1::OpenSessionRequest { stack: stack.to_owned(), ..Default::default() };
        sessions.open_session(open).await.map_err(|status| Error::from_status("OpenSession", &status))?;
        let create = v1::CreateWdfFileRequest { request_id: 1, file_name: Some("load".to_owned()) };
        let created = device.create_wdf_file(create).await;
        let created = created.map_err(|status| Error::from_status("CreateWdfFile", &status))?.into_inner();
        if created.hresult != 0 {
            let what = format!("the create failed with {:#010x}", created.hresult);
            return Err(Error::ContractBroken { call: "CreateWdfFile", what });
        }
        Ok(LoadSession {
            device,
            sessions,
            file: created.file_id,
            next_request: std::sync::Arc::new(2.into()),
            processed: std::sync::Arc::default(),
        })
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
