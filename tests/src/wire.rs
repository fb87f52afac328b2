//! The wire back end: a server of its own, and a client that speaks nothing but the published contract.
//!
//! Nothing here waits for time to pass. A blocking call is known to be processed when the trace shows it, and known
//! to block when the trace does not show its return: the server runs a stack until nothing is ready before it
//! answers anybody.

use std::collections::{HashMap, VecDeque};
use std::future::Future;
use std::sync::Arc;

use lowerdeck_framework::status::HResult;
use lowerdeck_proto::v1;
use tokio::task::JoinHandle;
use tonic::Status;

use crate::backend::{
    Act, Backend, Call, CancelAnswer, Completion, Deed, Io, Outcome, Outstanding, RawMoment, SentIoAction, Setting,
    StopRecord, Transition, View,
};

mod messages;
mod session;

pub use session::{Channelled, Clients, Server, open};

/// A blocking call under way on the wire.
struct Pending {
    /// The UMDF method, as the trace names it.
    method: &'static str,
    /// For a create: its number, with which its outcome can be asked for again.
    create: Option<(u64, Option<String>)>,
    /// For a synchronous send: its request.
    request: Option<u64>,
    task: JoinHandle<Result<Outcome, Status>>,
}

/// See the module.
pub struct Wire {
    server: Arc<Server>,
    clients: Clients,
    /// Sessions of other upper drivers on the same stack.
    others: Vec<Clients>,
    stack: String,
    setting: Setting,
    /// How often the stack was started.
    life: u32,
    calls: u64,
    pending: HashMap<Call, Pending>,
    finished: HashMap<Call, (&'static str, Outcome)>,
    /// None when the stack did not start, so that there is no session.
    events: Option<tonic::Streaming<v1::StreamEventsResponse>>,
    seen: u64,
    completions: Vec<Completion>,
    /// Whether the client reads its events.
    reading: bool,
    /// Files that are closed on the event of a request's completion.
    closes: HashMap<u64, u64>,
    invoked: VecDeque<(u64, String)>,
    unplugging: Option<JoinHandle<Result<(), Status>>>,
}

impl Wire {
    /// A server, a stack of `setting` on it, and a session on that stack.
    pub fn new(setting: &Setting) -> Wire {
        Wire::on(Arc::new(Server::start()), setting)
    }

    /// Another session on another instance of the stack, same server.
    pub fn another_session(&mut self, setting: &Setting) -> Wire {
        Wire::on(self.server.clone(), setting)
    }

    fn on(server: Arc<Server>, setting: &Setting) -> Wire {
        assert!(!setting.application, "nobody opens a stack as an application over the wire");
        assert!(!setting.file_handles, "there are no handles over the wire");
        let (clients, stack, events) = match server.run(session::try_open(&server, setting)) {
            Ok((clients, stack, events)) => (clients, stack, Some(events)),
            Err((clients, stack)) => (clients, stack, None),
        };
        Wire {
            server,
            clients,
            others: Vec::new(),
            stack,
            setting: setting.clone(),
            life: 1,
            calls: 0,
            pending: HashMap::new(),
            finished: HashMap::new(),
            events,
            seen: 0,
            completions: Vec::new(),
            reading: true,
            closes: HashMap::new(),
            invoked: VecDeque::new(),
            unplugging: None,
        }
    }

    fn run<T>(&self, future: impl Future<Output = Result<tonic::Response<T>, Status>>) -> T {
        self.server.run(future).unwrap_or_else(|status| panic!("{status:?}")).into_inner()
    }

    /// Begins a blocking RPC and returns when the server has taken it in.
    fn begin(
        &mut self,
        method: &'static str,
        create: Option<(u64, Option<String>)>,
        request: Option<u64>,
        rpc: impl Future<Output = Result<Outcome, Status>> + Send + 'static,
    ) -> Call {
        let before = self.noted(method);
        let task = self.server.spawn(rpc);
        self.calls += 1;
        let call = Call(self.calls);
        while !task.is_finished() && self.noted(method) == before {}
        self.pending.insert(call, Pending { method, create, request, task });
        call
    }

    /// How often the trace shows L0 calling `method`.
    fn noted(&mut self, method: &str) -> usize {
        self.trace().iter().filter(|moment| moment.layer == 0 && moment.name == method).count()
    }

