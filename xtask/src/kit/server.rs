//! The server that the kit is played against: our own build, with the limits of tests/kit/server.toml, on a free port.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::server::Server;
use crate::workspace::Workspace;

/// Starts it, and waits until it is ready.
pub fn start(workspace: &Workspace, program: &Path) -> Result<Server> {
    let folder = workspace.target("kit");
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let mut command = workspace.command(program);
    command.args(["serve", "--config", "tests/kit/server.toml", "--pipe-directory"]).arg(folder.join("pipes"));
    Server::start(&mut command, &folder.join("server.log"))
}
