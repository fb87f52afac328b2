//! A server of the demo's own: started on a free loopback port, ended with SIGTERM, never left behind.

use std::collections::VecDeque;
use std::ffi::OsStr;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, bail};
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, ChildStdout, Command};
use tokio_util::task::TaskTracker;

/// How long a server may take until it is ready.
const READY_TIMEOUT: Duration = Duration::from_secs(10);

/// How long it may take to end. Longer than its own hard deadline for a drain (20 s by default).
const END_TIMEOUT: Duration = Duration::from_secs(30);

/// Lines of its log that are kept to explain a failure.
const LOG_LINES: usize = 20;

/// What the server prints before its address when it takes connections.
const READY: &str = "ready on ";

type Log = Arc<Mutex<VecDeque<String>>>;

/// A running server. Dropped without `end`, the child is killed.
pub(super) struct Server {
    child: Child,
    address: SocketAddr,
    log: Log,
    readers: TaskTracker,
}

/// Starts `program serve` on a free port, with pipes in that directory if there is one, and waits until it is ready.
pub(super) async fn start(program: &Path, pipes: Option<&Path>) -> anyhow::Result<Server> {
    let pipes = pipes.into_iter().flat_map(|pipes| [OsStr::new("--pipe-directory"), pipes.as_os_str()]);
    let mut child = Command::new(program)
        .args(["serve", "--listen", "127.0.0.1:0"])
        .args(pipes)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .with_context(|| {
            format!("cannot start the server {}; build it with `cargo build -p lowerdeck-server`", program.display())
        })?;
    let log = Log::default();
    let readers = TaskTracker::new();
    if let Some(stderr) = child.stderr.take() {
        readers.spawn(keep_last_lines(stderr, log.clone()));
    }
    let stdout = child.stdout.take().context("the server has no standard output")?;
    let mut lines = BufReader::new(stdout).lines();
    let ready = tokio::time::timeout(READY_TIMEOUT, ready_line(&mut lines)).await;
    let address = match ready {
        Ok(Ok(address)) => address,
        Ok(Err(error)) => {
            let status = child.wait().await?;
            readers.close();
            readers.wait().await;
            bail!("the server ended before it was ready ({status}): {error:#}{}", tail(&log));
        }
        Err(_) => bail!("the server printed no line with `{READY}ADDRESS` within {READY_TIMEOUT:?}{}", tail(&log)),
    };
    readers.spawn(keep_last_lines(lines.into_inner(), log.clone()));
    Ok(Server { child, address, log, readers })
}

impl Server {
    /// Where clients connect.
    pub(super) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Asks the server to end, and waits until it has, with exit code 0.
    pub(super) async fn end(mut self) -> anyhow::Result<()> {
        let id = self.child.id().context("the server has ended by itself")?;
        let id = i32::try_from(id).ok().and_then(Pid::from_raw);
        let id = id.context("the server's process id is out of range")?;
        kill_process(id, Signal::TERM).context("SIGTERM could not be sent to the server")?;
        let Ok(status) = tokio::time::timeout(END_TIMEOUT, self.child.wait()).await else {
            bail!("the server did not end within {END_TIMEOUT:?} of SIGTERM{}", tail(&self.log));
        };
        let status = status?;
        self.readers.close();
        self.readers.wait().await;
        if !status.success() {
            bail!("the server ended with {status}{}", tail(&self.log));
        }
        Ok(())
    }
}

async fn ready_line(lines: &mut tokio::io::Lines<BufReader<ChildStdout>>) -> anyhow::Result<SocketAddr> {
    while let Some(line) = lines.next_line().await? {
        if let Some((_, address)) = line.split_once(READY) {
            let address = address.split_whitespace().next().unwrap_or_default();
            return address.parse().with_context(|| format!("its ready line has no address: `{line}`"));
        }
    }
    bail!("its standard output ended")
}

/// Reads to the end, so that the server never waits for a full pipe.
async fn keep_last_lines(source: impl AsyncRead + Unpin, log: Log) {
    let mut lines = BufReader::new(source).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
        if log.len() == LOG_LINES {
            log.pop_front();
        }
        log.push_back(line);
    }
}

/// The end of the log, for an error message.
fn tail(log: &Log) -> String {
    let log = log.lock().unwrap_or_else(PoisonError::into_inner);
    if log.is_empty() {
        return String::new();
    }
    let lines: Vec<&str> = log.iter().map(String::as_str).collect();
    format!("; its last words:\n  {}", lines.join("\n  "))
}
