//! Requests, by the script's names.

use bytes::Bytes;
use lowerdeck_framework::io::SendOptions;
use lowerdeck_framework::status::HResult;

use super::Stage;
use crate::backend::{Call, CancelAnswer, Completion, Io};

impl Stage {
    /// The number of a request about to be used as `rule` forbids while it is outstanding.
    pub(super) fn not_while_outstanding(&mut self, request: &str, rule: &'static str) -> u64 {
        if matches!(self.state_of(request).as_str(), "InFlight" | "Pended") {
            self.misuses.push(rule);
        }
        self.number(request)
    }

    /// `CreateRequest` with a completion callback.
    pub fn request(&mut self, request: &str) {
        self.request_with(request, true);
    }

    /// `CreateRequest` with or without a completion callback.
    pub fn request_with(&mut self, request: &str, callback: bool) {
        let number = self.name(request);
        self.requests.push(request.to_owned());
        if !callback {
            self.silent.insert(request.to_owned());
        }
        self.backend.create_request(number, callback);
    }

    /// `FormatRequestFor…`.
    pub fn format(&mut self, request: &str, file: Option<&str>, io: Io) -> HResult {
        if let Some(file) = file {
            self.formatted_on.insert(request.to_owned(), file.to_owned());
        }
        let file = file.map(|file| self.number(file));
        let number = self.number(request);
        match self.backend.format(number, file, io) {
            Ok(status) => status,
            Err(reason) => self.fail(&format!("the question to format `{request}` was refused: {reason}")),
        }
    }

    /// A Format call that must be refused: by UMDF with an error, or before UMDF is asked. Gives the wire's reason.
    pub fn format_is_refused(&mut self, request: &str, file: &str, io: Io) -> Option<String> {
        let (number, file) = (self.number(request), self.number(file));
        match self.backend.format(number, Some(file), io) {
            Ok(status) => {
                self.check(!status.is_success(), &format!("`{request}` was formatted"));
                None
            }
            Err(reason) => Some(reason),
        }
    }

    /// What a Format call answers: the name of the HRESULT, or how the wire refuses to ask UMDF.
    pub fn format_answer(&mut self, request: &str, file: &str, io: Io) -> String {
        let (request, file) = (self.number(request), self.number(file));
        self.backend.format(request, Some(file), io).map_or_else(|refusal| refusal, |status| status.to_string())
    }

    /// `Send` without flags.
    pub fn send(&mut self, request: &str) -> HResult {
        self.send_with(request, 0, 0)
    }

    /// `Send` with flags and timeout.
    pub fn send_with(&mut self, request: &str, flags: u32, timeout: i64) -> HResult {
        let number = self.not_while_outstanding(request, "REQ-11");
        self.backend.send(number, flags, timeout)
    }

    /// `Send` whose answer is looked at later.
    pub fn begin_send(&mut self, request: &str) -> Call {
        let number = self.not_while_outstanding(request, "REQ-11");
        self.backend.begin_send(number, 0, 0)
    }

    /// `Send` with the SYNCHRONOUS flag besides `flags`.
    pub fn begin_synchronous_send(&mut self, request: &str, flags: u32, timeout: i64) -> Call {
        let number = self.not_while_outstanding(request, "REQ-11");
        self.backend.begin_send(number, flags | SendOptions::SYNCHRONOUS, timeout)
    }

    /// A new request on `file`, formatted and sent; both must succeed.
    pub fn start(&mut self, request: &str, file: &str, io: Io) {
        self.start_with(request, file, io, 0, 0);
    }

    /// As [`Stage::start`], with a timeout in ticks, relative when negative.
    pub fn start_timed(&mut self, request: &str, file: &str, io: Io, timeout: i64) {
        self.start_with(request, file, io, SendOptions::TIMEOUT, timeout);
    }