    /// Waits for those of the pending calls of `method` that the trace shows to have returned.
    fn collect(&mut self, method: &'static str) {
        let returned = self.noted(&format!("{method}.returned"));
        loop {
            let done: Vec<Call> =
                self.pending.iter().filter(|(_, call)| call.task.is_finished()).map(|(call, _)| *call).collect();
            for call in done {
                let Some(pending) = self.pending.remove(&call) else { continue };
                let outcome = self.finish(&pending.create, pending.task);
                self.finished.insert(call, (pending.method, outcome));
            }
            let finished = self.finished.values().filter(|(name, _)| *name == method).count();
            let waiting = self.pending.values().any(|call| call.method == method);
            if finished >= returned || !waiting {
                return;
            }
            self.noted(method); // a round trip, so that the runtime can make progress
        }
    }

    /// The result of a finished RPC; one that its client gave up is asked for again (MAP-5).
    fn finish(&mut self, create: &Option<(u64, Option<String>)>, task: JoinHandle<Result<Outcome, Status>>) -> Outcome {
        match self.server.run(task) {
            Ok(result) => result.unwrap_or_else(|status| panic!("{status:?}")),
            Err(cancelled) if cancelled.is_cancelled() => {
                let (number, name) = create.clone().expect("only creates are given up");
                let rpc = session::create(self.clients.clone(), number, name);
                self.server.run(rpc).unwrap_or_else(|status| panic!("{status:?}"))
            }
            Err(panicked) => panic!("{panicked}"),
        }
    }

    fn file(&self, number: u64) -> String {
        self.clients.file(number)
    }

    /// Takes in every event up to the session's last one.
    fn drain_events(&mut self) {
        if self.events.is_none() {
            return;
        }
        let session = self.run(self.clients.session.clone().get_session(v1::GetSessionRequest {}));
        let last = session.session.map_or(0, |session| session.last_event_sequence);
        while self.reading && self.seen < last {
            let Some(events) = &mut self.events else { return };
            let batch = self.server.run(events.message()).unwrap_or_else(|status| panic!("{status:?}"));
            for event in batch.unwrap_or_else(|| panic!("the event stream ended at {}", self.seen)).events {
                assert_eq!(event.sequence, self.seen + 1, "event numbers have no gaps");
                self.seen = event.sequence;
                self.take(event);
            }
        }
    }

    fn take(&mut self, event: v1::Event) {
        match event.body {
            Some(v1::event::Body::RequestCompleted(done)) => {
                if let Some(file) = self.closes.remove(&done.request_id) {
                    self.begin_close(file);
                }
                self.completions.push(Completion {
                    request: done.request_id,
                    status: HResult(done.hresult),
                    information: done.information,
                    echo: messages::echo(&done),
                    data: done.data,
                });
            }
            Some(v1::event::Body::CallbackInvoked(invoked)) => {
                self.invoked.push_back((invoked.callback_id, messages::callback_name(invoked.callback())));
            }
            _ => {}
        }
    }
}

impl Backend for Wire {
    fn name(&self) -> &'static str {
        "wire"
    }

    fn replay(&self) -> String {
        "the same test on the framework back end, which is deterministic".to_owned()
    }

    fn control(&mut self, layer: u8, command: &str) -> Result<String, String> {
        let request = v1::ControlDriverRequest {
            stack: self.stack.clone(),
            layer: u32::from(layer),
            command: command.to_owned(),
        };
        let reply = self.server.run(self.clients.lab.clone().control_driver(request));
        reply.map(|reply| reply.into_inner().reply).map_err(|status| status.message().to_owned())
    }

    fn begin_create(&mut self, file: u64, name: Option<&str>) -> Call {
        let name = name.map(str::to_owned);
        let rpc = session::create(self.clients.clone(), file, name.clone());
        self.begin("CreateWdfFile", Some((file, name)), None, rpc)
    }

    fn begin_close(&mut self, file: u64) -> Call {
        let (mut device, file_id) = (self.clients.device.clone(), self.file(file));
        self.begin("Close", None, None, async move {
            device.close(v1::CloseRequest { file_id }).await.map(|_| Outcome::Void)
        })
    }

