//! The script's view: objects by name, one method per thing L0 or the lab can do, and assertions on the trace.
//!
//! A failed assertion panics with the whole trace and with what replays the execution.

use std::collections::{HashMap, HashSet};

use bytes::Bytes;
use lowerdeck_framework::io::SendOptions;
use lowerdeck_framework::status::HResult;

use crate::backend::{
    Act, Backend, Call, CancelAnswer, Completion, Deed, Io, Outcome, Outstanding, PowerState, SentIoAction, StopRecord,
    Transition,
};

mod handles;
mod trace;

/// What a script may leave behind without breaking the laws of section Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tolerance {
    /// The scenario breaks FWD-2 on purpose: creates and closes need not balance (Z3).
    pub imbalance: bool,
    /// The scenario leaks: objects may be left (Z7), findings are expected.
    pub leaks: bool,
    /// The scenario ends in a driver stop, or is about findings.
    pub verdicts: bool,
}

/// The scene of one execution.
pub struct Stage {
    backend: Box<dyn Backend>,
    numbers: HashMap<String, u64>,
    names: HashMap<u64, String>,
    next: u64,
    requests: Vec<String>,
    /// Requests without a completion callback.
    silent: HashSet<String>,
    /// Request names with the file each was last formatted on.
    formatted_on: HashMap<String, String>,
    /// Files whose `Close` was called.
    closed: HashSet<String>,
    /// Rules that the script has broken, each as often as it did.
    misuses: Vec<&'static str>,
    completions: Vec<Completion>,
    /// What the laws must tolerate at the end.
    pub tolerance: Tolerance,
}

/// A read of `size` bytes.
pub fn read(size: u64) -> Io {
    Io::Read { size: Some(size), window: None, offset: None }
}

/// A write of `data`.
pub fn write(data: &'static [u8]) -> Io {
    Io::Write { data: Some(Bytes::from_static(data)), window: None, offset: None }
}

/// A device control without buffers.
pub fn ioctl(code: u32) -> Io {
    Io::DeviceControl { code, input: None, output: None }
}

impl Stage {
    /// A stage on `backend`.
    pub fn new(backend: Box<dyn Backend>) -> Stage {
        Stage {
            backend,
            numbers: HashMap::new(),
            names: HashMap::new(),
            next: 0,
            requests: Vec::new(),
            silent: HashSet::new(),
            formatted_on: HashMap::new(),
            closed: HashSet::new(),
            misuses: Vec::new(),
            completions: Vec::new(),
            tolerance: Tolerance::default(),
        }
    }

    fn name(&mut self, name: &str) -> u64 {
        self.next += 1;
        assert!(self.numbers.insert(name.to_owned(), self.next).is_none(), "the script names `{name}` twice");
        self.names.insert(self.next, name.to_owned());
        self.next
    }

    fn number(&self, name: &str) -> u64 {
        *self.numbers.get(name).unwrap_or_else(|| panic!("the script never made `{name}`"))
    }

    // The drivers below.

    /// Gives a command to the driver of layer `layer`; `{r}` becomes the label of request `r`.
    pub fn control(&mut self, layer: u8, command: &str) -> String {
        let command = self.with_labels(command);
        match self.backend.control(layer, &command) {
            Ok(reply) => reply,
            Err(problem) => self.fail(&format!("layer {layer} refused `{command}`: {problem}")),
        }
    }

    fn with_labels(&self, command: &str) -> String {
        self.numbers.iter().fold(command.to_owned(), |text, (name, number)| {
            text.replace(&format!("{{{name}}}"), &format!("L0:{number}"))
        })
    }

    // Files.

    /// `CreateWdfFile` that must have returned; gives its status.
    pub fn create(&mut self, file: &str) -> HResult {
        self.create_named(file, None)
    }

    /// `CreateWdfFile` with a file name.
    pub fn create_named(&mut self, file: &str, name: Option<&str>) -> HResult {
        let call = self.begin_create(file, name);
        self.status_of(call)
    }

    /// `CreateWdfFile` that may not return yet.
    pub fn begin_create(&mut self, file: &str, name: Option<&str>) -> Call {
        let number = self.name(file);
        self.backend.begin_create(number, name)
    }

    /// A file that must open.
    pub fn open(&mut self, file: &str) {
        let status = self.create(file);
        self.check(status == HResult::S_OK, &format!("`{file}` did not open: {status}"));
    }

    /// `Close` that must have returned.
    pub fn close(&mut self, file: &str) {
        let call = self.begin_close(file);
        let returned = self.has_returned(call);
        self.check(returned, &format!("Close of `{file}` has not returned"));
    }

    /// `Close` that may not return yet.
    pub fn begin_close(&mut self, file: &str) -> Call {
        let number = self.number(file);
        if !self.closed.insert(file.to_owned()) {
            self.misuses.push("CLS-17");
        }
        self.backend.begin_close(number)
    }

