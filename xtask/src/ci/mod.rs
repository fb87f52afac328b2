//! `cargo xtask ci`: what CI runs, and what a change is run through before it is handed in.
//!
//! Every step runs, whatever came before it; all failures stand together at the end, by name.

mod deny;
mod proto;

use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::Args;

use crate::image::{self, Ended};
use crate::process::{self, Stopwatch};
use crate::table::{self, Align};
use crate::workspace::Workspace;
use crate::{conformance, docs, kit, test, tidy};

#[derive(Args)]
pub struct Options {
    /// Run only these steps (in the order of the list, whatever the order here).
    #[arg(value_parser = clap::builder::PossibleValuesParser::new(STEPS.map(|step| step.name)))]
    steps: Vec<String>,
}

struct Step {
    name: &'static str,
    run: fn(&Workspace) -> Result<Ended>,
}

/// Quick steps first, so that a slip shows before the long ones.
const STEPS: [Step; 12] = [
    Step { name: "fmt", run: |workspace| fmt(workspace).map(passed) },
    Step { name: "tidy", run: |workspace| tidy(workspace).map(passed) },
    Step { name: "proto-lint", run: |workspace| proto::lint(workspace).map(passed) },
    Step { name: "proto-format", run: |workspace| proto::format(workspace).map(passed) },
    Step { name: "proto-breaking", run: |workspace| proto::breaking(workspace).map(passed) },
    Step { name: "clippy", run: |workspace| clippy(workspace).map(passed) },
    Step { name: "test", run: |workspace| test(workspace).map(passed) },
    Step { name: "docs", run: |workspace| docs::check(workspace).map(passed) },
    Step { name: "kit", run: |workspace| kit::check(workspace).map(passed) },
    Step { name: "conformance", run: |workspace| conformance(workspace).map(passed) },
    Step { name: "container", run: image::tests },
    Step { name: "deny", run: |workspace| deny::check(workspace).map(passed) },
];

fn passed((): ()) -> Ended {
    Ended::Passed
}

/// One line of the summary.
struct Line {
    name: &'static str,
    seconds: f64,
    result: Result<Ended>,
}

pub fn run(workspace: &Workspace, options: &Options) -> Result<ExitCode> {
    let mut lines = Vec::new();
    for step in STEPS {
        if !options.steps.is_empty() && !options.steps.iter().any(|name| name == step.name) {
            continue;
        }
        println!("\n== {} ==", step.name);
        let watch = Stopwatch::start();
        let result = (step.run)(workspace);
        if let Err(error) = &result {
            println!("{}: {error:#}", step.name);
        }
        lines.push(Line { name: step.name, seconds: watch.elapsed().as_secs_f64(), result });
    }
    print!("{}", summary(&lines));
    Ok(if lines.iter().any(|line| line.result.is_err()) { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn summary(lines: &[Line]) -> String {
    let rows: Vec<Vec<String>> = lines
        .iter()
        .map(|line| {
            let result = match &line.result {
                Ok(Ended::Passed) => "passed",
                Ok(Ended::Skipped(_)) => "skipped",
                Err(_) => "FAILED",
            };
            vec![line.name.to_owned(), format!("{:.1}", line.seconds), result.to_owned()]
        })
        .collect();
    let head = [("step", Align::Left), ("seconds", Align::Right), ("result", Align::Left)];
    let mut text = format!("\n{}", table::render(&head, &rows));
    for line in lines {
        match &line.result {
            Ok(Ended::Passed) => {}
            Ok(Ended::Skipped(why)) => text.push_str(&format!("\n{} skipped: {why}\n", line.name)),
            Err(error) => text.push_str(&format!("\n{} failed: {error:#}\n", line.name)),
        }
    }
    text
}

fn fmt(workspace: &Workspace) -> Result<()> {
    process::run(workspace.cargo().args(["fmt", "--all", "--check"]))
}

fn clippy(workspace: &Workspace) -> Result<()> {
    let mut cargo = workspace.cargo();
    cargo.args(["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]);
    process::run(&mut cargo)
}

fn tidy(workspace: &Workspace) -> Result<()> {
    match tidy::refusals(workspace)? {
        0 => Ok(()),
        refused => bail!("{refused} findings refused; see `cargo xtask tidy`"),
    }
}

fn test(workspace: &Workspace) -> Result<()> {
    let report = test::report(workspace);
    println!("{report}");
    if !report.passed() {
        let failures: Vec<String> = report.failures().collect();
        bail!("{} failed:\n  {}", failures.len(), failures.join("\n  "));
    }
    Ok(())
}

fn conformance(workspace: &Workspace) -> Result<()> {
    println!("{}", conformance::survey(workspace)?.counts());
    Ok(())
}
