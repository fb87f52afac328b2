//! The callbacks of `scripted`: find the rule, perform its actions, else behave well.

use std::collections::VecDeque;
use std::sync::Arc;

use lowerdeck_framework::callback::Callback;
use lowerdeck_framework::context::DriverContext;
use lowerdeck_framework::driver::{CompletedRequest, DeviceConfig, DispatchType, Driver, DriverCallResult, Flow};
use lowerdeck_framework::ids::{CallId, CallbackId, FileId, QueueId, ReceivedId, RequestId, RequestLabel};
use lowerdeck_framework::io::{CompletionParams, IoKind};
use lowerdeck_framework::io_stop::StopFlags;
use lowerdeck_framework::received::OwnedRequest;
use lowerdeck_framework::status::HResult;

use super::action::Action;
use super::arguments::Completion;
use super::command::Command;
use super::config::ScriptedConfig;
use super::kept::{Kept, KeptRequests, KeptState, MAX_REMEMBERED_REQUESTS};
use super::objects::KnownObjects;
use super::own::{OwnCall, OwnObjects, OwnRequest};
use super::perform::{Notes, Outcome, Scene};
use super::rule::{Event, RuleBook, Trigger};
use super::targets::OwnTargets;
use super::waiting::PrivateLock;
use crate::transfer;

/// What a request ends with when no rule decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Response {
    /// A status, Information 0.
    Status(HResult),
    /// Success; the Information of a write is its length, a read delivers the pattern.
    Whole,
    /// It is kept.
    Hold,
}

/// What each kind of request ends with when no rule decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Responses {
    pub(crate) create: Response,
    pub(crate) read: Response,
    pub(crate) write: Response,
    /// Of what comes to `OnDefaultIoHandler` as well.
    pub(crate) ioctl: Response,
}

impl Responses {
    /// Those of a driver that works.
    pub(crate) const WORKING: Responses = Responses {
        create: Response::Status(HResult::S_OK),
        read: Response::Whole,
        write: Response::Whole,
        ioctl: Response::Status(HResult::S_OK),
    };

    const fn to(&self, trigger: Trigger) -> Response {
        match trigger {
            Trigger::Create => self.create,
            Trigger::Read => self.read,
            Trigger::Write => self.write,
            _ => self.ioctl,
        }
    }
}

/// See the module.
#[derive(Debug)]
pub(crate) struct ScriptedDriver {
    name: &'static str,
    device: DeviceConfig,
    responses: Responses,
    pub(super) rules: RuleBook,
    pub(super) kept: KeptRequests,
    pub(super) own: OwnObjects,
    pub(super) targets: OwnTargets,
    pub(super) objects: KnownObjects,
    /// Callbacks that have not returned, the oldest first.
    pub(super) blocked: Vec<(Trigger, CallbackId)>,
    pub(super) notes: Notes,
    pub(super) private: PrivateLock,
    /// Requests that `OnIoStop` has asked about, the latest last.
    pub(super) asked: VecDeque<ReceivedId>,
}

impl ScriptedDriver {
    /// A conformance driver set up by `config`.
    pub(crate) fn new(config: ScriptedConfig) -> ScriptedDriver {
        ScriptedDriver::named("scripted", config, Responses::WORKING)
    }

    /// The engine under another name and with other defaults.
    pub(crate) fn named(name: &'static str, config: ScriptedConfig, responses: Responses) -> ScriptedDriver {
        ScriptedDriver {
            name,
            device: config.device,
            responses,
            rules: config.rules,
            kept: KeptRequests::default(),
            own: OwnObjects::default(),
            targets: OwnTargets::default(),
            objects: KnownObjects::default(),
            blocked: Vec::new(),
            notes: Notes::default(),
            private: PrivateLock::default(),
            asked: VecDeque::new(),
        }
    }

    /// A request as the script knows it.
    pub(super) fn described(cx: &DriverContext<'_>, request: OwnedRequest) -> Kept {
        let parameters = cx.parameters(&request);
        let code = match parameters.kind {
            IoKind::QueryInformation | IoKind::SetInformation => parameters.information_class,
            _ => parameters.code.0,
        };
        let kind = parameters.kind;
        let (label, file) = (cx.label_of(request.id()), cx.file_of(&request));
        Kept::new(request, label, file, kind, code)
    }

    /// What the rules say about an event.
    pub(super) fn actions_for(
        &mut self,
        cx: &DriverContext<'_>,
        trigger: Trigger,
        file: Option<FileId>,
        code: u32,
        request: Option<RequestLabel>,
    ) -> Option<Arc<[Action]>> {
        if !self.rules.covers(trigger) {
            return None;
        }
        let name = file.map_or("", |file| cx.file_name(file));
        self.rules.decide(&Event { trigger, name, code, request })
    }

