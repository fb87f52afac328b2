//! The life of a stack of probes: what can happen to it, and the books of its one upper driver.

use std::collections::HashMap;

use bytes::Bytes;
use proptest::prelude::*;

use crate::callback::CallbackSet;
use crate::clock::Now;
use crate::driver::Driver;
use crate::effect::{CallResult, Effect};
use crate::ids::{CallId, DeviceId, FileId, Level, RequestId};
use crate::io::{FormatIo, SendOptions};
use crate::ioctl::MethodNeitherAction;
use crate::memory::{InputMemory, OutputMemory};
use crate::scheduler::SeededScheduler;
use crate::stack::{ControlError, Stack, StackConfig, UpperConfig};
use crate::status::HResult;
use crate::target::SentIoAction;
use crate::verifier::VerifierMode;

/// One thing that can happen; numbers choose among what there is.
#[derive(Debug, Clone, Copy)]
pub(super) enum Happening {
    Create,
    Read(usize, bool),
    Write(usize),
    Cancel(usize),
    CancelForFile(usize),
    Close(usize),
    Complete(u8),
    Change(u8, u8),
    StopTarget(u8),
    StartTarget,
    Delete(usize),
    Steps(u8),
    Time(u16),
}

pub(super) fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        2 => Just(Happening::Create),
        6 => (any::<usize>(), any::<bool>()).prop_map(|(file, timed)| Happening::Read(file, timed)),
        2 => any::<usize>().prop_map(Happening::Write),
        3 => any::<usize>().prop_map(Happening::Cancel),
        1 => any::<usize>().prop_map(Happening::CancelForFile),
        2 => any::<usize>().prop_map(Happening::Close),
        3 => (1u8..3).prop_map(Happening::Complete),
        2 => (1u8..3, 0u8..5).prop_map(|(level, habit)| Happening::Change(level, habit)),
        1 => (0u8..3).prop_map(Happening::StopTarget),
        1 => Just(Happening::StartTarget),
        2 => any::<usize>().prop_map(Happening::Delete),
        6 => (0u8..6).prop_map(Happening::Steps),
        1 => any::<u16>().prop_map(Happening::Time),
    ]
}

/// A stack with one upper driver, and the upper driver's own books.
pub(super) struct Life {
    pub(super) stack: Stack,
    pub(super) now: Now,
    pub(super) upper: DeviceId,
    calls: u64,
    pub(super) files: Vec<FileId>,
    pub(super) requests: Vec<RequestId>,
    pub(super) accepted: HashMap<RequestId, usize>,
    pub(super) completed: HashMap<RequestId, usize>,
    pub(super) files_gone: usize,
    pub(super) files_made: usize,
}

fn stack(drivers: Vec<Box<dyn Driver>>, verifier: VerifierMode, seed: Option<u64>) -> Stack {
    let scheduler = seed.map(|seed| Box::new(SeededScheduler::new(seed)) as Box<dyn crate::scheduler::Scheduler>);
    let method_neither = MethodNeitherAction::Reject;
    Stack::new(StackConfig {
        drivers,
        verifier,
        dispatcher: Default::default(),
        method_neither,
        trace_capacity: 100_000,
        findings_capacity: 100,
        critical_operation_ticks: crate::stack::CRITICAL_OPERATION_TICKS,
        scheduler,
    })
    .expect("the probes declare nothing wrong")
}

impl Life {
    pub(super) fn begin(drivers: Vec<Box<dyn Driver>>, verifier: VerifierMode, seed: Option<u64>) -> Life {
        let mut stack = stack(drivers, verifier, seed);
        let now = Now::default();
        let upper = stack.upper_attached(now, UpperConfig { tag: 1, callbacks: CallbackSet::EMPTY });
        stack.start(now);
        stack.run(now);
        let mut life = Life {
            stack,
            now,
            upper,
            calls: 0,
            files: Vec::new(),
            requests: Vec::new(),
            accepted: HashMap::new(),
            completed: HashMap::new(),
            files_gone: 0,
            files_made: 0,
        };
        life.take_effects();
        life
    }

    fn call(&mut self) -> CallId {
        self.calls += 1;
        CallId(self.calls)
    }

    pub(super) fn take_effects(&mut self) {
        let mut effects = Vec::new();
        self.stack.take_effects(&mut effects);
        for effect in effects {
            match effect {
                Effect::ReturnCall { result: CallResult::WdfFileCreated(Ok(file)), .. } => {
                    self.files_made += 1;
                    self.files.push(file);
                }
                Effect::CompleteRequest { request, .. } => *self.completed.entry(request).or_default() += 1,
                Effect::AnnounceFileGone { .. } => self.files_gone += 1,
                _ => {}
            }
        }
    }

    /// Runs until nothing is ready.
    pub(super) fn settle(&mut self) {
        self.stack.run(self.now);
        self.take_effects();
    }

    /// A file that opens.
    pub(super) fn open(&mut self) -> FileId {
        self.happen(Happening::Create);
        self.settle();
        self.files[0]
    }

    pub(super) fn close_first(&mut self) {
        self.happen(Happening::Close(0));
        self.settle();
    }

    pub(super) fn control(&mut self, level: u8, command: &str) -> Result<String, ControlError> {
        let reply = self.stack.driver_controlled(self.now, Level(level), command);
        self.settle();
        reply
    }

