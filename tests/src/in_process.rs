//! The framework back end: the stack in this process, under a chosen scheduler, on a clock of the script's own.

use std::collections::{HashMap, VecDeque};

use bytes::Bytes;
use lowerdeck_drivers::definition::StackDefinition;
use lowerdeck_framework::callback::{Callback, CallbackSet};
use lowerdeck_framework::clock::Now;
use lowerdeck_framework::effect::{CallResult, Effect};
use lowerdeck_framework::handle::{Dispatcher, HandleId};
use lowerdeck_framework::ids::{CallId, CallbackId, DeviceId, FileId, Level, RequestId, TargetId};
use lowerdeck_framework::io::{Format, FormatIo, SendOptions};
use lowerdeck_framework::ioctl::IoControlCode;
use lowerdeck_framework::memory::{InputMemory, MemoryOffset, OutputMemory};
use lowerdeck_framework::restart::{RestartDecision, RestartPolicy};
use lowerdeck_framework::scheduler::Scheduler;
use lowerdeck_framework::stack::{Stack, StackConfig, UpperConfig};
use lowerdeck_framework::status::HResult;
use lowerdeck_framework::trace::{Call as TracedCall, TraceEntry, TraceKind};
use lowerdeck_framework::verifier::VerifierMode;

use crate::backend::{
    Act, Backend, Call, CancelAnswer, Completion, Deed, Echo, Io, Outcome, Outstanding, OutstandingRequest, RawMoment,
    SentIoAction, Setting, StopRecord, Transition, View, Window,
};
use crate::explore::{Choices, Schedule};
use crate::handles::host::ScriptedHost;
use crate::handles::{Handles, PeerAct};

mod handles;

mod boot;

use self::boot::boot;

/// Trace entries kept: more than any scenario makes.
const TRACE_CAPACITY: usize = 1 << 16;
/// Findings kept.
const FINDINGS_CAPACITY: usize = 256;

/// See the module.
pub struct InProcess {
    stack: Stack,
    now: Now,
    upper: DeviceId,
    /// L0, when the script is an application.
    beside: Option<DeviceId>,
    setting: Setting,
    /// The host's: whether the stack is started again.
    policy: RestartPolicy,
    decision: Option<RestartDecision>,
    /// Which step runs next, and how racing acts mix.
    choices: Choices,
    calls: u64,
    creates: HashMap<CallId, u64>,
    synchronous: HashMap<Call, u64>,
    files: HashMap<u64, FileId>,
    requests: HashMap<u64, RequestId>,
    returned: HashMap<Call, Outcome>,
    completions: Vec<Completion>,
    completed: HashMap<u64, HResult>,
    invoked: VecDeque<(CallbackId, Callback)>,
    host: ScriptedHost,
    handles: HashMap<u64, HandleId>,
    targets: HashMap<u64, TargetId>,
    /// Whether L0 takes what the stack has for it.
    reading: bool,
    /// Files that L0 closes in the completion of a request.
    closes: HashMap<u64, u64>,
}

impl InProcess {
    /// Builds and starts the stack of `setting`, to run under `choices`.
    pub fn new(setting: &Setting, choices: Choices) -> InProcess {
        let now = Now { monotonic: 0, wall: 1 << 57 };
        let (stack, upper, beside) = boot(setting, now, &choices);
        let mut backend = InProcess {
            stack,
            now,
            upper,
            beside,
            setting: setting.clone(),
            policy: RestartPolicy::default(),
            decision: None,
            choices,
            calls: 0,
            creates: HashMap::new(),
            synchronous: HashMap::new(),
            files: HashMap::new(),
            requests: HashMap::new(),
            returned: HashMap::new(),
            completions: Vec::new(),
            completed: HashMap::new(),
            invoked: VecDeque::new(),
            host: ScriptedHost::default(),
            handles: HashMap::new(),
            targets: HashMap::new(),
            reading: true,
            closes: HashMap::new(),
        };
        backend.settle();
        backend
    }

    /// Runs until nothing is ready and takes what came of it.
    fn settle(&mut self) {
        if self.host.is_used() {
            return self.settle_with_host();
        }
        self.stack.run(self.now);
        while self.take_effects() {
            self.stack.run(self.now); // what L0 did in its callbacks
        }
    }

