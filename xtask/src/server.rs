//! A server of our own on a free port, for what is played against one.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::process;
use crate::workspace::Workspace;

/// What stands before the address in the line that says that it listens.
const READY: &str = "ready on ";

/// A running server, which ends with this value.
pub struct Server {
    child: Child,
    address: String,
    /// What it printed until it was ready.
    greeting: String,
    /// Kept open, so that the server can go on printing.
    _output: BufReader<ChildStdout>,
}

impl Server {
    /// Starts `command`, which is a server or becomes one, with its log in `log`, and waits for its ready line.
    pub fn start(command: &mut Command, log: &Path) -> Result<Server> {
        command
            .env("LOWERDECK_LISTEN", "127.0.0.1:0")
            .stdout(Stdio::piped())
            .stderr(File::create(log).with_context(|| format!("cannot create {}", log.display()))?);
        let mut child = command.spawn().with_context(|| format!("cannot start `{}`", process::name(command)))?;
        let output = child.stdout.take().context("the server's standard output is a pipe")?;
        let mut output = BufReader::new(output);
        let (mut address, mut greeting) = (String::new(), String::new());
        while address.is_empty() {
            let begin = greeting.len();
            if output.read_line(&mut greeting).context("cannot read what the server prints")? == 0 {
                let status = child.wait().context("cannot wait for the server")?;
                bail!("the server ended with {status} before it was ready; see {}", log.display());
            }
            if let Some((_, ready)) = greeting[begin..].trim().split_once(READY) {
                ready.clone_into(&mut address);
            }
        }
        Ok(Server { child, address, greeting, _output: output })
    }

    /// `HOST:PORT`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// What it printed until it was ready.
    pub fn greeting(&self) -> &str {
        &self.greeting
    }

    /// Asks it to end, as an operator would, and waits until it has.
    pub fn stop(mut self, workspace: &Workspace) -> Result<()> {
        process::run(workspace.command("kill").args(["-TERM", &self.child.id().to_string()]))?;
        let status = self.child.wait().context("cannot wait for the server")?;
        if !status.success() {
            bail!("the server was asked to end and ended with {status}");
        }
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already; then there is nothing to end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
