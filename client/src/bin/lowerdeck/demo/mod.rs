//! `lowerdeck demo`: a scenario on a server of its own, seen from both sides: the life of a driver-created file, or a
//! file-handle target on a named pipe ([`named_pipe`]).
//!
//! [`server`] starts and ends the server, [`play`] is the upper driver, [`log`] what it did, [`timeline`] sets its steps beside
//! the trace, [`verdict`] checks the order. Exit code 0 means that everything was as the rules say.

mod log;
mod named_pipe;
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
use lowerdeck_client::v1;
use serde_json::{Value, json};

use crate::cli::{DemoArguments, Scenario};
use crate::exit::Outcome;
use crate::output::{self, Output};
use log::Step;
use named_pipe::PipeDirectory;
use verdict::Check;

/// The mark of a check that holds.
const HOLDS: Style = AnsiColor::Green.on_default().bold();
/// The mark of a check that does not.
const FAILS: Style = AnsiColor::Red.on_default().bold();

/// A demo that was played, as it is shown.
struct Shown {
    stack: String,
    expression: String,
    /// What the numbers and marks of the timeline are.
    head: &'static str,
    steps: Vec<Step>,
    trace: Vec<v1::TraceEntry>,
    checks: Vec<Check>,
}

/// Plays the demo.
pub(crate) async fn run(arguments: &DemoArguments, output: Output) -> anyhow::Result<Outcome> {
    let pipes = (arguments.scenario == Scenario::NamedPipe).then(PipeDirectory::new);
    let server = server::start(&arguments.server_binary, pipes.as_ref().map(PipeDirectory::path)).await?;
    let played: anyhow::Result<Shown> = match &pipes {
        None => play::play(server.endpoint()).await.map(Shown::from),
        Some(pipes) => named_pipe::play(server.endpoint(), pipes).await,
    };
    let ended = server.end().await;
    let mut shown = match played {
        Ok(shown) => shown,
        Err(error) => {
            ended.context("the server did not end properly either")?;
            return Err(error);
        }
    };
    shown.check("the server ended on SIGTERM with exit code 0", ended);
    if let Some(pipes) = &pipes {
        shown.check("no socket of a pipe is left on the host", pipes.remove());
    }
    if output.is_json() {
        output::print_line(format_args!("{:#}", shown.document()?))?;
    } else {
        shown.print()?;
    }
    let deviates = shown.checks.iter().any(|check| check.result.is_err());
    Ok(if deviates { Outcome::No } else { Outcome::Done })
}

impl Shown {
    /// A check besides the rules.
    fn check(&mut self, law: &'static str, kept: anyhow::Result<()>) {
        self.checks.push(Check::new("", law, kept.map_err(|error| format!("{error:#}"))));
    }

    fn print(&self) -> anyhow::Result<()> {
        let mut out = anstream::stdout().lock();
        writeln!(out, "stack {}: {}\n", self.stack, self.expression)?;
        write!(out, "{}", timeline::render(&self.steps, &self.trace))?;
        writeln!(out, "\n{}", timeline::legend(self.head, &self.steps, &self.trace))?;
        let mut failed = 0;
        for check in &self.checks {
            match &check.result {
                Ok(()) => writeln!(out, "{HOLDS}ok{HOLDS:#}       {:<8} {}", check.rule, check.law)?,
                Err(reason) => {
                    failed += 1;
                    writeln!(out, "{FAILS}deviates{FAILS:#} {:<8} {}: {reason}", check.rule, check.law)?;
                }
            }
        }
        let total = self.checks.len();
        if failed == 0 {
            writeln!(out, "\nThe order is right: {total} of {total} checks hold.")?;
        } else {
            writeln!(out, "\n{failed} of {total} checks do not hold.")?;
        }
        Ok(())
    }

    fn document(&self) -> anyhow::Result<Value> {
        let entries = self.trace.iter();
        let entries = entries.map(|entry| output::json("TraceEntry", entry));
        let steps = self.steps.iter().map(|step| {
            json!({ "number": step.act.number, "call": step.act.call, "outcome": step.outcome,
                    "after_sequence": step.after, "through_sequence": step.through })
        });
        let checks = self
            .checks
            .iter()
            .map(|check| json!({ "rule": check.rule, "law": check.law, "deviation": check.result.as_ref().err() }));
        Ok(json!({
            "stack": self.stack,
            "expression": self.expression,
            "steps": steps.collect::<Vec<_>>(),
            "trace": entries.collect::<anyhow::Result<Vec<_>>>()?,
            "checks": checks.collect::<Vec<_>>(),
        }))
    }
}
