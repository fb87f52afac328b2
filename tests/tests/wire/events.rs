//! Events: numbered without gaps, kept until acknowledged, read by one reader at a time.

use std::collections::HashSet;

use lowerdeck_proto::{reason, v1};
use lowerdeck_tests::wire::Server;
use tonic::Code::{FailedPrecondition, NotFound};
use v1::event::Body;

use crate::refusal::{expect, granted};
use crate::upper::{self, Upper};

/// Completions that wait for a reader who does not come.
const BACKLOG: usize = 10_000;
/// Callers that make them at the same time.
const CALLERS: usize = 16;

#[test]
fn numbers_begin_at_one_and_have_no_gaps() {
    let server = Server::start();
    server.run(async {
        let upper = Upper::on(&server, "scripted").await;
        let mut events = upper.events_after(0).await;
        let file = upper.file().await;
        let mut sent = Vec::new();
        for _ in 0..100 {
            sent.push(upper.send(upper::read(&file, 4)).await);
        }
        for (index, request) in sent.into_iter().enumerate() {
            let (sequence, completion) = events.completion().await;
            assert_eq!((sequence, completion.request_id), (index as u64 + 1, request));
        }
        assert_eq!(upper.view().await.last_event_sequence, 100);
    });
}

#[test]
fn a_stream_speaks_as_soon_as_it_is_open() {
    // No heartbeat for the rest of the test: what comes, comes because the stream opened.
    let server = Server::start_with(|limits| limits.heartbeat_ms_max = limits.lease_ms_max);
    server.run(async {
        let upper = Upper::on(&server, "scripted").await;
        let mut events = upper.events_after(0).await;
        let first = events.message().await.expect("no error").expect("a message");
        let heartbeat = first.heartbeat.expect("there are no events");
        assert_eq!((heartbeat.last_event_sequence, first.events.len()), (0, 0));
        assert!(heartbeat.expire_time.is_some());
    });
}

#[test]
fn resuming_loses_nothing_and_repeats_nothing() {
    let server = Server::start();
    server.run(async {
        let upper = Upper::on(&server, "scripted").await;
        let file = upper.file().await;
        let (mut seen, mut processed, mut sent) = (Vec::new(), 0, Vec::new());
        for _ in 0..10 {
            // Some come while nobody reads, some while somebody does.
            sent.push(upper.send(upper::read(&file, 4)).await);
            let mut events = upper.events_after(processed).await;
            sent.push(upper.send(upper::read(&file, 4)).await);
            sent.push(upper.send(upper::read(&file, 4)).await);
            for _ in 0..2 {
                let (sequence, completion) = events.completion().await;
                processed = sequence;
                seen.push(completion.request_id);
            }
        }
        let mut events = upper.events_after(processed).await;
        while seen.len() < sent.len() {
            seen.push(events.completion().await.1.request_id);
        }
        assert_eq!(seen, sent);
        assert_eq!(upper.view().await.acknowledged_sequence, processed, "resuming acknowledges what was processed");
    });
}

#[test]
fn what_is_not_acknowledged_is_told_again() {
    let server = Server::start();
    server.run(async {
        let upper = Upper::on(&server, "scripted").await;
        let file = upper.file().await;
        for _ in 0..3 {
            upper.send(upper::read(&file, 4)).await;
        }
        let mut told = Vec::new();
        for _ in 0..2 {
            let mut events = upper.events_after(0).await;
            told.push([events.event().await, events.event().await, events.event().await]);
        }
        assert_eq!(told[0], told[1]);
        upper.acknowledge(2).await;
        assert_eq!(upper.events_after(0).await.event().await, told[0][2], "0 stands for all that are kept");
        upper.acknowledge(1).await;
        assert_eq!(upper.view().await.acknowledged_sequence, 2, "what is acknowledged stays so");
    });
}

#[test]
fn acknowledging_a_completion_deletes_its_request() {
    let server = Server::start();
    server.run(async {
        let upper = Upper::on(&server, "scripted").await;
        let file = upper.file().await;
        let mut events = upper.events_after(0).await;
        let request = upper.send(upper::read(&file, 4)).await;
        let (sequence, _) = events.completion().await;
        upper.close(&file).await;
        let view = upper.view().await;
        assert_eq!(view.last_event_sequence, sequence, "no FileGone while the request is there (CLS-19)");
        assert_eq!(upper.request(request).await.expect("kept").state(), v1::RequestState::Completed);
        upper.acknowledge(sequence).await;
        assert_eq!(events.file_gone().await, (sequence + 1, file));
        expect(upper.request(request).await, NotFound, reason::REQUEST_GONE);
    });
}

#[test]
fn a_retained_request_outlives_its_acknowledgement() {
    let server = Server::start();
    server.run(async {
        let upper = Upper::on(&server, "scripted").await;
        let file = upper.file().await;
        let mut events = upper.events_after(0).await;
        let (request_id, format) = (upper.number(), Some(upper::read(&file, 4)));
        let send = v1::FormatAndSendRequest { request_id, format, retain: true, ..Default::default() };
        assert_eq!(granted(upper.device().format_and_send(send).await).hresult, 0);
        let (sequence, _) = events.completion().await;
        upper.close(&file).await;
        upper.acknowledge(sequence).await;
        assert_eq!(upper.view().await.last_event_sequence, sequence, "the file stays (CLS-19)");
        assert_eq!(upper.request(request_id).await.expect("retained").state(), v1::RequestState::Completed);
        granted(upper.device().delete_request(v1::DeleteRequestRequest { request_id }).await);
        assert_eq!(events.file_gone().await, (sequence + 1, file));
    });
}

