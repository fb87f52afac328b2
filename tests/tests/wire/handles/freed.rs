//! When what the host holds for a handle is free again: with the answer to CloseHandle, and with the end of a drain.

use lowerdeck_proto::v1;
use lowerdeck_tests::wire::Server;
use tokio_util::sync::CancellationToken;

use super::calls::{opening, read};
use super::descriptors::held;
use super::peer::Peer;
use super::win32::{OK, Openable, client_end, each_kind, file, pipe};
use crate::refusal::granted;
use crate::upper::Upper;

/// Rounds of a race that is in the host.
const ROUNDS: usize = 100;

/// The proof can fail: every kind of object is seen, as long as it is open.
#[test]
fn what_is_held_is_seen() {
    let server = Server::with_handles();
    server.run(async {
        let upper = Upper::with_handles(&server).await;
        assert_eq!(held(&server), 0);
        let end = upper.handle(pipe("seen")).await;
        assert_eq!(held(&server), 1, "the listener");
        let _client = upper.handle(client_end("seen")).await;
        upper.connect(&end).await;
        assert_eq!(held(&server), 2, "and the connection; a client's socket has no name");
        upper.handle(file("seen")).await;
        assert_eq!(held(&server), 3);
    });
}

/// The contract: CloseHandle answers when the object is free again, whatever is under way on it.
#[test]
fn a_close_answers_when_the_object_is_free() {
    let server = Server::with_handles();
    server.run(async {
        let upper = Upper::with_handles(&server).await;
        for round in 0..ROUNDS {
            let name = format!("freed-{round}");
            for object in [pipe(&name).object(), file(&name).object()] {
                let (handle, target) = upper.open_with_target(object).await;
                let peer = (round % 2 == 0).then(|| Peer::try_of(&server.pipe_directory(), &name).ok());
                let (mut device, handle_id) = (upper.device(), handle.clone());
                let connect = v1::ConnectNamedPipeRequest { handle_id };
                let waiting = server.spawn(async move { device.connect_named_pipe(connect).await });
                for _ in 0..round % 8 {
                    upper.send(read(&target, 4096)).await;
                }
                assert_eq!(upper.close_handle(&handle).await, OK);
                assert_eq!(held(&server), 0, "round {round}");
                assert!(!server.pipe_directory().join(&name).exists());
                upper.delete_target(&target).await;
                granted(waiting.await.expect("a call does not panic"));
                drop(peer);
            }
        }
    });
}

/// Opens that are under way when their session ends make nothing that stays.
#[test]
fn opens_under_way_when_the_session_ends_leave_nothing() {
    let server = Server::with_handles();
    server.run(async {
        for round in 0..ROUNDS {
            let upper = Upper::with_handles(&server).await;
            let mut opens = Vec::new();
            for object in each_kind("ending").into_iter().chain(each_kind("again")) {
                let (mut device, message) = (upper.device(), opening(object));
                opens.push(server.spawn(async move { device.open_handle(message).await }));
            }
            for _ in 0..round {
                tokio::task::yield_now().await;
            }
            granted(upper.session().close_session(v1::CloseSessionRequest {}).await);
            for open in opens {
                let _ = open.await.expect("a call does not panic"); // opened, or too late
            }
        }
        // The end of a session is told before its handles are closed: asked again and again until they are.
        let upper = Upper::with_handles(&server).await;
        while held(&server) > 0 || std::fs::read_dir(server.pipe_directory()).expect("it is there").count() > 0 {
            upper.view().await;
        }
    });
}

#[test]
fn a_drain_leaves_no_descriptor_and_no_socket_file() {
    let mut server = Server::with_handles_and(|limits| limits.drain_ms_max = 50);
    let upper = server.run(async {
        let upper = Upper::with_handles(&server).await;
        for number in 0..32 {
            let name = format!("drained-{number}");
            let (_, target) = upper.open_with_target(pipe(&name)).await;
            let client = upper.handle(client_end(&name)).await;
            upper.send(read(&target, 4096)).await;
            upper.handle(file(&name)).await;
            let _ = client;
        }
        upper
    });
    assert!(held(&server) >= 2 * 32, "servers' ends and files; a client's socket has no name");
    let drained = server.drain(CancellationToken::new());
    server.run(async { drained.await.expect("a drain does not panic") });
    assert_eq!(held(&server), 0);
    assert_eq!(std::fs::read_dir(server.pipe_directory()).expect("the directory stays").count(), 0);
    drop(upper);
}
