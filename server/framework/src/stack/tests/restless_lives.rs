//! Random lives of two restless drivers, up to their removal: what waits, is lent or unanswered never keeps a stack
//! from coming to rest, a Send from being completed once, or a removal from its end.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use proptest::prelude::*;

use super::handles::HANDLE;
use super::restless::Restless;
use crate::callback::CallbackSet;
use crate::clock::Now;
use crate::driver::{DispatchType, Driver};
use crate::effect::{CallResult, Effect};
use crate::forwarding::DriverRole;
use crate::handle::{Dispatcher, HandleFacts, HostIoId};
use crate::ids::{CallId, DeviceId, FileId, Level, RequestId};
use crate::io::{FormatIo, SendOptions};
use crate::memory::{InputMemory, OutputMemory};
use crate::power::PowerState;
use crate::scheduler::SeededScheduler;
use crate::stack::{CRITICAL_OPERATION_TICKS, Stack, StackConfig, StackState, UpperConfig};
use crate::status::HResult;
use crate::verifier::VerifierMode;

/// More steps than one happening can have.
const STEPS_MAX: usize = 10_000;
/// More rounds than it takes to end all that there is.
const ROUNDS_MAX: usize = 200;

/// One thing that can happen; numbers choose among what there is.
#[derive(Debug, Clone, Copy)]
enum Happening {
    Create,
    Read(usize),
    Write(usize),
    Cancel(usize),
    Close(usize),
    Tell(u8, &'static str),
    Power(PowerState),
    Rebalance,
    Answer(usize),
    Steps(u8),
    Rest,
}

fn happening() -> impl Strategy<Value = Happening> {
    let words = prop::sample::select(vec!["complete", "complete", "open", "lock", "unlock", "unlock"]);
    let powers = prop::sample::select(vec![PowerState::D0, PowerState::D0, PowerState::D3]);
    prop_oneof![
        2 => Just(Happening::Create),
        8 => any::<usize>().prop_map(Happening::Read),
        2 => any::<usize>().prop_map(Happening::Write),
        3 => any::<usize>().prop_map(Happening::Cancel),
        1 => any::<usize>().prop_map(Happening::Close),
        4 => (1u8..3, words).prop_map(|(level, word)| Happening::Tell(level, word)),
        2 => powers.prop_map(Happening::Power),
        1 => Just(Happening::Rebalance),
        3 => any::<usize>().prop_map(Happening::Answer),
        3 => (1u8..6).prop_map(Happening::Steps),
        4 => Just(Happening::Rest),
    ]
}

/// How it ends.
#[derive(Debug, Clone, Copy)]
struct Ending {
    surprise: bool,
    /// The client is lost before.
    lost: bool,
    /// Drivers and host end what they have; else the watchdog has to do it.
    helped: bool,
}

struct Life {
    stack: Stack,
    now: Now,
    upper: DeviceId,
    calls: BTreeSet<CallId>,
    called: u64,
    files: Vec<FileId>,
    requests: Vec<RequestId>,
    accepted: BTreeMap<RequestId, usize>,
    completed: BTreeMap<RequestId, usize>,
    at_host: BTreeSet<HostIoId>,
}

impl Life {
    fn begin(seed: u64, dispatch: DispatchType, verifier: VerifierMode, watched: bool) -> Life {
        let drivers: Vec<Box<dyn Driver>> = vec![
            Box::new(Restless::new(DriverRole::Filter, dispatch, HANDLE, seed ^ 1)),
            Box::new(Restless::new(DriverRole::Function, DispatchType::Parallel, HANDLE, seed ^ 2)),
        ];
        let mut stack = Stack::new(StackConfig {
            drivers,
            verifier,
            dispatcher: Dispatcher::FileHandle,
            critical_operation_ticks: if watched { CRITICAL_OPERATION_TICKS } else { 0 },
            method_neither: Default::default(),
            trace_capacity: 1_000,
            findings_capacity: 100,
            scheduler: Some(Box::new(SeededScheduler::new(seed))),
        })
        .expect("the drivers declare nothing wrong");
        let now = Now::default();
        let upper = stack.upper_attached(now, UpperConfig { tag: 1, callbacks: CallbackSet::EMPTY });
        stack.start(now);
        stack.handle_opened(HANDLE, HandleFacts { overlapped: true });
        let mut life = Life {
            stack,
            now,
            upper,
            calls: BTreeSet::new(),
            called: 0,
            files: Vec::new(),
            requests: Vec::new(),
            accepted: BTreeMap::new(),
            completed: BTreeMap::new(),
            at_host: BTreeSet::new(),
        };
        life.rest();
        life
    }

    /// Runs until nothing is ready, which must come.
    fn rest(&mut self) {
        let steps = (0..STEPS_MAX).take_while(|_| self.stack.step(self.now)).count();
        assert!(steps < STEPS_MAX, "the stack does not come to rest");
        self.stack.run(self.now);
        self.take_effects();
    }