    fn begin_target_change(&mut self, action: Option<SentIoAction>) -> Call {
        let mut device = self.clients.device.clone();
        let target_id = String::new();
        match action {
            None => self.begin("Start", None, None, async move {
                let reply = device.start_target(v1::StartTargetRequest { target_id }).await?;
                Ok(Outcome::Status(HResult(reply.into_inner().hresult)))
            }),
            Some(action) => self.begin("Stop", None, None, async move {
                let action = messages::sent_io_action(action).into();
                let reply =
                    device.stop_target(v1::StopTargetRequest { target_id, action, ..Default::default() }).await?;
                Ok(Outcome::Status(HResult(reply.into_inner().hresult)))
            }),
        }
    }

    fn begin_stop(&mut self, action: u32, inside: Option<u64>) -> Call {
        let mut device = self.clients.device.clone();
        let action = i32::try_from(action).expect("the script gives a number that the wire can carry");
        let (target_id, inside_completion_of) = (String::new(), inside.unwrap_or(0));
        self.begin("Stop", None, None, async move {
            let reply = device.stop_target(v1::StopTargetRequest { target_id, action, inside_completion_of }).await?;
            Ok(Outcome::Status(HResult(reply.into_inner().hresult)))
        })
    }

    fn has_target_file(&mut self) -> bool {
        let target = v1::GetTargetRequest { target_id: String::new() };
        self.run(self.clients.device.clone().get_target(target)).has_target_file
    }

    fn delete_target(&mut self) -> HResult {
        let request = v1::DeleteTargetRequest { target_id: String::new() };
        HResult(self.run(self.clients.device.clone().delete_target(request)).hresult)
    }

    fn begin_target_remove(&mut self) -> Call {
        let mut device = self.clients.device.clone();
        self.begin("Remove", None, None, async move {
            let request = v1::RemoveTargetRequest { target_id: String::new(), surprise: false };
            Ok(Outcome::Status(HResult(device.remove_target(request).await?.into_inner().hresult)))
        })
    }

    fn outcome(&mut self, call: Call) -> Option<Outcome> {
        if let Some((_, outcome)) = self.finished.get(&call) {
            return Some(*outcome);
        }
        let pending = &self.pending[&call];
        let (method, request) = (pending.method, pending.request);
        match request {
            None => self.collect(method),
            Some(request) if self.view(request).is_some_and(|view| view.state == "Completed") => {
                let pending = self.pending.remove(&call)?;
                let outcome = self.finish(&None, pending.task);
                self.finished.insert(call, (method, outcome));
            }
            Some(_) => {}
        }
        self.finished.get(&call).map(|(_, outcome)| *outcome)
    }

    fn target_state(&mut self) -> u32 {
        let request = v1::GetTargetRequest { target_id: String::new() };
        let reply = self.run(self.clients.device.clone().get_target(request));
        messages::target_state_number(reply.state())
    }

    fn create_request(&mut self, request: u64, callback: bool) {
        let message = v1::CreateRequestRequest { request_id: request, no_completion_callback: !callback };
        let reply = self.run(self.clients.device.clone().create_request(message));
        assert_eq!(HResult(reply.hresult), HResult::S_OK);
    }

    fn format(&mut self, request: u64, file: Option<u64>, io: Io) -> Result<HResult, String> {
        let file_id = file.map(|file| self.file(file)).unwrap_or_default();
        let format = v1::Format { file_id, target_id: String::new(), io: Some(messages::format_io(io)) };
        let message = v1::FormatRequestRequest { request_id: request, format: Some(format) };
        let mut device = self.clients.device.clone();
        let formatted = self.server.run(device.format_request(message));
        let formatted = formatted.map_err(|status| format!("{:?}: {}", status.code(), status.message()))?;
        Ok(HResult(formatted.into_inner().hresult))
    }

    fn send(&mut self, request: u64, flags: u32, timeout: i64) -> HResult {
        let message = messages::send(request, flags, timeout);
        HResult(self.run(self.clients.device.clone().send_request(message)).hresult)
    }

