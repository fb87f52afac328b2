//! FHT-18, FHT-19: instances of a name, and who is connected to which.

use bytes::Bytes;
use lowerdeck_framework::status::HResult;
use lowerdeck_handles::handle::{Access, CreateFile, CreateNamedPipe, Direction, Flags, Framing, OpenRequest};
use lowerdeck_handles::operation::Outcome;
use lowerdeck_handles::win32::Win32Error;
use tokio_util::sync::CancellationToken;

use crate::stage::{Peer, SHORT_NAME, Stage, client_end, named_pipe, pends, within};

#[tokio::test]
async fn io_before_a_client_is_there_says_listening() {
    let stage = Stage::new();
    let server = stage.server().await;
    assert_eq!(stage.read(server, 9).await, Outcome::failed(HResult::ERROR_PIPE_LISTENING));
    assert_eq!(stage.write(server, vec![1]).await, Outcome::failed(HResult::ERROR_PIPE_LISTENING));
}

#[tokio::test]
async fn connect_waits_for_a_client_and_tells_one_that_was_there_before() {
    let stage = Stage::new();
    let server = stage.server().await;
    let mut connect = Box::pin(stage.handles.connect_pipe(server, CancellationToken::new()));
    assert!(pends(&mut connect).await);
    let _peer = Peer::start(&stage, "connect", Framing::Message).await;
    assert_eq!(within(connect).await, HResult::S_OK);
    assert_eq!(stage.connect(server).await, Win32Error::PIPE_CONNECTED.hresult());
}

#[tokio::test]
async fn a_client_that_came_first_can_be_used_without_connect() {
    let stage = Stage::new();
    let server = stage.server().await;
    let mut peer = Peer::start(&stage, "connect", Framing::Message).await;
    peer.say("send").await;
    peer.say("send 01").await;
    assert_eq!(stage.read(server, 9).await, Outcome::read(Bytes::new()));
    assert_eq!(stage.read(server, 9).await, Outcome::read(Bytes::from_static(&[1])));
}

#[tokio::test]
async fn after_a_disconnect_there_is_no_io_until_the_next_client() {
    let stage = Stage::new();
    let (server, client) = stage.pair().await;
    let mut read = stage.begin_read(server, 9, &CancellationToken::new());
    assert!(pends(&mut read).await);
    assert_eq!(stage.handles.disconnect_pipe(server).await, HResult::S_OK);
    let not_connected = Outcome::failed(HResult::ERROR_PIPE_NOT_CONNECTED);
    assert_eq!(within(read).await, not_connected);
    assert_eq!(stage.read(server, 9).await, not_connected);
    assert_eq!(stage.write(server, vec![1]).await, not_connected);
    assert_eq!(stage.handles.disconnect_pipe(server).await, HResult::ERROR_PIPE_NOT_CONNECTED);
    assert_eq!(stage.read(client, 9).await, Outcome::failed(HResult::ERROR_BROKEN_PIPE));
    assert_eq!(stage.client().await, Err(Win32Error::PIPE_BUSY));

    let mut connect = Box::pin(stage.handles.connect_pipe(server, CancellationToken::new()));
    assert!(pends(&mut connect).await);
    let next = stage.client().await.expect("the instance listens again");
    assert_eq!(within(connect).await, HResult::S_OK);
    stage.write(next, vec![5]).await;
    assert_eq!(stage.read(server, 9).await.data, [5].as_slice());
}

#[tokio::test]
async fn a_disconnect_ends_a_connect_that_waits() {
    let stage = Stage::new();
    let server = stage.server().await;
    let mut connect = Box::pin(stage.handles.connect_pipe(server, CancellationToken::new()));
    assert!(pends(&mut connect).await);
    stage.handles.disconnect_pipe(server).await;
    assert_eq!(within(connect).await, HResult::ERROR_PIPE_NOT_CONNECTED);
}

#[tokio::test]
async fn a_connect_to_a_client_that_has_gone_asks_for_a_disconnect() {
    let stage = Stage::new();
    let (server, client) = stage.pair().await;
    stage.handles.close(client).expect("it is open");
    assert_eq!(stage.connect(server).await, HResult::ERROR_NO_DATA);
    assert_eq!(stage.handles.disconnect_pipe(server).await, HResult::S_OK);
}

