//! `cargo xtask demo`: the main job, or another scenario, end to end, on a server of its own.
//!
//! The client's own `demo` command starts the server it is given on a free loopback port, plays the job and ends it. It knows
//! the scenarios; this only passes the name on.

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;

use crate::workspace::Workspace;
use crate::{build, process};

/// What to play.
#[derive(Args)]
pub struct Options {
    /// `file`, the life of a driver-created file, or `named-pipe`, a file-handle target with a Python program at the other
    /// end.
    #[arg(long, value_name = "NAME", default_value = "file")]
    scenario: String,
}

/// Builds both programs, plays the demo, and passes its exit code on.
pub fn run(workspace: &Workspace, options: &Options) -> Result<ExitCode> {
    let programs = build::programs(workspace)?;
    let mut demo = workspace.command(&programs.client);
    demo.args(["demo", "--server-binary"]).arg(&programs.server).arg("--scenario").arg(&options.scenario);
    let status = process::status(&mut demo)?;
    // No code means a signal ended it.
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}
