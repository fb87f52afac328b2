//! Messages that come again: the open, the target and the I/O are there once, and a call that was dropped is found.

use lowerdeck_proto::{reason, v1};
use lowerdeck_tests::wire::Server;
use tonic::Code::AlreadyExists;
use uuid::Uuid;

use super::calls::{opening, read, write};
use super::peer::Peer;
use super::win32::{
    CREATE_NEW, INVALID_HANDLE, OK, OPEN_EXISTING, Object, Openable, PIPE_CONNECTED, each_kind, file, pipe, win32,
};
use crate::refusal::granted;
use crate::upper::Upper;

/// Objects that can be opened once only: a second open would fail.
fn once_only(name: &str) -> [Object; 2] {
    [
        v1::CreateNamedPipe { max_instances: 1, ..pipe(name) }.object(),
        v1::CreateFile { creation_disposition: CREATE_NEW, share_mode: 0, ..file(&format!("{name}.bin")) }.object(),
    ]
}

#[test]
fn the_same_open_again_finds_the_handle() {
    let server = Server::with_handles();
    server.run(async {
        let upper = Upper::with_handles(&server).await;
        for object in once_only("again") {
            let message = opening(object.clone());
            let first = granted(upper.open_handle(message.clone()).await);
            assert_eq!(first.hresult, OK);
            for _ in 0..3 {
                assert_eq!(granted(upper.open_handle(message.clone()).await), first);
            }
            assert_ne!(upper.try_open(object).await, OK, "there can be one only: the test proves something");
            assert_eq!(upper.close_handle(&message.handle_id).await, OK);
        }
    });
}

#[test]
fn another_open_under_the_same_id_is_refused() {
    let server = Server::with_handles();
    server.run(async {
        let upper = Upper::with_handles(&server).await;
        for object in each_kind("one") {
            let message = opening(object);
            granted(upper.open_handle(message.clone()).await);
            let others = [pipe("two").object(), v1::CreateFile { share_mode: 1, ..file("one.bin") }.object()];
            for object in others {
                let other = upper.open_handle(v1::OpenHandleRequest { object: Some(object), ..message.clone() });
                let refusal = upper.refused(other, AlreadyExists, reason::HANDLE_ID_IN_USE).await;
                assert_eq!(refusal.metadata("id"), message.handle_id);
            }
        }
    });
}

#[test]
fn an_open_that_failed_leaves_its_id_free() {
    let server = Server::with_handles();
    server.run(async {
        let upper = Upper::with_handles(&server).await;
        let missing = v1::CreateFile { creation_disposition: OPEN_EXISTING, ..file("late") };
        let message = opening(missing.object());
        for _ in 0..2 {
            assert_eq!(granted(upper.open_handle(message.clone()).await).hresult, win32(2));
        }
        assert_eq!(upper.try_open(file("late")).await, OK, "now it is there");
        assert_eq!(granted(upper.open_handle(message).await).hresult, OK, "the id was free");
    });
}

/// Rounds of opens that nobody waits for.
const DROPPED: usize = 100;

#[test]
fn an_open_that_was_dropped_midway_is_found_by_its_message() {
    let server = Server::with_handles();
    server.run(async {
        let upper = Upper::with_handles(&server).await;
        let mut met = 0;
        for round in 0..DROPPED {
            for object in once_only(&format!("dropped-{round}")) {
                let message = opening(object);
                let mut tries = Vec::new();
                for _ in 0..=round % 3 {
                    let (mut device, message) = (upper.device(), message.clone());
                    tries.push(server.spawn(async move { device.open_handle(message).await }));
                }
                // Ever later: before anything was sent, on the way, under way, done.
                for _ in 0..round / 4 {
                    tokio::task::yield_now().await;
                }
                for dropped in &tries {
                    met += usize::from(!dropped.is_finished());
                    dropped.abort();
                }
                let found = granted(upper.open_handle(message.clone()).await);
                assert_eq!(found.hresult, OK, "round {round}: {:#x}, opened a second time", found.hresult);
                assert_eq!(granted(upper.open_handle(message.clone()).await), found);
                assert_eq!(upper.close_handle(&message.handle_id).await, OK);
            }
        }
        assert!(met > 0, "some were dropped before they had their answer");
    });
}

