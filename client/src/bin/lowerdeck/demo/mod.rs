//! `lowerdeck demo`: the life of a driver-created file on a server of its own, seen from both sides.
//!
//! [`server`] starts and ends the server, [`play`] is the upper driver, [`timeline`] sets its steps beside the trace,
//! [`verdict`] checks the order. Exit code 0 means that everything was as the rules say.

mod play;
#[cfg(test)]
mod recording;
mod rules;
mod server;
mod timeline;
mod verdict;

use std::io::Write;

use anstyle::{AnsiColor, Style};
use anyhow::Context;
use serde_json::{Value, json};

use crate::cli::DemoArguments;
use crate::exit::Outcome;
use crate::output::{self, Output};
use play::Played;
use verdict::Check;

/// The mark of a check that holds.
const HOLDS: Style = AnsiColor::Green.on_default().bold();
/// The mark of a check that does not.
const FAILS: Style = AnsiColor::Red.on_default().bold();

/// Plays the demo.
pub(crate) async fn run(arguments: &DemoArguments, output: Output) -> anyhow::Result<Outcome> {
    let server = server::start(&arguments.server_binary).await?;
    let played = play::play(server.endpoint()).await;
    let ended = server.end().await;
    let played = match played {
        Ok(played) => played,
        Err(error) => {
            ended.context("the server did not end properly either")?;
            return Err(error);
        }
    };
    let mut checks = verdict::judge(&played);
    checks.push(Check::new(
        "",
        "the server ended on SIGTERM with exit code 0",
        ended.map_err(|error| format!("{error:#}")),
    ));
    let deviates = checks.iter().any(|check| check.result.is_err());
    if output.is_json() {
        output::print_line(format_args!("{:#}", document(&played, &checks)?))?;
    } else {
        print(&played, &checks)?;
    }
    Ok(if deviates { Outcome::No } else { Outcome::Done })
}

fn print(played: &Played, checks: &[Check]) -> anyhow::Result<()> {
    let mut out = anstream::stdout().lock();
    writeln!(out, "stack {}: {}\n", played.stack, played.expression)?;
    write!(out, "{}", timeline::render(&played.steps, &played.trace))?;
    writeln!(out, "\n{}", timeline::legend(&played.steps, &played.trace))?;
    let mut failed = 0;
    for check in checks {
        match &check.result {
            Ok(()) => writeln!(out, "{HOLDS}ok{HOLDS:#}       {:<8} {}", check.rule, check.law)?,
            Err(reason) => {
                failed += 1;
                writeln!(out, "{FAILS}deviates{FAILS:#} {:<8} {}: {reason}", check.rule, check.law)?;
            }
        }
    }
    let total = checks.len();
    if failed == 0 {
        writeln!(out, "\nThe order is right: {total} of {total} checks hold.")?;
    } else {
        writeln!(out, "\n{failed} of {total} checks do not hold.")?;
    }
    Ok(())
}

fn document(played: &Played, checks: &[Check]) -> anyhow::Result<Value> {
    let entries = played.trace.iter();
    let entries = entries.map(|entry| output::json("TraceEntry", entry));
    let steps = played.steps.iter().map(|step| {
        json!({ "number": step.number, "call": step.call, "outcome": step.outcome,
                "after_sequence": step.after, "through_sequence": step.through })
    });
    let checks = checks
        .iter()
        .map(|check| json!({ "rule": check.rule, "law": check.law, "deviation": check.result.as_ref().err() }));
    Ok(json!({
        "stack": played.stack,
        "expression": played.expression,
        "steps": steps.collect::<Vec<_>>(),
        "trace": entries.collect::<anyhow::Result<Vec<_>>>()?,
        "checks": checks.collect::<Vec<_>>(),
    }))
}