    /// True when there were any, and L0 reads.
    fn take_effects(&mut self) -> bool {
        let mut effects = Vec::new();
        if self.reading {
            self.stack.take_effects(&mut effects);
        }
        let any = !effects.is_empty();
        effects.into_iter().for_each(|effect| self.take(effect));
        any
    }

    fn take(&mut self, effect: Effect) {
        match effect {
            Effect::ReturnCall { call, result, .. } => {
                let outcome = match result {
                    CallResult::WdfFileCreated(Ok(file)) => {
                        self.files.insert(self.creates[&call], file);
                        Outcome::Status(HResult::S_OK)
                    }
                    CallResult::WdfFileCreated(Err(status)) | CallResult::TargetChanged(status) => {
                        Outcome::Status(status)
                    }
                    CallResult::Closed => Outcome::Void,
                };
                self.returned.insert(Call(call.0), outcome);
            }
            Effect::CompleteRequest { number, callback, params, .. } => {
                self.completed.insert(number, params.status);
                if let Some(file) = self.closes.remove(&number) {
                    self.apply(&Act::Close(file));
                }
                if callback {
                    let echo = Echo {
                        kind: params.kind.to_string(),
                        code: params.code.0,
                        device_offset: params.device_offset,
                        input_start: params.input_start,
                        output_start: params.output_start,
                    };
                    let (status, information, data) = (params.status, params.information, params.output);
                    self.completions.push(Completion { request: number, status, information, data, echo });
                }
            }
            Effect::ReportDriverStop(stop) => self.decision = Some(self.policy.failed(stop.time)),
            Effect::InvokeCallback { callback, kind, .. } => self.invoked.push_back((callback, kind)),
            Effect::SubmitHostIo { io, handle, parameters } => self.host.submitted(io, handle, parameters),
            Effect::CancelHostIo { io } => self.host.cancel_asked(io),
            _ => {}
        }
    }

    fn next_call(&mut self) -> CallId {
        self.calls += 1;
        CallId(self.calls)
    }

    /// A file that never opened is a stale id: UMDF never handed it out.
    fn file(&self, number: u64) -> FileId {
        self.files.get(&number).copied().unwrap_or_default()
    }

    fn request(&self, number: u64) -> RequestId {
        self.requests.get(&number).copied().unwrap_or_default()
    }

    fn apply(&mut self, act: &Act) -> Deed {
        match act {
            Act::Close(file) => {
                let call = self.next_call();
                self.stack.close_requested(self.now, self.upper, self.file(*file), call);
                Deed::Begun(Call(call.0))
            }
            Act::Send(request) => {
                let request = self.request(*request);
                Deed::Sent(self.stack.send_requested(self.now, self.upper, request, SendOptions::default()))
            }
            Act::Cancel(request) => {
                let request = self.request(*request);
                Deed::Cancelled(self.stack.cancel_requested(self.now, self.upper, request))
            }
            Act::Start => {
                let call = self.next_call();
                self.stack.target_start_requested(self.now, self.upper, None, call);
                Deed::Begun(Call(call.0))
            }
            Act::Stop => {
                let call = self.next_call();
                let action = Some(SentIoAction::LeavePending);
                self.stack.target_stop_requested(self.now, self.upper, None, action, None, call);
                Deed::Begun(Call(call.0))
            }
            Act::Remove => {
                let call = self.next_call();
                self.stack.target_remove_requested(self.now, self.upper, None, call);
                Deed::Begun(Call(call.0))
            }
            Act::Advance(ticks) => {
                self.now.monotonic += ticks;
                self.now.wall += i64::try_from(*ticks).unwrap_or(i64::MAX);
                self.stack.step(self.now);
                Deed::Advanced
            }
            Act::PeerWrites(handle, message) => {
                self.host.peer(self.handles[handle], PeerAct::Write(message.clone()));
                Deed::Written
            }
            Act::Control(layer, command) => {
                let reply = self.stack.driver_controlled(self.now, Level(*layer), command);
                Deed::Replied(reply.unwrap_or_else(|problem| problem.to_string()))
            }
        }
    }
}

