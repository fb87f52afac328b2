//! Declares a scenario: its script once, a test for each back end.
//!
//! On the framework every script runs under the oldest-first scheduler and then under [`SCHEDULES`] seeded ones: what
//! a scenario asserts must hold in every legal order. `LOWERDECK_SCHEDULE=<n>` (or `fifo`) replays a single one.

use crate::backend::Setting;
use crate::in_process::InProcess;
use crate::laws;
use crate::stage::Stage;
use crate::wire::Wire;

/// Seeded schedules per scenario in an ordinary run.
pub const SCHEDULES: u64 = 32;
/// Seeded schedules of a race (⟳): both outcomes must be seen among them.
pub const RACES: u64 = 1000;
/// Executions of a race over the wire, where each costs a server's round trips.
pub const WIRE_RACES: u64 = 50;
/// The environment variable that replays one schedule.
pub const SCHEDULE_VARIABLE: &str = "LOWERDECK_SCHEDULE";

/// A strict stack, top first; L0 answers none of its own PnP callbacks.
pub fn stack(expression: &str) -> Setting {
    Setting { stack: expression.to_owned(), lenient: false, callbacks: Vec::new() }
}

/// As [`stack`], with the verifier lenient.
pub fn lenient(expression: &str) -> Setting {
    Setting { lenient: true, ..stack(expression) }
}

/// As [`stack`], with these PnP callbacks of L0 answered by the script.
pub fn answering(expression: &str, callbacks: &[&'static str]) -> Setting {
    Setting { callbacks: callbacks.to_vec(), ..stack(expression) }
}

/// The schedules to run: all, or the one asked for.
fn schedules(count: u64) -> Vec<Option<u64>> {
    match std::env::var(SCHEDULE_VARIABLE) {
        Ok(text) if text == "fifo" => vec![None],
        Ok(text) => vec![Some(text.parse().expect("LOWERDECK_SCHEDULE is `fifo` or a number"))],
        Err(_) => std::iter::once(None).chain((0..count).map(Some)).collect(),
    }
}

/// Executes a script in-process, under every schedule.
pub fn on_framework(setting: &Setting, script: impl Fn(&mut Stage)) {
    for seed in schedules(SCHEDULES) {
        let mut stage = Stage::new(Box::new(InProcess::new(setting, seed)));
        script(&mut stage);
        laws::check(&mut stage);
    }
}

/// Executes a script over real gRPC against a server of its own.
pub fn on_wire(setting: &Setting, script: impl Fn(&mut Stage)) {
    let mut stage = Stage::new(Box::new(Wire::new(setting)));
    script(&mut stage);
    laws::check(&mut stage);
}

/// Executes a race in-process; the script says which legal outcome it saw. Inconclusive, and so a failure, unless every outcome was seen.
pub fn race_on_framework(setting: &Setting, script: impl Fn(&mut Stage) -> &'static str, outcomes: &[&str]) {
    let schedules = schedules(RACES);
    let mut seen = std::collections::BTreeSet::new();
    for seed in &schedules {
        let mut stage = Stage::new(Box::new(InProcess::new(setting, *seed)));
        seen.insert(script(&mut stage));
        laws::check(&mut stage);
    }
    let missing: Vec<_> = outcomes.iter().filter(|outcome| !seen.contains(**outcome)).collect();
    assert!(
        schedules.len() == 1 || missing.is_empty(),
        "inconclusive: {missing:?} never came in {} schedules",
        schedules.len()
    );
}

/// Executes a race over the wire; which outcome comes is up to the machine, that it is a legal one is asserted.
pub fn race_on_wire(setting: &Setting, script: impl Fn(&mut Stage) -> &'static str, outcomes: &[&str]) {
    let mut backend = Wire::new(setting);
    for _ in 0..WIRE_RACES {
        let mut stage = Stage::new(Box::new(backend.another_session(setting)));
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

/// Declares a race: as [`scenario!`], with the outcomes that must all be seen; the script returns the one it saw.
#[macro_export]
macro_rules! race {
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
