//! The laboratory of this package's tests: a real stack, one upper driver, and a clock that the test moves.

use std::collections::BTreeMap;

use bytes::Bytes;
use lowerdeck_framework::callback::CallbackSet;
use lowerdeck_framework::clock::{Now, TICKS_PER_MILLISECOND};
use lowerdeck_framework::effect::{CallResult, Effect};
use lowerdeck_framework::ids::{CallId, DeviceId, FileId, Level, RequestId};
use lowerdeck_framework::io::{CompletionParams, FormatIo, SendOptions};
use lowerdeck_framework::ioctl::{IoControlCode, MethodNeitherAction};
use lowerdeck_framework::memory::{InputMemory, OutputMemory};
use lowerdeck_framework::rule::Rule;
use lowerdeck_framework::stack::{CancelAnswer, Stack, StackConfig, UpperConfig};
use lowerdeck_framework::status::HResult;
use lowerdeck_framework::verifier::VerifierMode;

use crate::definition::StackDefinition;

/// A started stack with one upper driver on it.
pub(crate) struct Lab {
    pub(crate) stack: Stack,
    now: Now,
    upper: DeviceId,
    next: u64,
    requests: BTreeMap<u64, RequestId>,
    completed: BTreeMap<u64, CompletionParams>,
    returned: BTreeMap<CallId, CallResult>,
    /// Numbers in the order of their completion.
    pub(crate) order: Vec<u64>,
}

impl Lab {
    /// The stack of `expression` in strict mode.
    pub(crate) fn new(expression: &str) -> Lab {
        Lab::with_mode(expression, VerifierMode::Strict)
    }

    pub(crate) fn with_mode(expression: &str, verifier: VerifierMode) -> Lab {
        let definition: StackDefinition = expression.parse().unwrap_or_else(|error| panic!("{error}"));
        let mut stack = Stack::new(StackConfig {
            drivers: definition.build(1).unwrap_or_else(|error| panic!("{error}")),
            verifier,
            dispatcher: Default::default(),
            method_neither: MethodNeitherAction::Reject,
            trace_capacity: 4096,
            findings_capacity: 64,
            critical_operation_ticks: lowerdeck_framework::stack::CRITICAL_OPERATION_TICKS,
            scheduler: None,
        })
        .unwrap_or_else(|error| panic!("{error}"));
        let now = Now::default();
        let upper = stack.upper_attached(now, UpperConfig { tag: 1, callbacks: CallbackSet::EMPTY });
        stack.start(now);
        let mut lab = Lab {
            stack,
            now,
            upper,
            next: 0,
            requests: BTreeMap::new(),
            completed: BTreeMap::new(),
            returned: BTreeMap::new(),
            order: Vec::new(),
        };
        lab.run();
        lab
    }

    /// Runs the stack until it is idle and takes its effects.
    pub(crate) fn run(&mut self) {
        self.stack.run(self.now);
        let mut effects = Vec::new();
        self.stack.take_effects(&mut effects);
        for effect in effects {
            match effect {
                Effect::ReturnCall { call, result, .. } => {
                    self.returned.insert(call, result);
                }
                Effect::CompleteRequest { request, number, params, .. } => {
                    assert!(self.completed.insert(number, params).is_none(), "request {number} was completed twice");
                    self.order.push(number);
                    self.stack.delete_requested(self.upper, request);
                }
                _ => {}
            }
        }
    }

    /// Moves the clock.
    pub(crate) fn advance_ms(&mut self, milliseconds: u64) {
        self.now.monotonic += milliseconds * TICKS_PER_MILLISECOND;
        self.run();
    }

    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    /// Begins `CreateWdfFile`; the call has the number of its create.
    pub(crate) fn begin_create(&mut self, name: &str) -> CallId {
        let number = self.number();
        let call = CallId(number);
        self.stack.create_requested(self.now, self.upper, number, u128::from(number), Some(name), call);
        self.run();
        call
    }

    /// How a create ended, if it has.
    pub(crate) fn created(&self, call: CallId) -> Option<Result<FileId, HResult>> {
        match self.returned.get(&call)? {
            CallResult::WdfFileCreated(result) => Some(*result),
            other => panic!("a create returned {other:?}"),
        }
    }

