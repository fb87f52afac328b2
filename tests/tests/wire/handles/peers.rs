//! Peers that misbehave: one that vanishes, one that floods, one that sends more than a message may have.

use std::net::TcpListener;

use lowerdeck_proto::v1;
use lowerdeck_tests::wire::Server;
use rustix::io::Errno;
use v1::open_socket::Peer as Address;

use super::calls::{read, write};
use super::peer::Peer;
use super::win32::{
    BROKEN_PIPE, MORE_DATA, NO_DATA, NO_SYSTEM_RESOURCES, OK, OPERATION_ABORTED, PIPE_CONNECTED, pipe, socket,
};
use crate::upper::Upper;

/// Bytes of the largest message (`MESSAGE_BYTES_MAX` of the handles).
const MESSAGE_BYTES_MAX: usize = 128 << 10;

/// A connected pipe: its handle, its target and its peer.
async fn connected(server: &Server, upper: &Upper, name: &str) -> (String, String, Peer) {
    let (handle, target) = upper.open_with_target(pipe(name)).await;
    let peer = Peer::of(&server.pipe_directory(), name);
    assert_eq!(upper.connect(&handle).await, PIPE_CONNECTED);
    (handle, target, peer)
}

#[test]
fn a_peer_that_vanishes_breaks_the_pipe() {
    let server = Server::with_handles();
    server.run(async {
        let upper = Upper::with_handles(&server).await;
        let mut events = upper.events_after(0).await;
        let (handle, target, peer) = connected(&server, &upper, "vanishing").await;
        peer.send(b"last words");
        let reads = [upper.send(read(&target, 64)).await, upper.send(read(&target, 64)).await];
        let words = events.completion().await.1;
        assert_eq!((words.request_id, words.hresult, &words.data[..]), (reads[0], OK, &b"last words"[..]));
        drop(peer);
        let broken = events.completion().await.1;
        assert_eq!((broken.request_id, broken.hresult), (reads[1], BROKEN_PIPE), "what was pending");
        assert_eq!(upper.ended(&mut events, read(&target, 64)).await, (BROKEN_PIPE, 0, vec![]));
        assert_eq!(upper.ended(&mut events, write(&target, b"hello?")).await, (NO_DATA, 0, vec![]));
        assert_eq!(upper.connect(&handle).await, NO_DATA, "the end disconnects first");
        assert_eq!(upper.disconnect(&handle).await, OK);
    });
}

/// FHT-17: a peer that does not read pends the writes; when it goes they end.
#[test]
fn writes_to_a_peer_that_does_not_read_pend_until_it_goes() {
    let server = Server::with_handles();
    server.run(async {
        let upper = Upper::with_handles(&server).await;
        let mut events = upper.events_after(0).await;
        let (_, target, peer) = connected(&server, &upper, "silent").await;
        // More than the host holds for a peer.
        let message = vec![7; 64 << 10];
        let mut requests = std::collections::BTreeSet::new();
        for _ in 0..64 {
            requests.insert(upper.send(write(&target, &message)).await);
        }
        let cancelled = *requests.last().expect("there are some");
        upper.cancel(cancelled).await;
        let (mut done, mut aborted) = (0, 0);
        while aborted == 0 {
            let completion = events.completion().await.1;
            assert!(requests.remove(&completion.request_id), "{} completes once", completion.request_id);
            match completion.hresult {
                OK => done += 1,
                OPERATION_ABORTED => aborted = completion.request_id,
                other => panic!("{other:#x}"),
            }
        }
        assert_eq!(aborted, cancelled);
        assert!(!requests.is_empty(), "{done} of 64 were held: the host has no bound");
        drop(peer);
        while !requests.is_empty() {
            let completion = events.completion().await.1;
            assert!(requests.remove(&completion.request_id), "{} completes once", completion.request_id);
            // Those that the host took before the peer went are written.
            assert!([OK, NO_DATA].contains(&completion.hresult), "{:#x}", completion.hresult);
        }
        assert_eq!(upper.ended(&mut events, write(&target, b"hello?")).await.0, NO_DATA);
    });
}

