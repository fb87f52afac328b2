//! `cargo xtask bench`: measures a release build against the transport's floor and against nbdkit, in one run; or, with
//! `--instructions`, counts what does not depend on how busy the machine is.
//!
//! The measuring against time is `tests/bench`; this builds it, sees to the peer's programs, and says where the report is.

mod baseline;
mod callgrind;
mod instructions;

use std::process::ExitCode;

use anyhow::Result;

use crate::debian::{self, Program};
use crate::workspace::Workspace;
use crate::{build, process};

/// The programs of the peer.
const PEER: [Program; 2] = [Program::of_its_name("nbdkit"), Program::of_its_name("fio")];

/// Flags of `cargo xtask bench`.
#[derive(clap::Args)]
pub struct Options {
    /// Rounds of each row; the medians are reported.
    #[arg(long, default_value_t = 5)]
    rounds: u32,
    /// Milliseconds of each load.
    #[arg(long, default_value_t = 2000)]
    milliseconds: u32,
    /// Only rows whose id contains this.
    #[arg(long)]
    only: Option<String>,
    /// Do not install programs from Debian when they are missing.
    #[arg(long)]
    no_install: bool,
    /// Count the instructions of the framework and of the codec instead, and compare with the baselines.
    #[arg(long, conflicts_with_all = ["rounds", "milliseconds"])]
    instructions: bool,
    /// Make what was counted the new baselines.
    #[arg(long, requires = "instructions")]
    save: bool,
}

/// Builds, measures, reports.
pub fn run(workspace: &Workspace, options: &Options) -> Result<ExitCode> {
    if options.instructions { instructions::run(workspace, options) } else { loads(workspace, options) }
}

fn loads(workspace: &Workspace, options: &Options) -> Result<ExitCode> {
    let programs = build::bench_programs(workspace)?;
    if !options.no_install
        && let Err(error) = debian::provide(workspace, &PEER)
    {
        println!("{error:#}: the rows that compare with nbdkit are skipped"); // which the report says as well
    }
    let mut bench = workspace.command(&programs.bench);
    bench
        .arg("run")
        .arg("--server")
        .arg(&programs.server)
        .arg("--out")
        .arg(workspace.target("bench"))
        .args(["--rounds", &options.rounds.to_string()])
        .args(["--milliseconds", &options.milliseconds.to_string()]);
    if let Some(only) = &options.only {
        bench.args(["--only", only]);
    }
    let status = process::status(&mut bench)?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

#[cfg(test)]
mod tests;
