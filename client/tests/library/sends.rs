//! Replies and completions in every order, and replies that are lost.

use std::pin::Pin;
use std::task::Poll;

use lowerdeck_client::{DriverCreatedFile, Error, HResult, Road, Session, SessionOptions, reason, v1};
use tonic::Code;

use crate::fake::{Fake, Sent, accepted, lost, refused};

on_both_roads! {
    a_completion_after_its_reply_reaches_its_future,
    k03_a_completion_before_its_reply_reaches_its_future,
    a_refused_send_is_an_error_with_its_hresult,
    a_send_whose_reply_is_lost_is_repeated_word_for_word,
    a_repeated_send_that_is_gone_had_been_accepted,
    a_full_retention_window_is_acknowledged_and_the_send_repeated,
    dropping_a_pending_request_cancels_nothing_and_its_completion_is_counted,
    a_send_given_up_before_its_reply_is_settled_by_its_completion,
    a_full_window_makes_the_next_send_wait_for_a_completion,
}

async fn open(road: Road) -> (Fake, Session, DriverCreatedFile) {
    let mut fake = Fake::start().await;
    let session = fake.open(SessionOptions::new("fake").road(road)).await;
    let file = session.device().create_wdf_file(None).await.expect("created");
    (fake, session, file)
}

/// Closes file and session; the session's books must balance.
async fn finish(mut fake: Fake, session: Session, file: DriverCreatedFile) {
    let (closed, ()) = tokio::join!(file.close(), async {
        let closing = fake.closes.recv().await.expect("a close");
        closing.answer(Ok(v1::CloseResponse {}));
    });
    closed.expect("closed");
    session.close().await.expect("the books balance");
}

async fn sent(fake: &mut Fake) -> Sent {
    fake.sends.recv().await.expect("a send")
}

async fn a_completion_after_its_reply_reaches_its_future(road: Road) {
    let (mut fake, session, file) = open(road).await;
    let (pending, id) = tokio::join!(file.read(0, 4), async {
        let sent = sent(&mut fake).await;
        let id = sent.message.request_id;
        sent.answer(accepted());
        id
    });
    fake.completed(id, 0);
    let done = pending.expect("accepted").await.expect("completed");
    assert_eq!((done.request_id, done.hresult), (id, HResult::S_OK));
    fake.balance(1, 1, 0);
    finish(fake, session, file).await;
}

async fn k03_a_completion_before_its_reply_reaches_its_future(road: Road) {
    let (mut fake, session, file) = open(road).await;
    let (pending, ()) = tokio::join!(file.read(0, 4), async {
        let sent = sent(&mut fake).await;
        let sequence = fake.completed(sent.message.request_id, 0);
        fake.acknowledged(sequence).await; // processed: the reply is now the later one
        sent.answer(accepted());
    });
    let done = pending.expect("accepted").await.expect("completed");
    assert_eq!(done.hresult, HResult::S_OK);
    fake.balance(1, 1, 0);
    finish(fake, session, file).await;
}

async fn a_refused_send_is_an_error_with_its_hresult(road: Road) {
    let (mut fake, session, file) = open(road).await;
    let (pending, ()) = tokio::join!(file.read(0, 4), async {
        let answer = v1::FormatAndSendResponse { hresult: HResult::STATUS_FILE_CLOSED.0, completion: None };
        sent(&mut fake).await.answer(Ok(answer));
    });
    let hresult = HResult::STATUS_FILE_CLOSED;
    assert!(matches!(pending, Err(Error::Umdf { hresult: found, .. }) if found == hresult));
    fake.balance(0, 0, 0);
    finish(fake, session, file).await;
}

async fn a_send_whose_reply_is_lost_is_repeated_word_for_word(road: Road) {
    let (mut fake, session, file) = open(road).await;
    let (pending, id) = tokio::join!(file.write(8, "data"), async {
        let first = sent(&mut fake).await;
        let message = first.message.clone();
        first.answer(Err(lost()));
        let second = sent(&mut fake).await;
        assert_eq!(second.message, message);
        second.answer(accepted());
        message.request_id
    });
    fake.completed(id, 0);
    pending.expect("accepted").await.expect("completed");
    fake.balance(1, 1, 0);
    finish(fake, session, file).await;
}