    /// Obeys the rule for a request; gives the request back when nothing was decided about it.
    fn obey(&mut self, cx: &mut DriverContext<'_>, trigger: Trigger, kept: Kept) -> (Outcome, Option<Kept>) {
        let Some(actions) = self.actions_for(cx, trigger, kept.file, kept.code, kept.label) else {
            return (Outcome::default(), Some(kept));
        };
        let request = kept.request.id();
        let scene = Scene { trigger, request: Some(request), file: kept.file };
        self.kept.insert(kept);
        let outcome = self.perform(cx, &actions, scene);
        let undecided = if outcome.decided { None } else { self.kept.remove(request) };
        (outcome, undecided)
    }

    /// Obeys the rule for an event without a request.
    pub(super) fn obey_without_request(
        &mut self,
        cx: &mut DriverContext<'_>,
        trigger: Trigger,
        file: Option<FileId>,
        label: Option<RequestLabel>,
    ) -> Outcome {
        match self.actions_for(cx, trigger, file, 0, label) {
            Some(actions) => self.perform(cx, &actions, Scene { trigger, request: None, file }),
            None => Outcome::default(),
        }
    }

    /// A request has been delivered to the handler of its type; `length` is that of the handler.
    fn delivered(&mut self, cx: &mut DriverContext<'_>, request: OwnedRequest, length: u64) -> Flow {
        let trigger = Trigger::of(cx.parameters(&request).kind);
        self.delivered_to(cx, trigger, request, length)
    }

    fn delivered_to(
        &mut self,
        cx: &mut DriverContext<'_>,
        trigger: Trigger,
        request: OwnedRequest,
        length: u64,
    ) -> Flow {
        let kept = Self::described(cx, request);
        let (outcome, undecided) = self.obey(cx, trigger, kept);
        if let Some(kept) = undecided {
            self.respond(cx, kept, trigger, length);
        }
        self.flow(cx, trigger, outcome)
    }

    /// Does what is done without a rule.
    fn respond(&mut self, cx: &mut DriverContext<'_>, kept: Kept, trigger: Trigger, length: u64) {
        let completion = match (self.responses.to(trigger), trigger) {
            (Response::Hold, _) => return self.kept.insert(kept),
            (Response::Status(status), _) => Completion::of(status),
            (Response::Whole, Trigger::Read) => match transfer::pattern(length) {
                Ok(data) => Completion { data, ..Completion::of(HResult::S_OK) },
                Err(status) => Completion::of(status),
            },
            (Response::Whole, _) => Completion { information: Some(length), ..Completion::of(HResult::S_OK) },
        };
        self.finish(cx, kept, &completion);
    }

    /// How the callback ends.
    pub(super) fn flow(&mut self, cx: &mut DriverContext<'_>, trigger: Trigger, outcome: Outcome) -> Flow {
        if outcome.waits {
            return Flow::Blocked(cx.block());
        }
        if !outcome.blocked {
            return Flow::Returned;
        }
        let callback = cx.block();
        self.blocked.push((trigger, callback));
        Flow::Blocked(callback)
    }

    /// A request of its own was completed; it is deleted unless a rule holds it.
    pub(super) fn own_completed(
        &mut self,
        cx: &mut DriverContext<'_>,
        trigger: Trigger,
        request: RequestId,
        params: &CompletionParams,
    ) -> Outcome {
        let own = self.own.requests.remove(&request);
        if let Some(kept) = own.and_then(|own| own.then).and_then(|then| self.kept.remove(then)) {
            self.kept.remember(kept.label, kept.request.id());
            cx.complete_as(kept.request, params);
        }
        let label = own.map(|own| RequestLabel { creator: cx.level(), number: own.number });
        let outcome = self.obey_without_request(cx, trigger, None, label);
        match own {
            Some(own) if outcome.decided => {
                self.own.requests.insert(request, OwnRequest { then: None, ..own });
            }
            _ => {
                cx.delete_request(request);
            }
        }
        outcome
    }

    /// A request it had received and sent on is its own again; without a rule it ends with the lower result.
    pub(super) fn regained(
        &mut self,
        cx: &mut DriverContext<'_>,
        trigger: Trigger,
        request: OwnedRequest,
        params: &CompletionParams,
    ) -> Outcome {
        let kept = Self::described(cx, request);
        let (outcome, undecided) = self.obey(cx, trigger, kept);
        if let Some(kept) = undecided {
            self.kept.remember(kept.label, kept.request.id());
            cx.complete_as(kept.request, params);
        }
        outcome
    }
}

impl ScriptedDriver {
    /// How one of its queues delivers.
    pub(super) fn dispatch_of(&self, queue: QueueId) -> Option<DispatchType> {
        self.device.queues.get(usize::from(queue.0)).map(|queue| queue.dispatch)
    }
}

impl Driver for ScriptedDriver {
    fn name(&self) -> &str {
        self.name
    }

    fn configure(&self) -> DeviceConfig {
        self.device.clone()
    }

    fn on_create_file(
        &mut self,
        cx: &mut DriverContext<'_>,
        _queue: QueueId,
        request: OwnedRequest,
        file: FileId,
    ) -> Flow {
        self.own.session_began(file);
        self.delivered(cx, request, 0)
    }

    fn on_read(&mut self, cx: &mut DriverContext<'_>, _queue: QueueId, request: OwnedRequest, length: u64) -> Flow {
        self.delivered(cx, request, length)
    }

