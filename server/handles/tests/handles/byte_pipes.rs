//! Pipes without boundaries, and message pipes that are read without them.

use bytes::Bytes;
use lowerdeck_framework::status::HResult;
use lowerdeck_handles::handle::{CreateFile, CreateNamedPipe, Framing, OpenRequest, PipeMode};
use lowerdeck_handles::operation::{Outcome, TRANSFER_BYTES_MAX};
use lowerdeck_handles::win32::Win32Error;
use tokio_util::sync::CancellationToken;

use crate::stage::{Peer, Stage, client_end, named_pipe, pends, within};

#[tokio::test]
async fn bytes_come_as_they_are_there_and_end_with_the_peer() {
    let stage = Stage::new();
    let server = stage.create(&named_pipe(Framing::Byte)).await.expect("an instance");
    let mut peer = Peer::start(&stage, "connect", Framing::Byte).await;
    let mut read = stage.begin_read(server, 9, &CancellationToken::new());
    assert_eq!(stage.connect(server).await, Win32Error::PIPE_CONNECTED.hresult());
    assert!(pends(&mut read).await);
    peer.say("send 01020304").await;
    assert_eq!(within(read).await.data, [1, 2, 3, 4].as_slice());
    peer.say("send 0506").await;
    peer.say("send 07").await;
    assert_eq!(stage.read(server, 2).await, Outcome::read(Bytes::from_static(&[5, 6])));
    assert_eq!(stage.read(server, 0).await, Outcome::read(Bytes::new()));
    assert_eq!(stage.read(server, 2).await, Outcome::read(Bytes::from_static(&[7])));
    assert_eq!(stage.write(server, Bytes::new()).await, Outcome::written(0));
    peer.say("close").await;
    assert_eq!(stage.read(server, 2).await, Outcome::failed(HResult::ERROR_BROKEN_PIPE));
    assert_eq!(stage.write(server, vec![1]).await, Outcome::failed(HResult::ERROR_NO_DATA));
}

/// More than any buffer of the host: the write goes on while the other end reads.
#[tokio::test]
async fn a_large_write_is_whole_and_a_second_one_does_not_mix_into_it() {
    let stage = Stage::new();
    let server = stage.create(&named_pipe(Framing::Byte)).await.expect("an instance");
    let reader = CreateFile { read_mode: Framing::Byte, ..client_end() };
    let client = stage.handles.open(&OpenRequest::File(reader)).await.expect("a free instance");
    let length = TRANSFER_BYTES_MAX as usize;
    let mut first = stage.begin_write(server, vec![1; length]);
    let mut second = stage.begin_write(server, vec![2; length]);
    assert!(pends(&mut first).await && pends(&mut second).await);
    let received = async {
        let mut received = Vec::new();
        while received.len() < 2 * length {
            received.extend(stage.read(client, TRANSFER_BYTES_MAX).await.data);
        }
        received
    };
    let (first, second, received) = within(async { tokio::join!(first, second, received) }).await;
    assert_eq!((first, second), (Outcome::written(length as u64), Outcome::written(length as u64)));
    assert!(received[..length].iter().all(|byte| *byte == 1) && received[length..].iter().all(|byte| *byte == 2));
}

/// What is gone is counted: the peer has it.
#[tokio::test]
async fn a_write_that_is_aborted_in_part_says_how_much_is_gone() {
    let stage = Stage::new();
    let server = stage.create(&named_pipe(Framing::Byte)).await.expect("an instance");
    let mut peer = Peer::start(&stage, "connect", Framing::Byte).await;
    let mut write = stage.begin_write(server, vec![1; TRANSFER_BYTES_MAX as usize]);
    assert!(pends(&mut write).await);
    stage.handles.close(server).expect("it is open");
    let outcome = within(write).await;
    assert_eq!(outcome.status, HResult::ERROR_OPERATION_ABORTED);
    let mut received = 0;
    loop {
        match peer.say("receive 1000000").await.as_str() {
            "nothing" => break,
            data => received += data.len() as u64 / 2,
        }
    }
    assert_eq!(outcome.information, received);
    assert!(received > 0);
}

#[tokio::test]
async fn a_message_pipe_read_as_bytes_warns_of_nothing() {
    let stage = Stage::new();
    let mode = PipeMode { pipe_type: Framing::Message, read_mode: Framing::Byte };
    let server = stage.create(&CreateNamedPipe { mode, ..named_pipe(Framing::Message) }).await.expect("an instance");
    let client = stage.client().await.expect("a free instance");
    stage.write(client, vec![1, 2, 3]).await;
    assert_eq!(stage.read(server, 2).await, Outcome::read(Bytes::from_static(&[1, 2])));
    assert_eq!(stage.read(server, 2).await, Outcome::read(Bytes::from_static(&[3])));
}

#[tokio::test]
async fn a_byte_pipe_can_not_be_read_as_messages() {
    let stage = Stage::new();
    stage.create(&named_pipe(Framing::Byte)).await.expect("an instance");
    assert_eq!(stage.client().await, Err(Win32Error::INVALID_PARAMETER));
    assert_eq!(PipeMode::try_from(2), Err(Win32Error::INVALID_PARAMETER));
    assert_eq!(PipeMode::try_from(4 | 1), Err(Win32Error::INVALID_PARAMETER), "PIPE_NOWAIT");
    let both = PipeMode { pipe_type: Framing::Message, read_mode: Framing::Message };
    assert_eq!(PipeMode::try_from(4 | 2 | 8), Ok(both));
}