    fn begin_send(&mut self, request: u64, flags: u32, timeout: i64) -> Call {
        let mut device = self.clients.device.clone();
        let message = messages::send(request, flags, timeout);
        self.begin("Send", None, Some(request), async move {
            let reply = device.send_request(message).await?.into_inner();
            Ok(Outcome::Status(HResult(reply.completion.map_or(reply.hresult, |done| done.hresult))))
        })
    }

    fn cancel(&mut self, request: u64) -> CancelAnswer {
        let reply = self.run(self.clients.device.clone().cancel(v1::CancelRequest { request_id: request }));
        let answer = messages::cancel_answer(reply.answer());
        assert_eq!(reply.cancelled, answer.is_true(), "the BOOL and the answer agree (REQ-27)");
        answer
    }

    fn open_elsewhere(&mut self, file: u64) {
        let other = self.server.run(session::another(&self.server, &self.stack));
        let created = self.server.run(session::create(other.clone(), file, None));
        assert_eq!(created.unwrap_or_else(|status| panic!("{status:?}")), Outcome::Status(HResult::S_OK));
        self.clients.remember(file, other.file(file));
        self.others.push(other);
    }

    fn forget_file(&mut self, file: u64) {
        self.clients.forget(file);
    }

    fn delete_file(&mut self, file: u64) -> HResult {
        let message = v1::DeleteFileRequest { file_id: self.file(file) };
        HResult(self.run(self.clients.device.clone().delete_file(message)).hresult)
    }

    fn cancel_for_file(&mut self, file: u64) {
        let message = v1::CancelSentRequestsForFileRequest { file_id: self.file(file), target_id: String::new() };
        self.run(self.clients.device.clone().cancel_sent_requests_for_file(message));
    }

    fn reuse(&mut self, request: u64, status: HResult, callback: bool) {
        let no_completion_callback = !callback;
        let message = v1::ReuseRequestRequest { request_id: request, hresult: status.0, no_completion_callback };
        self.run(self.clients.device.clone().reuse_request(message));
    }

    fn delete(&mut self, request: u64) -> HResult {
        let message = v1::DeleteRequestRequest { request_id: request };
        HResult(self.run(self.clients.device.clone().delete_request(message)).hresult)
    }

    fn view(&mut self, request: u64) -> Option<View> {
        let reply =
            self.server.run(self.clients.device.clone().get_request(v1::GetRequestRequest { request_id: request }));
        let reply = reply.ok()?.into_inner();
        let kind = messages::kind_name(reply.io_kind()).to_owned();
        let (state, status) = (messages::request_state_name(reply.state()), HResult(reply.hresult));
        let data = reply.completion.map(|completion| completion.data).unwrap_or_default();
        Some(View { state, status, kind, data })
    }

    fn take_completions(&mut self) -> Vec<Completion> {
        self.drain_events();
        std::mem::take(&mut self.completions)
    }

    fn trace(&mut self) -> Vec<RawMoment> {
        let (mut entries, mut after_sequence) = (Vec::new(), 0);
        loop {
            let request = v1::ReadTraceRequest { stack: self.stack.clone(), after_sequence, limit: 0 };
            let page = self.run(self.clients.lab.clone().read_trace(request));
            if page.entries.is_empty() {
                return entries;
            }
            after_sequence = page.next_after_sequence;
            entries.extend(page.entries.into_iter().map(messages::raw_moment));
        }
    }

    fn outstanding(&mut self) -> Vec<Outstanding> {
        let request = v1::GetOutstandingFilesRequest { stack: self.stack.clone() };
        let reply = self.run(self.clients.lab.clone().get_outstanding_files(request));
        reply.report.map(|report| report.files.into_iter().map(messages::outstanding).collect()).unwrap_or_default()
    }

    fn pending_callbacks(&mut self) -> Vec<String> {
        self.drain_events();
        self.invoked.iter().map(|(_, name)| name.clone()).collect()
    }

    fn return_from_callback(&mut self, status: HResult) {
        self.drain_events();
        if let Some((callback_id, _)) = self.invoked.pop_front() {
            let message = v1::ReturnFromCallbackRequest { callback_id, hresult: status.0 };
            self.run(self.clients.device.clone().return_from_callback(message));
        }
    }

    fn advance(&mut self, ticks: u64) {
        let request = v1::AdvanceClockRequest { stack: self.stack.clone(), ticks, wall_clock_shift_ticks: 0 };
        self.run(self.clients.lab.clone().advance_clock(request));
    }

