//! The wire back end: a server of its own, and a client that speaks nothing but the published contract, on one of the
//! two [`Road`]s there are.
//!
//! Nothing here waits for time to pass. A blocking call is known to be processed when the trace shows it, and known
//! to block when the trace does not show its return: the server runs a stack until nothing is ready before it
//! answers anybody.
//!
//! Handles are real ones, and what their host brings comes when it comes: from the first handle on, the back end is not
//! prompt, and what has not happened is believed after a round trip through a pipe of the same server (`pacer`).

use std::collections::{HashMap, VecDeque};
use std::future::Future;
use std::sync::Arc;

use lowerdeck_framework::status::HResult;
use lowerdeck_proto::v1;
use tokio::task::JoinHandle;
use tonic::Status;

use crate::backend::{Act, Backend, Call, Completion, Deed, Echo, Outcome, Requests, Setting};
use crate::handles::Handles;

mod calls;
mod events;
mod files;
mod handle_calls;
mod handles;
mod lab;
mod messages;
mod pacer;
mod peer;
mod queue;
mod race;
mod requests;
mod road;
mod session;
mod target;

use self::calls::{Pending, Waiting};
use self::handles::Held;
use self::road::Feed;
pub use self::road::Road;
pub use self::session::{Channelled, Clients, Server, open};

/// See the module.
pub struct Wire {
    /// Before the server, which waits for whoever calls it when it ends.
    held: Held,
    server: Arc<Server>,
    clients: Clients,
    /// Sessions of other upper drivers on the same stack.
    others: Vec<Clients>,
    stack: String,
    setting: Setting,
    road: Road,
    /// Sessions that this one has opened beside itself.
    siblings: u64,
    /// Whether the second of two racing acts goes first.
    is_turned: bool,
    /// How often the stack was started.
    life: u32,
    calls: u64,
    pending: HashMap<Call, Pending>,
    finished: HashMap<Call, (&'static str, Outcome)>,
    /// None when the stack did not start, so that there is no session.
    events: Option<Feed>,
    seen: u64,
    completions: Vec<Completion>,
    /// What L0 has submitted of requests whose completions do not repeat it.
    submitted: HashMap<u64, Echo>,
    /// Whether the client reads its events.
    reading: bool,
    /// Files that are closed on the event of a request's completion.
    closes: HashMap<u64, u64>,
    invoked: VecDeque<(u64, String)>,
    unplugging: Option<JoinHandle<Result<(), Status>>>,
}

impl Wire {
    /// A server, a stack of `setting` on it, and a session on that stack that makes unary calls.
    pub fn new(setting: &Setting) -> Wire {
        Wire::on(Arc::new(Server::with_handles()), setting, Road::Calls)
    }

    /// Another session on another instance of the stack, same server, same road.
    pub fn another_session(&mut self, setting: &Setting) -> Wire {
        self.another_session_on(setting, self.road)
    }

    /// As [`Wire::another_session`], on `road`. In every second pair of sessions racing acts are turned round.
    pub fn another_session_on(&mut self, setting: &Setting, road: Road) -> Wire {
        self.siblings += 1;
        let mut sibling = Wire::on(self.server.clone(), setting, road);
        (sibling.is_turned, sibling.held) = (self.siblings / 2 % 2 == 1, self.held.of_a_sibling());
        sibling
    }

    fn on(server: Arc<Server>, setting: &Setting, road: Road) -> Wire {
        assert!(!setting.application, "nobody opens a stack as an application over the wire");
        let (clients, stack, events) = match server.run(session::try_open(&server, setting, road)) {
            Ok((clients, stack, events)) => (clients, stack, Some(events)),
            Err((clients, stack)) => (clients, stack, None),
        };
        Wire {
            held: Held::default(),
            server,
            clients,
            others: Vec::new(),
            stack,
            setting: setting.clone(),
            road,
            siblings: 0,
            is_turned: false,
            life: 1,
            calls: 0,
            pending: HashMap::new(),
            finished: HashMap::new(),
            events,
            seen: 0,
            completions: Vec::new(),
            submitted: HashMap::new(),
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

    fn is_prompt(&self) -> bool {
        self.held.is_empty()
    }

    fn catch_up(&mut self) {
        self.held.catch_up(&self.server);
    }

    fn handles(&mut self) -> &mut dyn Handles {
        self
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
                let outcome = self.finish(&None, pending.waiting);
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
            self.perform(v1::ReturnFromCallbackRequest { callback_id, hresult: status.0 });
        }
    }

    fn race(&mut self, one: Act, other: Act) -> (Deed, Deed) {
        let turned = self.is_turned;
        let [first, second] = self.at_once(if turned { [other, one] } else { [one, other] });
        if turned { (second, first) } else { (first, second) }
    }

    fn abandon_call(&mut self, call: Call) {
        let Some(pending) = self.pending.get(&call) else { return };
        if let Waiting::Rpc(task) = &pending.waiting {
            task.abort();
        }
        if pending.create.is_none() {
            self.pending.remove(&call); // only a create is asked for again
        }
    }

    fn set_reading(&mut self, reading: bool) {
        self.reading = reading;
    }
}
