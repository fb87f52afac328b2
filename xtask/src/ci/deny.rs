//! Licences, bans and sources of everything we link, by cargo-deny and deny.toml.
//!
//! Advisories are left out: they need the advisory database from the internet.

use std::fs;
use std::path::PathBuf;

use anyhow::Result;

use crate::process;
use crate::workspace::Workspace;

/// The version the rules in deny.toml were written for.
const VERSION: &str = "0.20.2";

pub fn check(workspace: &Workspace) -> Result<()> {
    let deny = installed(workspace)?;
    let mut check = workspace.command(deny);
    check.args(["--workspace", "check", "licenses", "bans", "sources"]);
    process::run(&mut check)
}

/// cargo-deny in our target folder; built there once, which takes about 2 minutes on 2 cores.
fn installed(workspace: &Workspace) -> Result<PathBuf> {
    let tools = workspace.target("tools");
    let program = tools.join("bin/cargo-deny");
    // cargo's own record names the version; without it, or with another one, install.
    let record = fs::read_to_string(tools.join(".crates.toml")).unwrap_or_default();
    if !record.contains(&format!("\"cargo-deny {VERSION} ")) || !program.exists() {
        let mut install = workspace.cargo();
        install.args(["install", "cargo-deny", "--locked", "--version", VERSION, "--root"]).arg(&tools);
        process::run(&mut install)?;
    }
    Ok(program)
}
