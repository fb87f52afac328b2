//! Builds the programs that the demo, the tests outside cargo and the benches start.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::process;
use crate::workspace::Workspace;

/// The debug builds of our programs.
pub struct Programs {
    /// `lowerdeckd`.
    pub server: PathBuf,
    /// `lowerdeck`.
    pub client: PathBuf,
}

/// The part of cargo's build messages that says where an executable went.
#[derive(Deserialize)]
struct Message {
    target: Option<Target>,
    executable: Option<PathBuf>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
}

/// Builds both programs in debug mode, so that the demo and the tests share one build.
pub fn programs(workspace: &Workspace) -> Result<Programs> {
    let mut cargo = workspace.cargo();
    cargo
        .args(["build", "--message-format=json-render-diagnostics"])
        .args(["-p", "lowerdeck-server", "--bin", "lowerdeckd"])
        .args(["-p", "lowerdeck-client", "--bin", "lowerdeck"]);
    let messages = process::capture(&mut cargo)?;
    Ok(Programs { server: executable(&messages, "lowerdeckd")?, client: executable(&messages, "lowerdeck")? })
}

/// The release builds that `cargo xtask bench` measures with.
pub struct BenchPrograms {
    /// `lowerdeckd`.
    pub server: PathBuf,
    /// `lowerdeck-bench`.
    pub bench: PathBuf,
}

/// Builds the server and the bench in release mode.
pub fn bench_programs(workspace: &Workspace) -> Result<BenchPrograms> {
    let mut cargo = workspace.cargo();
    cargo
        .args(["build", "--release", "--message-format=json-render-diagnostics"])
        .args(["-p", "lowerdeck-server", "--bin", "lowerdeckd"])
        .args(["-p", "lowerdeck-bench", "--bin", "lowerdeck-bench"]);
    let messages = process::capture(&mut cargo)?;
    Ok(BenchPrograms { server: executable(&messages, "lowerdeckd")?, bench: executable(&messages, "lowerdeck-bench")? })
}

/// A bench target whose instructions are counted.
#[derive(Clone, Copy)]
pub struct CountedProgram {
    pub package: &'static str,
    pub bench: &'static str,
}

/// Builds bench targets in release mode, and gives their executables in the same order.
pub fn counted_programs(workspace: &Workspace, programs: &[CountedProgram]) -> Result<Vec<PathBuf>> {
    let mut cargo = workspace.cargo();
    cargo.args(["build", "--release", "--message-format=json-render-diagnostics"]);
    for program in programs {
        cargo.args(["-p", program.package, "--bench", program.bench]);
    }
    let messages = process::capture(&mut cargo)?;
    programs.iter().map(|program| executable(&messages, program.bench)).collect()
}

fn executable(messages: &str, name: &str) -> Result<PathBuf> {
    for line in messages.lines() {
        let message: Message = serde_json::from_str(line).context("cargo build printed a line that is not JSON")?;
        if let (Some(target), Some(path)) = (message.target, message.executable)
            && target.name == name
        {
            return Ok(path);
        }
    }
    bail!("cargo build named no executable `{name}`")
}
