//! A server as a process of its own.
//!
//! The program is that of `LOWERDECKD`, or else the one built beside this test.

use std::future::Future;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tonic::transport::{Channel, Endpoint};

/// Longest that any of these tests may take.
const PATIENCE: Duration = Duration::from_secs(60);
fn program() -> PathBuf {
    let beside = || {
        let test = std::env::current_exe().expect("this test is a file");
        // The test is in `deps`, programs are one above.
        test.ancestors().nth(2).expect("a file in deps").join("lowerdeckd")
    };
    let program = std::env::var_os("LOWERDECKD").map_or_else(beside, PathBuf::from);
    assert!(program.is_file(), "{} is not there: run `cargo build -p lowerdeck-server`", program.display());
    program
}

/// `lowerdeckd` with `arguments`, and with nothing from our own environment: its variables have names of its own.
pub fn lowerdeckd(arguments: &[&str]) -> Command {
    let mut command = Command::new(program());
    command.args(arguments).env_clear().stdin(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    command
}

/// Runs a test, which must end in time.
pub fn bounded<T>(test: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Runtime::new().expect("the machine gives threads");
    runtime.block_on(async { tokio::time::timeout(PATIENCE, test).await.expect("it ends in time") })
}

/// A serving process.
pub struct Daemon {
    child: Child,
    /// Where it listens.
    pub address: String,
    /// A channel to it.
    pub channel: Channel,
}

impl Daemon {
    /// Starts it with further flags on a free port, waits for its ready line, and connects.
    pub async fn start(flags: &[&str]) -> Daemon {
        Daemon::of(lowerdeckd(&[&["serve", "--listen", "127.0.0.1:0"], flags].concat())).await
    }

    /// As [`Daemon::start`], whatever starts it.
    pub async fn of(mut command: Command) -> Daemon {
        let mut child = command.stdout(Stdio::piped()).spawn().expect("the program starts");
        let stdout = child.stdout.take().expect("it was asked for");
        let line = BufReader::new(stdout).lines().next_line().await.expect("it can be read").expect("a ready line");
        let address = line.strip_prefix("lowerdeckd ready on ").unwrap_or_else(|| panic!("`{line}`")).to_owned();
        let channel = connect(&address).await;
        Daemon { child, address, channel }
    }

    /// Another connection to it.
    pub async fn connect(&self) -> Channel {
        connect(&self.address).await
    }

    /// How many descriptors it has.
    pub fn descriptors(&self) -> usize {
        let id = self.child.id().expect("it runs");
        std::fs::read_dir(format!("/proc/{id}/fd")).expect("it is our own child").count()
    }

    /// Asks it to end.
    pub fn terminate(&self) {
        let id = self.child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        kill_process(id.expect("it runs"), Signal::TERM).expect("it is our own child");
    }

    /// Waits for its end.
    pub async fn end(mut self) -> ExitStatus {
        self.child.wait().await.expect("it is our own child")
    }
}

async fn connect(address: &str) -> Channel {
    let endpoint = Endpoint::from_shared(format!("http://{address}")).expect("the line ends with an address");
    endpoint.connect().await.expect("ready means that it listens")
}
