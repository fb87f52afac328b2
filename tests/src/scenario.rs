//! Declares a scenario: its script once, a test for each back end.
//!
//! On the framework every script runs under the oldest-first scheduler and then under [`SCHEDULES`] seeded ones: what
//! a scenario asserts must hold in every legal order. A race runs under every schedule there is, where there are at
//! most [`EXHAUSTIVE`]. What failed prints `LOWERDECK_SCHEDULE=…`, which replays that one schedule.

use std::collections::BTreeSet;

use crate::backend::{MethodNeitherAction, Setting};
use crate::explore::{self, Choices, Schedule};
use crate::in_process::InProcess;
use crate::laws;
use crate::stage::Stage;
use crate::wire::{Road, Wire};

/// Seeded schedules per scenario in an ordinary run.
pub const SCHEDULES: u64 = 32;
/// Most schedules of a race (⟳) that are all executed.
pub const EXHAUSTIVE: usize = 100_000;
/// Seeded schedules of a race that has more: every outcome must be seen among them.
pub const RACES: u64 = 10_000;
/// Executions of a race over the wire, where each costs a server's round trips.
pub const WIRE_RACES: usize = 50;
/// The environment variable that replays one schedule.
pub const SCHEDULE_VARIABLE: &str = "LOWERDECK_SCHEDULE";

/// A strict stack, top first; L0 answers none of its own PnP callbacks.
pub fn stack(expression: &str) -> Setting {
    Setting {
        stack: expression.to_owned(),
        lenient: false,
        callbacks: Vec::new(),
        application: false,
        shared: false,
        method_neither: MethodNeitherAction::Reject,
        file_handles: false,
    }
}

/// As [`stack`], opened by an application in the place of L0. On the framework only.
pub fn application(expression: &str) -> Setting {
    Setting { application: true, ..stack(expression) }
}

/// As [`stack`], with `UmdfMethodNeitherAction = Copy` (IOC-8).
pub fn copying(expression: &str) -> Setting {
    Setting { method_neither: MethodNeitherAction::Copy, ..stack(expression) }
}

/// As [`stack`], with `UmdfDispatcher=FileHandle`.
pub fn with_handles(expression: &str) -> Setting {
    Setting { file_handles: true, ..stack(expression) }
}

/// As [`application`], with L0 on the stack besides, of whose PnP callbacks the script answers these.
pub fn application_beside(expression: &str, callbacks: &[&'static str]) -> Setting {
    Setting { application: true, ..answering(expression, callbacks) }
}

/// As [`stack`], shared: with room for another upper driver beside L0, and started again after a driver stop (STOP-7).
pub fn shared(expression: &str) -> Setting {
    Setting { shared: true, ..stack(expression) }
}

/// As [`stack`], with the verifier lenient.
pub fn lenient(expression: &str) -> Setting {
    Setting { lenient: true, ..stack(expression) }
}

/// As [`stack`], with these PnP callbacks of L0 answered by the script.
pub fn answering(expression: &str, callbacks: &[&'static str]) -> Setting {
    Setting { callbacks: callbacks.to_vec(), ..stack(expression) }
}

/// The one schedule asked for, if any.
fn asked() -> Option<Schedule> {
    let text = std::env::var(SCHEDULE_VARIABLE).ok()?;
    Some(text.parse().unwrap_or_else(|problem| panic!("{SCHEDULE_VARIABLE}: {problem}")))
}

/// Prints what replays an execution when that panics, wherever it does.
struct Announcement(Choices);

impl Drop for Announcement {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("  replay this schedule: {SCHEDULE_VARIABLE}={}", self.0.replay());
        }
    }
}

/// Executes a script in-process once, and checks the laws.
fn execute<T>(setting: &Setting, choices: &Choices, script: impl Fn(&mut Stage) -> T) -> T {
    let _announcement = Announcement(choices.clone());
    let mut stage = Stage::new(Box::new(InProcess::new(setting, choices.clone())));
    let outcome = script(&mut stage);
    laws::check(&mut stage);
    outcome
}

/// Executes a script in-process, under every schedule.
pub fn on_framework(setting: &Setting, script: impl Fn(&mut Stage)) {
    let usual = || std::iter::once(Schedule::OldestFirst).chain((0..SCHEDULES).map(Schedule::Seeded)).collect();
    for schedule in asked().map_or_else(usual, |schedule| vec![schedule]) {
        execute(setting, &Choices::new(schedule), &script);
    }
}

/// Says on which road an execution over the wire was when that panics, wherever it does.
struct Signpost(Road);

impl Drop for Signpost {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("  over the wire by {}", self.0);
        }
    }
}

