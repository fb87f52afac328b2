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

use crate::backend::{Act, Backend, Call, Completion, Deed, Outcome, Requests, Setting};

mod calls;
mod events;
mod files;
mod lab;
mod messages;
mod requests;
mod session;
mod target;

use self::calls::Pending;
pub use self::session::{Channelled, Clients, Server, open};

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

    fn file(&self, number: u64) -> String {
        self.clients.file(number)
    }
}

impl Backend for Wire {
    fn name(&self) -> &'static str {
        "wire"
    }

    fn replay(&self) -> String {
        "the same test on the framework back end, which is deterministic".to_owned()
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
}
