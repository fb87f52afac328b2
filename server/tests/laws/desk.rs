//! A desk to work at: sessions on stacks, in process.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use lowerdeck_framework::callback::CallbackSet;
use lowerdeck_framework::io::{FormatIo, SendOptions};
use lowerdeck_framework::memory::OutputMemory;
use lowerdeck_server::host::built_in;
use lowerdeck_server::host::catalog::Catalog;
use lowerdeck_server::host::declaration::{Declaration, Sharing};
use lowerdeck_server::host::handle_host::{HandleHost, HandlePlaces};
use lowerdeck_server::host::limits::Limits;
use lowerdeck_server::host::timekeeper::Timekeeper;
use lowerdeck_server::session::audit::Audit;
use lowerdeck_server::session::balance::Balance;
use lowerdeck_server::session::events::{Event, EventBody};
use lowerdeck_server::session::{FormatArguments, OpenTerms, Reading, Sent, Session, Sessions};
use uuid::Uuid;

/// Sessions and stacks.
pub struct Desk {
    pub sessions: Arc<Sessions>,
    pub catalog: Arc<Catalog>,
}

impl Desk {
    /// Inside a runtime: the built-in stacks, and `common`, a shared stack that keeps every read until it is told otherwise.
    pub fn new() -> Desk {
        let limits = Arc::new(Limits::default());
        let timekeeper = Timekeeper::new();
        let catalog = Catalog::new(Arc::clone(&limits), 1, Arc::clone(&timekeeper));
        for declaration in built_in::declarations().expect("the table parses") {
            catalog.plug(declaration).expect("names are free");
        }
        let common = Declaration::new("common", "scripted(script={on read: arm}, queue=parallel)").expect("it parses");
        let plugged = catalog.plug(Declaration { sharing: Sharing::Shared, ..common });
        assert!(plugged.is_ok());
        let audit = Audit::new(10);
        let handles = HandleHost::open(&HandlePlaces::default(), &limits).expect("no places cannot fail");
        Desk { sessions: Sessions::new(Arc::clone(&catalog), limits, audit, timekeeper, handles), catalog }
    }

    pub async fn open(&self, stack: &str) -> Arc<Session> {
        let terms = OpenTerms {
            stack: stack.to_owned(),
            lease: None,
            callbacks: CallbackSet::EMPTY,
            client_name: String::new(),
        };
        self.sessions.open(Uuid::new_v4(), terms).await.expect("the session opens")
    }
}

/// Sends a read of 8 bytes.
pub async fn send_read(session: &Arc<Session>, number: u64, file: Uuid) -> Sent {
    let output = Some(OutputMemory::empty(8));
    let io = FormatIo::Read { output, device_offset: None };
    let format = FormatArguments { file: file.to_string().into(), target: "".into(), io };
    session.format_and_send(number, format, SendOptions::default(), false).await.expect("within all limits")
}

/// Holds every accepted Send against what is heard.
#[derive(Default)]
pub struct Ledger {
    accepted: HashMap<u64, u128>,
    completed: HashSet<u64>,
    gone: HashSet<u128>,
    pub last: u64,
}

impl Ledger {
    pub fn accepted(&mut self, number: u64, file: Uuid) {
        assert!(self.accepted.insert(number, file.as_u128()).is_none());
    }

    /// Reads everything there is to read, and checks it.
    pub fn hear(&mut self, session: &Arc<Session>) {
        let mut reader = session.read_events(self.last).expect("a place that exists");
        while let Reading::Events(events) = reader.read(Event::clone).expect("the only reader") {
            for event in events {
                assert_eq!(event.sequence, self.last + 1, "numbers have no gaps");
                self.last = event.sequence;
                self.check(event.body);
            }
        }
    }

    fn check(&mut self, body: EventBody) {
        match body {
            EventBody::RequestCompleted(completion) => {
                let file = self.accepted.get(&completion.number).expect("only what was accepted completes");
                assert!(!self.gone.contains(file), "a completion after FileGone");
                assert!(self.completed.insert(completion.number), "{} completed twice", completion.number);
            }
            EventBody::FileGone(file) => {
                assert!(self.gone.insert(file), "a file went twice");
                let open = self.accepted.iter().filter(|(number, of)| **of == file && !self.completed.contains(number));
                assert_eq!(open.count(), 0, "FileGone before the last completion");
            }
            EventBody::SessionEnding { .. } | EventBody::Finding(_) => {}
            other => panic!("nothing else can happen here: {other:?}"),
        }
    }

    /// Nothing was left out.
    pub fn settle(&self, balance: &Balance) {
        assert_eq!(self.completed.len(), self.accepted.len(), "every accepted Send completes");
        assert_eq!(balance.total.accepted, self.accepted.len() as u64);
        assert_eq!(balance.total.outstanding(), 0);
    }
}
