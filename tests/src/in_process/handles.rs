//! Handles on the framework back end: a [`ScriptedHost`] plays them, and when it does what is a choice of the schedule.

use bytes::Bytes;
use lowerdeck_framework::handle::{HandleClosing, HandleFacts, HandleId};
use lowerdeck_framework::ids::TargetId;
use lowerdeck_framework::io::SendOptions;
use lowerdeck_framework::status::HResult;

use super::InProcess;
use super::formats::format_io;
use crate::backend::{Call, Io, Requests, SentIoAction};
use crate::handles::host::ScriptedHost;
use crate::handles::{Handles, Opened, PeerAct};

impl InProcess {
    /// One thing of the stack's or of its host's; which, is a choice.
    pub(super) fn go_on(&mut self) {
        let steps = usize::from(!self.stack.is_idle());
        let choice = self.choices.choose(steps + self.host.ready());
        match choice.checked_sub(steps) {
            None => {
                self.stack.step(self.now);
            }
            Some(n) if n < self.host.ready() => {
                if let Some(finished) = self.host.go_on(n) {
                    let (now, data) = (self.now, finished.data);
                    self.stack.host_io_finished(now, finished.io, finished.status, finished.information, data);
                }
            }
            Some(_) => {} // nothing was ready
        }
        self.take_effects();
    }

    /// Whether nothing goes on, in the stack or at its host.
    pub(super) fn is_at_rest(&self) -> bool {
        self.stack.is_idle() && self.host.ready() == 0
    }

    /// Lets stack and host go on until neither can.
    pub(super) fn settle_with_host(&mut self) {
        loop {
            if !self.is_at_rest() {
                self.go_on();
                continue;
            }
            let ran = self.stack.step(self.now); // a timer may be due
            self.take_effects();
            if !ran && self.is_at_rest() {
                return;
            }
        }
    }

    fn handle(&self, number: u64) -> HandleId {
        *self.handles.get(&number).unwrap_or_else(|| panic!("the script never opened handle {number}"))
    }

    /// A target that was never made is a stale id.
    fn target(&self, number: u64) -> TargetId {
        self.targets.get(&number).copied().unwrap_or_default()
    }
}

impl Handles for InProcess {
    fn open_handle(&mut self, handle: u64, opened: Opened, overlapped: bool) -> u64 {
        let id = self.host.open(opened);
        self.stack.handle_opened(id, HandleFacts { overlapped });
        self.handles.insert(handle, id);
        id.0
    }

    fn close_handle(&mut self, handle: u64) {
        let handle = self.handle(handle);
        self.host.close(handle);
        self.stack.handle_closed(self.now, handle, HandleClosing::ByOwner);
        self.settle();
    }

    fn system_number(&self, handle: u64) -> u64 {
        u64::from(ScriptedHost::system_number(self.handle(handle)))
    }

    fn uses_numbers_again(&self) -> bool {
        true
    }

    fn peer(&mut self, handle: u64, act: PeerAct) {
        self.host.peer(self.handle(handle), act);
        self.settle();
    }

    fn written(&mut self, handle: u64) -> Vec<Bytes> {
        let written = self.host.written(self.handle(handle));
        self.settle();
        written
    }

    fn create_target(&mut self, target: u64, handle: u64) -> HResult {
        let created = self.stack.handle_target_requested(self.now, self.upper, self.handle(handle));
        self.settle();
        created.map_or_else(
            |status| status,
            |id| {
                self.targets.insert(target, id);
                HResult::S_OK
            },
        )
    }

    fn begin_delete_target(&mut self, target: u64) -> Call {
        let target = Some(self.target(target));
        self.begin(|stack, now, upper, call| stack.target_delete_requested(now, upper, target, call))
    }

    fn begin_change(&mut self, target: u64, action: Option<SentIoAction>) -> Call {
        let target = Some(self.target(target));
        self.begin(|stack, now, upper, call| match action {
            None => stack.target_start_requested(now, upper, target, call),
            Some(_) => stack.target_stop_requested(now, upper, target, action, None, call),
        })
    }

    fn state(&mut self, target: u64) -> u32 {
        self.stack.target_state(self.upper, Some(self.target(target))).number()
    }

    fn has_file(&mut self, target: u64) -> bool {
        self.stack.target_file(self.upper, Some(self.target(target))).is_some()
    }

    fn format_for(&mut self, request: u64, target: u64, file: Option<u64>, io: Io) -> HResult {
        let (request, target) = (self.request(request), self.target(target));
        let file = file.map(|file| {
            let file = self.stack.target_file(self.upper, Some(self.target(file)));
            file.unwrap_or_else(|| panic!("the script uses the file of a target that has none"))
        });
        self.stack.handle_format_requested(self.upper, request, target, file, format_io(io))
    }

    fn send_to(&mut self, request: u64, target: Option<u64>, flags: u32, timeout: i64) -> HResult {
        let (request, target) = (self.request(request), target.map(|target| self.target(target)));
        let options = SendOptions { flags, timeout };
        let status = self.stack.send_to_requested(self.now, self.upper, request, target, options);
        self.settle();
        status
    }

    fn start_on(&mut self, request: u64, target: u64, file: Option<u64>, io: Io) -> HResult {
        self.create_request(request, true);
        match self.format_for(request, target, file, io) {
            HResult::S_OK => self.send_to(request, Some(target), 0, 0),
            failed => failed,
        }
    }

    fn leaked(&mut self) -> Vec<u64> {
        self.stack.outstanding(self.now).leaked_handles.iter().map(|leaked| leaked.handle.0).collect()
    }
}
