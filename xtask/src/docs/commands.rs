//! Runs the commands that documents show, each document's on a server of its own, and compares what they print.
//!
//! Laws: a command is run as it is written, or stands in `xtask/docs-not-run.toml` with the reason; one that installs is
//! never run. What a document shows of an output comes in that order. The only liberties are the server's address and where
//! the scratch files are.

use std::collections::BTreeMap;
use std::env;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::markdown::Shown;
use crate::build::Programs;
use crate::process::{self, Stopwatch};
use crate::server::Server;
use crate::workspace::Workspace;

/// Where documents say that the server is.
const WRITTEN_ADDRESS: &str = "127.0.0.1:50051";
/// Where documents put what is not theirs.
const WRITTEN_SCRATCH: &str = "/tmp/";
/// How long a command may take: several times what the longest takes.
const PATIENCE_SECONDS: &str = "180";
/// How long a command is tried again that follows one in the background.
const ATTEMPTS_LAST: Duration = Duration::from_secs(10);

/// Programs that change the machine on which they run: never started from here.
const INSTALLERS: [&str; 5] = ["apt-get", "cargo install", "docker", "npm", "pip"];
/// What a document's commands find of the repository where they begin.
const LINKED: [&str; 6] = ["client", "docker", "proto", "server", "tests", "xtask"];

/// Commands that are not run, with the reason.
pub type NotRun = BTreeMap<String, String>;

/// One document's stage.
pub struct Stage<'a> {
    workspace: &'a Workspace,
    /// Where its commands begin, but for those of cargo, which belong at the root.
    folder: PathBuf,
    /// Our programs first.
    path: OsString,
    server: Server,
    /// Commands that go on in the background, with their text.
    background: Vec<(String, Child)>,
}

