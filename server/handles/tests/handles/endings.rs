//! FHT-18, FHT-20: peers that go, and handles that are closed under what is under way.

use std::sync::Arc;

use bytes::Bytes;
use lowerdeck_framework::status::HResult;
use lowerdeck_handles::operation::Outcome;
use lowerdeck_handles::win32::Win32Error;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::stage::{Stage, pends, within};

#[tokio::test]
async fn what_the_peer_wrote_is_read_before_its_end_is_told() {
    let stage = Stage::new();
    let (server, mut peer) = stage.with_peer().await;
    // The peer leaves something unread: the host tells that first, and it must not cost the messages.
    stage.write(server, vec![9]).await;
    peer.say("send 01").await;
    peer.say("close").await;
    assert_eq!(stage.read(server, 9).await, Outcome::read(Bytes::from_static(&[1])));
    assert_eq!(stage.read(server, 9).await, Outcome::failed(HResult::ERROR_BROKEN_PIPE));
    assert_eq!(stage.read(server, 9).await, Outcome::failed(HResult::ERROR_BROKEN_PIPE));
    assert_eq!(stage.write(server, vec![1]).await, Outcome::failed(HResult::ERROR_NO_DATA));
}

#[tokio::test]
async fn a_peer_that_is_killed_breaks_the_pipe() {
    let stage = Stage::new();
    let (server, mut peer) = stage.with_peer().await;
    let mut read = stage.begin_read(server, 9, &CancellationToken::new());
    assert!(pends(&mut read).await);
    peer.kill().await;
    assert_eq!(within(read).await, Outcome::failed(HResult::ERROR_BROKEN_PIPE));
}

#[tokio::test]
async fn a_write_that_waits_for_room_ends_with_its_peer() {
    let stage = Stage::new();
    let (server, mut peer) = stage.with_peer().await;
    let mut write = stage.begin_write(server, vec![0; 60_000]);
    while !pends(&mut write).await {
        write = stage.begin_write(server, vec![0; 60_000]);
    }
    peer.kill().await;
    assert_eq!(within(write).await, Outcome::failed(HResult::ERROR_NO_DATA));
}

#[tokio::test]
async fn closing_a_handle_aborts_what_is_under_way_on_it() {
    let stage = Stage::new();
    let (server, client) = stage.pair().await;
    let never = CancellationToken::new();
    let mut reads: Vec<_> = (0..3).map(|_| stage.begin_read(server, 9, &never)).collect();
    for read in &mut reads {
        assert!(pends(read).await);
    }
    stage.handles.close(server).expect("it is open");
    for read in reads {
        assert_eq!(within(read).await, Outcome::failed(HResult::ERROR_OPERATION_ABORTED));
    }
    assert_eq!(stage.read(client, 9).await, Outcome::failed(HResult::ERROR_BROKEN_PIPE));
    assert_eq!(stage.write(client, vec![1]).await, Outcome::failed(HResult::ERROR_NO_DATA));
}

#[tokio::test]
async fn closing_a_handle_aborts_a_connect_on_it() {
    let stage = Stage::new();
    let server = stage.server().await;
    let mut connect = Box::pin(stage.handles.connect_pipe(server, CancellationToken::new()));
    assert!(pends(&mut connect).await);
    stage.handles.close(server).expect("it is open");
    assert_eq!(within(connect).await, HResult::ERROR_OPERATION_ABORTED);
}

/// Not before the last operation on it has ended, which may be a connect that nobody polls just then.
#[tokio::test]
async fn a_close_says_when_the_object_is_free() {
    let stage = Stage::new();
    let server = stage.server().await;
    let mut connect = Box::pin(stage.handles.connect_pipe(server, CancellationToken::new()));
    assert!(pends(&mut connect).await);
    let freed = stage.handles.close(server).expect("it is open");
    assert!(!freed.is_cancelled(), "the connect has the object");
    assert_eq!(within(connect).await, HResult::ERROR_OPERATION_ABORTED);
    assert!(freed.is_cancelled());
    let idle = stage.server().await;
    assert!(stage.handles.close(idle).expect("it is open").is_cancelled(), "nothing was under way");
}

#[tokio::test]
async fn the_number_of_a_closed_handle_never_means_another_one() {
    let stage = Stage::new();
    let (server, _client) = stage.pair().await;
    stage.handles.close(server).expect("it is open");
    for _ in 0..100 {
        let next = stage.server().await; // in the same slot of the table
        assert_ne!(next, server);
        assert_eq!(stage.read(server, 9).await, Outcome::failed(HResult::ERROR_INVALID_HANDLE));
        assert_eq!(stage.handles.close(server).err(), Some(Win32Error::INVALID_HANDLE));
        assert_eq!(stage.handles.is_overlapped(server), Err(Win32Error::INVALID_HANDLE));
        assert_eq!(stage.handles.is_overlapped(next), Ok(true));
        stage.handles.close(next).expect("it is open");
    }
}

/// The number stays in use while its slot of the table goes to the next pipe, a thousand times, at whatever moment the
/// close on another thread meets the reads.
#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_close_under_reads_never_gives_another_pipes_bytes() {
    let stage = Arc::new(Stage::new());
    let mut aborted = 0;
    for round in 0..1000_u32 {
        let (server, client) = stage.pair().await;
        let mut tasks = JoinSet::new();
        let closing = Arc::clone(&stage);
        tasks.spawn(async move {
            // The message is on its way when the close comes, or not any more.
            if round % 2 == 0 {
                closing.write(client, round.to_le_bytes().to_vec()).await;
            }
            closing.handles.close(server).expect("it is open");
            closing.handles.close(client).expect("it is open");
            // In the slots of the two that were closed.
            let (next, peer) = closing.pair().await;
            closing.write(peer, u32::MAX.to_le_bytes().to_vec()).await;
            closing.handles.close(next).expect("it is open");
            closing.handles.close(peer).expect("it is open");
        });
        for _ in 0..4 {
            let outcome = stage.read(server, 4).await;
            match outcome.status {
                HResult::S_OK => assert_eq!(outcome.data, round.to_le_bytes().as_slice()),
                HResult::ERROR_OPERATION_ABORTED => aborted += 1,
                status => assert_eq!(status, HResult::ERROR_INVALID_HANDLE, "in round {round}"),
            }
        }
        within(tasks.join_all()).await;
    }
    assert!(aborted > 0, "no close met a read: the test shows nothing");
    assert!(stage.handles.is_empty() && stage.socket_files().is_empty());
}
