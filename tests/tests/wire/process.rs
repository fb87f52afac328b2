//! `lowerdeckd` as a process: its ready line, its signals, its exit codes.
//!
//! The program is that of `LOWERDECKD`, or else the one built beside this test.

use std::future::Future;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use lowerdeck_proto::v1;
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tonic::transport::{Channel, Endpoint};
use tonic_health::pb::health_check_response::ServingStatus;
use v1::event::Body;

use crate::health::Watcher;
use crate::refusal::granted;
use crate::upper::{self, Upper};

/// Longest that any of these tests may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// A drain that no test waits for.
const FOR_EVER: &str = "1day";

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
fn lowerdeckd(arguments: &[&str]) -> Command {
    let mut command = Command::new(program());
    command.args(arguments).env_clear().stdin(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    command
}

fn bounded<T>(test: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Runtime::new().expect("the machine gives threads");
    runtime.block_on(async { tokio::time::timeout(PATIENCE, test).await.expect("it ends in time") })
}

/// A serving process.
struct Daemon {
    child: Child,
    address: String,
    channel: Channel,
}

impl Daemon {
    /// Starts it on a free port, waits for its ready line, and connects.
    async fn start(drain: &str) -> Daemon {
        let mut command = lowerdeckd(&["serve", "--listen", "127.0.0.1:0", "--drain", drain]);
        let mut child = command.stdout(Stdio::piped()).spawn().expect("the program starts");
        let stdout = child.stdout.take().expect("it was asked for");
        let line = BufReader::new(stdout).lines().next_line().await.expect("it can be read").expect("a ready line");
        let address = line.strip_prefix("lowerdeckd ready on ").unwrap_or_else(|| panic!("`{line}`")).to_owned();
        let endpoint = Endpoint::from_shared(format!("http://{address}")).expect("the line ends with an address");
        let channel = endpoint.connect().await.expect("ready means that it listens");
        Daemon { child, address, channel }
    }

    fn terminate(&self) {
        let id = self.child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        kill_process(id.expect("it runs"), Signal::TERM).expect("it is our own child");
    }

    async fn end(mut self) -> ExitStatus {
        self.child.wait().await.expect("it is our own child")
    }
}

#[test]
fn an_idle_server_ends_with_success() {
    bounded(async {
        let daemon = Daemon::start(FOR_EVER).await;
        let mut watcher = Watcher::of(&daemon.channel, "").await;
        assert_eq!(watcher.next().await, ServingStatus::Serving);
        daemon.terminate();
        assert_eq!(daemon.end().await.code(), Some(0));
    });
}

#[test]
fn a_signal_lets_open_sessions_finish() {
    bounded(async {
        let daemon = Daemon::start(FOR_EVER).await;
        let mut ready = Watcher::of(&daemon.channel, "lowerdeck.v1.DeviceService").await;
        assert_eq!(ready.next().await, ServingStatus::Serving);
        let upper = Upper::attach(&daemon.channel, upper::on_stack("disk")).await;
        let file = upper.file().await;
        daemon.terminate();
        assert_eq!(ready.next().await, ServingStatus::NotServing);
        upper.close(&file).await;
        let last_word = granted(upper.session().close_session(v1::CloseSessionRequest {}).await);
        assert_eq!(last_word.files_left_open, 0);
        assert_eq!(daemon.end().await.code(), Some(0));
    });
}

#[test]
fn a_second_signal_ends_at_once() {
    bounded(async {
        let daemon = Daemon::start(FOR_EVER).await;
        let upper = Upper::attach(&daemon.channel, upper::on_stack("disk")).await;
        let mut events = upper.events_after(0).await;
        daemon.terminate();
        events.until(|body| matches!(body, Body::SessionEnding(_))).await;
        daemon.terminate();
        let status = daemon.end().await;
        assert!(status.code().is_some_and(|code| code != 0), "cut short is no success: {status}");
    });
}

#[test]
fn the_probe_tells_health_by_its_exit_code() {
    bounded(async {
        let daemon = Daemon::start(FOR_EVER).await;
        let endpoint = format!("http://{}", daemon.address);
        for (service, healthy) in [("", true), ("lowerdeck.v1.DeviceService", true), ("lowerdeck.stack/nowhere", false)]
        {
            let mut probe = lowerdeckd(&["health", "--endpoint", &endpoint, "--service", service]);
            let status = probe.stdout(Stdio::null()).status().await.expect("the program starts");
            assert_eq!(status.success(), healthy, "`{service}`: {status}");
        }
        daemon.terminate();
        assert_eq!(daemon.end().await.code(), Some(0));
    });
}

#[test]
fn an_open_address_must_be_meant() {
    bounded(async {
        let mut command = lowerdeckd(&["serve", "--listen", "0.0.0.0:0"]);
        let output = command.stderr(Stdio::piped()).stdout(Stdio::piped()).output().await.expect("the program starts");
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "no ready line");
        assert!(String::from_utf8_lossy(&output.stderr).contains("--insecure-listen"), "{output:?}");
    });
}
