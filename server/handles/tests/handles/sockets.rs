//! Connected sockets as handles.

use std::io::{Read, Write};
use std::net::{TcpListener, UdpSocket};
use std::os::unix::net::{UnixDatagram, UnixListener};

use bytes::Bytes;
use lowerdeck_framework::status::HResult;
use lowerdeck_handles::handle::{Flags, HandleNumber, OpenRequest, OpenSocket, SocketAddress};
use lowerdeck_handles::operation::Outcome;
use lowerdeck_handles::socket::FIONREAD;
use lowerdeck_handles::win32::Win32Error;
use tokio_util::sync::CancellationToken;

use crate::stage::{Stage, pends, within};

async fn open(stage: &Stage, address: SocketAddress) -> Result<HandleNumber, Win32Error> {
    let socket = OpenSocket { address, flags: Flags(Flags::OVERLAPPED) };
    within(stage.handles.open(&OpenRequest::Socket(socket))).await
}

#[tokio::test]
async fn a_tcp_stream_is_read_written_and_ends_with_a_read_of_nothing() {
    let stage = Stage::new();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    let socket = open(&stage, SocketAddress::Tcp(address)).await.expect("it listens");
    let (mut peer, _) = listener.accept().expect("a connection");
    let mut read = stage.begin_read(socket, 9, &CancellationToken::new());
    assert!(pends(&mut read).await);
    peer.write_all(&[1, 2]).expect("it is connected");
    assert_eq!(within(read).await, Outcome::read(Bytes::from_static(&[1, 2])));
    assert_eq!(stage.write(socket, vec![3, 4]).await, Outcome::written(2));
    let mut received = [0; 2];
    peer.read_exact(&mut received).expect("it was written");
    assert_eq!(received, [3, 4]);
    drop(peer);
    assert_eq!(stage.read(socket, 9).await, Outcome::read(Bytes::new()));
}

#[tokio::test]
async fn a_port_where_nobody_listens_refuses() {
    let stage = Stage::new();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    drop(listener);
    assert_eq!(open(&stage, SocketAddress::Tcp(address)).await, Err(Win32Error::CONNECTION_REFUSED));
}

#[tokio::test]
async fn the_policy_keeps_sockets_on_this_host() {
    let stage = Stage::new();
    for address in ["192.0.2.1:80", "[2001:db8::1]:80", "0.0.0.0:80", "[::ffff:192.0.2.1]:80"] {
        let address = address.parse().expect("an address");
        assert_eq!(open(&stage, SocketAddress::Tcp(address)).await, Err(Win32Error::ACCESS_DENIED), "{address}");
        assert_eq!(open(&stage, SocketAddress::Udp(address)).await, Err(Win32Error::ACCESS_DENIED), "{address}");
    }
}

#[tokio::test]
async fn a_datagram_that_does_not_fit_loses_its_rest() {
    let stage = Stage::new();
    let peer = UdpSocket::bind("127.0.0.1:0").expect("a free port");
    let address = peer.local_addr().expect("it is bound");
    let socket = open(&stage, SocketAddress::Udp(address)).await.expect("datagrams need nobody");
    assert_eq!(stage.write(socket, vec![1]).await, Outcome::written(1));
    let (_, sender) = peer.recv_from(&mut [0; 9]).expect("a datagram");
    for datagram in [[2, 3, 4].as_slice(), &[], &[5]] {
        peer.send_to(datagram, sender).expect("it is there");
    }
    let part = Outcome::partly_read(HResult::ERROR_MORE_DATA, Bytes::from_static(&[2]));
    assert_eq!(stage.read(socket, 1).await, part);
    assert_eq!(stage.read(socket, 9).await, Outcome::read(Bytes::new()), "an empty datagram is no end");
    assert_eq!(stage.read(socket, 9).await, Outcome::read(Bytes::from_static(&[5])));
}

#[tokio::test]
async fn unix_sockets_are_reached_in_the_runtime_directory_alone() {
    let stage = Stage::new();
    let listener = UnixListener::bind(stage.pipes.path().join("stream")).expect("a free name");
    let stream = open(&stage, SocketAddress::UnixStream("stream".to_owned())).await.expect("it listens");
    let (mut peer, _) = listener.accept().expect("a connection");
    peer.write_all(&[1]).expect("it is connected");
    assert_eq!(stage.read(stream, 9).await.data, [1].as_slice());

    let peer = UnixDatagram::bind(stage.pipes.path().join("datagram")).expect("a free name");
    let datagrams = open(&stage, SocketAddress::UnixDatagram("datagram".to_owned())).await.expect("it is bound");
    stage.write(datagrams, vec![2]).await;
    let (_, sender) = peer.recv_from(&mut [0; 9]).expect("a datagram");
    peer.send_to_addr(&[3], &sender).expect("it has a name");
    assert_eq!(stage.read(datagrams, 9).await.data, [3].as_slice());

    for name in ["../outside", "/run/x", "", ".."] {
        assert_eq!(open(&stage, SocketAddress::UnixStream(name.to_owned())).await, Err(Win32Error::INVALID_NAME));
    }
}

#[tokio::test]
async fn closing_a_socket_aborts_its_reads_and_ends_the_peer() {
    let stage = Stage::new();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    let socket = open(&stage, SocketAddress::Tcp(address)).await.expect("it listens");
    let (mut peer, _) = listener.accept().expect("a connection");
    peer.write_all(&[1, 2, 3]).expect("it is connected");
    assert_eq!(stage.read(socket, 1).await.data, [1].as_slice());
    assert_eq!(stage.control(socket, FIONREAD, 4).await.data, 2_u32.to_le_bytes().as_slice());
    assert_eq!(stage.control(socket, 0, 4).await, Outcome::failed(HResult::ERROR_INVALID_FUNCTION));
    stage.read(socket, 9).await;
    let mut read = stage.begin_read(socket, 9, &CancellationToken::new());
    assert!(pends(&mut read).await);
    stage.handles.close(socket).expect("it is open");
    assert_eq!(within(read).await, Outcome::failed(HResult::ERROR_OPERATION_ABORTED));
    assert_eq!(peer.read(&mut [0; 9]).expect("it ends in order"), 0);
}
