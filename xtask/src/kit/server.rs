//! The server that the kit is played against: our own build, with the limits of tests/kit/server.toml, on a free port.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Stdio};

use anyhow::{Context, Result, bail};

use crate::workspace::Workspace;

/// What stands before the address in the line that says that it listens.
const READY: &str = "ready on ";

/// A running server, which ends with this value.
pub struct Server {
    child: Child,
    address: String,
    /// Kept open, so that the server can go on printing.
    output: BufReader<ChildStdout>,
}

impl Server {
    /// Starts it, and waits for its ready line.
    pub fn start(workspace: &Workspace, program: &Path) -> Result<Server> {
        let folder = workspace.target("kit");
        fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
        let log = folder.join("server.log");
        let mut command = workspace.command(program);
        command
            .args(["serve", "--listen", "127.0.0.1:0", "--config", "tests/kit/server.toml", "--pipe-directory"])
            .arg(folder.join("pipes"))
            .stdout(Stdio::piped())
            .stderr(File::create(&log).with_context(|| format!("cannot create {}", log.display()))?);
        let mut child = command.spawn().with_context(|| format!("cannot start {}", program.display()))?;
        let output = child.stdout.take().context("the server's standard output is a pipe")?;
        // From here on the server is ended, whatever happens.
        let mut server = Server { child, address: String::new(), output: BufReader::new(output) };
        let mut line = String::new();
        while server.address.is_empty() {
            line.clear();
            if server.output.read_line(&mut line).context("cannot read what the server prints")? == 0 {
                bail!("the server ended before it was ready; see {}", log.display());
            }
            if let Some((_, address)) = line.trim().split_once(READY) {
                address.clone_into(&mut server.address);
            }
        }
        Ok(server)
    }

    /// `HOST:PORT`.
    pub fn address(&self) -> &str {
        &self.address
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already; then there is nothing to end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
