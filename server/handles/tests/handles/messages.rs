//! FHT-14 to FHT-17: messages between this process and another one.

use bytes::Bytes;
use lowerdeck_framework::status::HResult;
use lowerdeck_handles::MESSAGE_BYTES_MAX;
use lowerdeck_handles::operation::Outcome;
use lowerdeck_handles::win32::Win32Error;
use tokio_util::sync::CancellationToken;

use crate::stage::{Stage, pends, within};

#[tokio::test]
async fn messages_are_neither_merged_nor_split() {
    let stage = Stage::new();
    let (server, mut peer) = stage.with_peer().await;
    peer.say("send 0102").await;
    peer.say("send 03").await;
    assert_eq!(stage.read(server, 100).await, Outcome::read(Bytes::from_static(&[1, 2])));
    assert_eq!(stage.read(server, 100).await, Outcome::read(Bytes::from_static(&[3])));
    assert_eq!(stage.write(server, vec![4, 5]).await, Outcome::written(2));
    assert_eq!(stage.write(server, vec![6]).await, Outcome::written(1));
    assert_eq!(peer.say("receive 100").await, "0405");
    assert_eq!(peer.say("receive 100").await, "06");
}

#[tokio::test]
async fn a_short_read_leaves_the_rest_of_its_message() {
    let stage = Stage::new();
    let (server, mut peer) = stage.with_peer().await;
    peer.say("send 0102030405").await;
    peer.say("send 06").await;
    let more = HResult::ERROR_MORE_DATA;
    assert_eq!(stage.read(server, 2).await, Outcome::partly_read(more, Bytes::from_static(&[1, 2])));
    assert_eq!(stage.read(server, 0).await, Outcome::partly_read(more, Bytes::new()));
    assert_eq!(stage.read(server, 2).await, Outcome::partly_read(more, Bytes::from_static(&[3, 4])));
    assert_eq!(stage.read(server, 2).await, Outcome::read(Bytes::from_static(&[5])));
    assert_eq!(stage.read(server, 2).await, Outcome::read(Bytes::from_static(&[6])));
}

#[tokio::test]
async fn an_empty_message_is_not_the_end() {
    let stage = Stage::new();
    let (server, mut peer) = stage.with_peer().await;
    peer.say("send").await;
    peer.say("send 01").await;
    peer.say("send").await;
    assert_eq!(stage.write(server, Bytes::new()).await, Outcome::written(0));
    assert_eq!(stage.write(server, vec![2]).await, Outcome::written(1));
    assert_eq!(peer.say("receive 9").await, "nothing");
    assert_eq!(peer.say("receive 9").await, "02");
    peer.say("close").await;
    assert_eq!(stage.read(server, 9).await, Outcome::read(Bytes::new()));
    assert_eq!(stage.read(server, 9).await, Outcome::read(Bytes::from_static(&[1])));
    assert_eq!(stage.read(server, 9).await, Outcome::read(Bytes::new()));
    assert_eq!(stage.read(server, 9).await, Outcome::failed(HResult::ERROR_BROKEN_PIPE));
}

#[tokio::test]
async fn reads_of_an_empty_pipe_pend_and_are_served_in_order() {
    let stage = Stage::new();
    let (server, mut peer) = stage.with_peer().await;
    let never = CancellationToken::new();
    let mut first = stage.begin_read(server, 9, &never);
    let mut second = stage.begin_read(server, 9, &never);
    assert!(pends(&mut first).await && pends(&mut second).await);
    peer.say("send 01").await;
    peer.say("send 02").await;
    let (second, first) = tokio::join!(second, first);
    assert_eq!(first.data, [1].as_slice());
    assert_eq!(second.data, [2].as_slice());
}

#[tokio::test]
async fn a_write_to_a_full_pipe_pends_until_the_peer_reads() {
    let stage = Stage::new();
    let (server, mut peer) = stage.with_peer().await;
    let message = Bytes::from(vec![7; MESSAGE_BYTES_MAX / 2]);
    let mut written = 0;
    let write = loop {
        let mut write = stage.begin_write(server, message.clone());
        if pends(&mut write).await {
            break write;
        }
        written += 1;
        assert!(written < 1000, "the pipe has no end");
    };
    assert!(written >= 2, "the pipe holds two halves of the largest message");
    for _ in 0..written {
        peer.say(&format!("receive {MESSAGE_BYTES_MAX}")).await;
    }
    assert_eq!(within(write).await, Outcome::written(message.len() as u64));
}

#[tokio::test]
async fn a_message_above_the_limit_is_refused_and_the_pipe_lives_on() {
    let stage = Stage::new();
    let (server, mut peer) = stage.with_peer().await;
    peer.say(&format!("zeros {}", MESSAGE_BYTES_MAX + 1)).await;
    peer.say("send 01").await;
    let too_long = Win32Error::NO_SYSTEM_RESOURCES.hresult();
    assert_eq!(stage.read(server, 9).await, Outcome::failed(too_long));
    assert_eq!(stage.read(server, 9).await, Outcome::read(Bytes::from_static(&[1])));
    assert_eq!(stage.write(server, vec![0; MESSAGE_BYTES_MAX + 1]).await, Outcome::failed(too_long));
    let largest = Bytes::from(vec![0; MESSAGE_BYTES_MAX]);
    assert_eq!(stage.write(server, largest).await, Outcome::written(MESSAGE_BYTES_MAX as u64));
    assert_eq!(peer.say(&format!("receive {MESSAGE_BYTES_MAX}")).await.len(), 2 * MESSAGE_BYTES_MAX);
}

#[tokio::test]
async fn a_flood_waits_in_the_peer_and_arrives_in_order() {
    let stage = Stage::new();
    let (server, mut peer) = stage.with_peer().await;
    peer.begin("count 20000").await;
    for number in 0..20_000_u32 {
        assert_eq!(stage.read(server, 4).await.data, number.to_le_bytes().as_slice());
    }
    assert_eq!(peer.answer().await, "counted");
}

#[tokio::test]
async fn descriptors_that_a_peer_sends_along_are_not_taken() {
    let stage = Stage::new();
    let (server, mut peer) = stage.with_peer().await;
    let passed = stage.folder.path().join("passed");
    peer.say(&format!("pass {}", passed.display())).await;
    assert_eq!(stage.read(server, 9).await, Outcome::read(Bytes::from_static(&[1])));
    let open = std::fs::read_dir("/proc/self/fd").expect("a host with /proc").flatten();
    let mut open = open.filter_map(|descriptor| std::fs::read_link(descriptor.path()).ok());
    assert!(!open.any(|path| path == passed), "it is open in this process");
}