    /// How a request has ended, if it has.
    pub(super) fn status_of(&self, request: RequestId) -> Option<HResult> {
        let view = self.stack.request_view(request)?;
        (!view.state.is_outstanding()).then_some(view.status)
    }

    pub(super) fn send(&mut self, file: FileId, io: FormatIo, options: SendOptions) -> HResult {
        let number = self.requests.len() as u64 + 1;
        let request = self.stack.request_created(self.upper, number, true);
        self.requests.push(request);
        if self.stack.format_requested(self.upper, request, Some(file), io) != HResult::S_OK {
            return HResult::STATUS_FILE_CLOSED;
        }
        let status = self.stack.send_requested(self.now, self.upper, request, options);
        if status == HResult::S_OK {
            *self.accepted.entry(request).or_default() += 1;
        }
        status
    }

    pub(super) fn read(length: u64) -> FormatIo {
        FormatIo::Read { output: Some(OutputMemory::empty(length)), device_offset: None }
    }

    pub(super) fn happen(&mut self, happening: Happening) {
        let (now, upper) = (self.now, self.upper);
        let file = |life: &Life, index: usize| life.files.get(index % life.files.len().max(1)).copied();
        let request = |life: &Life, index: usize| life.requests.get(index % life.requests.len().max(1)).copied();
        match happening {
            Happening::Create => {
                let call = self.call();
                self.stack.create_requested(now, upper, 1000 + call.0, u128::from(call.0), None, call);
            }
            Happening::Read(index, timed) => {
                let flags = if timed { SendOptions::TIMEOUT } else { 0 };
                if let Some(file) = file(self, index) {
                    self.send(file, Life::read(4), SendOptions { flags, timeout: -500 });
                }
            }
            Happening::Write(index) => {
                let input = Some(InputMemory { data: Bytes::from_static(b"data"), window: None });
                if let Some(file) = file(self, index) {
                    self.send(file, FormatIo::Write { input, device_offset: None }, SendOptions::default());
                }
            }
            Happening::Cancel(index) => {
                if let Some(request) = request(self, index) {
                    self.stack.cancel_requested(now, upper, request);
                }
            }
            Happening::CancelForFile(index) => {
                if let Some(file) = file(self, index) {
                    self.stack.cancel_for_file_requested(now, upper, file);
                }
            }
            Happening::Close(index) if !self.files.is_empty() => {
                let file = self.files.swap_remove(index % self.files.len());
                let call = self.call();
                self.stack.close_requested(now, upper, file, call);
            }
            Happening::Close(_) => {}
            Happening::Complete(level) => {
                let _ = self.stack.driver_controlled(now, Level(level), "complete");
            }
            Happening::Change(level, habit) => {
                let habit = ["complete", "keep", "arm", "forward", "forward-and-wait"][usize::from(habit)];
                // L2 is the lowest: it has nobody to forward to.
                if level == 1 || !habit.starts_with("forward") {
                    let _ = self.stack.driver_controlled(now, Level(level), &format!("habit {habit}"));
                }
            }
            Happening::StopTarget(action) => self.stop_target(action),
            Happening::StartTarget => {
                let call = self.call();
                self.stack.target_start_requested(now, upper, None, call);
            }
            Happening::Delete(index) => {
                if let Some(request) = request(self, index) {
                    self.delete(request);
                }
            }
            Happening::Steps(count) => {
                for _ in 0..count {
                    self.stack.step(now);
                }
            }
            Happening::Time(ticks) => self.now.monotonic += u64::from(ticks),
        }
        self.take_effects();
    }

    fn stop_target(&mut self, action: u8) {
        let actions = [SentIoAction::Cancel, SentIoAction::WaitForCompletion, SentIoAction::LeavePending];
        let call = self.call();
        let action = Some(actions[usize::from(action)]);
        self.stack.target_stop_requested(self.now, self.upper, None, action, None, call);
    }

    /// A well-behaved upper driver does not delete what is outstanding (REQ-4).
    fn delete(&mut self, request: RequestId) {
        let outstanding = self.stack.request_view(request).is_some_and(|view| view.state.is_outstanding());
        if !outstanding {
            self.stack.delete_requested(self.upper, request);
        }
    }

    /// Lets everything that is kept go and every file close, as a well-behaved end of a test would.
    pub(super) fn end(&mut self) {
        self.happen(Happening::StartTarget);
        while let Some(file) = self.files.pop() {
            let call = self.call();
            self.stack.close_requested(self.now, self.upper, file, call);
        }
        for _ in 0..2000 {
            self.stack.run(self.now);
            let replies = [1, 2].map(|level| self.stack.driver_controlled(self.now, Level(level), "complete"));
            self.take_effects();
            for file in std::mem::take(&mut self.files) {
                let call = self.call();
                self.stack.close_requested(self.now, self.upper, file, call);
            }
            if self.stack.is_idle() && replies.iter().all(|reply| reply.as_deref() == Ok("nothing")) {
                break;
            }
        }
        for request in std::mem::take(&mut self.requests) {
            self.stack.delete_requested(self.upper, request);
        }
        self.stack.run(self.now);
        self.take_effects();
    }
}

/// A read of 4 bytes that must be accepted.
pub(super) fn read_on(life: &mut Life, file: FileId, options: SendOptions) -> RequestId {
    assert_eq!(life.send(file, Life::read(4), options), HResult::S_OK);
    life.settle();
    life.requests[life.requests.len() - 1]
}
