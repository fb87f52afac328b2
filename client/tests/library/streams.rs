//! The event stream: resumed after a loss, each event handed on once.

use lowerdeck_client::v1::{self, event::Body};
use lowerdeck_client::{HResult, Road, SessionEvent, SessionOptions};

use crate::fake::{Fake, lost};

on_both_roads! {
    a_lost_stream_is_resumed_after_the_last_event_processed,
    an_event_that_is_sent_again_is_handed_on_once,
    a_stream_that_ends_early_is_resumed_too,
    a_callback_is_answered_with_what_its_handler_returns,
    a_gone_file_is_told_to_who_waits_for_it,
}

async fn a_lost_stream_is_resumed_after_the_last_event_processed(road: Road) {
    let mut fake = Fake::start().await;
    let session = fake.open(SessionOptions::new("fake").road(road)).await;
    let mut events = session.subscribe();
    fake.event(gone("a"));
    fake.acknowledged(1).await;
    fake.cut(lost());
    assert_eq!(fake.streams.recv().await, Some(1));
    fake.event(gone("b"));
    for file in ["a", "b"] {
        let event = events.recv().await.expect("told");
        assert_eq!(event, SessionEvent::FileGone(file.to_owned()));
    }
    session.close().await.expect("the books balance");
}

async fn an_event_that_is_sent_again_is_handed_on_once(road: Road) {
    let mut fake = Fake::start().await;
    let session = fake.open(SessionOptions::new("fake").road(road)).await;
    let mut events = session.subscribe();
    fake.event(gone("a"));
    fake.acknowledged(1).await;
    fake.repeat_all();
    fake.cut(lost());
    fake.streams.recv().await;
    fake.event(gone("b"));
    fake.acknowledged(2).await;
    session.close().await.expect("the books balance");
    let mut files = Vec::new();
    while let Ok(event) = events.try_recv() {
        if let SessionEvent::FileGone(file) = event {
            files.push(file);
        }
    }
    assert_eq!(files, ["a", "b"]);
}

async fn a_stream_that_ends_early_is_resumed_too(road: Road) {
    let mut fake = Fake::start().await;
    let session = fake.open(SessionOptions::new("fake").road(road)).await;
    fake.cut(tonic::Status::new(tonic::Code::Unknown, "h2 protocol error"));
    assert_eq!(fake.streams.recv().await, Some(0));
    assert_eq!(session.ended(), None);
    session.close().await.expect("the books balance");
}

async fn a_callback_is_answered_with_what_its_handler_returns(road: Road) {
    let mut fake = Fake::start().await;
    let callbacks = [v1::PnpCallback::OnQueryRemove];
    let options = SessionOptions::new("fake").road(road).callbacks(callbacks, |invocation| async move {
        assert_eq!(invocation.callback, v1::PnpCallback::OnQueryRemove);
        HResult::STATUS_DEVICE_BUSY
    });
    let session = fake.open(options).await;
    let mut invoked = v1::CallbackInvoked { callback_id: 9, ..v1::CallbackInvoked::default() };
    invoked.set_callback(v1::PnpCallback::OnQueryRemove);
    fake.event(Body::CallbackInvoked(invoked));
    let returned = fake.returns.recv().await.expect("a return");
    assert_eq!(returned.callback_id, 9);
    assert_eq!(HResult(returned.hresult), HResult::STATUS_DEVICE_BUSY);
    session.close().await.expect("the books balance");
}

async fn a_gone_file_is_told_to_who_waits_for_it(road: Road) {
    let mut fake = Fake::start().await;
    let session = fake.open(SessionOptions::new("fake").road(road)).await;
    let file = session.device().create_wdf_file(None).await.expect("created");
    let id = file.id().to_owned();
    let (closed, ()) = tokio::join!(file.close(), async {
        fake.event(gone(&id)); // before the reply, as with a completion
        let closing = fake.closes.recv().await.expect("a close");
        closing.answer(Ok(v1::CloseResponse {}));
    });
    closed.expect("closed").gone().await.expect("gone");
    session.close().await.expect("the books balance");
}

fn gone(file: &str) -> Body {
    Body::FileGone(v1::FileGone { file_id: file.to_owned() })
}