    /// A file that another upper driver on the same stack opens. It stays open.
    pub fn open_elsewhere(&mut self, file: &str) {
        let number = self.name(file);
        self.backend.open_elsewhere(number);
    }

    /// L0 drops its last reference to a file that it has not closed.
    pub fn forget(&mut self, file: &str) {
        let number = self.number(file);
        self.backend.forget_file(number);
    }

    /// `DeleteWdfObject` of a file.
    pub fn delete_file(&mut self, file: &str) -> HResult {
        let number = self.number(file);
        self.backend.delete_file(number)
    }

    /// Whether a blocking call has returned.
    pub fn has_returned(&mut self, call: Call) -> bool {
        self.backend.outcome(call).is_some()
    }

    /// The status of a call that must have returned.
    pub fn status_of(&mut self, call: Call) -> HResult {
        match self.backend.outcome(call) {
            Some(Outcome::Status(status)) => status,
            Some(Outcome::Void) => HResult::S_OK,
            None => self.fail("a call that must have returned has not"),
        }
    }

    /// The client gives up waiting for a call (its RPC is cancelled).
    pub fn abandon_call(&mut self, call: Call) {
        self.backend.abandon_call(call);
    }

    // Requests.

    /// The number of a request about to be used as `rule` forbids while it is outstanding.
    fn not_while_outstanding(&mut self, request: &str, rule: &'static str) -> u64 {
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
        self.request(request);
        let formatted = self.format(request, Some(file), io);
        self.check(formatted == HResult::S_OK, &format!("`{request}` was not formatted: {formatted}"));
        let sent = self.send(request);
        self.check(sent == HResult::S_OK, &format!("`{request}` was not sent: {sent}"));
    }

    /// `CancelSentRequest`.
    pub fn cancel(&mut self, request: &str) -> CancelAnswer {
        let number = self.number(request);
        self.backend.cancel(number)
    }

    /// `CancelSentRequestsForFile`.
    pub fn cancel_for_file(&mut self, file: &str) {
        let number = self.number(file);
        self.backend.cancel_for_file(number);
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
        let mut all = self.completions_of(request);
        self.check(all.len() < 2, &format!("`{request}` completed {} times", all.len()));
        all.pop()
    }

    /// L0 reads no events for a while.
    pub fn stop_reading(&mut self) {
        self.backend.set_reading(false);
    }

    /// L0 reads its events again.
    pub fn read_again(&mut self) {
        self.backend.set_reading(true);
    }

    /// L0 calls `Close` of `file` from inside `OnCompletion` of `request`.
    pub fn close_in_completion(&mut self, request: &str, file: &str) {
        self.closed.insert(file.to_owned());
        self.backend.close_in_completion(self.number(request), self.number(file));
    }

    /// Every completion of `request` so far.
    pub fn completions_of(&mut self, request: &str) -> Vec<Completion> {
        let new = self.backend.take_completions();
        self.completions.extend(new);
        let number = self.number(request);
        self.completions.iter().filter(|completion| completion.request == number).cloned().collect()
    }

    /// The status and Information of the one completion that `request` must have.
    pub fn ended(&mut self, request: &str) -> (HResult, u64) {
        match self.completion(request) {
            Some(completion) => (completion.status, completion.information),
            None => self.fail(&format!("`{request}` has not completed")),
        }
    }

    // The default target.

    /// `Stop`, which may wait.
    pub fn begin_stop(&mut self, action: SentIoAction) -> Call {
        self.backend.begin_target_change(Some(action))
    }

    /// `Stop` that must have returned.
    pub fn stop(&mut self, action: SentIoAction) -> HResult {
        let call = self.begin_stop(action);
        self.status_of(call)
    }

    /// `Stop` with the number of an action, inside the `OnCompletion` of a request if one is named; it may wait.
    pub fn begin_stop_numbered(&mut self, action: u32, inside: Option<&str>) -> Call {
        let inside = inside.map(|request| self.number(request));
        self.backend.begin_stop(action, inside)
    }

    /// Whether `GetTargetFile` gives a file.
    pub fn has_target_file(&mut self) -> bool {
        self.backend.has_target_file()
    }

    /// `DeleteWdfObject` of the default target.
    pub fn delete_target(&mut self) -> HResult {
        self.backend.delete_target()
    }

    /// `Start`.
    pub fn start_target(&mut self) -> HResult {
        let call = self.backend.begin_target_change(None);
        self.status_of(call)
    }

    /// `Remove`.
    pub fn remove_target(&mut self) -> HResult {
        let call = self.backend.begin_target_remove();
        self.status_of(call)
    }

    /// `GetState` as a number.
    pub fn target_state(&mut self) -> u32 {
        self.backend.target_state()
    }

