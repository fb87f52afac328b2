//! The limits of handles and of targets: named when they are reached, without a trace, and giving way again.

use std::collections::BTreeSet;

use lowerdeck_proto::{reason, v1};
use lowerdeck_tests::wire::Server;
use tonic::Code::ResourceExhausted;

use super::calls::{opening, read};
use super::peer::Peer;
use super::win32::{NO_SYSTEM_RESOURCES, OK, OPERATION_ABORTED, OUT_OF_MEMORY, PIPE_CONNECTED, each_kind, file, pipe};
use crate::refusal::{expect, granted};
use crate::upper::Upper;

#[test]
fn handles_of_a_session_are_limited() {
    let server = Server::with_handles_and(|limits| limits.handles_max = 3);
    server.run(async {
        let upper = Upper::with_handles(&server).await;
        let other = Upper::with_handles(&server).await;
        let mut handles = Vec::new();
        for object in each_kind("limited") {
            handles.push(upper.handle(object).await);
        }
        for object in each_kind("one-more") {
            let open = upper.open_handle(opening(object));
            let refusal = upper.refused(open, ResourceExhausted, reason::LIMIT_REACHED).await;
            assert_eq!((refusal.metadata("limit"), refusal.metadata("value")), ("handles_max", "3"));
        }
        assert!(!server.files_root().join("one-more.bin").exists(), "what is refused makes nothing");
        assert!(!server.pipe_directory().join("one-more").exists());
        assert_eq!(other.try_open(pipe("others")).await, OK, "the limit is the session's");
        for handle in handles {
            assert_eq!(upper.close_handle(&handle).await, OK);
            assert_eq!(upper.try_open(file("again")).await, OK, "a handle that is closed gives its place");
        }
    });
}

#[test]
fn handles_of_the_server_are_limited() {
    let server = Server::with_handles_and(|limits| limits.host_handles_max = 2);
    server.run(async {
        let one = Upper::with_handles(&server).await;
        let other = Upper::with_handles(&server).await;
        let handle = one.handle(pipe("first")).await;
        let _second = other.handle(file("second")).await;
        for upper in [&one, &other] {
            let open = upper.open_handle(opening(pipe("third")));
            let refusal = upper.refused(open, ResourceExhausted, reason::LIMIT_REACHED).await;
            assert_eq!((refusal.metadata("limit"), refusal.metadata("value")), ("host_handles_max", "2"));
        }
        assert_eq!(one.close_handle(&handle).await, OK);
        assert_eq!(other.try_open(pipe("third")).await, OK);
    });
}

#[test]
fn a_failed_open_takes_no_place() {
    let server = Server::with_handles_and(|limits| (limits.handles_max, limits.host_handles_max) = (1, 1));
    server.run(async {
        let upper = Upper::with_handles(&server).await;
        for _ in 0..3 {
            let missing = v1::CreateFile { creation_disposition: 3, ..file("missing") };
            assert_eq!(upper.try_open(missing).await, super::win32::FILE_NOT_FOUND);
        }
        assert_eq!(upper.try_open(file("present")).await, OK);
    });
}

#[test]
fn targets_are_limited() {
    let server = Server::with_handles();
    server.run(async {
        let upper = Upper::with_handles(&server).await;
        let max = upper.view().await.limits.expect("a session has limits").handle_targets_max;
        let handle = upper.handle(pipe("targets")).await;
        let first = upper.target_on(&handle).await;
        for _ in 1..max {
            upper.target_on(&handle).await;
        }
        assert_eq!(upper.try_target(&handle).await, OUT_OF_MEMORY, "FHT-2");
        upper.delete_target(&first).await;
        assert_eq!(upper.try_target(&handle).await, OK);
    });
}

/// Operations that a handle takes at one time (`OPERATIONS_MAX` of the handles).
const OPERATIONS_MAX: usize = 1024;

#[test]
fn operations_of_a_handle_are_limited_and_its_close_ends_them_all() {
    let server = Server::with_handles();
    server.run(async {
        let upper = Upper::with_handles(&server).await;
        let mut events = upper.events_after(0).await;
        let (handle, target) = upper.open_with_target(pipe("many")).await;
        let peer = Peer::of(&server.pipe_directory(), "many");
        assert_eq!(upper.connect(&handle).await, PIPE_CONNECTED);
        let mut pending = BTreeSet::new();
        for _ in 0..OPERATIONS_MAX {
            pending.insert(upper.send(read(&target, 16)).await);
        }
        for _ in 0..4 {
            assert_eq!(upper.ended(&mut events, read(&target, 16)).await, (NO_SYSTEM_RESOURCES, 0, vec![]));
        }
        peer.send(b"one");
        let done = events.completion().await.1;
        assert_eq!((done.hresult, pending.remove(&done.request_id)), (OK, true));
        pending.insert(upper.send(read(&target, 16)).await); // there is room again
        assert_eq!(upper.close_handle(&handle).await, OK);
        while !pending.is_empty() {
            let ended = events.completion().await.1;
            assert_eq!((ended.hresult, pending.remove(&ended.request_id)), (OPERATION_ABORTED, true));
        }
    });
}

#[test]
fn waits_for_a_client_are_among_the_calls_that_wait() {
    let server = Server::with_handles_and(|limits| limits.blocking_calls_max = 1);
    server.run(async {
        let upper = Upper::with_handles(&server).await;
        let (mut handles, mut calls) = (Vec::new(), Vec::new());
        for name in ["one", "other"] {
            handles.push(upper.handle(pipe(name)).await);
        }
        for handle_id in handles {
            let message = v1::ConnectNamedPipeRequest { handle_id };
            let mut device = upper.device();
            calls.push(server.spawn(async move { device.connect_named_pipe(message).await }));
        }
        let (one, other) = (calls.swap_remove(0), calls.swap_remove(0));
        // Nobody connects, so the call that answers is the one for which there was no room.
        let (refused, waiting, name) = {
            let (mut one, mut other) = (one, other);
            tokio::select! {
                refused = &mut one => (refused, other, "other"),
                refused = &mut other => (refused, one, "one"),
            }
        };
        let refusal = expect(refused.expect("a call does not panic"), ResourceExhausted, reason::LIMIT_REACHED);
        assert_eq!((refusal.metadata("limit"), refusal.metadata("value")), ("blocking_calls_max", "1"));
        let _peer = Peer::of(&server.pipe_directory(), name);
        assert_eq!(granted(waiting.await.expect("a call does not panic")).hresult, OK);
    });
}
