//! `cargo xtask codegen`: refreshes what is generated and committed, which is only proto/lowerdeck.binpb.

use std::process::ExitCode;

use anyhow::Result;

use crate::process;
use crate::workspace::Workspace;

/// Writes the encoded descriptor set from the .proto files of the working copy.
pub fn run(workspace: &Workspace) -> Result<ExitCode> {
    let mut cargo = workspace.cargo();
    cargo.args(["run", "-p", "lowerdeck-proto", "--example", "descriptor"]);
    process::run(&mut cargo)?;
    Ok(ExitCode::SUCCESS)
}
