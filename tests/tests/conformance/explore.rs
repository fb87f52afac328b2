//! The exploring scheduler on a real race: it finds every schedule once, and each replays from its token.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};

use lowerdeck_framework::status::HResult;
use lowerdeck_tests::explore::{self, Choices, Schedule};
use lowerdeck_tests::in_process::InProcess;
use lowerdeck_tests::scenario::{EXHAUSTIVE, race_on_framework, stack};
use lowerdeck_tests::stage::{Stage, read};

use crate::DEFAULT;

/// `Close` against the completion of the file's request (B14): who ends it.
fn close_versus_completion(stage: &mut Stage) -> &'static str {
    stage.control(1, "on read: arm");
    stage.open("f");
    stage.start("r", "f", read(4));
    stage.race("close f", "L1: unmark-complete {r} S_OK 4");
    match stage.ended("r") {
        (HResult::S_OK, 4) => "completed",
        _ => "cancelled",
    }
}

/// The trace of the race under `choices`.
fn play(choices: &Choices) -> Vec<String> {
    let mut stage = Stage::new(Box::new(InProcess::new(&stack(DEFAULT), choices.clone())));
    close_versus_completion(&mut stage);
    stage.moments().iter().map(ToString::to_string).collect()
}

#[test]
fn every_token_replays_its_own_execution() {
    let mut executions = BTreeMap::new();
    let mut paths = 0;
    let count = explore::every(EXHAUSTIVE, |choices| {
        let trace = play(choices);
        if let path @ Schedule::Path(_) = choices.replay() {
            paths += 1;
            executions.insert(path.to_string(), trace);
        }
    });
    assert_eq!(count, Some(executions.len()), "every path has a token of its own");
    assert_eq!(paths, executions.len(), "and comes once");
    for (token, trace) in &executions {
        assert_eq!(&play(&Choices::new(token.parse().expect("a token"))), trace, "{token}");
    }
    let traces: BTreeSet<_> = executions.values().collect();
    assert!(traces.len() > 2, "it is about order, not only about who wins: {}", traces.len());
}

/// What is seen at random is among what is seen exhaustively.
#[test]
fn no_seed_finds_what_exploring_missed() {
    let mut explored = BTreeSet::new();
    let mut random = BTreeSet::new();
    explore::every(EXHAUSTIVE, |choices| {
        let trace = play(choices);
        match choices.replay() {
            Schedule::Path(_) => explored.insert(trace),
            _ => random.insert(trace),
        };
    });
    assert!(random.len() > 2 && random.is_subset(&explored));
}

fn verdict_on(outcomes: &[&str]) -> Result<(), String> {
    let race = AssertUnwindSafe(|| race_on_framework(&stack(DEFAULT), close_versus_completion, outcomes));
    catch_unwind(race).map_err(|panic| panic.downcast_ref::<String>().cloned().unwrap_or_default())
}

#[test]
fn a_race_must_show_exactly_its_outcomes() {
    assert_eq!(verdict_on(&["completed", "cancelled"]), Ok(()));
    let inconclusive = verdict_on(&["completed", "cancelled", "neither"]).expect_err("one outcome cannot come");
    assert!(inconclusive.contains("neither") && inconclusive.contains("inconclusive"), "{inconclusive}");
    let unexpected = verdict_on(&["completed"]).expect_err("one outcome comes unasked");
    assert!(
        unexpected.contains("`cancelled` is no outcome") && unexpected.contains("LOWERDECK_SCHEDULE="),
        "{unexpected}"
    );
}
