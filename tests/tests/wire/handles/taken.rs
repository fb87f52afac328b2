//! Names and files that somebody else has: another program of the host, another session, the session itself.

use lowerdeck_proto::v1;
use lowerdeck_tests::wire::Server;
use rustix::net::SocketType;

use super::peer::{self, Peer};
use super::win32::{
    ACCESS_DENIED, CREATE_ALWAYS, FILE_NOT_FOUND, FIRST_PIPE_INSTANCE, GENERIC_READ, OK, PIPE_BUSY, PIPE_CONNECTED,
    SHARING_VIOLATION, client_end, file, pipe,
};
use crate::upper::Upper;

#[test]
fn a_pipe_of_another_program_is_not_ours_to_serve() {
    let server = Server::with_handles();
    let directory = server.pipe_directory();
    let socket = peer::listener(&directory, "foreign", SocketType::SEQPACKET);
    std::fs::write(directory.join("plain"), b"kept").expect("a file");
    server.run(async {
        let upper = Upper::with_handles(&server).await;
        assert_eq!(upper.try_open(pipe("foreign")).await, ACCESS_DENIED);
        assert_eq!(upper.try_open(pipe("FOREIGN")).await, ACCESS_DENIED, "case is ignored");
        assert_eq!(upper.try_open(pipe("plain")).await, ACCESS_DENIED);
        assert_eq!(std::fs::read(directory.join("plain")).expect("it stays"), b"kept");
        // It is a pipe to connect to, as long as its program is there.
        assert_eq!(upper.try_open(client_end("foreign")).await, OK);
        drop(socket);
        assert_eq!(upper.try_open(client_end("foreign")).await, FILE_NOT_FOUND);
        assert_eq!(upper.try_open(pipe("foreign")).await, OK, "what a dead program left is nobody's");
    });
}

#[test]
fn a_pipe_of_another_session_has_its_terms() {
    let server = Server::with_handles();
    server.run(async {
        let one = Upper::with_handles(&server).await;
        let other = Upper::with_handles(&server).await;
        let two = || v1::CreateNamedPipe { max_instances: 2, ..pipe("shared") };
        let first = one.handle(two()).await;
        let insists = v1::CreateNamedPipe { open_mode: two().open_mode | FIRST_PIPE_INSTANCE, ..two() };
        for upper in [&one, &other] {
            assert_eq!(upper.try_open(insists.clone()).await, ACCESS_DENIED, "it is not the first");
            let of_bytes = v1::CreateNamedPipe { pipe_mode: 0, ..two() };
            assert_eq!(upper.try_open(of_bytes).await, ACCESS_DENIED, "it is of messages");
            let one_way = v1::CreateNamedPipe { open_mode: 1 | 0x4000_0000, ..two() };
            assert_eq!(upper.try_open(one_way).await, ACCESS_DENIED, "it goes both ways");
        }
        let second = other.handle(two()).await;
        assert_eq!(one.try_open(two()).await, PIPE_BUSY, "two instances, and no third");
        one.close_handle(&first).await;
        other.close_handle(&second).await;
        assert_eq!(one.try_open(insists).await, OK, "now it is the first");
    });
}

/// Both ends in the server, of two sessions that know nothing of each other.
#[test]
fn another_session_is_a_peer_like_any_other() {
    let server = Server::with_handles();
    server.run(async {
        let one = Upper::with_handles(&server).await;
        let other = Upper::with_handles(&server).await;
        let (mut of_one, mut of_other) = (one.events_after(0).await, other.events_after(0).await);
        let (end, here) = one.open_with_target(pipe("between")).await;
        let (_, there) = other.open_with_target(client_end("BETWEEN")).await;
        assert_eq!(one.connect(&end).await, PIPE_CONNECTED);
        assert_eq!(other.try_open(client_end("between")).await, PIPE_BUSY, "nobody listens");
        let sent = other.ended(&mut of_other, super::calls::write(&there, b"across")).await;
        assert_eq!(sent, (OK, 6, vec![]));
        assert_eq!(one.ended(&mut of_one, super::calls::read(&here, 64)).await, (OK, 6, b"across".to_vec()));
        one.close_handle(&end).await;
        let ended = other.ended(&mut of_other, super::calls::read(&there, 64)).await;
        assert_eq!(ended.0, super::win32::BROKEN_PIPE);
    });
}

#[test]
fn a_listening_end_takes_one_client() {
    let server = Server::with_handles();
    let directory = server.pipe_directory();
    server.run(async {
        let upper = Upper::with_handles(&server).await;
        assert!(Peer::try_of(&directory, "single").is_err(), "nobody serves it");
        let end = upper.handle(pipe("single")).await;
        let _first = Peer::of(&directory, "single");
        assert_eq!(upper.connect(&end).await, PIPE_CONNECTED);
        assert_eq!(upper.try_open(client_end("single")).await, PIPE_BUSY);
    });
}

/// Share modes are of the server: whoever has the file open, in whichever session, excludes others as on Win32.
#[test]
fn share_modes_hold_between_sessions() {
    let server = Server::with_handles();
    server.run(async {
        let one = Upper::with_handles(&server).await;
        let other = Upper::with_handles(&server).await;
        let alone = v1::CreateFile { share_mode: 0, ..file("shared") };
        let reader = v1::CreateFile { desired_access: GENERIC_READ, share_mode: 1, ..file("shared") };
        let handle = one.handle(alone.clone()).await;
        for upper in [&one, &other] {
            let cut = v1::CreateFile { creation_disposition: CREATE_ALWAYS, ..file("shared") };
            for object in [alone.clone(), reader.clone(), cut] {
                assert_eq!(upper.try_open(object).await, SHARING_VIOLATION);
            }
        }
        one.close_handle(&handle).await;
        assert_eq!(other.try_open(reader.clone()).await, OK);
        assert_eq!(one.try_open(reader).await, OK);
        assert_eq!(one.try_open(file("shared")).await, SHARING_VIOLATION, "they share reading alone");
    });
}