    fn start_with(&mut self, request: &str, file: &str, io: Io, flags: u32, timeout: i64) {
        let number = self.name(request);
        self.requests.push(request.to_owned());
        self.formatted_on.insert(request.to_owned(), file.to_owned());
        let file = self.number(file);
        match self.backend.start(number, file, io, flags, timeout) {
            Ok(sent) => {
                self.check(sent == HResult::S_OK, &format!("`{request}` was not formatted or not sent: {sent}"))
            }
            Err(reason) => self.fail(&format!("the question to format `{request}` was refused: {reason}")),
        }
    }

    /// `CancelSentRequest`.
    pub fn cancel(&mut self, request: &str) -> CancelAnswer {
        let number = self.number(request);
        self.backend.cancel(number)
    }

    /// `Reuse` and `SetCompletionCallback`.
    pub fn reuse(&mut self, request: &str, status: HResult) {
        let number = self.not_while_outstanding(request, "REQ-42");
        self.backend.reuse(number, status, true);
    }

    /// `Reuse` alone: the callback is gone (REQ-6).
    pub fn reuse_silently(&mut self, request: &str, status: HResult) {
        let number = self.not_while_outstanding(request, "REQ-42");
        self.silent.insert(request.to_owned());
        self.backend.reuse(number, status, false);
    }

    /// `DeleteWdfObject`.
    pub fn delete(&mut self, request: &str) -> HResult {
        let number = self.not_while_outstanding(request, "REQ-4");
        self.backend.delete(number)
    }

    /// `GetStatus`.
    pub fn get_status(&mut self, request: &str) -> HResult {
        let number = self.number(request);
        match self.backend.view(number) {
            Some(view) => view.status,
            None => self.fail(&format!("`{request}` is gone")),
        }
    }

    /// State of a request, as `Unformatted`, `Formatted`, `Pended`, `InFlight` or `Completed`.
    pub fn state_of(&mut self, request: &str) -> String {
        let number = self.number(request);
        self.catch_up();
        self.backend.view(number).map_or_else(|| "Deleted".to_owned(), |view| view.state)
    }

    /// `GetType`: `read`, `write`, `ioctl`, `flush` and so on, or empty when unformatted.
    pub fn type_of(&mut self, request: &str) -> String {
        let number = self.number(request);
        self.backend.view(number).map(|view| view.kind).unwrap_or_default()
    }

    /// What the output memory of `request` has received.
    pub fn received_by(&mut self, request: &str) -> Bytes {
        let number = self.number(request);
        self.backend.view(number).map(|view| view.data).unwrap_or_default()
    }

    /// The one completion of `request` so far, if any; more than one is a failure.
    pub fn completion(&mut self, request: &str) -> Option<Completion> {
        self.catch_up();
        self.completion_so_far(request)
    }

    /// The one completion of `request` that has been heard of, if any; more than one is a failure.
    fn completion_so_far(&mut self, request: &str) -> Option<Completion> {
        let mut all = self.completions_so_far(request);
        self.check(all.len() < 2, &format!("`{request}` completed {} times", all.len()));
        all.pop()
    }

    /// Every completion of `request` so far.
    pub fn completions_of(&mut self, request: &str) -> Vec<Completion> {
        self.catch_up();
        self.completions_so_far(request)
    }

    fn completions_so_far(&mut self, request: &str) -> Vec<Completion> {
        let new = self.backend.take_completions();
        self.completions.extend(new);
        let number = self.number(request);
        self.completions.iter().filter(|completion| completion.request == number).cloned().collect()
    }

    /// The status and Information of the one completion that `request` must have.
    pub fn ended(&mut self, request: &str) -> (HResult, u64) {
        let completion = self.end_of(request);
        (completion.status, completion.information)
    }

    /// The one completion that `request` must have.
    pub(super) fn end_of(&mut self, request: &str) -> Completion {
        self.eventually(|stage| {
            stage.completion_so_far(request).ok_or_else(|| format!("`{request}` has not completed"))
        })
    }
}
