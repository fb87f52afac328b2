//! `lowerdeckd` as a process: its ready line, its signals, its exit codes.

use std::process::Stdio;

use lowerdeck_proto::v1;
use tonic_health::pb::health_check_response::ServingStatus;
use v1::event::Body;

use crate::daemon::{Daemon, bounded, lowerdeckd};
use crate::health::Watcher;
use crate::refusal::granted;
use crate::upper::{self, Upper};

/// A drain that no test waits for.
const FOR_EVER: &str = "1day";

#[test]
fn an_idle_server_ends_with_success() {
    bounded(async {
        let daemon = Daemon::start(&["--drain", FOR_EVER]).await;
        let mut watcher = Watcher::of(&daemon.channel, "").await;
        assert_eq!(watcher.next().await, ServingStatus::Serving);
        daemon.terminate();
        assert_eq!(daemon.end().await.code(), Some(0));
    });
}

#[test]
fn a_signal_lets_open_sessions_finish() {
    bounded(async {
        let daemon = Daemon::start(&["--drain", FOR_EVER]).await;
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
        let daemon = Daemon::start(&["--drain", FOR_EVER]).await;
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
        let daemon = Daemon::start(&["--drain", FOR_EVER]).await;
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
