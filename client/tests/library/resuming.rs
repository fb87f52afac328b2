//! A QueuePair that breaks under submissions: nothing is lost, nothing is done twice.

use std::collections::BTreeSet;
use std::sync::Arc;

use lowerdeck_client::v1::submission::Call;
use lowerdeck_client::{Error, SessionOptions, v1};
use tokio::task::JoinSet;

use crate::fake::{Fake, accepted, lost};

/// Requests under way when the stream breaks.
const READS: u64 = 30;

#[tokio::test]
async fn after_a_cut_every_submission_is_accounted_for_once() {
    let mut fake = Fake::start().await;
    let session = fake.open(SessionOptions::new("fake")).await;
    let file = Arc::new(session.device().create_wdf_file(None).await.expect("created"));
    let mut readers = JoinSet::new();
    for _ in 0..READS {
        let file = Arc::clone(&file);
        readers.spawn(async move { file.read(0, 4).await.expect("accepted").await.expect("completed").request_id });
    }
    let mut asked = Vec::new();
    while asked.len() < READS as usize {
        asked.push(fake.sends.recv().await.expect("a send"));
    }
    // A third is taken and completes, a third is taken, of the last third nothing is said.
    let mut unanswered: BTreeSet<u64> = asked.iter().map(|sent| sent.message.request_id).collect();
    let third = READS as usize / 3;
    let silent = asked.split_off(2 * third);
    let mut pending = Vec::new();
    for (place, sent) in asked.into_iter().enumerate() {
        let id = sent.message.request_id;
        unanswered.remove(&id);
        sent.answer(accepted());
        if place < third {
            fake.completed(id, 0);
        } else {
            pending.push(id);
        }
    }
    fake.acknowledged(third as u64).await;
    fake.cut(lost());
    assert_eq!(fake.streams.recv().await, Some(third as u64), "the events resume where they were");
    drop(silent);
    let mut again = BTreeSet::new();
    while again.len() < unanswered.len() {
        let sent = fake.sends.recv().await.expect("a send");
        let id = sent.message.request_id;
        assert!(again.insert(id), "{id} comes a third time");
        sent.answer(accepted());
        fake.completed(id, 0);
    }
    assert_eq!(again, unanswered, "what had no result is submitted again, and nothing else");
    for id in pending {
        fake.completed(id, 0);
    }
    let mut done = BTreeSet::new();
    while let Some(id) = readers.join_next().await {
        assert!(done.insert(id.expect("no panic")), "a completion was told twice");
    }
    assert_eq!(done.len() as u64, READS);
    assert!(fake.sends.is_empty());
    let file = Arc::into_inner(file).expect("the readers are done");
    let (closed, ()) = tokio::join!(file.close(), async {
        fake.closes.recv().await.expect("a close").answer(Ok(v1::CloseResponse {}));
    });
    closed.expect("closed");
    fake.balance(READS, READS, 0);
    session.close().await.expect("the books balance");
}

#[tokio::test]
async fn a_close_that_was_not_written_before_the_loss_is_written_after_it() {
    let mut fake = Fake::start().await;
    let session = fake.open(SessionOptions::new("fake")).await;
    let file = session.device().create_wdf_file(None).await.expect("created");
    fake.stay_away();
    assert_eq!(fake.streams.recv().await, Some(0), "the client has noticed");
    let (closed, ()) = tokio::join!(file.close(), async {
        assert_eq!(fake.streams.recv().await, Some(0), "still away");
        fake.come_back();
        fake.closes.recv().await.expect("a close").answer(Ok(v1::CloseResponse {}));
    });
    closed.expect("closed");
    session.close().await.expect("the books balance");
}

#[tokio::test]
async fn a_cancel_is_submitted_again_and_a_close_is_not() {
    let mut fake = Fake::start().await;
    let session = fake.open(SessionOptions::new("fake")).await;
    let device = session.device();
    let (file, other) =
        (device.create_wdf_file(None).await.expect("created"), device.create_wdf_file(None).await.expect("created"));
    let (pending, ()) = tokio::join!(file.read(0, 4), async {
        fake.sends.recv().await.expect("a send").answer(accepted());
    });
    let pending = pending.expect("accepted");
    let (second, closed, cancelled, ()) = tokio::join!(file.read(0, 4), other.close(), pending.cancel(), async {
        // The head stays at the second read, so nothing is said of what is behind it.
        let sent = fake.sends.recv().await.expect("a send");
        let _closing = fake.closes.recv().await.expect("a close");
        assert!(fake.cancels.recv().await.is_some());
        sent.answer(Err(lost()));
        fake.sends.recv().await.expect("the send again").answer(accepted());
        assert!(fake.cancels.recv().await.is_some(), "the cancel again");
    });
    let second = second.expect("accepted");
    assert!(matches!(closed, Err(Error::Interrupted { call: "Close", .. })), "{closed:?}");
    cancelled.expect("an answer");
    assert!(fake.closes.is_empty(), "a second Close would break a rule (CLS-17)");
    let mut submitted = Vec::new();
    while let Ok(message) = fake.messages.try_recv() {
        submitted.extend(message.submissions.into_iter().filter_map(|submission| submission.call));
    }
    assert_eq!(submitted.iter().filter(|call| matches!(call, Call::Close(_))).count(), 1);
    for pending in [pending, second] {
        fake.completed(pending.request_id(), 0);
        pending.await.expect("completed");
    }
    fake.balance(2, 2, 0);
    session.close().await.expect("the books balance");
}
