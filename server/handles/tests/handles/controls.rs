//! The control codes of a pipe.

use bytes::Bytes;
use lowerdeck_framework::status::HResult;
use lowerdeck_handles::disk::control::CODES;
use lowerdeck_handles::handle::Framing;
use lowerdeck_handles::operation::Outcome;
use lowerdeck_handles::pipe::control::{FSCTL_PIPE_DISCONNECT, FSCTL_PIPE_LISTEN, FSCTL_PIPE_PEEK};
use lowerdeck_handles::socket::FIONREAD;

use crate::stage::{Peer, Stage, named_pipe};

fn header(state: u32, available: u32, messages: u32, length: u32) -> Vec<u8> {
    [state, available, messages, length].iter().flat_map(|field| field.to_le_bytes()).collect()
}

#[tokio::test]
async fn a_peek_tells_the_state_of_each_end() {
    let stage = Stage::new();
    let server = stage.server().await;
    assert_eq!(stage.control(server, FSCTL_PIPE_PEEK, 16).await.data, header(2, 0, 0, 0));
    let client = stage.client().await.expect("a free instance");
    assert_eq!(stage.control(server, FSCTL_PIPE_PEEK, 16).await.data, header(3, 0, 0, 0));
    assert_eq!(stage.control(client, FSCTL_PIPE_PEEK, 16).await.data, header(3, 0, 0, 0));
    stage.control(server, FSCTL_PIPE_DISCONNECT, 0).await;
    assert_eq!(stage.control(server, FSCTL_PIPE_PEEK, 16).await.data, header(1, 0, 0, 0));
    assert_eq!(stage.control(client, FSCTL_PIPE_PEEK, 16).await.data, header(4, 0, 0, 0));
}

#[tokio::test]
async fn a_peek_shows_a_message_and_takes_nothing() {
    let stage = Stage::new();
    let (server, mut peer) = stage.with_peer().await;
    peer.say("send 010203").await;
    peer.say("send 04").await;
    for _ in 0..2 {
        let whole = [header(3, 4, 1, 3), vec![1, 2, 3]].concat();
        assert_eq!(stage.control(server, FSCTL_PIPE_PEEK, 100).await, Outcome::read(Bytes::from(whole)));
    }
    let part = Bytes::from([header(3, 4, 1, 3), vec![1]].concat());
    let more = HResult::ERROR_MORE_DATA;
    assert_eq!(stage.control(server, FSCTL_PIPE_PEEK, 17).await, Outcome::partly_read(more, part));
    assert_eq!(stage.read(server, 1).await.data, [1].as_slice());
    let rest = [header(3, 3, 1, 2), vec![2, 3]].concat();
    assert_eq!(stage.control(server, FSCTL_PIPE_PEEK, 100).await.data, rest);
    assert_eq!(stage.read(server, 9).await.data, [2, 3].as_slice());
    assert_eq!(stage.read(server, 9).await.data, [4].as_slice());
}

#[tokio::test]
async fn a_peek_tells_an_empty_message_from_none_and_from_the_end() {
    let stage = Stage::new();
    let (server, mut peer) = stage.with_peer().await;
    assert_eq!(stage.control(server, FSCTL_PIPE_PEEK, 16).await.data, header(3, 0, 0, 0));
    peer.say("send").await;
    assert_eq!(stage.control(server, FSCTL_PIPE_PEEK, 16).await.data, header(3, 0, 1, 0));
    peer.say("close").await;
    assert_eq!(stage.control(server, FSCTL_PIPE_PEEK, 16).await.data, header(3, 0, 1, 0));
    stage.read(server, 9).await;
    assert_eq!(stage.control(server, FSCTL_PIPE_PEEK, 16).await.data, header(4, 0, 0, 0));
}

#[tokio::test]
async fn a_peek_into_a_byte_pipe_has_no_messages() {
    let stage = Stage::new();
    let server = stage.create(&named_pipe(Framing::Byte)).await.expect("an instance");
    let mut peer = Peer::start(&stage, "connect", Framing::Byte).await;
    peer.say("send 010203").await;
    let shown = [header(3, 3, 1, 0), vec![1, 2]].concat();
    assert_eq!(stage.control(server, FSCTL_PIPE_PEEK, 18).await, Outcome::read(Bytes::from(shown)));
    assert_eq!(stage.read(server, 9).await.data, [1, 2, 3].as_slice());
}

#[tokio::test]
async fn what_is_not_in_the_table_is_an_invalid_function() {
    let stage = Stage::new();
    let (server, client) = stage.pair().await;
    let unknown = Outcome::failed(HResult::ERROR_INVALID_FUNCTION);
    for code in [0, 1, FSCTL_PIPE_PEEK + 1, FSCTL_PIPE_PEEK + 4, 0x0009_0018, u32::MAX] {
        assert_eq!(stage.control(server, code, 64).await, unknown, "{code:#x}");
    }
    for code in [FSCTL_PIPE_LISTEN, FSCTL_PIPE_DISCONNECT] {
        assert_eq!(stage.control(client, code, 64).await, unknown, "{code:#x} is the server's");
    }
    let too_small = Outcome::failed(HResult::ERROR_INSUFFICIENT_BUFFER);
    assert_eq!(stage.control(server, FSCTL_PIPE_PEEK, 15).await, too_small);
}

/// The README's table is what users go by.
#[test]
fn the_readme_lists_every_code_and_no_other() {
    let readme = include_str!("../../../../README.md");
    let listed: Vec<u32> = readme
        .lines()
        .filter_map(|line| line.strip_prefix("| 0x")?.get(..8))
        .map(|digits| u32::from_str_radix(digits, 16).expect("a code has eight digits"))
        .collect();
    let mut known: Vec<u32> = CODES.iter().map(|known| known.code).collect();
    known.extend([FSCTL_PIPE_DISCONNECT, FSCTL_PIPE_LISTEN, FSCTL_PIPE_PEEK, FIONREAD]);
    let sorted = |mut codes: Vec<u32>| {
        codes.sort_unstable();
        codes
    };
    assert_eq!(sorted(listed), sorted(known));
}
