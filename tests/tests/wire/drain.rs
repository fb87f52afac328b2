//! Drain: readiness first, new sessions elsewhere, open ones may finish, and an end in any case.

use lowerdeck_proto::{reason, v1};
use lowerdeck_tests::wire::{Clients, Server};
use tokio_util::sync::CancellationToken;
use tonic::Code::Unavailable;
use tonic_health::pb::health_check_response::ServingStatus;
use uuid::Uuid;
use v1::event::Body;

use crate::event_feed::EventFeed;
use crate::health::{Watcher, check, services};
use crate::refusal::{expect, granted};
use crate::upper::{self, Upper};

/// A server with an open session that hears its events.
fn busy(server: &Server) -> (Upper, EventFeed) {
    server.run(async {
        let upper = Upper::on(server, "scripted").await;
        let events = upper.events_after(0).await;
        (upper, events)
    })
}

/// Reads on to the announcement of the drain.
async fn announced(events: &mut EventFeed) -> v1::SessionEnding {
    let event = events.until(|body| matches!(body, Body::SessionEnding(_))).await;
    let Some(Body::SessionEnding(ending)) = event.body else { unreachable!("it was waited for") };
    assert_eq!(ending.reason(), v1::SessionEndReason::Draining);
    ending
}

#[test]
fn readiness_goes_and_liveness_stays() {
    let mut server = Server::start();
    let (upper, _events) = busy(&server);
    let mut watchers = server.run(async {
        let mut watchers = Vec::new();
        for service in services() {
            let mut watcher = Watcher::of(&server.channel(), &service).await;
            assert_eq!(watcher.next().await, ServingStatus::Serving);
            watchers.push(watcher);
        }
        watchers
    });
    let drained = server.drain(CancellationToken::new());
    server.run(async {
        let channel = server.channel();
        for watcher in &mut watchers {
            assert_eq!(watcher.next().await, ServingStatus::NotServing);
        }
        for alive in ["", "liveness", "lowerdeck.stack/disk"] {
            assert_eq!(check(&channel, alive).await.expect("it is known"), ServingStatus::Serving, "`{alive}`");
        }
        drop(watchers);
        granted(upper.session().close_session(v1::CloseSessionRequest {}).await);
        drained.await.expect("a drain does not panic");
    });
}

#[test]
fn nothing_new_is_taken_and_what_is_open_finishes() {
    let mut server = Server::start();
    let (upper, mut events) = busy(&server);
    let drained = server.drain(CancellationToken::new());
    server.run(async {
        let announced = announced(&mut events).await;
        assert!(announced.hard_deadline.is_some(), "the session hears how long it has");
        let mut late = Clients::new(&server.channel(), Uuid::new_v4());
        expect(late.session.open_session(upper::on_stack("disk")).await, Unavailable, reason::DRAINING);
        expect(late.lab.plug_stack(upper::template("null")).await, Unavailable, reason::DRAINING);

        let file = upper.file().await;
        let request = upper.send(upper::read(&file, 4)).await;
        assert_eq!(events.completion().await.1.request_id, request);
        upper.close(&file).await;
        assert!(!drained.is_finished(), "the session is open");
        let last_word = granted(upper.session().close_session(v1::CloseSessionRequest {}).await);
        assert_eq!((last_word.balance.map(|books| books.completed), last_word.files_left_open), (Some(1), 0));
        drained.await.expect("a drain does not panic");
    });
}

#[test]
fn a_session_that_is_there_is_found_again_in_a_drain() {
    let mut server = Server::start();
    let terms = upper::on_stack("disk");
    let upper = server.run(Upper::attach(&server.channel(), terms.clone()));
    let mut events = server.run(upper.events_after(0));
    let drained = server.drain(CancellationToken::new());
    server.run(async {
        announced(&mut events).await;
        let found = granted(upper.session().open_session(terms).await).session.expect("a session");
        assert_eq!(found.stack, upper.stack);
        granted(upper.session().close_session(v1::CloseSessionRequest {}).await);
        drained.await.expect("a drain does not panic");
    });
}

#[test]
fn the_hard_deadline_ends_streams_with_a_status() {
    let mut server = Server::start_with(|limits| limits.drain_ms_max = 100);
    let (upper, mut events) = busy(&server);
    server.run(async {
        upper.control("on read: arm").await;
        let file = upper.file().await;
        upper.send(upper::read(&file, 4)).await;
    });
    let drained = server.drain(CancellationToken::new());
    server.run(async {
        announced(&mut events).await;
        let ended = loop {
            match events.next().await {
                Ok(Some(_)) => {}
                Ok(None) => panic!("a stream that was cut off must not look finished"),
                Err(status) => break status,
            }
        };
        expect::<()>(Err(ended), Unavailable, reason::DRAINING);
        drained.await.expect("a drain does not panic");
    });
}

#[test]
fn a_second_wish_ends_at_once() {
    let mut server = Server::start_with(|limits| limits.drain_ms_max = 24 * 60 * 60 * 1000);
    let (upper, mut events) = busy(&server);
    let now = CancellationToken::new();
    let drained = server.drain(now.clone());
    server.run(async {
        announced(&mut events).await;
        assert_eq!(upper.view().await.stack_state(), v1::StackState::Started);
        now.cancel();
        drained.await.expect("a drain does not panic");
    });
}