fn offset(window: Option<Window>) -> Option<MemoryOffset> {
    window.map(|(buffer_offset, buffer_length)| MemoryOffset { buffer_offset, buffer_length })
}

fn input(data: Option<Bytes>) -> Option<InputMemory> {
    data.map(|data| InputMemory { data, window: None })
}

fn output(size: Option<u64>, window: Option<Window>) -> Option<OutputMemory> {
    size.map(|size| OutputMemory { window: offset(window), ..OutputMemory::empty(size) })
}

fn format_io(io: Io) -> FormatIo {
    match io {
        Io::Read { size, window, offset: device_offset } => {
            FormatIo::Read { output: output(size, window), device_offset }
        }
        Io::Write { data, window, offset: device_offset } => {
            FormatIo::Write { input: data.map(|data| InputMemory { data, window: offset(window) }), device_offset }
        }
        Io::DeviceControl { code, input: data, output: size } => FormatIo::DeviceControl {
            code: IoControlCode(code),
            input: input(data),
            output: size.map(OutputMemory::empty),
        },
        Io::InDirect { code, input: data, contents } => FormatIo::DeviceControl {
            code: IoControlCode(code),
            input: input(data),
            output: Some(OutputMemory { size: contents.len() as u64, window: None, contents }),
        },
        Io::InternalDeviceControl { code } => FormatIo::InternalDeviceControl { code: IoControlCode(code) },
        Io::FlushBuffers => FormatIo::FlushBuffers,
        Io::QueryInformation { class, size } => FormatIo::QueryInformation { class, output: output(size, None) },
        Io::SetInformation { class, data } => FormatIo::SetInformation { class, input: input(data) },
    }
}

