//! The container engine: the one that runs here, or one that we install and start for as long as we need it.
//!
//! An engine of ours has no network of its own (containers use the host's) and keeps everything below the target folder;
//! it is ended by the id of its process. Where none can be had, whoever asked is told why in one line.

use std::env;
use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::debian::{self, Program};
use crate::process::{self, Stopwatch};
use crate::workspace::Workspace;

/// What an engine of ours consists of.
const PROGRAMS: [Program; 2] =
    [Program { name: "dockerd", package: "docker.io" }, Program { name: "docker", package: "docker.io" }];
/// How long an engine may take to start.
const START_MAX: Duration = Duration::from_secs(60);

/// A container engine that answers.
pub struct Engine {
    /// Where it listens, when it is ours.
    socket: Option<String>,
    daemon: Option<Daemon>,
}

/// An engine of ours.
struct Daemon {
    child: Child,
    /// Where it keeps what runs.
    exec: PathBuf,
}

/// An engine, or why there is none.
pub enum Provided {
    /// It answers.
    Engine(Engine),
    /// In one line.
    None(String),
}

impl Provided {
    /// The engine.
    ///
    /// # Errors
    /// Why there is none.
    pub fn into_result(self) -> Result<Engine> {
        match self {
            Provided::Engine(engine) => Ok(engine),
            Provided::None(why) => bail!("{why}"),
        }
    }
}

impl Engine {
    /// The engine that runs here; else one of our own.
    pub fn provide(workspace: &Workspace) -> Result<Provided> {
        let running = Engine { socket: None, daemon: None };
        if running.answers(workspace) {
            return Ok(Provided::Engine(running));
        }
        if process::capture(workspace.command("id").arg("-u"))?.trim() != "0" {
            return Ok(Provided::None("no container engine answers, and only root can start one".to_owned()));
        }
        if let Err(error) = debian::provide(workspace, &PROGRAMS) {
            return Ok(Provided::None(format!("no container engine answers, and none can be installed: {error:#}")));
        }
        match Engine::start(workspace) {
            Ok(engine) => Ok(Provided::Engine(engine)),
            Err(error) => Ok(Provided::None(format!("the container engine does not start: {error:#}"))),
        }
    }

    /// Where it listens, when that is not where everybody looks.
    pub fn socket(&self) -> Option<&str> {
        self.socket.as_deref()
    }

    /// The engine's command line.
    pub fn docker(&self, workspace: &Workspace) -> Command {
        let mut docker = workspace.command("docker");
        docker.env("DOCKER_BUILDKIT", "0"); // the builder that needs nothing from elsewhere
        if let Some(socket) = &self.socket {
            docker.env("DOCKER_HOST", socket);
        }
        docker
    }

    fn answers(&self, workspace: &Workspace) -> bool {
        let mut version = self.docker(workspace);
        version.args(["version", "--format", "{{.Server.Version}}"]).stdout(Stdio::null()).stderr(Stdio::null());
        version.status().is_ok_and(|status| status.success())
    }

    /// Starts an engine of ours and waits until it answers.
    fn start(workspace: &Workspace) -> Result<Engine> {
        let folder = workspace.target("image/engine");
        fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
        let log = folder.join("log");
        let output = File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
        // Not below the target folder: the path of a socket has 108 bytes at most.
        let socket = env::temp_dir().join(format!("lowerdeck-engine-{}", std::process::id()));
        let socket = format!("unix://{}", socket.display());
        let exec = folder.join("exec");
        let child = workspace
            .command("dockerd")
            .args(["--iptables=false", "--bridge=none", "--storage-driver=vfs", "--host", &socket])
            .arg("--data-root")
            .arg(folder.join("data"))
            .arg("--exec-root")
            .arg(&exec)
            .arg("--pidfile")
            .arg(folder.join("pid"))
            .stdout(output.try_clone().context("cannot share the log")?)
            .stderr(output)
            .spawn()
            .context("cannot start dockerd")?;
        let mut engine = Engine { socket: Some(socket), daemon: Some(Daemon { child, exec }) };
        let watch = Stopwatch::start();
        while !engine.answers(workspace) {
            let ended = engine.daemon.as_mut().and_then(|daemon| daemon.child.try_wait().ok().flatten());
            if ended.is_some() || watch.elapsed() > START_MAX {
                bail!("its log is {}", log.display());
            }
        }
        Ok(engine)
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let Some(Daemon { mut child, exec }) = self.daemon.take() else { return };
        // It may have ended; then there is nothing to do.
        let _ = Command::new("kill").arg(child.id().to_string()).stderr(Stdio::null()).status();
        let _ = child.wait();
        // The network of the host, which it leaves mounted: nobody could remove the target folder.
        let _ = Command::new("umount").arg(exec.join("netns/default")).stderr(Stdio::null()).status();
    }
}
