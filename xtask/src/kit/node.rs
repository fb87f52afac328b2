//! The runner for Node: @grpc/grpc-js and @grpc/proto-loader from npm, at the versions of the lock file.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use anyhow::{Context, Result};

use super::language::{self, Installed, Runner};
use crate::workspace::Workspace;
use crate::{fingerprint, process};

const FOLDER: &str = "tests/kit/node";

/// Installs what is missing or out of date, and tests the books.
pub fn install(workspace: &Workspace) -> Result<Installed> {
    for program in ["node", "npm"] {
        if !language::is_here(workspace, program) {
            return Ok(Installed::Missing { why: format!("there is no {program}") });
        }
    }
    let folder = workspace.target("kit/node");
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let manifests = ["package.json", "package-lock.json"].map(|name| workspace.path(&format!("{FOLDER}/{name}")));
    let wanted = fingerprint::of(manifests.to_vec())?;
    fingerprint::unless_current(&folder.join("installed-for"), &wanted, || {
        for manifest in &manifests {
            let copy = folder.join(manifest.file_name().context("a manifest has a name")?);
            fs::copy(manifest, &copy).with_context(|| format!("cannot write {}", copy.display()))?;
        }
        let mut npm = workspace.command("npm");
        npm.args(["ci", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix"]).arg(&folder);
        process::run(&mut npm)
    })?;
    lend(&folder.join("node_modules"), &workspace.path(&format!("{FOLDER}/node_modules")))?;
    process::run(workspace.command("node").arg("--test").current_dir(workspace.path(FOLDER)))
        .context("the books of the runner for Node are not what they should be")?;
    let start = {
        let root = workspace.path("");
        move |program: &str| {
            let mut command = std::process::Command::new("node");
            command.current_dir(&root).arg(format!("{FOLDER}/{program}"));
            command
        }
    };
    let read = start.clone();
    Ok(Installed::Ready(vec![Runner {
        name: "Node",
        command: Box::new(move || start("run.js")),
        has_broken_clients: false,
        read: Some(Box::new(move || read("read.js"))),
        read_name: "read.js",
    }]))
}

/// Shows the packages to the runner: Node looks for them beside the file that imports them, and nowhere below target. What
/// somebody installed there by hand stays.
fn lend(packages: &Path, place: &Path) -> Result<()> {
    match fs::read_link(place) {
        Ok(lent) if lent == packages => return Ok(()),
        // Of another target folder, or of none that is there.
        Ok(_) => fs::remove_file(place).with_context(|| format!("cannot remove {}", place.display()))?,
        Err(_) if place.is_dir() => return Ok(()),
        Err(_) => {}
    }
    symlink(packages, place).with_context(|| format!("cannot make {}", place.display()))
}
