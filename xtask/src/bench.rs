//! `cargo xtask bench`: measures a release build against the transport's floor and against nbdkit, in one run.
//!
//! The measuring itself is `tests/bench`; this builds it, sees to the peer's programs, and says where the report is.

use std::process::ExitCode;

use anyhow::Result;

use crate::workspace::Workspace;
use crate::{build, process};

/// Debian's packages of the peer.
const PEER_PACKAGES: [&str; 2] = ["nbdkit", "fio"];

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
    /// Do not install the peer's programs when they are missing.
    #[arg(long)]
    no_install: bool,
}

/// Builds, measures, reports.
pub fn run(workspace: &Workspace, options: &Options) -> Result<ExitCode> {
    let programs = build::bench_programs(workspace)?;
    if !options.no_install {
        install_peer(workspace);
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

/// Installs the peer where that is possible; where it is not, its rows are skipped, which the report says.
fn install_peer(workspace: &Workspace) {
    let is_there = |program: &&str| {
        let mut version = workspace.command(program);
        version.arg("--version");
        process::capture(&mut version).is_ok()
    };
    if PEER_PACKAGES.iter().all(is_there) {
        return;
    }
    println!("installing {}", PEER_PACKAGES.join(" and "));
    let (mut update, mut install) = (workspace.command("apt-get"), workspace.command("apt-get"));
    update.args(["--quiet", "update"]);
    install.args(["--quiet", "install", "--yes", "--no-install-recommends"]).args(PEER_PACKAGES);
    if let Err(error) = process::run(&mut update).and_then(|()| process::run(&mut install)) {
        println!("{error:#}: the rows that compare with nbdkit are skipped");
    }
}