    // The world.

    /// Lets the clock advance by milliseconds.
    pub fn advance(&mut self, milliseconds: u64) {
        self.backend.advance(milliseconds * lowerdeck_framework::clock::TICKS_PER_MILLISECOND);
    }

    /// Sets the wall clock forward by milliseconds, and gives what it shows then, in ticks.
    pub fn shift_wall_clock(&mut self, milliseconds: i64) -> i64 {
        self.backend.shift_wall_clock(milliseconds * 10_000)
    }

    /// Begins the orderly removal of the stack.
    pub fn unplug(&mut self) {
        self.backend.unplug();
    }

    /// Begins a transition to a power state.
    pub fn power(&mut self, power: PowerState) {
        self.backend.begin_transition(Transition::Power(power));
    }

    /// Begins a rebalance of resources.
    pub fn rebalance(&mut self) {
        self.backend.begin_transition(Transition::Rebalance);
    }

    /// Takes the device away.
    pub fn surprise_remove(&mut self) {
        self.backend.begin_transition(Transition::SurpriseRemoval);
    }

    /// The driver stop that must have happened.
    pub fn driver_stop(&mut self) -> StopRecord {
        match self.backend.driver_stop() {
            Some(stop) => stop,
            None => self.fail("no driver was stopped"),
        }
    }

    /// Goes over to the stack that has taken the stopped one's place, of whose past nothing is known there; false when
    /// there is none.
    pub fn next_life(&mut self) -> bool {
        let goes_on = self.backend.next_life();
        if goes_on {
            self.requests.clear();
            self.formatted_on.clear();
            self.completions.clear();
        }
        goes_on
    }

    /// Kills the client.
    pub fn lose_client(&mut self) {
        self.backend.lose_client();
    }

    /// Returns `S_OK` from the oldest pending callback of L0, which must be `name`.
    pub fn return_from(&mut self, name: &str) {
        let pending = self.backend.pending_callbacks();
        self.check(pending.first().is_some_and(|first| first == name), &format!("L0 is in {pending:?}, not in {name}"));
        self.backend.return_from_callback(HResult::S_OK);
    }

    /// L0's callbacks that have not returned.
    pub fn pending_callbacks(&mut self) -> Vec<String> {
        self.backend.pending_callbacks()
    }

    /// Two things at once: `close f`, `send r`, `cancel r`, `L1: command`, `start`, `stop`, `remove`,
    /// `advance MILLISECONDS`, `peer HANDLE MESSAGE`.
    pub fn race(&mut self, one: &str, other: &str) -> (Deed, Deed) {
        let (one, other) = (self.act(one), self.act(other));
        self.backend.race(one, other)
    }

    fn act(&self, text: &str) -> Act {
        match text.split_once(' ') {
            Some(("close", file)) => Act::Close(self.number(file)),
            Some(("send", request)) => Act::Send(self.number(request)),
            Some(("cancel", request)) => Act::Cancel(self.number(request)),
            Some(("advance", milliseconds)) => {
                let milliseconds: u64 = milliseconds.parse().expect("the script gives milliseconds");
                Act::Advance(milliseconds * lowerdeck_framework::clock::TICKS_PER_MILLISECOND)
            }
            None if text == "start" => Act::Start,
            None if text == "stop" => Act::Stop,
            None if text == "remove" => Act::Remove,
            Some(("peer", what)) => {
                let (handle, message) = what.split_once(' ').expect("the script gives a handle and a message");
                let message = bytes::Bytes::copy_from_slice(message.as_bytes());
                Act::PeerWrites(self.number(handle), message)
            }
            Some(("L1:", command)) => Act::Control(1, self.with_labels(command)),
            _ => panic!("the script races `{text}`, which is no act"),
        }
    }

    /// The report, with files and requests by the script's names where it has them.
    pub fn outstanding(&mut self) -> Vec<Outstanding> {
        let labels = self.file_labels();
        let mut report = self.backend.outstanding();
        for file in &mut report {
            file.file = labels.get(&file.file).cloned().unwrap_or_else(|| file.file.clone());
            for request in &mut file.requests {
                request.label = self.translate(&request.label);
            }
        }
        report
    }

    /// Names of all requests the script made, for the laws.
    pub fn requests(&self) -> Vec<String> {
        self.requests.clone()
    }

    /// Rules that the script has broken, for the laws.
    pub fn misuses(&self) -> Vec<&'static str> {
        self.misuses.clone()
    }

    /// Whether a request was made with a completion callback.
    pub fn has_callback(&self, request: &str) -> bool {
        !self.silent.contains(request)
    }

    /// File and request of every request that was formatted, for the laws.
    pub fn tied_requests(&self) -> Vec<(String, String)> {
        self.formatted_on.iter().map(|(request, file)| (file.clone(), request.clone())).collect()
    }
}