impl<'a> Stage<'a> {
    /// Clears `folder` and starts a server there that has places for handles.
    pub fn set(workspace: &'a Workspace, programs: &Programs, folder: PathBuf) -> Result<Stage<'a>> {
        if folder.exists() {
            fs::remove_dir_all(&folder).with_context(|| format!("cannot clear {}", folder.display()))?;
        }
        for name in ["files", "tmp"] {
            let made = folder.join(name);
            fs::create_dir_all(&made).with_context(|| format!("cannot create {}", made.display()))?;
        }
        for name in LINKED.into_iter().filter(|name| workspace.path(name).exists()) {
            symlink(workspace.path(name), folder.join(name)).with_context(|| format!("cannot link to {name}"))?;
        }
        let own = programs.client.parent().context("an executable has a folder")?.to_owned();
        let inherited = env::var_os("PATH").unwrap_or_default();
        let path = env::join_paths([own].into_iter().chain(env::split_paths(&inherited)))?;
        let mut command = workspace.command(&programs.server);
        command.args(["--files-root", "files", "--pipe-directory", "pipes", "--sockets", "loopback"]);
        let server = Server::start(command.current_dir(&folder), &folder.join("server.log"))?;
        Ok(Stage { workspace, folder, path, server, background: Vec::new() })
    }

    /// Runs one command, and those in the background to their end when its block ends.
    pub fn run(&mut self, shown: &Shown) -> Result<()> {
        let done = self.perform(shown);
        if done.is_err() {
            self.abandon(); // their peer is not coming
        }
        done
    }

    fn perform(&mut self, shown: &Shown) -> Result<()> {
        if is_installer(&shown.command) {
            bail!("it changes this machine; list it among the commands that are not run, with who runs it instead");
        }
        if is_server(&shown.command) {
            self.serve(shown)?;
        } else if let Some(command) = shown.command.strip_suffix('&') {
            let mut command = self.patiently(command, &self.server);
            let child = command.stdout(Stdio::null()).spawn().context("cannot start timeout")?;
            self.background.push((shown.command.clone(), child));
        } else {
            compare(shown, &self.output(shown)?)?;
        }
        while shown.ends_block
            && let Some((text, mut child)) = self.background.pop()
        {
            let status = child.wait().context("cannot wait for a command in the background")?;
            if !status.success() {
                bail!("`{text}` ended with {status}");
            }
        }
        Ok(())
    }

    /// Ends what goes on in the background.
    fn abandon(&mut self) {
        for (_, mut child) in self.background.drain(..) {
            // It may have ended already; then there is nothing to end. The signal is passed on to the command itself.
            let _ = self.workspace.command("kill").arg(child.id().to_string()).stderr(Stdio::null()).status();
            let _ = child.wait();
        }
    }

    /// A command that is a server comes up, is healthy, and ends when it is told to.
    fn serve(&self, shown: &Shown) -> Result<()> {
        let mut command = self.shell(&format!("exec {}", shown.command), &self.server);
        let server = Server::start(&mut command, &self.folder.join("shown.log"))?;
        compare(shown, &server.greeting().replace(server.address(), WRITTEN_ADDRESS))?;
        process::run(self.shell("lowerdeckd health", &server).stdout(Stdio::null()))?;
        server.stop(self.workspace)
    }

    fn output(&self, shown: &Shown) -> Result<String> {
        let watch = Stopwatch::start();
        loop {
            let Output { status, stdout, stderr } =
                self.patiently(&shown.command, &self.server).output().context("cannot start timeout")?;
            if status.success() {
                return Ok(String::from_utf8_lossy(&stdout).replace(self.server.address(), WRITTEN_ADDRESS));
            }
            if self.background.is_empty() || watch.elapsed() > ATTEMPTS_LAST {
                bail!("it ended with {status}:\n{}", String::from_utf8_lossy(&stderr).trim_end());
            }
        }
    }

    /// A command as somebody types it whose server is `server`.
    fn shell(&self, text: &str, server: &Server) -> Command {
        self.typed(&["bash", "-c"], text, server)
    }

    /// The same, with an end.
    fn patiently(&self, text: &str, server: &Server) -> Command {
        self.typed(&["timeout", "--foreground", "--kill-after=5", PATIENCE_SECONDS, "bash", "-c"], text, server)
    }

    fn typed(&self, before: &[&str], text: &str, server: &Server) -> Command {
        let scratch = format!("{}/", self.folder.join("tmp").display());
        let text = text.replace(WRITTEN_ADDRESS, server.address()).replace(WRITTEN_SCRATCH, &scratch);
        let mut command = self.workspace.command(before[0]);
        command.args(&before[1..]).arg(&text);
        if !text.trim_start_matches("exec ").starts_with("cargo ") {
            command.current_dir(&self.folder);
        }
        // Set by `cargo run` for xtask; a nested cargo must not hand them on.
        command.env_remove("CARGO_MANIFEST_DIR").env_remove("CARGO_MANIFEST_PATH");
        let endpoint = format!("http://{}", server.address());
        command.env("PATH", &self.path).env("LOWERDECK_ENDPOINT", endpoint).stdin(Stdio::null());
        command
    }
}

impl Drop for Stage<'_> {
    fn drop(&mut self) {
        self.abandon();
    }
}

/// Whether a command is a server, which goes on until it is told to end.
pub(super) fn is_server(command: &str) -> bool {
    let words: Vec<&str> = command.split_whitespace().collect();
    match *words.as_slice() {
        ["cargo", "run", "--bin", "lowerdeckd", ..] => true,
        ["lowerdeckd", next, ..] => next == "serve" || next.starts_with('-'),
        ["lowerdeckd"] => true,
        _ => false,
    }
}

/// Whether a command changes the machine on which it runs.
pub(super) fn is_installer(command: &str) -> bool {
    INSTALLERS.iter().any(|installer| command.strip_prefix(installer).is_some_and(|rest| rest.starts_with(' ')))
}

/// Whether everything that is shown was printed, in that order; `…` stands for anything.
pub(super) fn compare(shown: &Shown, printed: &str) -> Result<()> {
    let mut lines = printed.lines().map(str::trim_end);
    for expected in shown.output.iter().map(|line| line.trim_end()).filter(|line| !matches!(*line, "" | "…")) {
        if !lines.any(|line| line == expected) {
            bail!("it does not print, or not in this place:\n{expected}\nbut:\n{}", printed.trim_end());
        }
    }
    Ok(())
}

/// Reads the list of commands that are not run.
pub fn not_run(list: &Path) -> Result<NotRun> {
    let text = fs::read_to_string(list).with_context(|| format!("cannot read {}", list.display()))?;
    toml::from_str(&text).with_context(|| format!("{} is no table of commands and reasons", list.display()))
}
