//! What a language brings: its runners, or why there are none here.

use std::process::{Command, Stdio};

use crate::process;
use crate::workspace::Workspace;

/// What became of an installation.
pub enum Installed {
    /// These can be played.
    Ready(Vec<Runner>),
    /// The language is not there, and we may not install it.
    Missing { why: String },
}

/// One client, and how it is started.
pub struct Runner {
    /// For the summary.
    pub name: &'static str,
    /// Starts the runner; options are added.
    pub command: Box<dyn Fn() -> Command>,
    /// Whether it knows `--broken`.
    pub has_broken_clients: bool,
    /// Starts the ten lines from nothing to a completed read; the address is added.
    pub read: Option<Box<dyn Fn() -> Command>>,
    /// The file of these ten lines.
    pub read_name: &'static str,
}

/// Whether a program can be started here.
pub fn is_here(workspace: &Workspace, program: &str) -> bool {
    let mut version = workspace.command(program);
    version.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
    process::status(&mut version).is_ok_and(|status| status.success())
}
