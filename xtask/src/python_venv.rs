//! Virtual environments of Python below the target folder.

use std::path::Path;

use anyhow::{Context, Result};

use crate::process;
use crate::workspace::Workspace;

/// Creates an environment, or takes the one that is there.
pub fn create(workspace: &Workspace, folder: &Path) -> Result<()> {
    let mut create = workspace.command("python3");
    create.args(["-m", "venv"]).arg(folder);
    process::run(&mut create).context("cannot create a virtual environment; python3 with its venv module is needed")
}

/// Installs what pip's `arguments` name, by the registry that pip is set up for.
pub fn install(workspace: &Workspace, folder: &Path, arguments: &[&str]) -> Result<()> {
    let mut install = workspace.command(folder.join("bin/python"));
    install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]).args(arguments);
    process::run(&mut install)
}
