//! The requests of the wire back end: the script's number is the request's id.

use lowerdeck_framework::io::SendOptions;
use lowerdeck_framework::status::HResult;
use lowerdeck_proto::v1;

use super::{Wire, messages};
use crate::backend::{Call, CancelAnswer, Completion, Io, Outcome, Requests, View};

impl Requests for Wire {
    fn create_request(&mut self, request: u64, callback: bool) {
        let message = v1::CreateRequestRequest { request_id: request, no_completion_callback: !callback };
        let reply = self.perform(message);
        assert_eq!(HResult(reply.hresult), HResult::S_OK);
    }

    fn format(&mut self, request: u64, file: Option<u64>, io: Io) -> Result<HResult, String> {
        let file_id = file.map(|file| self.file(file)).unwrap_or_default();
        let format = v1::Format { file_id, target_id: String::new(), io: Some(messages::format_io(io)) };
        let message = v1::FormatRequestRequest { request_id: request, format: Some(format) };
        let status = HResult(self.ask(message)?.hresult);
        if status.is_success() {
            self.submitted.remove(&request); // from now on its completions repeat what this says
        }
        Ok(status)
    }

    fn start(&mut self, request: u64, file: u64, io: Io, flags: u32, timeout: i64) -> Result<HResult, String> {
        if self.queue().is_none() || flags & SendOptions::SYNCHRONOUS != 0 {
            return self.start_in_steps(request, file, io, flags, timeout);
        }
        self.submitted.insert(request, messages::echo_of(&io));
        let file_id = self.file(file);
        let format = v1::Format { file_id, target_id: String::new(), io: Some(messages::format_io(io)) };
        let message = v1::FormatAndSendRequest {
            request_id: request,
            format: Some(format),
            options: Some(v1::SendOptions { flags, timeout_ticks: timeout }),
            retain: true,
        };
        self.ask(message).map(|sent| HResult(sent.hresult))
    }

    fn send(&mut self, request: u64, flags: u32, timeout: i64) -> HResult {
        HResult(self.perform(messages::send(request, flags, timeout)).hresult)
    }

    fn begin_send(&mut self, request: u64, flags: u32, timeout: i64) -> Call {
        let message = messages::send(request, flags, timeout);
        if flags & SendOptions::SYNCHRONOUS == 0 && self.queue().is_some() {
            let sent = self.perform(message).hresult;
            return self.returned("Send", Outcome::Status(HResult(sent)));
        }
        let mut device = self.clients.device.clone();
        self.begin("Send", None, Some(request), async move {
            let reply = device.send_request(message).await?.into_inner();
            Ok(Outcome::Status(HResult(reply.completion.map_or(reply.hresult, |done| done.hresult))))
        })
    }

    fn cancel(&mut self, request: u64) -> CancelAnswer {
        let reply = self.perform(v1::CancelRequest { request_id: request });
        let answer = messages::cancel_answer(reply.answer());
        assert_eq!(reply.cancelled, answer.is_true(), "the BOOL and the answer agree (REQ-27)");
        answer
    }

    fn reuse(&mut self, request: u64, status: HResult, callback: bool) {
        let no_completion_callback = !callback;
        let message = v1::ReuseRequestRequest { request_id: request, hresult: status.0, no_completion_callback };
        self.perform(message);
    }

    fn delete(&mut self, request: u64) -> HResult {
        HResult(self.perform(v1::DeleteRequestRequest { request_id: request }).hresult)
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
