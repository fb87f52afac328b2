//! Random lives of a file-handle target above a host that answers when and how it likes.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use proptest::prelude::*;

use super::handles::{Desk, HANDLE, four_bytes};
use super::probe::Habit;
use crate::effect::{CallResult, Effect};
use crate::handle::{HandleClosing, HostIoId};
use crate::ids::{CallId, RequestId};
use crate::io::SendOptions;
use crate::scheduler::SeededScheduler;
use crate::status::HResult;
use crate::target::SentIoAction;

/// One thing that can happen; numbers choose among what there is.
#[derive(Debug, Clone, Copy)]
enum Happening {
    Read { timed: bool },
    Cancel(usize),
    Stop(u32),
    Start,
    Answer(usize),
    Steps(u8),
    Time(u8),
    CloseHandle,
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        18 => any::<bool>().prop_map(|timed| Happening::Read { timed }),
        9 => any::<usize>().prop_map(Happening::Cancel),
        6 => (0u32..5).prop_map(Happening::Stop),
        6 => Just(Happening::Start),
        15 => any::<usize>().prop_map(Happening::Answer),
        18 => (0u8..5).prop_map(Happening::Steps),
        3 => any::<u8>().prop_map(Happening::Time),
        1 => Just(Happening::CloseHandle),
    ]
}

/// The books of the upper driver and of the host.
struct Life {
    desk: Desk,
    calls: BTreeSet<CallId>,
    called: u64,
    accepted: BTreeMap<RequestId, usize>,
    completed: BTreeMap<RequestId, usize>,
    /// What the host has, and whether it was asked to cancel it.
    at_host: BTreeMap<HostIoId, bool>,
}

impl Life {
    fn take_effects(&mut self) {
        let mut effects = Vec::new();
        self.desk.stack.take_effects(&mut effects);
        for effect in effects {
            match effect {
                Effect::SubmitHostIo { io, .. } => {
                    assert_eq!(self.at_host.insert(io, false), None, "an operation is submitted once");
                }
                Effect::CancelHostIo { io } => {
                    let asked = self.at_host.insert(io, true);
                    assert_ne!(asked, Some(true), "the host is asked once to cancel");
                }
                Effect::CompleteRequest { request, .. } => *self.completed.entry(request).or_default() += 1,
                Effect::ReturnCall { call, result: CallResult::TargetChanged(_), .. } => {
                    assert!(self.calls.remove(&call), "a call returns once");
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

    fn read(&mut self, timed: bool) {
        let (now, upper, target) = (self.desk.now, self.desk.upper, self.desk.target);
        let stack = &mut self.desk.stack;
        let request = stack.request_created(upper, 1, true);
        stack.handle_format_requested(upper, request, target, None, four_bytes());
        let options =
            if timed { SendOptions { flags: SendOptions::TIMEOUT, timeout: -100 } } else { Default::default() };
        let sent = stack.send_to_requested(now, upper, request, Some(target), options);
        assert_eq!(sent, HResult::S_OK);
        self.accepted.insert(request, 1);
    }

    /// The host ends the n-th of what it has; one that it was asked to cancel may bring data all the same (FHT-13).
    fn answer(&mut self, n: usize) {
        let Some(io) = self.at_host.keys().nth(n % self.at_host.len().max(1)).copied() else { return };
        let cancels = self.at_host.remove(&io).unwrap_or(false) && n.is_multiple_of(2);
        let (status, data): (_, &[u8]) =
            if cancels { (HResult::ERROR_OPERATION_ABORTED, b"") } else { (HResult::S_OK, b"data") };
        let now = self.desk.now;
        for _ in 0..2 {
            let data = Bytes::from_static(data);
            self.desk.stack.host_io_finished(now, io, status, data.len() as u64, data); // the second changes nothing
        }
    }

    fn happen(&mut self, happening: Happening) {
        let (now, upper, target) = (self.desk.now, self.desk.upper, Some(self.desk.target));
        match happening {
            Happening::Read { timed } => self.read(timed),
            Happening::Cancel(n) => {
                if let Some(request) = self.accepted.keys().nth(n % self.accepted.len().max(1)).copied() {
                    self.desk.stack.cancel_requested(now, upper, request);
                }
            }
            Happening::Stop(action) => {
                let (action, call) = (SentIoAction::from_number(action), self.call());
                self.desk.stack.target_stop_requested(now, upper, target, action, None, call);
            }
            Happening::Start => {
                let call = self.call();
                self.desk.stack.target_start_requested(now, upper, target, call);
            }
            Happening::Answer(n) => self.answer(n),
            Happening::Steps(steps) => {
                for _ in 0..steps {
                    self.desk.stack.step(now);
                }
            }
            Happening::Time(ticks) => self.desk.now.monotonic += u64::from(ticks),
            Happening::CloseHandle => self.desk.stack.handle_closed(now, HANDLE, HandleClosing::ByOwner),
        }
        self.take_effects();
    }

    /// The upper driver deletes its target, or leaves without a word, and the host answers all it has.
    fn end(&mut self, deletes: bool) {
        let (now, upper, target) = (self.desk.now, self.desk.upper, Some(self.desk.target));
        if deletes {
            let call = self.call();
            self.desk.stack.target_delete_requested(now, upper, target, call);
            let late = self.call(); // returns with the deletion before it
            self.desk.stack.target_start_requested(now, upper, target, late);
        } else {
            self.desk.stack.upper_left(now, upper);
        }
        loop {
            self.desk.stack.run(self.desk.now);
            self.take_effects();
            if self.at_host.is_empty() {
                break;
            }
            self.answer(0);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_life_of_a_handle_target_keeps_the_laws(
        happenings in prop::collection::vec(happening(), 1..80),
        seed in any::<u64>(),
        deletes in any::<bool>(),
    ) {
        let desk = Desk::scheduled(Habit::Complete, Some(Box::new(SeededScheduler::new(seed))));
        let mut life = Life {
            desk,
            calls: BTreeSet::new(),
            called: 0,
            accepted: BTreeMap::new(),
            completed: BTreeMap::new(),
            at_host: BTreeMap::new(),
        };
        for happening in happenings {
            life.happen(happening);
        }
        life.end(deletes);
        prop_assert_eq!(&life.accepted, &life.completed, "Z1, Z2: one completion for each accepted Send");
        prop_assert!(life.calls.is_empty(), "every call has returned: {:?}", life.calls);
        let (received, targets) = life.desk.left();
        prop_assert_eq!((received, targets), (0, 0), "Z7: hops and targets");
        prop_assert_eq!(life.desk.stack.next_timer_in(life.desk.now), None, "Z7: timers");
    }
}
