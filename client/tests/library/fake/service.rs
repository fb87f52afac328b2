//! The services of the fake server, as far as tests of the library need them.

use std::pin::Pin;
use std::sync::Arc;

use lowerdeck_client::v1;
use lowerdeck_client::v1::device_service_server::DeviceService;
use lowerdeck_client::v1::session_service_server::SessionService;
use tonic::{Request, Response, Status};

use super::feed::{self, FeedStream};
use super::{Shared, queue};

/// What tonic serves.
#[derive(Clone)]
pub(super) struct Service(pub(super) Arc<Shared>);

#[tonic::async_trait]
impl SessionService for Service {
    async fn open_session(
        &self,
        _: Request<v1::OpenSessionRequest>,
    ) -> Result<Response<v1::OpenSessionResponse>, Status> {
        let session = self.0.session();
        Ok(Response::new(v1::OpenSessionResponse { session }))
    }

    async fn get_session(&self, _: Request<v1::GetSessionRequest>) -> Result<Response<v1::GetSessionResponse>, Status> {
        let session = self.0.session();
        Ok(Response::new(v1::GetSessionResponse { session }))
    }

    async fn renew_session(
        &self,
        _: Request<v1::RenewSessionRequest>,
    ) -> Result<Response<v1::RenewSessionResponse>, Status> {
        let session = self.0.session();
        Ok(Response::new(v1::RenewSessionResponse { session }))
    }

    async fn close_session(
        &self,
        _: Request<v1::CloseSessionRequest>,
    ) -> Result<Response<v1::CloseSessionResponse>, Status> {
        if self.0.lock().hold_close {
            return std::future::pending().await;
        }
        let mut state = self.0.lock();
        state.end_session(v1::SessionEndReason::Closed);
        Ok(Response::new(state.closed.clone()))
    }
}

/// Calls that no test of the library makes.
macro_rules! not_here {
    ($($name:ident($request:ident) -> $response:ident;)*) => {
        $(fn $name<'a, 'b>(
            &'a self,
            _: Request<v1::$request>,
        ) -> Pin<Box<dyn Future<Output = Result<Response<v1::$response>, Status>> + Send + 'b>>
        where
            'a: 'b,
            Self: 'b,
        {
            Box::pin(std::future::ready(Err(Status::unimplemented(stringify!($name)))))
        })*
    };
}

#[tonic::async_trait]
impl DeviceService for Service {
    type StreamEventsStream = FeedStream<v1::StreamEventsResponse>;
    type QueuePairStream = FeedStream<v1::QueuePairResponse>;

    async fn queue_pair(
        &self,
        request: Request<tonic::Streaming<v1::QueuePairRequest>>,
    ) -> Result<Response<Self::QueuePairStream>, Status> {
        queue::serve(&self.0, request.into_inner()).await.map(Response::new)
    }

    async fn create_wdf_file(
        &self,
        _: Request<v1::CreateWdfFileRequest>,
    ) -> Result<Response<v1::CreateWdfFileResponse>, Status> {
        let mut state = self.0.lock();
        state.files += 1;
        let file_id = format!("file-{}", state.files);
        Ok(Response::new(v1::CreateWdfFileResponse { hresult: 0, file_id }))
    }

    async fn close(&self, request: Request<v1::CloseRequest>) -> Result<Response<v1::CloseResponse>, Status> {
        self.0.ask(&self.0.closes, request.into_inner()).await
    }

    async fn format_and_send(
        &self,
        request: Request<v1::FormatAndSendRequest>,
    ) -> Result<Response<v1::FormatAndSendResponse>, Status> {
        self.0.ask(&self.0.sends, request.into_inner()).await
    }

    async fn cancel(&self, request: Request<v1::CancelRequest>) -> Result<Response<v1::CancelResponse>, Status> {
        Ok(Response::new(self.0.cancel(request.into_inner()).await))
    }

    async fn stream_events(
        &self,
        request: Request<v1::StreamEventsRequest>,
    ) -> Result<Response<Self::StreamEventsStream>, Status> {
        let after = request.into_inner().after_sequence;
        let (feed, stream) = feed::events();
        self.0.begin(after, feed).await?;
        Ok(Response::new(stream))
    }

    async fn acknowledge_events(
        &self,
        request: Request<v1::AcknowledgeEventsRequest>,
    ) -> Result<Response<v1::AcknowledgeEventsResponse>, Status> {
        let through = request.into_inner().through_sequence;
        self.0.lock().acknowledge_calls += 1;
        self.0.heard_of(through);
        Ok(Response::new(v1::AcknowledgeEventsResponse { acknowledged_sequence: through }))
    }

    async fn return_from_callback(
        &self,
        request: Request<v1::ReturnFromCallbackRequest>,
    ) -> Result<Response<v1::ReturnFromCallbackResponse>, Status> {
        let _ = self.0.returns.send(request.into_inner()).await; // a test may have ended
        Ok(Response::new(v1::ReturnFromCallbackResponse {}))
    }

    async fn open_handle(
        &self,
        request: Request<v1::OpenHandleRequest>,
    ) -> Result<Response<v1::OpenHandleResponse>, Status> {
        self.0.ask(&self.0.opens, request.into_inner()).await
    }

    async fn create_file_handle_target(
        &self,
        request: Request<v1::CreateFileHandleTargetRequest>,
    ) -> Result<Response<v1::CreateFileHandleTargetResponse>, Status> {
        self.0.ask(&self.0.targets, request.into_inner()).await
    }

    async fn close_handle(
        &self,
        _: Request<v1::CloseHandleRequest>,
    ) -> Result<Response<v1::CloseHandleResponse>, Status> {
        Ok(Response::new(v1::CloseHandleResponse { hresult: 0 }))
    }

    not_here! {
        connect_named_pipe(ConnectNamedPipeRequest) -> ConnectNamedPipeResponse;
        disconnect_named_pipe(DisconnectNamedPipeRequest) -> DisconnectNamedPipeResponse;
        create_request(CreateRequestRequest) -> CreateRequestResponse;
        format_request(FormatRequestRequest) -> FormatRequestResponse;
        send_request(SendRequestRequest) -> SendRequestResponse;
        reuse_request(ReuseRequestRequest) -> ReuseRequestResponse;
        delete_request(DeleteRequestRequest) -> DeleteRequestResponse;
        get_request(GetRequestRequest) -> GetRequestResponse;
        cancel_sent_requests_for_file(CancelSentRequestsForFileRequest) -> CancelSentRequestsForFileResponse;
        get_target(GetTargetRequest) -> GetTargetResponse;
        start_target(StartTargetRequest) -> StartTargetResponse;
        stop_target(StopTargetRequest) -> StopTargetResponse;
        remove_target(RemoveTargetRequest) -> RemoveTargetResponse;
        delete_target(DeleteTargetRequest) -> DeleteTargetResponse;
        delete_file(DeleteFileRequest) -> DeleteFileResponse;
    }
}
