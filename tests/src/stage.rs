//! The script's view: objects by name, one method per thing L0 or the lab can do, and assertions on the trace.
//!
//! A failed assertion panics with the whole trace and with what replays the execution.

use std::collections::{HashMap, HashSet};

use bytes::Bytes;
use lowerdeck_framework::status::HResult;

use crate::backend::{Backend, Call, Completion, Io, Outcome};

mod files;
mod handles;
mod lab;
mod patience;
mod race;
mod requests;
mod target;
mod trace;

pub use self::patience::PATIENCE;

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

    /// Whether a blocking call has returned.
    pub fn has_returned(&mut self, call: Call) -> bool {
        self.catch_up();
        self.backend.outcome(call).is_some()
    }

    /// The status of a call that must have returned.
    pub fn status_of(&mut self, call: Call) -> HResult {
        let returned = |stage: &mut Stage| stage.backend.outcome(call).ok_or("a call that must have returned has not");
        match self.eventually(|stage| returned(stage).map_err(str::to_owned)) {
            Outcome::Status(status) => status,
            Outcome::Void => HResult::S_OK,
        }
    }

    /// The client gives up waiting for a call (its RPC is cancelled).
    pub fn abandon_call(&mut self, call: Call) {
        self.backend.abandon_call(call);
    }

    /// L0 reads no events for a while.
    pub fn stop_reading(&mut self) {
        self.backend.set_reading(false);
    }

    /// L0 reads its events again.
    pub fn read_again(&mut self) {
        self.backend.set_reading(true);
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