#[test]
fn the_same_target_again_is_the_same_target() {
    let server = Server::with_handles();
    server.run(async {
        let upper = Upper::with_handles(&server).await;
        let (one, other) = (upper.handle(pipe("one")).await, upper.handle(pipe("other")).await);
        let target_id = Uuid::new_v4().to_string();
        let create = |handle: &str| {
            let message =
                v1::CreateFileHandleTargetRequest { target_id: target_id.clone(), handle_id: handle.to_owned() };
            async { upper.device().create_file_handle_target(message).await }
        };
        for _ in 0..3 {
            assert_eq!(granted(create(&one).await).hresult, OK);
        }
        let refusal = upper.refused(create(&other), AlreadyExists, reason::TARGET_ID_IN_USE).await;
        assert_eq!(refusal.metadata("id"), target_id);
        upper.delete_target(&target_id).await;
        assert_eq!(upper.close_handle(&one).await, OK);
        assert_eq!(upper.findings().await, <[&str; 0]>::default(), "there was one target, and it was deleted");
    });
}

#[test]
fn a_target_that_failed_leaves_its_id_free() {
    let server = Server::with_handles();
    server.run(async {
        let upper = Upper::with_handles(&server).await;
        let (closed, open) = (upper.handle(pipe("closed")).await, upper.handle(pipe("open")).await);
        assert_eq!(upper.close_handle(&closed).await, OK);
        let target_id = Uuid::new_v4().to_string();
        for (handle_id, status) in [(closed, INVALID_HANDLE), (open, OK)] {
            let message = v1::CreateFileHandleTargetRequest { target_id: target_id.clone(), handle_id };
            assert_eq!(granted(upper.device().create_file_handle_target(message).await).hresult, status);
        }
    });
}

#[test]
fn the_same_send_to_a_target_does_no_second_io() {
    let server = Server::with_handles();
    server.run(async {
        let upper = Upper::with_handles(&server).await;
        let mut events = upper.events_after(0).await;
        let (handle, target) = upper.open_with_target(pipe("io")).await;
        let peer = Peer::of(&server.pipe_directory(), "io");
        assert_eq!(upper.connect(&handle).await, PIPE_CONNECTED);
        let send = |format| v1::FormatAndSendRequest {
            request_id: upper.number(),
            format: Some(format),
            ..Default::default()
        };
        let writing = send(write(&target, b"once"));
        for _ in 0..4 {
            assert_eq!(granted(upper.device().format_and_send(writing.clone()).await).hresult, OK);
        }
        let done = events.completion().await.1;
        assert_eq!((done.request_id, done.hresult), (writing.request_id, OK));
        // After its completion as well, for as long as the request exists.
        assert_eq!(granted(upper.device().format_and_send(writing.clone()).await).hresult, OK);
        assert_eq!(peer.receive(), b"once");
        assert!(!peer.has_message());
        let reading = send(read(&target, 64));
        for _ in 0..4 {
            assert_eq!(granted(upper.device().format_and_send(reading.clone()).await).hresult, OK);
        }
        let other = v1::FormatAndSendRequest { format: Some(read(&target, 65)), ..reading.clone() };
        let other = async { upper.device().format_and_send(other).await };
        upper.refused(other, AlreadyExists, reason::REQUEST_ID_IN_USE).await;
        for message in [b"one", b"two"] {
            peer.send(message);
        }
        assert_eq!(events.completion().await.1.data, b"one"[..]);
        assert_eq!(upper.ended(&mut events, read(&target, 64)).await.2, b"two", "one read took one message");
    });
}
