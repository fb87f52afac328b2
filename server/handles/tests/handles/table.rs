//! Limits and refusals of the table of handles.

use std::sync::Arc;

use bytes::Bytes;
use lowerdeck_framework::status::HResult;
use lowerdeck_handles::handle::{
    Access, CreateFile, Direction, Disposition, Flags, Framing, HandleNumber, Handles, OPERATIONS_MAX, OpenRequest,
    OpenSocket, Places, SocketAddress,
};
use lowerdeck_handles::operation::{Outcome, TRANSFER_BYTES_MAX};
use lowerdeck_handles::socket::SocketPolicy;
use lowerdeck_handles::win32::Win32Error;
use tokio_util::sync::CancellationToken;

use crate::stage::{Stage, client_end, named_pipe, pends, within};

#[tokio::test]
async fn what_has_no_place_can_not_be_opened() {
    let handles = Handles::new(Places::default(), 10);
    let flags = Flags(Flags::OVERLAPPED);
    let here = "127.0.0.1:1".parse().expect("an address");
    let requests = [
        OpenRequest::Pipe(named_pipe(Framing::Message)),
        OpenRequest::File(client_end()),
        OpenRequest::Socket(OpenSocket { address: SocketAddress::Tcp(here), flags }),
        OpenRequest::Socket(OpenSocket { address: SocketAddress::UnixStream("modem".to_owned()), flags }),
    ];
    for request in requests {
        assert_eq!(handles.open(&request).await, Err(Win32Error::ACCESS_DENIED), "{request:?}");
    }
}

#[tokio::test]
async fn a_table_holds_no_more_than_its_limit() {
    let stage = Stage::new();
    let places = Places { files: None, pipes: Some(Arc::clone(&stage.pipes)), sockets: SocketPolicy::Refused };
    let handles = Handles::new(places, 1);
    let pipe = OpenRequest::Pipe(named_pipe(Framing::Message));
    let first = handles.open(&pipe).await.expect("the first");
    assert_eq!(handles.open(&pipe).await, Err(Win32Error::TOO_MANY_OPEN_FILES));
    handles.close(first).expect("it is open");
    handles.open(&pipe).await.expect("there is room again");
}

#[tokio::test]
async fn a_handle_takes_so_many_operations_and_no_more() {
    let stage = Stage::new();
    let (server, client) = stage.pair().await;
    let never = CancellationToken::new();
    let mut reads = Vec::new();
    for _ in 0..OPERATIONS_MAX {
        let mut read = stage.begin_read(server, 1, &never);
        assert!(pends(&mut read).await);
        reads.push(read);
    }
    let full = Outcome::failed(Win32Error::NO_SYSTEM_RESOURCES.hresult());
    assert_eq!(stage.read(server, 1).await, full);
    assert_eq!(stage.write(client, vec![1]).await, Outcome::written(1), "the other handle has room");
    assert_eq!(within(reads.remove(0)).await.data, [1].as_slice());
    let mut next = stage.begin_read(server, 1, &never);
    assert!(pends(&mut next).await);
}

#[tokio::test]
async fn a_transfer_above_the_limit_is_a_bad_argument() {
    let stage = Stage::new();
    let (server, client) = stage.pair().await;
    let refused = Outcome::failed(HResult::E_INVALIDARG);
    assert_eq!(stage.read(server, TRANSFER_BYTES_MAX + 1).await, refused);
    assert_eq!(stage.write(client, Bytes::from(vec![0; TRANSFER_BYTES_MAX as usize + 1])).await, refused);
    assert_eq!(stage.control(server, 0, TRANSFER_BYTES_MAX + 1).await, refused);
}

#[tokio::test]
async fn numbers_that_were_never_given_mean_nothing() {
    let stage = Stage::new();
    stage.server().await;
    for number in [0, 1, 2, u64::from(u32::MAX), 1 << 32, u64::MAX] {
        let handle = HandleNumber(number);
        assert_eq!(stage.read(handle, 1).await, Outcome::failed(HResult::ERROR_INVALID_HANDLE), "{number:#x}");
        assert_eq!(stage.handles.close(handle).err(), Some(Win32Error::INVALID_HANDLE), "{number:#x}");
    }
    assert_eq!(stage.handles.len(), 1);
}

#[tokio::test]
async fn a_handle_knows_whether_it_is_overlapped() {
    let stage = Stage::new();
    let overlapped = stage.server().await;
    let synchronous = CreateFile { flags: Flags::default(), ..client_end() };
    let synchronous = stage.handles.open(&OpenRequest::File(synchronous)).await.expect("a free instance");
    assert_eq!(stage.handles.is_overlapped(overlapped), Ok(true));
    assert_eq!(stage.handles.is_overlapped(synchronous), Ok(false));
}

#[test]
fn words_without_a_meaning_are_refused() {
    for number in [0, 6, u32::MAX] {
        assert_eq!(Disposition::try_from(number), Err(Win32Error::INVALID_PARAMETER));
    }
    assert_eq!(Disposition::try_from(3), Ok(Disposition::OpenExisting));
    assert_eq!(Direction::try_from(Flags::OVERLAPPED), Err(Win32Error::INVALID_PARAMETER));
    assert_eq!(Direction::try_from(3 | Flags::OVERLAPPED), Ok(Direction::Duplex));
    assert!(Access(Access::APPEND_DATA).only_appends() && !Access(Access::APPEND_DATA).writes());
    assert!(!Access(Access::APPEND_DATA | Access::WRITE_DATA).only_appends());
}

/// A listener whose queue is full drops what comes, so that a connect to it waits.
#[tokio::test]
async fn an_open_that_waits_ends_when_everything_is_closed_and_nothing_is_opened_any_more() {
    let stage = Stage::new();
    let listener = rustix::net::socket(rustix::net::AddressFamily::INET, rustix::net::SocketType::STREAM, None)
        .expect("the host gives sockets");
    rustix::net::bind(&listener, &std::net::SocketAddrV4::new(std::net::Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    rustix::net::listen(&listener, 0).expect("it is bound");
    let address = std::net::TcpListener::from(listener);
    let peer = address.local_addr().expect("it is bound");
    let _in_the_queue = std::net::TcpStream::connect(peer).expect("the queue has one place");
    let socket = OpenSocket { address: SocketAddress::Tcp(peer), flags: Flags(Flags::OVERLAPPED) };
    let request = OpenRequest::Socket(socket);
    let mut opening = Box::pin(stage.handles.open(&request));
    assert!(pends(&mut opening).await);
    stage.handles.close_all();
    assert_eq!(within(opening).await, Err(Win32Error::OPERATION_ABORTED));
    assert_eq!(within(stage.handles.open(&request)).await, Err(Win32Error::OPERATION_ABORTED));
    assert!(stage.handles.is_empty());
}
