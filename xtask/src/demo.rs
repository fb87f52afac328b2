//! `cargo xtask demo`: the main job, end to end, on a server of its own.
//!
//! The client's own `demo` command starts the server it is given on a free loopback port, plays the job and ends it.

use std::process::ExitCode;

use anyhow::Result;

use crate::workspace::Workspace;
use crate::{build, process};

/// Builds both programs, plays the demo, and passes its exit code on.
pub fn run(workspace: &Workspace) -> Result<ExitCode> {
    let programs = build::programs(workspace)?;
    let mut demo = workspace.command(&programs.client);
    demo.args(["demo", "--server-binary"]).arg(&programs.server);
    let status = process::status(&mut demo)?;
    // No code means a signal ended it.
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}
