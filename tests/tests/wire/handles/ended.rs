//! A handle that is closed: every call says so, and none reaches a newer one (FHT-20).

use lowerdeck_proto::{reason, v1};
use lowerdeck_tests::wire::Server;
use tonic::Code;

use super::calls::{opening, read, write};
use super::peer::Peer;
use super::win32::{INVALID_HANDLE, OK, OPERATION_ABORTED, PIPE_CONNECTED, each_kind, pipe};
use crate::refusal::{expect, granted};
use crate::upper::Upper;

#[test]
fn a_closed_handle_is_invalid_to_every_call() {
    let server = Server::with_handles();
    server.run(async {
        let upper = Upper::with_handles(&server).await;
        for object in each_kind("closed") {
            let handle = upper.handle(object).await;
            assert_eq!(upper.close_handle(&handle).await, OK);
            assert_eq!(upper.close_handle(&handle).await, INVALID_HANDLE, "closed twice");
            assert_eq!(upper.try_target(&handle).await, INVALID_HANDLE);
            assert_eq!(upper.connect(&handle).await, INVALID_HANDLE);
            assert_eq!(upper.disconnect(&handle).await, INVALID_HANDLE);
        }
    });
}

#[test]
fn the_id_of_a_closed_handle_is_never_free_again() {
    let server = Server::with_handles();
    server.run(async {
        let upper = Upper::with_handles(&server).await;
        for object in each_kind("used") {
            let message = opening(object);
            assert_eq!(granted(upper.open_handle(message.clone()).await).hresult, OK);
            assert_eq!(upper.close_handle(&message.handle_id).await, OK);
            let again = upper.open_handle(message.clone());
            let refusal = upper.refused(again, Code::AlreadyExists, reason::HANDLE_ID_IN_USE).await;
            assert_eq!(refusal.metadata("id"), message.handle_id);
        }
    });
}

/// What was pending ends, what is sent later finds nothing, and the finding says whose fault it was.
#[test]
fn a_handle_closed_under_its_target_takes_the_io_along() {
    let server = Server::with_handles();
    server.run(async {
        let upper = Upper::with_handles(&server).await;
        let mut events = upper.events_after(0).await;
        let (handle, target) = upper.open_with_target(pipe("under")).await;
        let _peer = Peer::of(&server.pipe_directory(), "under");
        assert_eq!(upper.connect(&handle).await, PIPE_CONNECTED);
        let pending = upper.send(read(&target, 16)).await;
        assert_eq!(upper.close_handle(&handle).await, OK);
        let ended = events.completion().await.1;
        assert_eq!((ended.request_id, ended.hresult), (pending, OPERATION_ABORTED));
        // A newcomer of the same name, with something to read: none of it for the old target.
        let (young, _) = upper.open_with_target(pipe("under")).await;
        let peer = Peer::of(&server.pipe_directory(), "under");
        assert_eq!(upper.connect(&young).await, PIPE_CONNECTED);
        peer.send(b"for somebody else");
        assert_eq!(upper.ended(&mut events, read(&target, 64)).await, (INVALID_HANDLE, 0, vec![]));
        assert_eq!(upper.ended(&mut events, write(&target, b"stray")).await, (INVALID_HANDLE, 0, vec![]));
        assert!(!peer.has_message());
        assert_eq!(upper.findings().await, ["FHT-20"]);
        upper.delete_target(&target).await;
    });
}

#[test]
fn deleting_the_target_first_is_no_fault() {
    let server = Server::with_handles();
    server.run(async {
        let upper = Upper::with_handles(&server).await;
        let (handle, target) = upper.open_with_target(pipe("orderly")).await;
        upper.delete_target(&target).await;
        assert_eq!(upper.close_handle(&handle).await, OK);
        assert_eq!(upper.findings().await, <[&str; 0]>::default());
    });
}

/// The call hears of the close, as ConnectNamedPipe does.
#[test]
fn a_close_ends_a_wait_for_a_client() {
    let server = Server::with_handles();
    server.run(async {
        let upper = Upper::with_handles(&server).await;
        let handle = upper.handle(pipe("awaited")).await;
        let (mut device, handle_id) = (upper.device(), handle.clone());
        let connect = v1::ConnectNamedPipeRequest { handle_id };
        let waiting = server.spawn(async move { device.connect_named_pipe(connect).await });
        assert_eq!(upper.close_handle(&handle).await, OK);
        let ended = granted(waiting.await.expect("a call does not panic")).hresult;
        // The close may have been there first.
        assert!([OPERATION_ABORTED, INVALID_HANDLE].contains(&ended), "{ended:#x}");
    });
}

#[test]
fn handles_of_an_ended_session_are_nobodys() {
    let server = Server::with_handles();
    server.run(async {
        let upper = Upper::with_handles(&server).await;
        let handle = upper.handle(pipe("left")).await;
        granted(upper.session().close_session(v1::CloseSessionRequest {}).await);
        let close = v1::CloseHandleRequest { handle_id: handle };
        expect(upper.device().close_handle(close).await, Code::NotFound, reason::SESSION_ENDED);
    });
}

/// Sessions that are closed one after the other.
const SESSIONS: usize = 200;

/// The last of its I/O ends on the thread of the handles, and the session with it: whoever closes it hears the balance.
#[test]
fn a_session_whose_io_ends_with_it_has_its_last_word() {
    let server = Server::with_handles();
    server.run(async {
        for round in 0..SESSIONS {
            let upper = Upper::with_handles(&server).await;
            let name = format!("last-{round}");
            let (handle, target) = upper.open_with_target(pipe(&name)).await;
            let _peer = Peer::of(&server.pipe_directory(), &name);
            assert_eq!(upper.connect(&handle).await, PIPE_CONNECTED);
            for _ in 0..4 {
                upper.send(read(&target, 16)).await;
            }
            let closed = granted(upper.session().close_session(v1::CloseSessionRequest {}).await);
            let balance = closed.balance.expect("a session that ends has a balance");
            assert_eq!((balance.accepted, balance.cancelled), (4, 4), "round {round}");
        }
    });
}
