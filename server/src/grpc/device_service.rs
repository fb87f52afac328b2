//! `DeviceService`: what an upper driver calls. Decodes, asks the session, encodes; decides nothing.

use std::sync::Arc;

use lowerdeck_framework::status::HResult;
use lowerdeck_proto::v1;
use tonic::{Request, Response, Status, Streaming};

use super::event_stream::{EventSource, EventStream};
use super::layers::session::caller;
use super::queue_pair::QueuePair;
use super::status::Refusal;
use super::{from_proto, handle_from_proto, to_proto};
use crate::host::limits::Limits;

/// The service. Everything a call needs besides its message is the session that the session layer has resolved.
pub struct DeviceService {
    limits: Arc<Limits>,
    streams: super::Streams,
}

impl DeviceService {
    /// Serves sessions; event streams end when `streams` says so.
    pub fn new(limits: Arc<Limits>, streams: super::Streams) -> DeviceService {
        DeviceService { limits, streams }
    }
}

type Answer<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl v1::device_service_server::DeviceService for DeviceService {
    async fn create_wdf_file(&self, request: Request<v1::CreateWdfFileRequest>) -> Answer<v1::CreateWdfFileResponse> {
        let session = caller(&request)?;
        let message = request.into_inner();
        let number = from_proto::request_id(message.request_id)?;
        let name = from_proto::file_name(message.file_name, &self.limits)?;
        let created = session.create_wdf_file(number, name).await.map_err(Refusal::from)?;
        Ok(Response::new(match created {
            Ok(file) => v1::CreateWdfFileResponse { hresult: HResult::S_OK.0, file_id: file.to_string() },
            Err(status) => v1::CreateWdfFileResponse { hresult: status.0, file_id: String::new() },
        }))
    }

    async fn close(&self, request: Request<v1::CloseRequest>) -> Answer<v1::CloseResponse> {
        let session = caller(&request)?;
        session.close_file(&request.into_inner().file_id).await.map_err(Refusal::from)?;
        Ok(Response::new(v1::CloseResponse {}))
    }

    async fn delete_file(&self, request: Request<v1::DeleteFileRequest>) -> Answer<v1::DeleteFileResponse> {
        let session = caller(&request)?;
        let status = session.delete_file(&request.into_inner().file_id).map_err(Refusal::from)?;
        Ok(Response::new(v1::DeleteFileResponse { hresult: status.0 }))
    }

    async fn create_request(&self, request: Request<v1::CreateRequestRequest>) -> Answer<v1::CreateRequestResponse> {
        let session = caller(&request)?;
        let message = request.into_inner();
        let number = from_proto::request_id(message.request_id)?;
        let status = session.create_request(number, !message.no_completion_callback).map_err(Refusal::from)?;
        Ok(Response::new(v1::CreateRequestResponse { hresult: status.0 }))
    }

    async fn format_request(&self, request: Request<v1::FormatRequestRequest>) -> Answer<v1::FormatRequestResponse> {
        let session = caller(&request)?;
        let message = request.into_inner();
        let number = from_proto::request_id(message.request_id)?;
        let format = from_proto::format(message.format)?;
        let status = session.format_request(number, format).map_err(Refusal::from)?;
        Ok(Response::new(v1::FormatRequestResponse { hresult: status.0 }))
    }

    async fn send_request(&self, request: Request<v1::SendRequestRequest>) -> Answer<v1::SendRequestResponse> {
        let session = caller(&request)?;
        let message = request.into_inner();
        let number = from_proto::request_id(message.request_id)?;
        let options = from_proto::send_options(message.options);
        let sent = session.send_request(number, options, &message.target_id).await.map_err(Refusal::from)?;
        Ok(Response::new(to_proto::send_request(&sent)))
    }

    async fn reuse_request(&self, request: Request<v1::ReuseRequestRequest>) -> Answer<v1::ReuseRequestResponse> {
        let session = caller(&request)?;
        let message = request.into_inner();
        let number = from_proto::request_id(message.request_id)?;
        let callback = !message.no_completion_callback;
        session.reuse_request(number, HResult(message.hresult), callback).map_err(Refusal::from)?;
        Ok(Response::new(v1::ReuseRequestResponse {}))
    }

    async fn delete_request(&self, request: Request<v1::DeleteRequestRequest>) -> Answer<v1::DeleteRequestResponse> {
        let session = caller(&request)?;
        let number = from_proto::request_id(request.into_inner().request_id)?;
        let status = session.delete_request(number).map_err(Refusal::from)?;
        Ok(Response::new(v1::DeleteRequestResponse { hresult: status.0 }))
    }

    async fn get_request(&self, request: Request<v1::GetRequestRequest>) -> Answer<v1::GetRequestResponse> {
        let session = caller(&request)?;
        let number = from_proto::request_id(request.into_inner().request_id)?;
        Ok(Response::new(to_proto::request(&session.request(number).map_err(Refusal::from)?)))
    }

    async fn format_and_send(&self, request: Request<v1::FormatAndSendRequest>) -> Answer<v1::FormatAndSendResponse> {
        let session = caller(&request)?;
        let message = request.into_inner();
        let number = from_proto::request_id(message.request_id)?;
        let format = from_proto::format(message.format)?;
        let options = from_proto::send_options(message.options);
        let sent = session.format_and_send(number, format, options, message.retain).await.map_err(Refusal::from)?;
        Ok(Response::new(to_proto::format_and_send(&sent)))
    }

    async fn cancel(&self, request: Request<v1::CancelRequest>) -> Answer<v1::CancelResponse> {
        let session = caller(&request)?;
        let number = from_proto::request_id(request.into_inner().request_id)?;
        Ok(Response::new(to_proto::cancel(session.cancel(number).map_err(Refusal::from)?)))
    }

    async fn cancel_sent_requests_for_file(
        &self,
        request: Request<v1::CancelSentRequestsForFileRequest>,
    ) -> Answer<v1::CancelSentRequestsForFileResponse> {
        let session = caller(&request)?;
        let message = request.into_inner();
        session.cancel_for_file(&message.file_id, &message.target_id).map_err(Refusal::from)?;
        Ok(Response::new(v1::CancelSentRequestsForFileResponse {}))
    }

    async fn open_handle(&self, request: Request<v1::OpenHandleRequest>) -> Answer<v1::OpenHandleResponse> {
        let session = caller(&request)?;
        let message = request.into_inner();
        let id = handle_from_proto::new_id("handle_id", &message.handle_id)?;
        let asked = handle_from_proto::open_request(message.object)?;
        Ok(Response::new(match session.open_handle(id, asked).await.map_err(Refusal::from)? {
            Ok(handle) => v1::OpenHandleResponse { hresult: HResult::S_OK.0, handle_number: handle.0 },
            Err(status) => v1::OpenHandleResponse { hresult: status.0, handle_number: 0 },
        }))
    }

    async fn close_handle(&self, request: Request<v1::CloseHandleRequest>) -> Answer<v1::CloseHandleResponse> {
        let session = caller(&request)?;
        let status = session.close_handle(&request.into_inner().handle_id).await.map_err(Refusal::from)?;
        Ok(Response::new(v1::CloseHandleResponse { hresult: status.0 }))
    }

    async fn connect_named_pipe(
        &self,
        request: Request<v1::ConnectNamedPipeRequest>,
    ) -> Answer<v1::ConnectNamedPipeResponse> {
        let session = caller(&request)?;
        let status = session.connect_named_pipe(&request.into_inner().handle_id).await.map_err(Refusal::from)?;
        Ok(Response::new(v1::ConnectNamedPipeResponse { hresult: status.0 }))
    }

    async fn disconnect_named_pipe(
        &self,
        request: Request<v1::DisconnectNamedPipeRequest>,
    ) -> Answer<v1::DisconnectNamedPipeResponse> {
        let session = caller(&request)?;
        let status = session.disconnect_named_pipe(&request.into_inner().handle_id).await.map_err(Refusal::from)?;
        Ok(Response::new(v1::DisconnectNamedPipeResponse { hresult: status.0 }))
    }

    async fn create_file_handle_target(
        &self,
        request: Request<v1::CreateFileHandleTargetRequest>,
    ) -> Answer<v1::CreateFileHandleTargetResponse> {
        let session = caller(&request)?;
        let message = request.into_inner();
        let id = handle_from_proto::new_id("target_id", &message.target_id)?;
        let status = session.create_file_handle_target(id, &message.handle_id).map_err(Refusal::from)?;
        Ok(Response::new(v1::CreateFileHandleTargetResponse { hresult: status.0 }))
    }

    async fn get_target(&self, request: Request<v1::GetTargetRequest>) -> Answer<v1::GetTargetResponse> {
        let session = caller(&request)?;
        let target_id = request.into_inner().target_id;
        let view = session.target_view(&target_id).map_err(Refusal::from)?;
        let state = to_proto::target_state(view.state).into();
        // A target's file has the target's own id: there is one for each, and it stands for nothing but the target's handle.
        let target_file_id = if view.has_file { target_id } else { String::new() };
        Ok(Response::new(v1::GetTargetResponse { state, has_target_file: view.has_file, target_file_id }))
    }

    async fn start_target(&self, request: Request<v1::StartTargetRequest>) -> Answer<v1::StartTargetResponse> {
        let session = caller(&request)?;
        let status = session.start_target(&request.into_inner().target_id).await.map_err(Refusal::from)?;
        Ok(Response::new(v1::StartTargetResponse { hresult: status.0 }))
    }

    async fn stop_target(&self, request: Request<v1::StopTargetRequest>) -> Answer<v1::StopTargetResponse> {
        let session = caller(&request)?;
        let message = request.into_inner();
        let action = from_proto::sent_io_action(message.action);
        let inside = Some(message.inside_completion_of).filter(|number| *number != 0);
        let status = session.stop_target(&message.target_id, action, inside).await.map_err(Refusal::from)?;
        Ok(Response::new(v1::StopTargetResponse { hresult: status.0 }))
    }

    async fn remove_target(&self, request: Request<v1::RemoveTargetRequest>) -> Answer<v1::RemoveTargetResponse> {
        let session = caller(&request)?;
        let status = session.remove_target(&request.into_inner().target_id).await.map_err(Refusal::from)?;
        Ok(Response::new(v1::RemoveTargetResponse { hresult: status.0 }))
    }

    async fn delete_target(&self, request: Request<v1::DeleteTargetRequest>) -> Answer<v1::DeleteTargetResponse> {
        let session = caller(&request)?;
        let status = session.delete_target(&request.into_inner().target_id).await.map_err(Refusal::from)?;
        Ok(Response::new(v1::DeleteTargetResponse { hresult: status.0 }))
    }

    type StreamEventsStream = EventStream;

    async fn stream_events(&self, request: Request<v1::StreamEventsRequest>) -> Answer<EventStream> {
        let session = caller(&request)?;
        let reader = session.read_events(request.into_inner().after_sequence).map_err(Refusal::from)?;
        Ok(Response::new(EventStream::new(EventSource::new(reader, self.streams.clone()))))
    }

    type QueuePairStream = QueuePair;

    async fn queue_pair(&self, _: Request<Streaming<v1::QueuePairRequest>>) -> Answer<QueuePair> {
        // `queue_route` takes these calls before they come here: their messages are not read by prost.
        Err(Refusal::Internal.into())
    }

    async fn acknowledge_events(
        &self,
        request: Request<v1::AcknowledgeEventsRequest>,
    ) -> Answer<v1::AcknowledgeEventsResponse> {
        let session = caller(&request)?;
        let acknowledged = session.acknowledge(request.into_inner().through_sequence).map_err(Refusal::from)?;
        Ok(Response::new(v1::AcknowledgeEventsResponse { acknowledged_sequence: acknowledged }))
    }

    async fn return_from_callback(
        &self,
        request: Request<v1::ReturnFromCallbackRequest>,
    ) -> Answer<v1::ReturnFromCallbackResponse> {
        let session = caller(&request)?;
        let message = request.into_inner();
        let id = from_proto::callback_id(message.callback_id)?;
        session.return_from_callback(id, HResult(message.hresult)).map_err(Refusal::from)?;
        Ok(Response::new(v1::ReturnFromCallbackResponse {}))
    }
}