impl Backend for InProcess {
    fn name(&self) -> &'static str {
        "framework"
    }

    fn replay(&self) -> String {
        format!("{}={}", crate::scenario::SCHEDULE_VARIABLE, self.choices.replay())
    }

    fn control(&mut self, layer: u8, command: &str) -> Result<String, String> {
        let reply = self.stack.driver_controlled(self.now, Level(layer), command);
        self.settle();
        reply.map_err(|problem| problem.to_string())
    }

    fn begin_create(&mut self, file: u64, name: Option<&str>) -> Call {
        let call = self.next_call();
        self.creates.insert(call, file);
        self.stack.create_requested(self.now, self.upper, file, u128::from(file), name, call);
        self.settle();
        Call(call.0)
    }

    fn begin_close(&mut self, file: u64) -> Call {
        let Deed::Begun(call) = self.apply(&Act::Close(file)) else { unreachable!("a close is begun") };
        self.settle();
        call
    }

    fn begin_target_change(&mut self, action: Option<SentIoAction>) -> Call {
        let call = self.next_call();
        match action {
            Some(_) => self.stack.target_stop_requested(self.now, self.upper, None, action, None, call),
            None => self.stack.target_start_requested(self.now, self.upper, None, call),
        }
        self.settle();
        Call(call.0)
    }

    fn begin_stop(&mut self, action: u32, inside: Option<u64>) -> Call {
        let (action, call) = (SentIoAction::from_number(action), self.next_call());
        let inside = inside.map(|request| self.request(request));
        self.stack.target_stop_requested(self.now, self.upper, None, action, inside, call);
        self.settle();
        Call(call.0)
    }

    fn has_target_file(&mut self) -> bool {
        self.stack.target_file(self.upper, None).is_some()
    }

    fn delete_target(&mut self) -> HResult {
        let call = self.next_call();
        self.stack.target_delete_requested(self.now, self.upper, None, call);
        self.settle();
        match self.returned.get(&Call(call.0)) {
            Some(Outcome::Status(status)) => *status,
            other => panic!("the deletion of the default target returned {other:?}"),
        }
    }

    fn handles(&mut self) -> &mut dyn Handles {
        self
    }

    fn begin_target_remove(&mut self) -> Call {
        let call = self.next_call();
        self.stack.target_remove_requested(self.now, self.upper, None, call);
        self.settle();
        Call(call.0)
    }

    fn outcome(&mut self, call: Call) -> Option<Outcome> {
        if let Some(request) = self.synchronous.get(&call) {
            return self.completed.get(request).map(|status| Outcome::Status(*status));
        }
        self.returned.get(&call).copied()
    }

    fn target_state(&mut self) -> u32 {
        self.stack.target_state(self.upper, None).number()
    }

    fn create_request(&mut self, request: u64, callback: bool) {
        let id = self.stack.request_created(self.upper, request, callback);
        self.requests.insert(request, id);
    }

    fn format(&mut self, request: u64, file: Option<u64>, io: Io) -> Result<HResult, String> {
        let format = Format { file: file.map(|file| self.file(file)), io: format_io(io) };
        Ok(self.stack.format_requested(self.upper, self.request(request), format))
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

    fn open_elsewhere(&mut self, file: u64) {
        let config = UpperConfig { tag: 2, callbacks: CallbackSet::EMPTY };
        let other = self.stack.upper_attached(self.now, config);
        self.settle();
        let call = self.next_call();
        self.creates.insert(call, file);
        self.stack.create_requested(self.now, other, file, u128::from(file), None, call);
        self.settle();
        assert_eq!(self.returned.get(&Call(call.0)), Some(&Outcome::Status(HResult::S_OK)));
    }

    fn forget_file(&mut self, file: u64) {
        self.files.remove(&file);
        self.settle();
    }

    fn delete_file(&mut self, file: u64) -> HResult {
        let status = self.stack.file_delete_requested(self.upper, self.file(file));
        self.settle();
        status
    }

    fn cancel_for_file(&mut self, file: u64) {
        self.stack.cancel_for_file_requested(self.now, self.upper, self.file(file));
        self.settle();
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

    fn trace(&mut self) -> Vec<RawMoment> {
        self.stack.trace_after(0, usize::MAX).into_iter().map(raw_moment).collect()
    }

    fn outstanding(&mut self) -> Vec<Outstanding> {
        let report = self.stack.outstanding(self.now);
        report.files.into_iter().map(outstanding_file).collect()
    }

    fn pending_callbacks(&mut self) -> Vec<String> {
        self.invoked.iter().map(|(_, kind)| kind.to_string()).collect()
    }

    fn return_from_callback(&mut self, status: HResult) {
        if let Some((callback, _)) = self.invoked.pop_front() {
            let upper = self.beside.unwrap_or(self.upper);
            self.stack.callback_returned(self.now, upper, callback, status);
            self.settle();
        }
    }

    fn advance(&mut self, ticks: u64) {
        self.now.monotonic += ticks;
        self.now.wall += i64::try_from(ticks).unwrap_or(i64::MAX);
        self.settle();
    }

    fn shift_wall_clock(&mut self, ticks: i64) -> i64 {
        self.now.wall += ticks;
        self.settle();
        self.now.wall
    }

    fn unplug(&mut self) {
        self.stack.removal_requested(self.now);
        self.settle();
    }

    fn begin_transition(&mut self, transition: Transition) {
        let begun = match transition {
            Transition::Power(power) => self.stack.power_requested(self.now, power),
            Transition::Rebalance => self.stack.rebalance_requested(self.now),
            Transition::SurpriseRemoval => {
                self.stack.surprise_removed(self.now);
                Ok(())
            }
        };
        begun.unwrap_or_else(|problem| panic!("{transition:?}: {problem}"));
        self.settle();
    }

    fn driver_stop(&mut self) -> Option<StopRecord> {
        self.stack.driver_stop().map(|stop| StopRecord {
            rule: stop.rule.id().to_owned(),
            layer: stop.level.to_string(),
            event_class: stop.event_class.to_owned(),
            problem: stop.problem.to_owned(),
            operation: stop.operation.to_owned(),
        })
    }

    fn next_life(&mut self) -> bool {
        if !matches!(self.decision, Some(RestartDecision::Restart(_))) || self.stack.is_kept_alive() {
            return false;
        }
        self.decision = None;
        (self.stack, self.upper, self.beside) = boot(&self.setting, self.now, &self.choices);
        self.invoked.clear();
        self.settle();
        true
    }

    fn lose_client(&mut self) {
        self.stack.upper_lost(self.now, self.upper);
        self.settle();
    }

    fn race(&mut self, one: Act, other: Act) -> (Deed, Deed) {
        self.choices.set_racing(true);
        let swapped = self.choices.choose(2) == 1;
        let (first, second) = if swapped { (&other, &one) } else { (&one, &other) };
        let first = self.apply(first);
        self.take_effects(); // its host may have got something to do
        // How far apart the acts are is chosen step by step, as long as there is a step to wait for.
        while !self.is_at_rest() && self.choices.choose(2) == 1 {
            self.go_on();
        }
        let second = self.apply(second);
        self.settle();
        self.choices.set_racing(false);
        if swapped { (second, first) } else { (first, second) }
    }

    fn abandon_call(&mut self, call: Call) {
        self.synchronous.remove(&call);
    }

    fn set_reading(&mut self, reading: bool) {
        self.reading = reading;
        self.settle();
    }

    fn close_in_completion(&mut self, request: u64, file: u64) {
        self.closes.insert(request, file);
    }
}

fn outstanding_file(file: lowerdeck_framework::report::OutstandingFile) -> Outstanding {
    let request = |request: lowerdeck_framework::report::OutstandingRequest| OutstandingRequest {
        label: request.label.to_string(),
        completed: request.completed,
        cancel_requested: request.cancel_requested,
        layers: request.layers.iter().map(|layer| layer.level.to_string()).collect(),
        kind: request.kind.map(|kind| kind.to_string()).unwrap_or_default(),
    };
    Outstanding {
        file: file.label.to_string(),
        creator: file.creator.to_string(),
        requests: file.requests.into_iter().map(request).collect(),
    }
}

/// The scenarios' name of a trace entry.
fn name_of(kind: TraceKind) -> String {
    match kind {
        TraceKind::Call(call) => call_name(call).to_owned(),
        TraceKind::CallReturned(call) => format!("{}.returned", call_name(call)),
        TraceKind::CleanupEnter => "Cleanup+".to_owned(),
        TraceKind::CleanupLeave => "Cleanup-".to_owned(),
        TraceKind::CloseEnter => "Close+".to_owned(),
        TraceKind::CloseLeave => "Close-".to_owned(),
        TraceKind::Io(_) => "Io".to_owned(),
        TraceKind::HostIo(_) => "HostIo".to_owned(),
        TraceKind::HostDone(_) => "HostDone".to_owned(),
        TraceKind::PnpEnter(callback) => format!("{callback}+"),
        TraceKind::PnpLeave(callback) => format!("{callback}-"),
        other => format!("{other:?}"),
    }
}

fn call_name(call: TracedCall) -> &'static str {
    match call {
        TracedCall::CreateWdfFile => "CreateWdfFile",
        TracedCall::Send => "Send",
        TracedCall::CancelSentRequest => "CancelSentRequest",
        TracedCall::CancelSentRequestsForFile => "CancelSentRequestsForFile",
        TracedCall::Close => "Close",
        TracedCall::Start => "Start",
        TracedCall::Stop => "Stop",
        TracedCall::Remove => "Remove",
        TracedCall::CreateFileHandleTarget => "CreateFileHandleTarget",
        TracedCall::DeleteTarget => "DeleteTarget",
    }
}

fn raw_moment(entry: TraceEntry) -> RawMoment {
    let kind = if let TraceKind::Io(kind) = entry.kind { kind.to_string() } else { String::new() };
    let completes =
        matches!(entry.kind, TraceKind::Done | TraceKind::HostDone(_) | TraceKind::OnCompletion | TraceKind::OnIoStop);
    RawMoment {
        layer: u32::from(entry.level.0),
        name: name_of(entry.kind),
        file: entry.file.map(|file| file.to_string()).unwrap_or_default(),
        request: entry.request.map(|request| request.to_string()).unwrap_or_default(),
        kind,
        status: entry.status,
        information: completes.then_some(entry.information),
        rule: entry.rule.map(|rule| rule.to_string()).unwrap_or_default(),
    }
}
