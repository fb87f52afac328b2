//! `cargo xtask kit`: the client conformance kit of tests/kit, played by a runner in every language on both roads.
//!
//! It installs what a language needs below the target folder, starts a server of its own, and reads what the runners
//! report. A language that cannot be installed here is skipped with its reason, and counted as skipped, never as passed.

mod cpp;
mod language;
mod node;
mod python;
mod server;
mod tap;
#[cfg(test)]
mod tests;

use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::{Args, ValueEnum};

use crate::build;
use crate::process::{self, Stopwatch};
use crate::table::{self, Align};
use crate::workspace::Workspace;

use crate::server::Server;
use language::{Installed, Runner};
use tap::Report;

#[derive(Args)]
pub struct Options {
    /// Only this language; may be repeated.
    #[arg(long)]
    language: Vec<Language>,
    /// Only this road; may be repeated.
    #[arg(long)]
    road: Vec<Road>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Language {
    Python,
    Node,
    Cpp,
}

impl Language {
    /// The language by its own name.
    fn name(self) -> &'static str {
        match self {
            Language::Python => "Python",
            Language::Node => "Node",
            Language::Cpp => "C++",
        }
    }

    /// Installs what it needs below the target folder.
    fn install(self, workspace: &Workspace) -> Result<Installed> {
        match self {
            Language::Python => python::install(workspace),
            Language::Node => node::install(workspace),
            Language::Cpp => cpp::install(workspace),
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Road {
    Unary,
    QueuePair,
}

impl Road {
    fn name(self) -> &'static str {
        match self {
            Road::Unary => "unary",
            Road::QueuePair => "queue-pair",
        }
    }
}

/// Clients that are broken on purpose, and the case that must notice.
const BROKEN: [(&str, &str); 3] = [
    ("forgets-acknowledgement", "acknowledge_what_was_processed"),
    ("reuses-request-id", "a_request_id_means_one_thing"),
    ("ignores-file-gone", "b01_file_gone_is_the_end_of_a_file"),
];

/// What the ten lines print: the first four bytes that the driver `scripted` gives.
const READ_PRINTS: &str = "00010203";

/// One line of the summary, and what to say below it.
struct Line {
    what: String,
    road: &'static str,
    report: Report,
    seconds: f64,
}

/// Plays everything that is asked for; exits 1 when anything failed.
pub fn run(workspace: &Workspace, options: &Options) -> Result<ExitCode> {
    let lines = play(workspace, options)?;
    print!("{}", summary(&lines));
    let failed = lines.iter().any(|line| !line.report.failed.is_empty());
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Plays everything, for CI.
pub fn check(workspace: &Workspace) -> Result<()> {
    let lines = play(workspace, &Options { language: Vec::new(), road: Vec::new() })?;
    print!("{}", summary(&lines));
    let failed: Vec<&str> = lines.iter().flat_map(|line| line.report.failed.iter().map(String::as_str)).collect();
    if !failed.is_empty() {
        bail!("{} failed: {}", failed.len(), failed.join(", "));
    }
    Ok(())
}

fn play(workspace: &Workspace, options: &Options) -> Result<Vec<Line>> {
    let programs = build::programs(workspace)?;
    let mut lines = Vec::new();
    for language in Language::value_variants() {
        if !options.language.is_empty() && !options.language.contains(language) {
            continue;
        }
        match language.install(workspace) {
            Ok(Installed::Ready(runners)) => {
                let server = server::start(workspace, &programs.server)?;
                for runner in runners {
                    lines.extend(played(&runner, &server, &options.road)?);
                }
            }
            Ok(Installed::Missing { why }) => lines.push(unplayed(*language, Report::skipped(why))),
            Err(error) => lines.push(unplayed(*language, Report::failed(&format!("{error:#}")))),
        }
    }
    Ok(lines)
}

fn unplayed(language: Language, report: Report) -> Line {
    Line { what: language.name().to_owned(), road: "-", report, seconds: 0.0 }
}

/// What one runner did: its cases on each road, its ten lines, and the broken clients it has.
fn played(runner: &Runner, server: &Server, roads: &[Road]) -> Result<Vec<Line>> {
    let mut lines = Vec::new();
    for road in Road::value_variants() {
        if !roads.is_empty() && !roads.contains(road) {
            continue;
        }
        let watch = Stopwatch::start();
        let mut play = (runner.command)();
        play.args(["--endpoint", server.address(), "--road", road.name(), "--has", "pipes"]);
        let printed = process::tee(&mut play)?;
        let report = Report::parse(&printed.text);
        lines.push(Line {
            what: report.title.clone(),
            road: road.name(),
            report,
            seconds: watch.elapsed().as_secs_f64(),
        });
        lines.push(wrong(runner, server, *road)?);
        if runner.has_broken_clients {
            lines.push(broken(runner, server, *road)?);
        }
    }
    if let Some(read) = &runner.read {
        let watch = Stopwatch::start();
        let mut command = read();
        command.arg(server.address());
        let printed = process::tee(&mut command)?;
        let report = Report::of(&[(runner.read_name, printed.status.success() && printed.text.trim() == READ_PRINTS)]);
        let what = format!("{}: ten lines to a read", runner.name);
        lines.push(Line { what, road: "unary", report, seconds: watch.elapsed().as_secs_f64() });
    }
    Ok(lines)
}

/// Every case in which something is wrong must fail: a runner that passes all it is given proves nothing.
fn wrong(runner: &Runner, server: &Server, road: Road) -> Result<Line> {
    println!("cases in which something is wrong, of which none may pass:");
    let watch = Stopwatch::start();
    let mut play = (runner.command)();
    play.args(["--endpoint", server.address(), "--road", road.name(), "--patience", "1", "--cases", "tests/kit/wrong"]);
    let report = Report::parse(&tap::turned(&process::tee(&mut play)?.text));
    let what = format!("{}: wrong cases fail", runner.name);
    Ok(Line { what, road: road.name(), report, seconds: watch.elapsed().as_secs_f64() })
}

/// Each broken client must fail its case, and be told what to fix.
fn broken(runner: &Runner, server: &Server, road: Road) -> Result<Line> {
    let watch = Stopwatch::start();
    let mut results = Vec::new();
    for (manner, case) in BROKEN {
        let mut play = (runner.command)();
        play.args(["--endpoint", server.address(), "--road", road.name(), "--patience", "1"]);
        play.args(["--broken", manner, "--case", case]);
        let printed = process::tee(&mut play)?;
        let caught = Report::parse(&printed.text).failed == [case] && printed.text.contains("  fix: ");
        results.push((manner, caught && !printed.status.success()));
    }
    let report = Report::of(&results);
    let what = format!("{}: broken clients are caught", runner.name);
    Ok(Line { what, road: road.name(), report, seconds: watch.elapsed().as_secs_f64() })
}

fn summary(lines: &[Line]) -> String {
    let row = |line: &Line| {
        vec![
            line.what.clone(),
            line.road.to_owned(),
            line.report.passed.to_string(),
            line.report.failed.len().to_string(),
            line.report.skipped.to_string(),
            format!("{:.1}", line.seconds),
        ]
    };
    let head = [
        ("client", Align::Left),
        ("road", Align::Left),
        ("passed", Align::Right),
        ("failed", Align::Right),
        ("skipped", Align::Right),
        ("seconds", Align::Right),
    ];
    let mut text = format!("\n{}", table::render(&head, &lines.iter().map(row).collect::<Vec<_>>()));
    for line in lines {
        for failed in &line.report.failed {
            text.push_str(&format!("\n{} ({}) failed: {failed}\n", line.what, line.road));
        }
        if let Some(why) = &line.report.why_skipped {
            text.push_str(&format!("\n{} skipped: {why}\n", line.what));
        }
    }
    text
}
