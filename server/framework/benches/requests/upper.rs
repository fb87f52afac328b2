//! An upper driver on a started stack, and what it does to requests and files.
//!
//! Law: what was asked for has happened, or the program ends with a panic; a figure of work that was refused would
//! look like a gain.

use bytes::Bytes;

use lowerdeck_framework::callback::CallbackSet;
use lowerdeck_framework::clock::Now;
use lowerdeck_framework::driver::Driver;
use lowerdeck_framework::effect::{CallResult, Effect};
use lowerdeck_framework::ids::{CallId, DeviceId, FileId, RequestId};
use lowerdeck_framework::io::{FormatIo, SendOptions};
use lowerdeck_framework::ioctl::IoControlCode;
use lowerdeck_framework::memory::InputMemory;
use lowerdeck_framework::stack::{CancelAnswer, Stack, StackConfig, UpperConfig};
use lowerdeck_framework::status::HResult;
use lowerdeck_framework::verifier::VerifierMode;

/// Entries of the trace: few, so that warming up fills it and every measured entry replaces another.
const TRACE_CAPACITY: usize = 1024;
/// What every request carries.
const INPUT: &[u8] = &[0x5A; 64];

/// A buffered device control.
const CODE: IoControlCode = IoControlCode(0x8000_2000);

/// See the module.
pub struct Upper {
    stack: Stack,
    device: DeviceId,
    effects: Vec<Effect>,
    /// The last number given to a request, a file or a call.
    number: u64,
}

impl Upper {
    /// A started stack of `drivers`, top first.
    pub fn on(drivers: Vec<Box<dyn Driver>>) -> Upper {
        let config = StackConfig {
            drivers,
            verifier: VerifierMode::Strict,
            dispatcher: Default::default(),
            method_neither: Default::default(),
            trace_capacity: TRACE_CAPACITY,
            findings_capacity: 16,
            critical_operation_ticks: lowerdeck_framework::stack::CRITICAL_OPERATION_TICKS,
            scheduler: None,
        };
        let mut stack = Stack::new(config).expect("the drivers' configurations fit");
        let now = Now::default();
        let device = stack.upper_attached(now, UpperConfig { tag: 1, callbacks: CallbackSet::EMPTY });
        stack.start(now);
        stack.run(now);
        Upper { stack, device, effects: Vec::new(), number: 0 }
    }

    /// A file, open.
    pub fn file(&mut self) -> FileId {
        let number = self.next_number();
        self.stack.create_requested(Now::default(), self.device, number, u128::from(number), None, CallId(number));
        self.stack.run(Now::default());
        let mut opened = None;
        self.stack.take_effects(&mut self.effects);
        for effect in self.effects.drain(..) {
            if let Effect::ReturnCall { result: CallResult::WdfFileCreated(Ok(file)), .. } = effect {
                opened = Some(file);
            }
        }
        opened.expect("the drivers refuse no create")
    }

    /// A request, formatted as a device control with 64 bytes of input.
    pub fn formatted(&mut self, file: FileId) -> RequestId {
        let number = self.next_number();
        let request = self.stack.request_created(self.device, number, true);
        let input = Some(InputMemory { data: Bytes::from_static(INPUT), window: None });
        let io = FormatIo::DeviceControl { code: CODE, input, output: None };
        let formatted = self.stack.format_requested(self.device, request, Some(file), io);
        assert_eq!(formatted, HResult::S_OK, "a valid format");
        request
    }

    /// Sends a request and lets the stack run; `effects` follow.
    pub fn send(&mut self, request: RequestId, effects: usize) {
        let sent = self.stack.send_requested(Now::default(), self.device, request, SendOptions::default());
        assert_eq!(sent, HResult::S_OK, "the target is started");
        self.settle(effects);
    }

    /// Cancels a request that is held; it completes.
    pub fn cancel(&mut self, request: RequestId) {
        let answer = self.stack.cancel_requested(Now::default(), self.device, request);
        assert_eq!(answer, CancelAnswer::Delivered, "the request is held, cancelable");
        self.settle(1);
    }

    /// Closes a file with these requests held, and deletes them, with which the file is gone.
    pub fn close(&mut self, file: FileId, held: &[RequestId]) {
        let number = self.next_number();
        self.stack.close_requested(Now::default(), self.device, file, CallId(number));
        self.stack.run(Now::default());
        for request in held {
            self.delete(*request);
        }
        self.settle(held.len() + 2); // the return of the call, the completions, the end of the file
    }

    /// Deletes a request.
    pub fn delete(&mut self, request: RequestId) {
        let deleted = self.stack.delete_requested(self.device, request);
        assert_eq!(deleted, HResult::S_OK, "the request is not outstanding");
    }

    /// Lets the stack run, and takes what it has to say.
    fn settle(&mut self, effects: usize) {
        self.stack.run(Now::default());
        self.stack.take_effects(&mut self.effects);
        assert_eq!(self.effects.len(), effects, "what was measured is not what was meant: {:?}", self.effects);
        self.effects.clear();
    }

    fn next_number(&mut self) -> u64 {
        self.number += 1;
        self.number
    }
}
