//! A server that has no place for a kind of object: the refusal names the setting that would give it one.

use lowerdeck_proto::{reason, v1};
use lowerdeck_tests::wire::Server;
use tonic::Code::FailedPrecondition;
use v1::open_socket::Peer;

use super::calls::opening;
use super::win32::{Object, Openable, client_end, file, pipe, socket};
use crate::upper::Upper;

#[test]
fn a_kind_without_a_place_is_refused_with_its_setting() {
    let server = Server::start();
    server.run(async {
        let upper = Upper::with_handles(&server).await;
        let rows: [(Object, &str); 7] = [
            (file("any").object(), "files_root"),
            (pipe("any").object(), "pipe_directory"),
            (client_end("any").object(), "pipe_directory"),
            (socket(Peer::UnixStream("any".to_owned())).object(), "pipe_directory"),
            (socket(Peer::UnixDatagram("any".to_owned())).object(), "pipe_directory"),
            (socket(Peer::Tcp("127.0.0.1:1".to_owned())).object(), "sockets"),
            (socket(Peer::Udp("127.0.0.1:1".to_owned())).object(), "sockets"),
        ];
        for (object, setting) in rows {
            let shown = format!("{object:?}");
            let open = upper.open_handle(opening(object));
            let refusal = upper.refused(open, FailedPrecondition, reason::HANDLES_NOT_CONFIGURED).await;
            assert_eq!(refusal.metadata("setting"), setting, "{shown}");
        }
    });
}

/// Loopback is what the server was given: nothing beyond is ever tried.
#[test]
fn sockets_of_the_loopback_lead_nowhere_else() {
    let server = Server::with_handles();
    server.run(async {
        let upper = Upper::with_handles(&server).await;
        for peer in
            ["192.0.2.1:7", "0.0.0.0:7", "[2001:db8::1]:7", "[::]:7", "255.255.255.255:7", "[::ffff:192.0.2.1]:7"]
        {
            for peer in [Peer::Tcp(peer.to_owned()), Peer::Udp(peer.to_owned())] {
                let shown = format!("{peer:?}");
                assert_eq!(upper.try_open(socket(peer)).await, super::win32::ACCESS_DENIED, "{shown}");
            }
        }
    });
}
