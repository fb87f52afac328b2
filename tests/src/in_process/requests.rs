//! The requests of the framework back end.

use lowerdeck_framework::io::SendOptions;
use lowerdeck_framework::status::HResult;

use super::InProcess;
use super::formats::format_io;
use crate::backend::{Call, CancelAnswer, Completion, Io, Outcome, Requests, View};

impl Requests for InProcess {
    fn create_request(&mut self, request: u64, callback: bool) {
        let id = self.stack.request_created(self.upper, request, callback);
        self.requests.insert(request, id);
    }

    fn format(&mut self, request: u64, file: Option<u64>, io: Io) -> Result<HResult, String> {
        let file = file.map(|file| self.file(file));
        Ok(self.stack.format_requested(self.upper, self.request(request), file, format_io(io)))
    }

    fn send(&mut self, request: u64, flags: u32, timeout: i64) -> HResult {
        let request = self.request(request);
        let status = self.stack.send_requested(self.now, self.upper, request, SendOptions { flags, timeout });
        self.settle();
        status
    }

    fn begin_send(&mut self, request: u64, flags: u32, timeout: i64) -> Call {
        let status = self.send(request, flags, timeout);
        let call = Call(self.next_call().0);
        if status == HResult::S_OK && flags & SendOptions::SYNCHRONOUS != 0 {
            self.synchronous.insert(call, request);
        } else {
            self.returned.insert(call, Outcome::Status(status));
        }
        call
    }

    fn cancel(&mut self, request: u64) -> CancelAnswer {
        let answer = self.stack.cancel_requested(self.now, self.upper, self.request(request));
        self.settle();
        answer
    }

    fn reuse(&mut self, request: u64, status: HResult, callback: bool) {
        self.stack.reuse_requested(self.upper, self.request(request), status, callback);
        self.settle();
    }

    fn delete(&mut self, request: u64) -> HResult {
        let status = self.stack.delete_requested(self.upper, self.request(request));
        self.settle();
        status
    }

    fn view(&mut self, request: u64) -> Option<View> {
        let view = self.stack.request_view(self.request(request))?;
        let kind = view.kind.map(|kind| kind.to_string()).unwrap_or_default();
        let data = view.completion.map(|completion| completion.output).unwrap_or_default();
        Some(View { state: format!("{:?}", view.state), status: view.status, kind, data })
    }

    fn take_completions(&mut self) -> Vec<Completion> {
        std::mem::take(&mut self.completions)
    }
}
