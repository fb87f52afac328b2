//! How sessions end, in order and otherwise.

use std::time::Duration;

use lowerdeck_client::{Error, Road, SessionEnd, SessionOptions, reason, v1};
use tonic::Code;

use crate::fake::{Fake, accepted, lost, refused};

on_both_roads! {
    a_close_whose_reply_is_lost_is_not_repeated,
    books_that_differ_from_the_servers_are_reported,
    a_completion_of_another_class_than_the_server_counts_is_reported,
    a_file_that_is_dropped_open_is_counted_and_not_closed,
    an_ended_session_tells_everyone_who_waits,
    a_call_after_the_end_is_the_servers_to_answer,
    a_newer_stream_of_the_same_session_ends_this_one,
    a_server_that_stays_away_ends_the_session_when_the_window_is_used_up,
    a_close_that_a_held_request_delays_is_given_up_with_a_reason,
}

async fn a_close_whose_reply_is_lost_is_not_repeated(road: Road) {
    let mut fake = Fake::start().await;
    let session = fake.open(SessionOptions::new("fake").road(road)).await;
    let file = session.device().create_wdf_file(None).await.expect("created");
    let (closed, ()) = tokio::join!(file.close(), async {
        fake.closes.recv().await.expect("a close").answer(Err(lost()));
    });
    assert!(matches!(closed, Err(Error::Interrupted { call: "Close", .. })));
    assert!(fake.closes.is_empty());
    session.close().await.expect("the books balance");
}

async fn books_that_differ_from_the_servers_are_reported(road: Road) {
    let mut fake = Fake::start().await;
    let session = fake.open(SessionOptions::new("fake").road(road)).await;
    fake.balance(1, 1, 0);
    let error = session.close().await.expect_err("it sent nothing");
    assert!(matches!(error, Error::Unbalanced(_)), "{error}");
}

async fn a_completion_of_another_class_than_the_server_counts_is_reported(road: Road) {
    let mut fake = Fake::start().await;
    let session = fake.open(SessionOptions::new("fake").road(road)).await;
    let file = session.device().create_wdf_file(None).await.expect("created");
    let (pending, id) = tokio::join!(file.read(0, 4), async {
        let sent = fake.sends.recv().await.expect("a send");
        let id = sent.message.request_id;
        sent.answer(accepted());
        id
    });
    fake.completed(id, 0);
    pending.expect("accepted").await.expect("completed");
    fake.balance(1, 0, 1);
    let error = session.close().await.expect_err("it was told of a success");
    assert!(matches!(error, Error::Unbalanced(_)), "{error}");
}

async fn a_file_that_is_dropped_open_is_counted_and_not_closed(road: Road) {
    let mut fake = Fake::start().await;
    let session = fake.open(SessionOptions::new("fake").road(road)).await;
    let file = session.device().create_wdf_file(None).await.expect("created");
    drop(file);
    let sheet = session.close().await.expect("the books balance");
    assert_eq!(sheet.leaked_files, 1);
    assert!(fake.closes.is_empty(), "dropping is not closing (CLS-16)");
}

async fn an_ended_session_tells_everyone_who_waits(road: Road) {
    let mut fake = Fake::start().await;
    let session = fake.open(SessionOptions::new("fake").road(road)).await;
    let file = session.device().create_wdf_file(None).await.expect("created");
    let (pending, ()) = tokio::join!(file.read(0, 4), async {
        fake.sends.recv().await.expect("a send").answer(accepted());
    });
    fake.cut(refused(Code::NotFound, reason::SESSION_ENDED));
    let error = pending.expect("accepted").await.expect_err("no completion");
    assert!(matches!(error, Error::SessionEnded(SessionEnd::Forgotten(_))));
    let error = file.read(0, 4).await.expect_err("the session is over");
    assert!(matches!(error, Error::SessionEnded(_)), "{error}");
}

async fn a_call_after_the_end_is_the_servers_to_answer(road: Road) {
    let mut fake = Fake::start().await;
    let session = fake.open(SessionOptions::new("fake").road(road)).await;
    let file = session.device().create_wdf_file(None).await.expect("created");
    let (pending, ()) = tokio::join!(file.read(0, 4), async {
        fake.sends.recv().await.expect("a send").answer(accepted());
    });
    fake.end_session(v1::SessionEndReason::StackRemoved);
    let error = pending.expect("accepted").await.expect_err("no completion");
    assert!(matches!(error, Error::SessionEnded(SessionEnd::StackRemoved)), "{error}");
    let (closed, ()) = tokio::join!(file.close(), async {
        let refusal = refused(Code::FailedPrecondition, reason::STACK_REMOVED);
        fake.closes.recv().await.expect("a close").answer(Err(refusal));
    });
    assert!(closed.expect_err("it was refused").is(reason::STACK_REMOVED));
}

async fn a_newer_stream_of_the_same_session_ends_this_one(road: Road) {
    let mut fake = Fake::start().await;
    let session = fake.open(SessionOptions::new("fake").road(road)).await;
    let file = session.device().create_wdf_file(None).await.expect("created");
    let (pending, ()) = tokio::join!(file.read(0, 4), async {
        fake.sends.recv().await.expect("a send").answer(accepted());
    });
    fake.cut(refused(Code::FailedPrecondition, reason::EVENT_STREAM_REPLACED));
    let error = pending.expect("accepted").await.expect_err("no completion");
    assert!(matches!(error, Error::SessionEnded(SessionEnd::Replaced)));
}

async fn a_server_that_stays_away_ends_the_session_when_the_window_is_used_up(road: Road) {
    let mut fake = Fake::start().await;
    let options = SessionOptions::new("fake").road(road).reconnect_window(Duration::from_millis(50));
    let session = fake.open(options).await;
    let file = session.device().create_wdf_file(None).await.expect("created");
    let (pending, ()) = tokio::join!(file.read(0, 4), async {
        fake.sends.recv().await.expect("a send").answer(accepted());
    });
    fake.stay_away();
    let error = pending.expect("accepted").await.expect_err("no completion");
    assert!(matches!(error, Error::SessionEnded(SessionEnd::ConnectionLost { .. })));
}

async fn a_close_that_a_held_request_delays_is_given_up_with_a_reason(road: Road) {
    let mut fake = Fake::start().await;
    let options = SessionOptions::new("fake").road(road).close_timeout(Duration::from_millis(20));
    let session = fake.open(options).await;
    fake.hold_close();
    let error = session.close().await.expect_err("it is not answered");
    assert!(matches!(error, Error::StillOpen { .. }), "{error}");
}
