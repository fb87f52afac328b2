//! FHT-13: cancelling is a wish, and costs nobody's data.

use lowerdeck_framework::status::HResult;
use lowerdeck_handles::operation::Outcome;
use tokio_util::sync::CancellationToken;

use crate::stage::{Stage, pends, within};

#[tokio::test]
async fn a_cancelled_read_is_aborted_and_the_next_one_gets_the_message() {
    let stage = Stage::new();
    let (server, client) = stage.pair().await;
    let cancelled = CancellationToken::new();
    let mut first = stage.begin_read(server, 9, &cancelled);
    let mut second = stage.begin_read(server, 9, &CancellationToken::new());
    assert!(pends(&mut first).await && pends(&mut second).await);
    cancelled.cancel();
    assert_eq!(within(first).await, Outcome::failed(HResult::ERROR_OPERATION_ABORTED));
    stage.write(client, vec![1]).await;
    assert_eq!(within(second).await.data, [1].as_slice());
}

#[tokio::test]
async fn cancelling_an_operation_that_waits_in_line_leaves_the_line() {
    let stage = Stage::new();
    let (server, client) = stage.pair().await;
    let cancelled = CancellationToken::new();
    let mut first = stage.begin_read(server, 9, &CancellationToken::new());
    let mut second = stage.begin_read(server, 9, &cancelled);
    assert!(pends(&mut first).await && pends(&mut second).await);
    cancelled.cancel();
    assert_eq!(within(second).await, Outcome::failed(HResult::ERROR_OPERATION_ABORTED));
    stage.write(client, vec![1]).await;
    assert_eq!(within(first).await.data, [1].as_slice());
}

#[tokio::test]
async fn a_cancelled_connect_leaves_the_client_to_the_next() {
    let stage = Stage::new();
    let server = stage.server().await;
    let cancelled = CancellationToken::new();
    let mut connect = Box::pin(stage.handles.connect_pipe(server, cancelled.clone()));
    assert!(pends(&mut connect).await);
    cancelled.cancel();
    assert_eq!(within(connect).await, HResult::ERROR_OPERATION_ABORTED);
    let client = stage.client().await.expect("the instance listens");
    stage.write(client, vec![1]).await;
    assert_eq!(stage.read(server, 9).await.data, [1].as_slice());
}

/// A writer and a canceller on other threads meet the reads at every point of their lives.
#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn cancelled_reads_eat_no_message() {
    const MESSAGES: u32 = 5000;
    let stage = Stage::new();
    let (server, client) = stage.pair().await;
    let writes = async {
        for number in 0..MESSAGES {
            assert_eq!(stage.write(client, number.to_le_bytes().to_vec()).await, Outcome::written(4));
        }
    };
    let reads = async {
        let mut received = 0;
        let mut aborted = 0;
        while received < MESSAGES {
            let cancelled = CancellationToken::new();
            let canceller = cancelled.clone();
            let read = stage.begin_read(server, 4, &cancelled);
            let mut tasks = tokio::task::JoinSet::new();
            tasks.spawn(async move { canceller.cancel() });
            let outcome = within(read).await;
            within(tasks.join_all()).await;
            if outcome.status == HResult::ERROR_OPERATION_ABORTED {
                aborted += 1;
            } else {
                assert_eq!(outcome.data, received.to_le_bytes().as_slice(), "a message is missing");
                received += 1;
            }
        }
        aborted
    };
    let ((), aborted) = within(async { tokio::join!(writes, reads) }).await;
    assert!(aborted > 0, "no cancel came in time: the test shows nothing");
}