/// Executes a script over real gRPC, once on each road, against a server of its own.
pub fn on_wire(setting: &Setting, script: impl Fn(&mut Stage)) {
    let mut first = Wire::new(setting);
    let second = first.another_session_on(setting, Road::QueuePair);
    for (road, backend) in Road::ALL.into_iter().zip([first, second]) {
        let _signpost = Signpost(road);
        let mut stage = Stage::new(Box::new(backend));
        script(&mut stage);
        laws::check(&mut stage);
    }
}

/// Executes a race in-process; the script says which legal outcome it saw. The outcomes seen must be exactly
/// `outcomes`: another one is a failure, and so is one that never came, because then the test is inconclusive.
pub fn race_on_framework(setting: &Setting, script: impl Fn(&mut Stage) -> &'static str, outcomes: &[&str]) {
    let mut seen = BTreeSet::new();
    let mut play = |choices: &Choices| {
        seen.insert(execute(setting, choices, |stage| {
            let outcome = script(stage);
            stage.check(outcomes.contains(&outcome), &format!("`{outcome}` is no outcome of this race"));
            outcome
        }));
    };
    if let Some(schedule) = asked() {
        return play(&Choices::new(schedule));
    }
    let all = explore::every(EXHAUSTIVE, &mut play);
    if all.is_none() {
        (0..RACES).for_each(|seed| play(&Choices::new(Schedule::Seeded(seed))));
    }
    let schedules = all.map_or_else(|| format!("{RACES} seeded schedules"), |all| format!("all {all} schedules"));
    println!("executed under {schedules}"); // shown with --nocapture
    let missing: Vec<_> = outcomes.iter().filter(|outcome| !seen.contains(**outcome)).collect();
    assert!(missing.is_empty(), "inconclusive: {missing:?} never came in {schedules}");
}

/// Executes a race over the wire, on one road after the other; which outcome comes is up to the machine, that it is a
/// legal one is asserted.
pub fn race_on_wire(setting: &Setting, script: impl Fn(&mut Stage) -> &'static str, outcomes: &[&str]) {
    let mut backend = Wire::new(setting);
    for road in Road::ALL.into_iter().cycle().take(WIRE_RACES) {
        let _signpost = Signpost(road);
        let mut stage = Stage::new(Box::new(backend.another_session_on(setting, road)));
        let outcome = script(&mut stage);
        assert!(outcomes.contains(&outcome), "{outcome} is no outcome of this race");
        laws::check(&mut stage);
    }
}

/// Declares a scenario: `scenario! { id_and_law: setting, [framework, wire], |stage| { … } }`.
#[macro_export]
macro_rules! scenario {
    ($(#[$doc:meta])* $name:ident: $setting:expr, [$($backend:ident),+], |$stage:ident| $script:block) => {
        $(#[$doc])*
        mod $name {
            #[allow(unused_imports, reason = "each script uses its own part of the vocabulary")]
            use super::*;

            fn script($stage: &mut $crate::stage::Stage) $script

            $($crate::scenario!(@test $backend, $setting);)+
        }
    };
    (@test framework, $setting:expr) => {
        #[test]
        fn framework() {
            $crate::scenario::on_framework(&$setting, script);
        }
    };
    (@test wire, $setting:expr) => {
        #[test]
        fn wire() {
            $crate::scenario::on_wire(&$setting, script);
        }
    };
}

/// Declares a race: as [`scenario!`], with the outcomes that must all be seen; the script returns the one it saw. It is
/// for both back ends unless it says `[framework]`.
#[macro_export]
macro_rules! race {
    ($(#[$doc:meta])* $name:ident: $setting:expr, [framework], $outcomes:expr, |$stage:ident| $script:block) => {
        $(#[$doc])*
        mod $name {
            #[allow(unused_imports, reason = "each script uses its own part of the vocabulary")]
            use super::*;

            fn script($stage: &mut $crate::stage::Stage) -> &'static str $script

            #[test]
            fn framework() {
                $crate::scenario::race_on_framework(&$setting, script, &$outcomes);
            }
        }
    };
    ($(#[$doc:meta])* $name:ident: $setting:expr, $outcomes:expr, |$stage:ident| $script:block) => {
        $(#[$doc])*
        mod $name {
            #[allow(unused_imports, reason = "each script uses its own part of the vocabulary")]
            use super::*;

            fn script($stage: &mut $crate::stage::Stage) -> &'static str $script

            #[test]
            fn framework() {
                $crate::scenario::race_on_framework(&$setting, script, &$outcomes);
            }

            #[test]
            fn wire() {
                $crate::scenario::race_on_wire(&$setting, script, &$outcomes);
            }
        }
    };
}