    fn on_write(&mut self, cx: &mut DriverContext<'_>, _queue: QueueId, request: OwnedRequest, length: u64) -> Flow {
        self.delivered(cx, request, length)
    }

    fn on_device_io_control(&mut self, cx: &mut DriverContext<'_>, _queue: QueueId, request: OwnedRequest) -> Flow {
        self.delivered(cx, request, 0)
    }

    fn on_default_io_handler(&mut self, cx: &mut DriverContext<'_>, _queue: QueueId, request: OwnedRequest) -> Flow {
        self.delivered_to(cx, Trigger::Default, request, 0)
    }

    fn on_io_stop(
        &mut self,
        cx: &mut DriverContext<'_>,
        _queue: QueueId,
        request: ReceivedId,
        flags: StopFlags,
    ) -> Flow {
        if self.asked.len() == MAX_REMEMBERED_REQUESTS {
            self.asked.pop_front();
        }
        self.asked.push_back(request);
        self.stopped(cx, Trigger::IoStop, request, Some(flags))
    }

    fn on_io_resume(&mut self, cx: &mut DriverContext<'_>, _queue: QueueId, request: ReceivedId) -> Flow {
        self.stopped(cx, Trigger::IoResume, request, None)
    }

    fn on_cancel(&mut self, cx: &mut DriverContext<'_>, request: ReceivedId) -> Flow {
        let Some(mut kept) = self.kept.remove(request) else { return Flow::Returned };
        kept.state = KeptState::Cancelled;
        let (outcome, undecided) = self.obey(cx, Trigger::Cancel, kept);
        if let Some(kept) = undecided {
            self.finish(cx, kept, &Completion::of(HResult::ERROR_OPERATION_ABORTED));
        }
        self.flow(cx, Trigger::Cancel, outcome)
    }

    fn on_completion(
        &mut self,
        cx: &mut DriverContext<'_>,
        request: CompletedRequest,
        params: &CompletionParams,
    ) -> Flow {
        let outcome = match request {
            CompletedRequest::Received(request) => self.regained(cx, Trigger::Completion, request, params),
            CompletedRequest::Created(request) => self.own_completed(cx, Trigger::Completion, request, params),
        };
        self.flow(cx, Trigger::Completion, outcome)
    }

    fn on_send_returned(
        &mut self,
        cx: &mut DriverContext<'_>,
        request: Option<CompletedRequest>,
        params: &CompletionParams,
    ) -> Result<Flow, HResult> {
        self.send_returned(cx, request, params)
    }

    fn on_lock_acquired(&mut self, _: &mut DriverContext<'_>) {
        self.notes.add("lock acquired");
    }

    fn on_cleanup_file(&mut self, cx: &mut DriverContext<'_>, file: FileId) -> Flow {
        let outcome = self.obey_without_request(cx, Trigger::Cleanup, Some(file), None);
        self.flow(cx, Trigger::Cleanup, outcome)
    }

    fn on_close_file(&mut self, cx: &mut DriverContext<'_>, file: FileId) -> Flow {
        let outcome = self.obey_without_request(cx, Trigger::Close, Some(file), None);
        self.own.session_ended(file);
        self.flow(cx, Trigger::Close, outcome)
    }

    fn on_pnp(&mut self, cx: &mut DriverContext<'_>, callback: Callback) -> Result<Flow, HResult> {
        let trigger = Trigger::Pnp(callback);
        let outcome = self.obey_without_request(cx, trigger, None, None);
        match outcome.failure {
            Some(status) => Err(status),
            None => Ok(self.flow(cx, trigger, outcome)),
        }
    }

    fn on_call_returned(&mut self, cx: &mut DriverContext<'_>, call: CallId, result: DriverCallResult) {
        match self.own.calls.remove(&call) {
            Some(OwnCall::Create { name, then }) => {
                let status = match result {
                    DriverCallResult::WdfFileCreated(Ok(file)) => {
                        self.own.files.push((name, file));
                        HResult::S_OK
                    }
                    DriverCallResult::WdfFileCreated(Err(status)) => {
                        self.notes.add(format!("create-file {name}: {status}"));
                        status
                    }
                    DriverCallResult::Closed | DriverCallResult::TargetChanged(_) => {
                        HResult::STATUS_INVALID_DEVICE_STATE
                    }
                };
                if let Some(kept) = then.and_then(|then| self.kept.remove(then)) {
                    self.finish(cx, kept, &Completion::of(status));
                }
            }
            Some(OwnCall::Target { word, name }) => {
                if let DriverCallResult::TargetChanged(status) = result {
                    self.target_call_returned(word, &name, status);
                }
            }
            Some(OwnCall::Close(file)) => self.own.files.retain(|(_, open)| *open != file),
            None => {}
        }
    }

    fn on_control(&mut self, cx: &mut DriverContext<'_>, command: &str) -> Result<String, String> {
        let command = Command::read(command).map_err(|error| error.to_string())?;
        self.control(cx, command)
    }
}
