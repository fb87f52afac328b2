//! The requests of the wire back end: the script's number is the request's id.

use lowerdeck_framework::status::HResult;
use lowerdeck_proto::v1;

use super::{Wire, messages};
use crate::backend::{Call, CancelAnswer, Completion, Io, Outcome, Requests, View};

impl Requests for Wire {
    fn create_request(&mut self, request: u64, callback: bool) {
        let message = v1::CreateRequestRequest { request_id: request, no_completion_callback: !callback };
        let reply = self.run(self.clients.device.clone().create_request(message));
        assert_eq!(HResult(reply.hresult), HResult::S_OK);
    }

    fn format(&mut self, request: u64, file: Option<u64>, io: Io) -> Result<HResult, String> {
        let file_id = file.map(|file| self.file(file)).unwrap_or_default();
        let format = v1::Format { file_id, target_id: String::new(), io: Some(messages::format_io(io)) };
        let message = v1::FormatRequestRequest { request_id: request, format: Some(format) };
        let mut device = self.clients.device.clone();
        let formatted = self.server.run(device.format_request(message));
        let formatted = formatted.map_err(|status| format!("{:?}: {}", status.code(), status.message()))?;
        Ok(HResult(formatted.into_inner().hresult))
    }

    fn send(&mut self, request: u64, flags: u32, timeout: i64) -> HResult {
        let message = messages::send(request, flags, timeout);
        HResult(self.run(self.clients.device.clone().send_request(message)).hresult)
    }

    fn begin_send(&mut self, request: u64, flags: u32, timeout: i64) -> Call {
        let mut device = self.clients.device.clone();
        let message = messages::send(request, flags, timeout);
        self.begin("Send", None, Some(request), async move {
            let reply = device.send_request(message).await?.into_inner();
            Ok(Outcome::Status(HResult(reply.completion.map_or(reply.hresult, |done| done.hresult))))
        })
    }

    fn cancel(&mut self, request: u64) -> CancelAnswer {
        let reply = self.run(self.clients.device.clone().cancel(v1::CancelRequest { request_id: request }));
        let answer = messages::cancel_answer(reply.answer());
        assert_eq!(reply.cancelled, answer.is_true(), "the BOOL and the answer agree (REQ-27)");
        answer
    }

    fn reuse(&mut self, request: u64, status: HResult, callback: bool) {
        let no_completion_callback = !callback;
        let message = v1::ReuseRequestRequest { request_id: request, hresult: status.0, no_completion_callback };
        self.run(self.clients.device.clone().reuse_request(message));
    }

    fn delete(&mut self, request: u64) -> HResult {
        let message = v1::DeleteRequestRequest { request_id: request };
        HResult(self.run(self.clients.device.clone().delete_request(message)).hresult)
    }

    fn view(&mut self, request: u64) -> Option<View> {
        let reply =
            self.server.run(self.clients.device.clone().get_request(v1::GetRequestRequest { request_id: request }));
        let reply = reply.ok()?.into_inner();
        let kind = messages::kind_name(reply.io_kind()).to_owned();
        let (state, status) = (messages::request_state_name(reply.state()), HResult(reply.hresult));
        let data = reply.completion.map(|completion| completion.data).unwrap_or_default();
        Some(View { state, status, kind, data })
    }

    fn take_completions(&mut self) -> Vec<Completion> {
        self.drain_events();
        std::mem::take(&mut self.completions)
    }
}