    /// Creates a file.
    pub(crate) fn create(&mut self, name: &str) -> FileId {
        let call = self.begin_create(name);
        self.created(call).expect("the create returns at once").expect("the create succeeds")
    }

    /// Closes a file; true when the call has returned.
    pub(crate) fn close(&mut self, file: FileId) -> bool {
        let call = CallId(self.number());
        self.stack.close_requested(self.now, self.upper, file, call);
        self.run();
        self.returned.contains_key(&call)
    }

    /// Sends I/O of any format and gives its number.
    pub(crate) fn send(&mut self, file: FileId, io: FormatIo) -> u64 {
        let number = self.number();
        let request = self.stack.request_created(self.upper, number, true);
        let formatted = self.stack.format_requested(self.upper, request, Some(file), io);
        assert_eq!(formatted, HResult::S_OK);
        let sent = self.stack.send_requested(self.now, self.upper, request, SendOptions::default());
        assert_eq!(sent, HResult::S_OK);
        self.requests.insert(number, request);
        self.run();
        number
    }

    /// Sends a read and gives its number.
    pub(crate) fn read(&mut self, file: FileId, offset: i64, length: u64) -> u64 {
        let output = Some(OutputMemory::empty(length));
        self.send(file, FormatIo::Read { output, device_offset: Some(offset) })
    }

    /// Sends a write and gives its number.
    pub(crate) fn write(&mut self, file: FileId, offset: i64, data: &[u8]) -> u64 {
        let input = Some(InputMemory { data: Bytes::copy_from_slice(data), window: None });
        self.send(file, FormatIo::Write { input, device_offset: Some(offset) })
    }

    /// Sends an ioctl without input and gives its number.
    pub(crate) fn ioctl(&mut self, file: FileId, code: IoControlCode, output_length: u64) -> u64 {
        let output = Some(OutputMemory::empty(output_length));
        self.send(file, FormatIo::DeviceControl { code, input: None, output })
    }

    /// Asks for the cancellation of a request.
    pub(crate) fn cancel(&mut self, number: u64) -> CancelAnswer {
        let answer = self.cancel_without_running(number);
        self.run();
        answer
    }

    /// The same, leaving `OnCancel` still to be called.
    pub(crate) fn cancel_without_running(&mut self, number: u64) -> CancelAnswer {
        self.stack.cancel_requested(self.now, self.upper, self.requests[&number])
    }

    /// How a request ended, if it has.
    pub(crate) fn ended(&self, number: u64) -> Option<&CompletionParams> {
        self.completed.get(&number)
    }

    /// Status, Information and data of a request that has ended.
    pub(crate) fn result(&self, number: u64) -> (HResult, u64, Bytes) {
        let params = self.ended(number).unwrap_or_else(|| panic!("request {number} has not been completed"));
        (params.status, params.information, params.output.clone())
    }

    /// Asks for the orderly removal of the stack.
    pub(crate) fn remove(&mut self) {
        self.stack.removal_requested(self.now);
        self.run();
    }

    /// Gives a command to a driver.
    pub(crate) fn control(&mut self, level: u8, command: &str) -> Result<String, String> {
        let reply = self.stack.driver_controlled(self.now, Level(level), command).map_err(|error| error.to_string());
        self.run();
        reply
    }

    /// What happened at a layer: the trace's kinds, in order, with the status where there is one.
    pub(crate) fn happened_at(&self, level: u8) -> Vec<String> {
        let entries = self.stack.trace_after(0, usize::MAX).into_iter().filter(|entry| entry.level == Level(level));
        let text = |status: Option<HResult>| status.map_or(String::new(), |status| format!(" {status}"));
        entries.map(|entry| format!("{:?}{}", entry.kind, text(entry.status))).collect()
    }

    /// The rules of the findings.
    pub(crate) fn findings(&self) -> Vec<Rule> {
        self.stack.findings().map(|finding| finding.rule).collect()
    }

    /// The rule of the driver stop, if there was one.
    pub(crate) fn stop(&self) -> Option<Rule> {
        self.stack.driver_stop().map(|stop| stop.rule)
    }
}