#[tokio::test]
async fn each_instance_has_one_client_and_further_ones_are_told_busy() {
    let stage = Stage::new();
    let (first, one) = stage.pair().await;
    let (second, two) = stage.pair().await;
    assert_eq!(stage.create(&named_pipe(Framing::Message)).await, Err(Win32Error::PIPE_BUSY), "two instances");
    assert_eq!(stage.client().await, Err(Win32Error::PIPE_BUSY));
    stage.write(one, vec![1]).await;
    stage.write(two, vec![2]).await;
    assert_eq!(stage.read(first, 9).await.data, [1].as_slice());
    assert_eq!(stage.read(second, 9).await.data, [2].as_slice());
}

/// The host holds one client of another process back, until an instance listens again.
#[tokio::test]
async fn a_client_of_another_process_waits_for_the_next_instance() {
    let stage = Stage::new();
    let only_one = CreateNamedPipe { instances_max: 1, ..named_pipe(Framing::Message) };
    let server = stage.create(&only_one).await.expect("an instance");
    let _first = stage.client().await.expect("a free instance");
    assert_eq!(stage.connect(server).await, Win32Error::PIPE_CONNECTED.hresult());
    let mut peer = Peer::start(&stage, "connect", Framing::Message).await;
    peer.say("send 07").await;
    assert_eq!(stage.handles.disconnect_pipe(server).await, HResult::S_OK);
    assert_eq!(stage.connect(server).await, HResult::S_OK);
    assert_eq!(stage.read(server, 9).await.data, [7].as_slice());
}

#[tokio::test]
async fn as_many_clients_come_ahead_of_connect_as_instances_listen() {
    let stage = Stage::new();
    for instances in 1..=4 {
        let request = CreateNamedPipe { instances_max: 4, ..named_pipe(Framing::Message) };
        stage.create(&request).await.expect("an instance");
        stage.client().await.expect("a free instance");
        assert_eq!(stage.client().await, Err(Win32Error::PIPE_BUSY), "with {instances} instances");
    }
}

#[tokio::test]
async fn the_first_instance_rules_the_later_ones() {
    let stage = Stage::new();
    let _first = stage.server().await;
    let asked = named_pipe(Framing::Message);
    let others = [
        CreateNamedPipe { flags: Flags(Flags::OVERLAPPED | Flags::FIRST_PIPE_INSTANCE), ..asked.clone() },
        CreateNamedPipe { direction: Direction::Inbound, ..asked.clone() },
        named_pipe(Framing::Byte),
    ];
    for other in others {
        assert_eq!(stage.create(&other).await, Err(Win32Error::ACCESS_DENIED), "{other:?}");
    }
    for instances_max in [0, 256, u32::MAX] {
        let request = CreateNamedPipe { instances_max, ..asked.clone() };
        assert_eq!(stage.create(&request).await, Err(Win32Error::INVALID_PARAMETER));
    }
}

#[tokio::test]
async fn the_direction_is_held_at_both_ends() {
    let stage = Stage::new();
    let inbound = CreateNamedPipe { direction: Direction::Inbound, ..named_pipe(Framing::Message) };
    let server = stage.create(&inbound).await.expect("an instance");
    assert_eq!(stage.client().await, Err(Win32Error::ACCESS_DENIED), "it asks to read");
    let writer = CreateFile { access: Access(Access::GENERIC_WRITE), ..client_end() };
    let client = stage.handles.open(&OpenRequest::File(writer)).await.expect("it only writes");
    let denied = Outcome::failed(HResult::ERROR_ACCESS_DENIED);
    assert_eq!(stage.write(server, vec![1]).await, denied);
    assert_eq!(stage.read(client, 1).await, denied);
    stage.write(client, vec![3]).await;
    assert_eq!(stage.read(server, 9).await.data, [3].as_slice());
}

#[tokio::test]
async fn a_name_that_another_process_serves_can_be_opened_and_not_created() {
    let stage = Stage::new();
    assert_eq!(stage.client().await, Err(Win32Error::FILE_NOT_FOUND));
    let mut peer = Peer::start(&stage, "serve", Framing::Message).await;
    assert_eq!(stage.create(&named_pipe(Framing::Message)).await, Err(Win32Error::ACCESS_DENIED));
    let client = stage.client().await.expect("the other process listens");
    stage.write(client, vec![1, 2]).await;
    assert_eq!(peer.say("receive 9").await, "0102", "it saw no client before this one");
    peer.kill().await;
    assert_eq!(stage.read(client, 9).await, Outcome::failed(HResult::ERROR_BROKEN_PIPE));
    assert_eq!(stage.socket_files(), [SHORT_NAME], "it left its file");
    stage.server().await;
    stage.client().await.expect("the name was taken over");
}
