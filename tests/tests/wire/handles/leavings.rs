//! A thousand handles in one session, and nothing of them afterwards: no socket file and no descriptor, however the
//! session ends.

use std::path::PathBuf;

use lowerdeck_proto::{reason, v1};
use tempfile::TempDir;
use tokio::task::JoinSet;
use tonic::Code::ResourceExhausted;
use tonic::{Response, Status};

use super::calls::{opening, read};
use super::win32::{OK, Object, Openable, client_end, file, pipe};
use crate::daemon::{Daemon, bounded};
use crate::refusal::{expect, granted};
use crate::upper::{self, Upper};

/// What a session may have by default, of each kind.
const PIPES: usize = 900;
const FILES: usize = 90;
const CLIENT_ENDS: usize = 10;

/// A server process with places for handles.
struct Host {
    daemon: Daemon,
    pipes: PathBuf,
    _places: TempDir,
}

impl Host {
    async fn start(flags: &[&str]) -> Host {
        let places = TempDir::new().expect("the machine has a place for scratch files");
        let (files, pipes) = (places.path().join("files"), places.path().join("pipes"));
        std::fs::create_dir(&files).expect("a new directory takes another");
        let shown = |path: &PathBuf| path.to_str().expect("scratch files have plain names").to_owned();
        let (root, directory) = (shown(&files), shown(&pipes));
        let places_given = ["--files-root", &root, "--pipe-directory", &directory, "--sockets", "loopback"];
        // Descriptors that connections do not reserve: a thousand handles shall fit where there are few.
        let few = ["--limit", "connections_max=64"];
        let daemon = Daemon::start(&[&places_given[..], &few, flags].concat()).await;
        Host { daemon, pipes, _places: places }
    }

    fn sockets(&self) -> usize {
        std::fs::read_dir(&self.pipes).expect("the directory is there").count()
    }

    /// Descriptors while nobody has a handle.
    async fn at_rest(&self) -> usize {
        let mut lab = v1::lab_service_client::LabServiceClient::new(self.daemon.channel.clone());
        granted(lab.list_stacks(v1::ListStacksRequest::default()).await);
        self.daemon.descriptors()
    }

    async fn upper(&self, channel: tonic::transport::Channel) -> Upper {
        let stack = upper::plug(&channel, upper::template("null")).await;
        Upper::attach(&channel, upper::on_stack(&stack)).await
    }

    /// Waits, asking the server again and again, until it has as many descriptors as at rest and no socket file is left.
    async fn is_clean(&self, at_rest: usize) {
        let mut lab = v1::lab_service_client::LabServiceClient::new(self.daemon.channel.clone());
        while self.daemon.descriptors() != at_rest || self.sockets() > 0 {
            granted(lab.list_stacks(v1::ListStacksRequest::default()).await);
        }
    }
}

/// The handles of a session that has as many as it may, and the calls under way on some of them.
struct Filled {
    handles: Vec<String>,
    calls: JoinSet<Result<Response<v1::ConnectNamedPipeResponse>, Status>>,
}

/// Opens as many handles as a session may have, with I/O and a call under way on some of them.
async fn fill(host: &Host, upper: &Upper) -> Filled {
    let objects = (0..PIPES).map(|number| pipe(&format!("p{number}")).object());
    let objects = objects.chain((0..FILES).map(|number| file(&format!("f{number}")).object()));
    let objects = objects.chain((0..CLIENT_ENDS).map(|number| client_end(&format!("p{number}")).object()));
    let mut handles = Vec::new();
    for object in objects.collect::<Vec<Object>>() {
        handles.push(upper.handle(object).await);
    }
    let refused = upper.open_handle(opening(pipe("one-more"))).await;
    let refusal = expect(refused, ResourceExhausted, reason::LIMIT_REACHED);
    assert_eq!((refusal.metadata("limit"), refusal.metadata("value")), ("handles_max", "1000"));
    assert_eq!(host.sockets(), PIPES);
    let connected = handles.iter().take(CLIENT_ENDS);
    for handle in connected.chain(&handles[PIPES + FILES..]) {
        let target = upper.target_on(handle).await;
        upper.send(read(&target, 4096)).await;
    }
    let mut calls = JoinSet::new();
    for handle_id in handles[CLIENT_ENDS..2 * CLIENT_ENDS].iter().cloned() {
        let mut device = upper.device();
        let message = v1::ConnectNamedPipeRequest { handle_id };
        calls.spawn(async move { device.connect_named_pipe(message).await });
    }
    Filled { handles, calls }
}

#[test]
fn a_session_that_is_closed_leaves_nothing() {
    bounded(async {
        let host = Host::start(&[]).await;
        let at_rest = host.at_rest().await;
        let upper = host.upper(host.daemon.channel.clone()).await;
        for round in 0..2 {
            let Filled { handles, calls: _under_way } = fill(&host, &upper).await;
            let full = host.daemon.descriptors();
            assert!(full >= at_rest + PIPES + FILES + CLIENT_ENDS, "round {round}: {full} descriptors");
            if round == 0 {
                // What is closed by hand makes room for as many.
                for handle in handles {
                    assert_eq!(upper.close_handle(&handle).await, OK);
                }
                host.is_clean(at_rest).await;
            }
        }
        granted(upper.session().close_session(v1::CloseSessionRequest {}).await);
        assert_eq!((host.sockets(), host.daemon.descriptors()), (0, at_rest), "it answers when nothing is left");
    });
}

#[test]
fn a_client_that_is_killed_leaves_nothing() {
    bounded(async {
        let host = Host::start(&["--limit", "lease_ms_min=1"]).await;
        let at_rest = host.at_rest().await;
        let connection = host.daemon.connect().await;
        let upper = host.upper(connection.clone()).await;
        let events = upper.events_after(0).await;
        let Filled { calls, .. } = fill(&host, &upper).await;
        let lease = Some(prost_types::Duration { seconds: 0, nanos: 100_000_000 });
        granted(upper.session().renew_session(v1::RenewSessionRequest { lease }).await);
        assert!(host.daemon.descriptors() > at_rest + PIPES);
        // Without a word: its connection ends, and nobody renews the lease.
        drop((calls, events, upper, connection));
        host.is_clean(at_rest).await;
    });
}

#[test]
fn a_server_that_is_drained_leaves_no_socket_file() {
    bounded(async {
        let host = Host::start(&["--drain", "100ms"]).await;
        let upper = host.upper(host.daemon.channel.clone()).await;
        let _filled = fill(&host, &upper).await;
        host.daemon.terminate();
        let Host { daemon, pipes, _places: places } = host;
        assert_eq!(daemon.end().await.code(), Some(0));
        assert_eq!(std::fs::read_dir(&pipes).expect("the directory stays").count(), 0);
        drop(places);
    });
}