#[test]
fn a_file_is_gone_after_its_last_completion() {
    let server = Server::start();
    server.run(async {
        let upper = Upper::on(&server, "scripted").await;
        upper.control("on read: arm").await;
        let file = upper.file().await;
        let mut sent = HashSet::new();
        for _ in 0..20 {
            sent.insert(upper.send(upper::read(&file, 4)).await);
        }
        upper.close(&file).await;
        let mut events = upper.events_after(0).await;
        while !sent.is_empty() {
            let event = events.event().await;
            let Some(Body::RequestCompleted(completion)) = event.body else { panic!("too early: {event:?}") };
            assert!(sent.remove(&completion.request_id), "{} completes once", completion.request_id);
            upper.acknowledge(event.sequence).await;
        }
        assert_eq!(events.file_gone().await.1, file);
    });
}

#[test]
fn a_new_stream_takes_over() {
    let server = Server::start();
    server.run(async {
        let upper = Upper::on(&server, "scripted").await;
        let file = upper.file().await;
        let mut old = upper.events_after(0).await;
        upper.send(upper::read(&file, 4)).await;
        assert_eq!(old.completion().await.0, 1);
        let mut new = upper.events_after(1).await;
        expect(old.next().await, FailedPrecondition, reason::EVENT_STREAM_REPLACED);
        upper.send(upper::read(&file, 4)).await;
        assert_eq!(new.completion().await.0, 2);
    });
}

/// Scenario K09.
mod k09_a_slow_reader_loses_nothing_and_holds_up_nobody {
    use super::*;

    #[test]
    fn wire() {
        let server = Server::start();
        server.run(async {
            let upper = std::sync::Arc::new(Upper::on(&server, "null").await);
            let file = upper.file().await;
            // Open, and not read until everything has completed.
            let mut events = upper.events_after(0).await;
            let callers = (0..CALLERS).map(|_| {
                let (upper, file) = (std::sync::Arc::clone(&upper), file.clone());
                server.spawn(async move {
                    let mut sent = Vec::new();
                    for _ in 0..BACKLOG / CALLERS {
                        sent.push(upper.send(upper::read(&file, 16)).await);
                    }
                    sent
                })
            });
            let mut expected = HashSet::new();
            for caller in callers.collect::<Vec<_>>() {
                expected.extend(caller.await.expect("a caller does not panic"));
            }
            let balance = upper.view().await.balance.expect("a session has books");
            assert_eq!((balance.completed, expected.len()), (BACKLOG as u64, BACKLOG), "the drivers were not held up");
            let mut last = 0;
            for _ in 0..BACKLOG {
                let (sequence, completion) = events.completion().await;
                assert!(expected.remove(&completion.request_id), "{} came twice", completion.request_id);
                last = sequence;
            }
            assert_eq!((expected.len(), last), (0, BACKLOG as u64));
            upper.acknowledge(last).await;
            upper.close(&file).await;
            assert_eq!(events.file_gone().await.1, file, "all of them are deleted");
        });
    }
}

#[test]
fn a_completion_may_be_read_before_the_reply() {
    let server = Server::start();
    server.run(async {
        let upper = Upper::on(&server, "scripted").await;
        upper.control("on read: hold").await;
        let file = upper.file().await;
        let mut events = upper.events_after(0).await;
        let request_id = upper.number();
        let (format, options) = (Some(upper::read(&file, 4)), upper::options(0x2, 0));
        let message = v1::FormatAndSendRequest { request_id, format, options, retain: false };
        let mut device = upper.device();
        let call = server.spawn(async move { device.format_and_send(message).await });
        upper.traced(|entry| (entry.layer, entry.kind()) == (1, v1::TraceKind::Io)).await;
        upper.control(&format!("complete L0:{request_id} S_OK 4")).await;
        // The number is known before the reply, so whatever comes first can be paired (K03).
        let (sequence, completion) = events.completion().await;
        assert_eq!(completion.request_id, request_id);
        // Even acknowledging it, which deletes the request, takes nothing from the reply that is on its way.
        upper.acknowledge(sequence).await;
        let reply = granted(call.await.expect("a call does not panic"));
        assert_eq!((reply.hresult, reply.completion), (0, Some(completion)));
    });
}

#[test]
fn completions_without_callback_are_polled() {
    let server = Server::start();
    server.run(async {
        let upper = Upper::on(&server, "scripted").await;
        let file = upper.file().await;
        let request_id = upper.number();
        let create = v1::CreateRequestRequest { request_id, no_completion_callback: true };
        granted(upper.device().create_request(create).await);
        let format = v1::FormatRequestRequest { request_id, format: Some(upper::read(&file, 4)) };
        granted(upper.device().format_request(format).await);
        let send = v1::SendRequestRequest { request_id, options: None, target_id: String::new() };
        assert_eq!(granted(upper.device().send_request(send).await).hresult, 0);
        let found = upper.request(request_id).await.expect("its own");
        assert_eq!(found.completion.map(|completion| completion.information), Some(4));
        assert_eq!(upper.view().await.last_event_sequence, 0, "no event (REQ-15)");
    });
}
