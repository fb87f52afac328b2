//! The conformance driver: what it has, and its callbacks, whose answer is the affair of `response.rs`.

use std::collections::VecDeque;

use lowerdeck_framework::callback::Callback;
use lowerdeck_framework::context::DriverContext;
use lowerdeck_framework::driver::{CompletedRequest, DeviceConfig, DispatchType, Driver, DriverCallResult, Flow};
use lowerdeck_framework::ids::{CallId, CallbackId, FileId, QueueId, ReceivedId};
use lowerdeck_framework::io::CompletionParams;
use lowerdeck_framework::io_stop::StopFlags;
use lowerdeck_framework::received::OwnedRequest;
use lowerdeck_framework::status::HResult;

use super::arguments::Completion;
use super::command::Command;
use super::config::ScriptedConfig;
use super::kept::{KeptRequests, KeptState, MAX_REMEMBERED_REQUESTS};
use super::notes::Notes;
use super::objects::KnownObjects;
use super::own::OwnObjects;
use super::response::Responses;
use super::rule::{RuleBook, Trigger};
use super::targets::OwnTargets;
use super::waiting::PrivateLock;

/// See the module.
#[derive(Debug)]
pub(crate) struct ScriptedDriver {
    name: &'static str,
    device: DeviceConfig,
    pub(super) responses: Responses,
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
        self.own_call_returned(cx, call, result);
    }

    fn on_control(&mut self, cx: &mut DriverContext<'_>, command: &str) -> Result<String, String> {
        let command = Command::read(command).map_err(|error| error.to_string())?;
        self.control(cx, command)
    }
}
