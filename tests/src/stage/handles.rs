//! Handles and file-handle targets, by the script's names.

use bytes::Bytes;
use lowerdeck_framework::io::SendOptions;
use lowerdeck_framework::status::HResult;

use super::Stage;
use crate::backend::{Call, Io, SentIoAction};
use crate::handles::{Opened, PeerAct};

impl Stage {
    /// Opens a handle for overlapped I/O; gives the number by which a hosted driver names it.
    pub fn open_handle(&mut self, handle: &str, opened: Opened) -> u64 {
        let number = self.name(handle);
        self.backend.handles().open_handle(number, opened, true)
    }

    /// Opens a synchronous handle.
    pub fn open_synchronous_handle(&mut self, handle: &str, opened: Opened) {
        let number = self.name(handle);
        self.backend.handles().open_handle(number, opened, false);
    }

    /// Closes a handle.
    pub fn close_handle(&mut self, handle: &str) {
        let number = self.number(handle);
        self.backend.handles().close_handle(number);
    }

    /// The system's number of a handle.
    pub fn system_number(&mut self, handle: &str) -> u64 {
        let number = self.number(handle);
        self.backend.handles().system_number(number)
    }

    /// Whether the system gives the number of a closed handle to the next one.
    pub fn uses_numbers_again(&mut self) -> bool {
        self.backend.handles().uses_numbers_again()
    }

    /// The other end of a pipe acts.
    pub fn peer(&mut self, handle: &str, act: PeerAct) {
        let number = self.number(handle);
        self.backend.handles().peer(number, act);
    }

    /// The other end of a pipe writes a message.
    pub fn peer_writes(&mut self, handle: &str, message: &'static [u8]) {
        self.peer(handle, PeerAct::Write(Bytes::from_static(message)));
    }

    /// Takes the messages that came out at the other end of a pipe, or looks at the content of a disk file.
    pub fn written(&mut self, handle: &str) -> Vec<Bytes> {
        let number = self.number(handle);
        self.catch_up();
        self.backend.handles().written(number)
    }

    /// `CreateFileHandleTarget`.
    pub fn create_target(&mut self, target: &str, handle: &str) -> HResult {
        let handle = self.number(handle);
        let number = self.name(target);
        self.backend.handles().create_target(number, handle)
    }

    /// A target that must be made, on a new handle named as it is with `.handle`.
    pub fn target_on(&mut self, target: &str, opened: Opened) -> String {
        let handle = format!("{target}.handle");
        self.open_handle(&handle, opened);
        let status = self.create_target(target, &handle);
        self.check(status == HResult::S_OK, &format!("`{target}` was not made: {status}"));
        handle
    }

    /// `DeleteWdfObject` of a file-handle target, which may wait.
    pub fn begin_delete_target(&mut self, target: &str) -> Call {
        let number = self.number(target);
        self.backend.handles().begin_delete_target(number)
    }

    /// `DeleteWdfObject` of a file-handle target that must have returned.
    pub fn delete_handle_target(&mut self, target: &str) -> HResult {
        let call = self.begin_delete_target(target);
        self.status_of(call)
    }

    /// `Stop` of a file-handle target, which may wait.
    pub fn begin_stop_of(&mut self, target: &str, action: SentIoAction) -> Call {
        let number = self.number(target);
        self.backend.handles().begin_change(number, Some(action))
    }

    /// `Start` of a file-handle target.
    pub fn start_of(&mut self, target: &str) -> HResult {
        let number = self.number(target);
        let call = self.backend.handles().begin_change(number, None);
        self.status_of(call)
    }

    /// `GetState` of a file-handle target, as a number.
    pub fn state_of_target(&mut self, target: &str) -> u32 {
        let number = self.number(target);
        self.backend.handles().state(number)
    }

    /// Whether `GetTargetFile` of a file-handle target gives a file.
    pub fn target_has_file(&mut self, target: &str) -> bool {
        let number = self.number(target);
        self.backend.handles().has_file(number)
    }

    /// `FormatRequestFor…` on a file-handle target; `file` is the target whose file is `pFile`.
    pub fn format_for(&mut self, request: &str, target: &str, file: Option<&str>, io: Io) -> HResult {
        let file = file.map(|file| self.number(file));
        let (request, target) = (self.number(request), self.number(target));
        self.backend.handles().format_for(request, target, file, io)
    }

    /// `Send` to a file-handle target, or to the default target with None.
    pub fn send_to(&mut self, request: &str, target: Option<&str>, flags: u32) -> HResult {
        let number = self.not_while_outstanding(request, "REQ-11");
        let target = target.map(|target| self.number(target));
        self.backend.handles().send_to(number, target, flags, 0)
    }

    /// `Send` of a formatted request to a file-handle target with a timeout in ticks.
    pub fn send_timed(&mut self, request: &str, target: &str, timeout: i64) -> HResult {
        let (number, target) = (self.number(request), self.number(target));
        self.backend.handles().send_to(number, Some(target), SendOptions::TIMEOUT, timeout)
    }

    /// A new request, formatted on a file-handle target with no file, and sent to it; both must succeed.
    pub fn start_on(&mut self, request: &str, target: &str, io: Io) {
        self.start_on_file(request, target, None, io);
    }

    /// As [`Stage::start_on`], with the file of a target as `pFile`.
    pub fn start_on_file(&mut self, request: &str, target: &str, file: Option<&str>, io: Io) {
        let number = self.name(request);
        self.requests.push(request.to_owned());
        let file = file.map(|file| self.number(file));
        let target = self.number(target);
        let sent = self.backend.handles().start_on(number, target, file, io);
        self.check(sent == HResult::S_OK, &format!("`{request}` was not formatted or not sent: {sent}"));
    }

    /// What a read has brought: status, Information and data of the one completion there must be.
    pub fn brought(&mut self, request: &str) -> (HResult, u64, Bytes) {
        let completion = self.end_of(request);
        (completion.status, completion.information, completion.data)
    }

    /// Exactly these handles are listed as leaked, by the numbers that drivers know.
    pub fn leaked_handles_are(&mut self, expected: &[u64]) {
        self.comes_to_hold(|stage| {
            let leaked = stage.backend.handles().leaked();
            if leaked == expected { Ok(()) } else { Err(format!("{leaked:?} are leaked handles, not {expected:?}")) }
        });
    }
}