    fn shift_wall_clock(&mut self, ticks: i64) -> i64 {
        let stack = self.stack.clone();
        let request = v1::AdvanceClockRequest { stack, ticks: 0, wall_clock_shift_ticks: ticks };
        self.run(self.clients.lab.clone().advance_clock(request)).wall_clock_ticks
    }

    fn unplug(&mut self) {
        let (mut lab, stack) = (self.clients.lab.clone(), self.stack.clone());
        let request = v1::UnplugStackRequest { name: stack.clone() };
        let task = self.server.spawn(async move { lab.unplug_stack(request).await.map(|_| ()) });
        // Begun when the stack is no longer started.
        loop {
            let mut lab = self.clients.lab.clone();
            let describe = lab.describe_stack(v1::DescribeStackRequest { stack: stack.clone() });
            let begun = |reply: v1::DescribeStackResponse| !messages::is_started(&reply);
            if task.is_finished() || self.server.run(describe).map_or(true, |reply| begun(reply.into_inner())) {
                break;
            }
        }
        self.unplugging = Some(task);
    }

    fn begin_transition(&mut self, transition: Transition) {
        let before = self.trace().len();
        let rpc = session::transition(self.clients.clone(), self.stack.clone(), transition);
        let task = self.server.spawn(rpc);
        // Begun when it has called the first callback, or ended without any.
        while !task.is_finished() && self.trace().len() == before {}
        self.unplugging = Some(task);
    }

    fn driver_stop(&mut self) -> Option<StopRecord> {
        // What has taken the place of a stack that was stopped knows nothing of that; its former life does.
        let former = format!("{}@{}", self.stack, self.life);
        let request = v1::ListFindingsRequest { stack: former, ..Default::default() };
        let ended = self.server.run(self.clients.lab.clone().list_findings(request)).is_ok();
        let stack = if ended { format!("{}@{}", self.stack, self.life) } else { self.stack.clone() };
        let request = v1::ListFindingsRequest { stack, ..Default::default() };
        let stop = self.run(self.clients.lab.clone().list_findings(request)).driver_stop?;
        let (rule, layer) = (stop.rule, stop.layer);
        let (event_class, problem, operation) = (stop.event_class, stop.problem, stop.operation);
        Some(StopRecord { rule, layer, event_class, problem, operation })
    }

    fn next_life(&mut self) -> bool {
        let opened = self.server.run(session::reopen(&self.server, &self.setting, &self.stack));
        let refused = |status: &Status| status.code() == tonic::Code::FailedPrecondition;
        match opened {
            Ok((clients, stack, events)) => {
                (self.clients, self.stack, self.events, self.seen) = (clients, stack, Some(events), 0);
                self.life += 1;
                // The new trace knows nothing of the old calls.
                self.pending.clear();
                self.finished.clear();
                self.invoked.clear();
                true
            }
            Err(status) => {
                assert!(refused(&status), "{status:?}");
                false
            }
        }
    }

    fn lose_client(&mut self) {
        // A dead client waits for nothing: a call that still waited would keep its session alive.
        for (_, pending) in self.pending.drain() {
            pending.task.abort();
        }
        self.server.run(session::lose(&self.clients, &self.stack));
    }

    fn race(&mut self, one: Act, other: Act) -> (Deed, Deed) {
        let act = |act| session::act(self.clients.clone(), self.stack.clone(), act);
        let tasks = [self.server.spawn(act(one)), self.server.spawn(act(other))];
        let deeds = tasks.map(|task| match self.server.run(task) {
            Ok(deed) => deed.unwrap_or_else(|status| panic!("{status:?}")),
            Err(panicked) => panic!("{panicked}"),
        });
        let [first, second] = deeds;
        (first, second)
    }

    fn abandon_call(&mut self, call: Call) {
        let Some(pending) = self.pending.get(&call) else { return };
        pending.task.abort();
        if pending.create.is_none() {
            self.pending.remove(&call); // only a create is asked for again
        }
    }

    fn set_reading(&mut self, reading: bool) {
        self.reading = reading;
    }

    fn close_in_completion(&mut self, request: u64, file: u64) {
        self.closes.insert(request, file);
    }
}
