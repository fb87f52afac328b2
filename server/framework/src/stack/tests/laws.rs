//! Random lives of a two-layer stack under random schedules, with the invariants of section Z checked at the end.

use std::collections::HashMap;

use proptest::prelude::*;

use super::life::{Life, happening};
use super::probe::{Habit, Probe};
use crate::driver::{DispatchType, Driver};
use crate::forwarding::DriverRole;
use crate::ids::{FileId, Level};
use crate::io::SendOptions;
use crate::rule::Rule;
use crate::stack::{CancelAnswer, StackState};
use crate::status::HResult;
use crate::trace::TraceKind;
use crate::verifier::VerifierMode;

impl Life {
    /// Z1 to Z4 and Z7.
    pub(super) fn check(&mut self) {
        assert_eq!(
            self.accepted, self.completed,
            "Z1, Z2: one completion for each accepted Send, none for a refused one"
        );
        assert_eq!(self.files_gone, self.files_made, "Z7: every file is gone");
        let now = self.now;
        assert!(self.stack.outstanding(now).files.is_empty(), "Z7: {:?}", self.stack.outstanding(now));
        let core = &self.stack.core;
        let left = (core.received.len(), core.requests.len(), core.files.len(), core.callbacks.len());
        assert_eq!(left, (0, 0, 0, 0), "Z7: received, requests, files, callbacks");
        assert_eq!(self.stack.next_timer_in(now), None, "Z7: timers");
        let mut seen: HashMap<_, Vec<TraceKind>> = HashMap::new();
        for entry in self.stack.trace_after(0, usize::MAX) {
            let interesting = matches!(
                entry.kind,
                TraceKind::CleanupEnter | TraceKind::CloseEnter | TraceKind::Io(_) | TraceKind::FileGone
            );
            if let (true, Some(file)) = (interesting, entry.file) {
                seen.entry((entry.level, file)).or_default().push(entry.kind);
            }
        }
        for ((level, file), kinds) in seen {
            let count = |wanted| kinds.iter().filter(|kind| **kind == wanted).count();
            assert_eq!(count(TraceKind::FileGone), 1, "{level} {file}");
            if level != Level(0) {
                assert_eq!(
                    (count(TraceKind::CleanupEnter), count(TraceKind::CloseEnter)),
                    (1, 1),
                    "Z3: {level} {file}"
                );
                let closed = kinds.iter().position(|kind| *kind == TraceKind::CloseEnter).expect("counted above");
                assert!(!kinds[closed..].iter().any(|kind| matches!(kind, TraceKind::Io(_))), "Z4: {level} {file}");
            }
        }
    }
}

fn two_layers(dispatch: DispatchType) -> Vec<Box<dyn Driver>> {
    vec![
        Box::new(Probe::new(DriverRole::Filter, dispatch, Habit::Forward)),
        Box::new(Probe::new(DriverRole::Function, DispatchType::Parallel, Habit::Arm)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_life_keeps_the_laws(
        happenings in prop::collection::vec(happening(), 1..120),
        seed in any::<u64>(),
        sequential in any::<bool>(),
        by_age in any::<bool>(),
    ) {
        let dispatch = if sequential { DispatchType::Sequential } else { DispatchType::Parallel };
        let mut life = Life::begin(two_layers(dispatch), VerifierMode::Strict, (!by_age).then_some(seed));
        for happening in happenings {
            life.happen(happening);
        }
        life.end();
        prop_assert_eq!(life.stack.state(), StackState::Started);
        prop_assert_eq!(life.stack.findings().count(), 0);
        life.check();
    }
}

fn one_layer(habit: Habit, verifier: VerifierMode) -> (Life, FileId) {
    let probe = Probe::new(DriverRole::Function, DispatchType::Parallel, habit);
    let mut life = Life::begin(vec![Box::new(probe)], verifier, None);
    let file = life.open();
    (life, file)
}

#[test]
fn a_lost_request_is_a_driver_stop() {
    let (mut life, file) = one_layer(Habit::Lose, VerifierMode::Strict);
    assert_eq!(life.send(file, Life::read(1), SendOptions::default()), HResult::S_OK);
    life.stack.run(life.now);
    life.take_effects();
    assert_eq!(life.stack.driver_stop().map(|stop| stop.rule), Some(Rule::Req44));
    assert_eq!(life.completed, life.accepted, "STOP-4: outsiders see their requests end");
}

#[test]
fn a_panic_is_a_driver_stop_of_that_stack() {
    let (mut life, file) = one_layer(Habit::Panic, VerifierMode::Strict);
    life.send(file, Life::read(1), SendOptions::default());
    life.stack.run(life.now);
    assert_eq!(
        life.stack.driver_stop().map(|stop| (stop.rule, stop.detail.as_str())),
        Some((Rule::Stop9, "the probe was told to"))
    );
}

#[test]
fn cancel_answers_by_where_the_packet_is() {
    let (mut life, file) = one_layer(Habit::Keep, VerifierMode::Strict);
    let request = life.stack.request_created(life.upper, 7, true);
    assert_eq!(life.stack.cancel_requested(life.now, life.upper, request), CancelAnswer::Sticky);
    life.send(file, Life::read(1), SendOptions::default());
    let undelivered = life.requests[0];
    assert_eq!(life.stack.cancel_requested(life.now, life.upper, undelivered), CancelAnswer::CompletedByFramework);
    life.send(file, Life::read(1), SendOptions::default());
    life.stack.run(life.now);
    let held = life.requests[1];
    assert_eq!(life.stack.cancel_requested(life.now, life.upper, held), CancelAnswer::Remembered);
    life.stack.driver_controlled(life.now, Level(1), "complete").expect("the probe knows the command");
    assert_eq!(life.stack.cancel_requested(life.now, life.upper, held), CancelAnswer::AlreadyCompleted);
}