/// The server takes from a pipe what is read from it, and no more: the flood stays in the host's own buffer, which is full
/// soon, and nothing of it is lost.
#[test]
fn a_flood_is_held_back_and_loses_nothing() {
    let server = Server::with_handles();
    server.run(async {
        let upper = Upper::with_handles(&server).await;
        let mut events = upper.events_after(0).await;
        let (_, target, peer) = connected(&server, &upper, "flood").await;
        let message = |number: u32| [&number.to_le_bytes()[..], &[0xA5; 1020]].concat();
        let mut sent = 0;
        for _ in 0..3 {
            let before = sent;
            let full = loop {
                match peer.try_send(&message(sent)) {
                    Ok(()) => sent += 1,
                    Err(error) => break error,
                }
                assert!(sent - before < 4096, "4 MiB and more were taken that nobody reads");
            };
            assert_eq!(full, Errno::AGAIN);
            assert!(before == 0 || sent > before, "what was read makes room");
            let first = if before == 0 { 0 } else { before - 4 };
            // All but four are read before the next wave.
            for number in first..sent - 4 {
                assert_eq!(upper.ended(&mut events, read(&target, 4096)).await, (OK, 1024, message(number)));
            }
        }
        for number in sent - 4..sent {
            assert_eq!(upper.ended(&mut events, read(&target, 4096)).await, (OK, 1024, message(number)));
        }
    });
}

#[test]
fn a_message_above_the_limit_is_dropped_and_the_pipe_stays() {
    let server = Server::with_handles();
    server.run(async {
        let upper = Upper::with_handles(&server).await;
        let mut events = upper.events_after(0).await;
        let (_, target, peer) = connected(&server, &upper, "large").await;
        let too_large = vec![1; MESSAGE_BYTES_MAX + 1];
        peer.send(&too_large);
        assert_eq!(upper.ended(&mut events, read(&target, 1 << 20)).await, (NO_SYSTEM_RESOURCES, 0, vec![]));
        peer.send(b"small");
        assert_eq!(upper.ended(&mut events, read(&target, 1 << 20)).await, (OK, 5, b"small".to_vec()));
        let refused = upper.ended(&mut events, write(&target, &too_large)).await;
        assert_eq!(refused, (NO_SYSTEM_RESOURCES, 0, vec![]));
        assert!(!peer.has_message(), "a message goes whole or not at all");
        let largest = &too_large[1..];
        peer.send(largest);
        let brought = upper.ended(&mut events, read(&target, 1 << 20)).await;
        assert_eq!((brought.0, &brought.2[..]), (OK, largest));
        assert_eq!(upper.ended(&mut events, write(&target, largest)).await.0, OK);
        assert_eq!(peer.receive(), largest);
    });
}

/// FHT-15, FHT-16: boundaries, and what a buffer is too small for.
#[test]
fn messages_keep_their_boundaries() {
    let server = Server::with_handles();
    server.run(async {
        let upper = Upper::with_handles(&server).await;
        let mut events = upper.events_after(0).await;
        let (_, target, peer) = connected(&server, &upper, "boundaries").await;
        for message in [&b"one"[..], b"", b"longer", b"x"] {
            peer.send(message);
        }
        let rows: [(u32, &[u8]); 5] = [(OK, b"one"), (OK, b""), (MORE_DATA, b"long"), (OK, b"er"), (OK, b"x")];
        for (status, data) in rows {
            let brought = upper.ended(&mut events, read(&target, 4)).await;
            assert_eq!(brought, (status, data.len() as u64, data.to_vec()));
        }
        assert_eq!(upper.ended(&mut events, write(&target, b"")).await, (OK, 0, vec![]));
        assert_eq!(upper.ended(&mut events, write(&target, b"after")).await, (OK, 5, vec![]));
        assert_eq!([peer.receive(), peer.receive()], [b"".to_vec(), b"after".to_vec()]);
    });
}

#[test]
fn a_socket_whose_peer_is_gone_reads_to_its_end() {
    let server = Server::with_handles();
    server.run(async {
        let upper = Upper::with_handles(&server).await;
        let mut events = upper.events_after(0).await;
        let listener = TcpListener::bind("127.0.0.1:0").expect("the loopback has ports");
        let address = listener.local_addr().expect("it is bound").to_string();
        let (_, target) = upper.open_with_target(socket(Address::Tcp(address.clone()))).await;
        let (mut peer, _) = listener.accept().expect("the server has connected");
        std::io::Write::write_all(&mut peer, b"bytes").expect("it is connected");
        assert_eq!(upper.ended(&mut events, read(&target, 64)).await, (OK, 5, b"bytes".to_vec()));
        let pending = upper.send(read(&target, 64)).await;
        drop((peer, listener));
        let ended = events.completion().await.1;
        assert_eq!((ended.request_id, ended.hresult, ended.information), (pending, OK, 0), "the end of a stream");
        let refused = upper.try_open(socket(Address::Tcp(address))).await;
        assert_eq!(refused, super::win32::win32(1225), "ERROR_CONNECTION_REFUSED: nobody listens any more");
    });
}
