//! The servers that are measured, as processes of their own, and what they cost.
//!
//! Law: whoever starts one ends it, also when a measurement fails.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, bail};

use crate::procfs;

/// A server process that has said where it listens.
pub struct Server {
    child: Child,
    /// `http://HOST:PORT`.
    pub endpoint: String,
}

impl Server {
    /// Starts `lowerdeckd` with further flags, on a free port.
    pub fn lowerdeck(program: &Path, flags: &[&str]) -> anyhow::Result<Server> {
        Server::start(program, &[&["serve", "--listen", "127.0.0.1:0", "--log", "warn"], flags].concat())
    }

    /// Starts `program`, whose first line of output ends with the address it listens on.
    pub fn start(program: &Path, arguments: &[&str]) -> anyhow::Result<Server> {
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("starting {}", program.display()))?;
        let mut line = String::new();
        let stdout = child.stdout.take().context("the child has an output")?;
        std::io::BufRead::read_line(&mut std::io::BufReader::new(stdout), &mut line)?;
        match line.split_whitespace().next_back() {
            Some(address) => Ok(Server { child, endpoint: format!("http://{address}") }),
            None => {
                let status = child.wait()?;
                bail!("{} ended with {status} before it was ready", program.display())
            }
        }
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Bytes of memory that the process holds now.
    pub fn resident(&self) -> anyhow::Result<u64> {
        procfs::resident(self.child.id())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Its end is not what is measured: no drain is waited for.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