    fn take_effects(&mut self) {
        let mut effects = Vec::new();
        self.stack.take_effects(&mut effects);
        for effect in effects {
            match effect {
                Effect::ReturnCall { call, result, .. } => {
                    assert!(self.calls.remove(&call), "a call returns once");
                    if let CallResult::WdfFileCreated(Ok(file)) = result {
                        self.files.push(file);
                    }
                }
                Effect::CompleteRequest { request, .. } => *self.completed.entry(request).or_default() += 1,
                Effect::SubmitHostIo { io, .. } => {
                    self.at_host.insert(io);
                }
                _ => {}
            }
        }
    }

    fn call(&mut self) -> CallId {
        self.called += 1;
        self.calls.insert(CallId(self.called));
        CallId(self.called)
    }

    fn send(&mut self, n: usize, io: FormatIo) {
        let Some(file) = self.files.get(n % self.files.len().max(1)).copied() else { return };
        let request = self.stack.request_created(self.upper, self.requests.len() as u64 + 1, true);
        if self.stack.format_requested(self.upper, request, Some(file), io) != HResult::S_OK {
            return;
        }
        if self.stack.send_requested(self.now, self.upper, request, SendOptions::default()) == HResult::S_OK {
            self.accepted.insert(request, 1);
            self.requests.push(request);
        }
    }

    /// The host ends the n-th of what it has.
    fn answer(&mut self, n: usize) {
        let Some(io) = self.at_host.iter().nth(n % self.at_host.len().max(1)).copied() else { return };
        self.at_host.remove(&io);
        self.stack.host_io_finished(self.now, io, HResult::S_OK, 4, Bytes::from_static(b"data"));
    }

    fn tell(&mut self, level: u8, word: &str) {
        let _ = self.stack.driver_controlled(self.now, Level(level), word);
    }

    fn happen(&mut self, happening: Happening) {
        let (now, upper) = (self.now, self.upper);
        match happening {
            Happening::Create => {
                let call = self.call();
                self.stack.create_requested(now, upper, 1_000 + call.0, u128::from(call.0), None, call);
            }
            Happening::Read(n) => {
                self.send(n, FormatIo::Read { output: Some(OutputMemory::empty(4)), device_offset: None });
            }
            Happening::Write(n) => {
                let input = Some(InputMemory { data: Bytes::from_static(b"data"), window: None });
                self.send(n, FormatIo::Write { input, device_offset: None });
            }
            Happening::Cancel(n) if !self.requests.is_empty() => {
                self.stack.cancel_requested(now, upper, self.requests[n % self.requests.len()]);
            }
            Happening::Close(n) if !self.files.is_empty() => {
                let (file, call) = (self.files.swap_remove(n % self.files.len()), self.call());
                self.stack.close_requested(now, upper, file, call);
            }
            Happening::Cancel(_) | Happening::Close(_) => {}
            Happening::Tell(level, word) => self.tell(level, word),
            // One that is refused because another transition is under way is as good a happening.
            Happening::Power(power) => drop(self.stack.power_requested(now, power)),
            Happening::Rebalance => drop(self.stack.rebalance_requested(now)),
            Happening::Answer(n) => self.answer(n),
            Happening::Steps(count) => {
                for _ in 0..count {
                    self.stack.step(now);
                }
            }
            Happening::Rest => self.rest(),
        }
        self.take_effects();
    }

    fn has_ended(&self) -> bool {
        matches!(self.stack.state(), StackState::Removed | StackState::Stopped)
    }

    fn end(&mut self, ending: Ending) {
        if ending.lost {
            self.stack.upper_lost(self.now, self.upper);
        }
        match ending.surprise {
            true => self.stack.surprise_removed(self.now),
            false => self.stack.removal_requested(self.now),
        }
        for _ in 0..ROUNDS_MAX {
            self.rest();
            if self.has_ended() {
                return;
            }
            if ending.helped {
                (1..3).for_each(|level| self.tell(level, "help"));
                (0..self.at_host.len()).for_each(|_| self.answer(0));
            } else {
                self.now.monotonic += CRITICAL_OPERATION_TICKS;
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_restless_life_ends(
        happenings in prop::collection::vec(happening(), 1..100),
        seed in any::<u64>(),
        (sequential, strict) in any::<(bool, bool)>(),
        (surprise, lost, helped) in any::<(bool, bool, bool)>(),
    ) {
        let dispatch = if sequential { DispatchType::Sequential } else { DispatchType::Parallel };
        let verifier = if strict { VerifierMode::Strict } else { VerifierMode::Lenient };
        let mut life = Life::begin(seed, dispatch, verifier, !helped);
        for happening in happenings {
            life.happen(happening);
        }
        life.end(Ending { surprise, lost, helped });
        prop_assert!(life.has_ended(), "the removal ends, or is a driver stop: {:?}", life.stack);
        if lost {
            prop_assert!(life.completed.values().all(|count| *count == 1), "Z1: at most one completion each");
        } else {
            prop_assert_eq!(&life.accepted, &life.completed, "Z1, Z2: one completion for each accepted Send");
            prop_assert!(life.calls.is_empty(), "every call has returned: {:?}", life.calls);
        }
        prop_assert_eq!(life.stack.next_timer_in(life.now), None, "Z7: timers");
    }
}
