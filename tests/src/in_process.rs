//! The framework back end: the stack in this process, under a chosen scheduler, on a clock of the script's own.

use std::collections::{HashMap, VecDeque};

use lowerdeck_framework::callback::Callback;
use lowerdeck_framework::clock::Now;
use lowerdeck_framework::handle::HandleId;
use lowerdeck_framework::ids::{CallId, CallbackId, DeviceId, FileId, RequestId, TargetId};
use lowerdeck_framework::restart::{RestartDecision, RestartPolicy};
use lowerdeck_framework::stack::Stack;
use lowerdeck_framework::status::HResult;

use crate::backend::{Act, Backend, Call, Completion, Deed, Outcome, Setting};
use crate::explore::Choices;
use crate::handles::Handles;
use crate::handles::host::ScriptedHost;

mod acts;
mod boot;
mod effects;
mod files;
mod formats;
mod handles;
mod lab;
mod moments;
mod requests;
mod target;

use self::boot::boot;

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

    fn next_call(&mut self) -> CallId {
        self.calls += 1;
        CallId(self.calls)
    }

    /// Brings a call to the stack that returns later.
    fn ask(&mut self, call: impl FnOnce(&mut Stack, Now, DeviceId, CallId)) -> Call {
        let id = self.next_call();
        call(&mut self.stack, self.now, self.upper, id);
        Call(id.0)
    }

    /// As [`InProcess::ask`], and lets the stack run.
    fn begin(&mut self, call: impl FnOnce(&mut Stack, Now, DeviceId, CallId)) -> Call {
        let call = self.ask(call);
        self.settle();
        call
    }

    /// A file that never opened is a stale id: UMDF never handed it out.
    fn file(&self, number: u64) -> FileId {
        self.files.get(&number).copied().unwrap_or_default()
    }

    fn request(&self, number: u64) -> RequestId {
        self.requests.get(&number).copied().unwrap_or_default()
    }
}

impl Backend for InProcess {
    fn name(&self) -> &'static str {
        "framework"
    }

    fn replay(&self) -> String {
        format!("{}={}", crate::scenario::SCHEDULE_VARIABLE, self.choices.replay())
    }

    fn handles(&mut self) -> &mut dyn Handles {
        self
    }

    fn outcome(&mut self, call: Call) -> Option<Outcome> {
        if let Some(request) = self.synchronous.get(&call) {
            return self.completed.get(request).map(|status| Outcome::Status(*status));
        }
        self.returned.get(&call).copied()
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

    fn race(&mut self, one: Act, other: Act) -> (Deed, Deed) {
        self.choices.set_racing(true);
        let swapped = self.choices.choose(2) == 1;
        let (first, second) = if swapped { (&other, &one) } else { (&one, &other) };
        let first = self.apply(first);
        self.take_effects(); // its host may have got something to do
        // How far apart the acts are is chosen step by step, as long as there is a step to wait for.
        while !self.is_at_rest() && self.choices.waits() {
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
}