async fn a_repeated_send_that_is_gone_had_been_accepted(road: Road) {
    let (mut fake, session, file) = open(road).await;
    let (pending, ()) = tokio::join!(file.read(0, 4), async {
        let first = sent(&mut fake).await;
        let sequence = fake.completed(first.message.request_id, 0);
        fake.acknowledged(sequence).await; // which deletes the request
        first.answer(Err(lost()));
        let second = sent(&mut fake).await;
        second.answer(Err(refused(Code::NotFound, reason::REQUEST_GONE)));
    });
    pending.expect("accepted after all").await.expect("completed");
    fake.balance(1, 1, 0);
    finish(fake, session, file).await;
}

async fn a_full_retention_window_is_acknowledged_and_the_send_repeated(road: Road) {
    let (mut fake, session, file) = open(road).await;
    let (pending, id) = tokio::join!(file.read(0, 4), async {
        let first = sent(&mut fake).await;
        first.answer(Err(refused(Code::ResourceExhausted, reason::RETENTION_FULL)));
        let second = sent(&mut fake).await;
        let id = second.message.request_id;
        second.answer(accepted());
        id
    });
    fake.completed(id, 0);
    pending.expect("accepted").await.expect("completed");
    fake.balance(1, 1, 0);
    finish(fake, session, file).await;
}

async fn dropping_a_pending_request_cancels_nothing_and_its_completion_is_counted(road: Road) {
    let (mut fake, session, file) = open(road).await;
    let (pending, id) = tokio::join!(file.read(0, 4), async {
        let sent = sent(&mut fake).await;
        let id = sent.message.request_id;
        sent.answer(accepted());
        id
    });
    drop(pending.expect("accepted"));
    let sequence = fake.completed(id, 0);
    fake.acknowledged(sequence).await;
    assert!(fake.cancels.is_empty());
    fake.balance(1, 1, 0);
    finish(fake, session, file).await;
}

async fn a_send_given_up_before_its_reply_is_settled_by_its_completion(road: Road) {
    let (mut fake, session, file) = open(road).await;
    let id = tokio::select! {
        _ = file.read(0, 4) => panic!("nobody answers"),
        sent = sent(&mut fake) => sent.message.request_id, // dropped here, and the read with it
    };
    let sequence = fake.completed(id, 0);
    fake.acknowledged(sequence).await;
    fake.balance(1, 1, 0);
    finish(fake, session, file).await;
}

async fn a_full_window_makes_the_next_send_wait_for_a_completion(road: Road) {
    let mut fake = Fake::start().await;
    let options = SessionOptions::new("fake").road(road).in_flight_window(1);
    let session = fake.open(options).await;
    let file = session.device().create_wdf_file(None).await.expect("created");
    let (first, id) = tokio::join!(file.read(0, 4), async {
        let sent = sent(&mut fake).await;
        let id = sent.message.request_id;
        sent.answer(accepted());
        id
    });
    let mut second = Box::pin(file.read(4, 4));
    assert!(is_pending(second.as_mut()).await, "it waits");
    assert!(fake.sends.is_empty(), "nothing was sent");
    fake.completed(id, 0);
    first.expect("accepted").await.expect("completed");
    let (second, id) = tokio::join!(second, async {
        let sent = sent(&mut fake).await;
        let id = sent.message.request_id;
        sent.answer(accepted());
        id
    });
    fake.completed(id, 0);
    second.expect("accepted").await.expect("completed");
    fake.balance(2, 2, 0);
    finish(fake, session, file).await;
}

/// Polls once.
async fn is_pending<F: Future>(mut future: Pin<&mut F>) -> bool {
    std::future::poll_fn(|context| Poll::Ready(future.as_mut().poll(context).is_pending())).await
}
