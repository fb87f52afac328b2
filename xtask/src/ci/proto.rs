//! The wire contract by buf: lint, format, and no breaking change. buf comes from npm, at one exact version.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::workspace::Workspace;
use crate::{git, process};

/// Pinned, because a newer buf may know more rules.
const VERSION: &str = "1.75.0";

/// The committed descriptor set; `cargo xtask codegen` refreshes it, and a test of the proto package compares it.
const GOLDEN: &str = "proto/lowerdeck.binpb";

pub fn lint(workspace: &Workspace) -> Result<()> {
    process::run(buf(workspace)?.args(["lint", "proto"]))
}

pub fn format(workspace: &Workspace) -> Result<()> {
    process::run(buf(workspace)?.args(["format", "proto", "--diff", "--exit-code"]))
        .context("run `buf format -w proto` with the buf in target/tools/buf")
}

pub fn breaking(workspace: &Workspace) -> Result<()> {
    let mut buf = buf(workspace)?;
    let (against, origin) = earlier(workspace)?;
    println!("compared with {GOLDEN} of {origin}");
    process::run(buf.args(["breaking", "proto", "--against"]).arg(against))
}

/// The descriptor set where the branch left main; the working copy's in a clone without history, or before its first.
fn earlier(workspace: &Workspace) -> Result<(PathBuf, String)> {
    if let Some(commit) = git::base(workspace)?
        && let Some(set) = git::file_at(workspace, &commit, GOLDEN)
    {
        let copy = workspace.target("tools/base.binpb");
        fs::write(&copy, set).with_context(|| format!("cannot write {}", copy.display()))?;
        return Ok((copy, commit));
    }
    let golden = workspace.path(GOLDEN);
    if !golden.exists() {
        bail!("{GOLDEN} is missing; run `cargo xtask codegen` and commit it");
    }
    Ok((golden, "the working copy".to_owned()))
}

/// buf at the pinned version, installed below the target folder when it is missing.
fn buf(workspace: &Workspace) -> Result<Command> {
    let folder = workspace.target("tools/buf");
    if installed_version(&folder).as_deref() != Some(VERSION) {
        fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
        let mut npm = workspace.command("npm");
        npm.args(["install", "--no-audit", "--no-fund", "--no-save", "--prefix"])
            .arg(&folder)
            .arg(format!("@bufbuild/buf@{VERSION}"));
        process::run(&mut npm)?;
    }
    Ok(workspace.command(folder.join("node_modules/.bin/buf")))
}

fn installed_version(folder: &Path) -> Option<String> {
    let manifest = folder.join("node_modules/@bufbuild/buf/package.json");
    let manifest: serde_json::Value = serde_json::from_str(&fs::read_to_string(manifest).ok()?).ok()?;
    Some(manifest.get("version")?.as_str()?.to_owned())
}
