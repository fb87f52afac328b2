//! The life of a session: opened once however often it is asked for, outliving calls that were given up, lost with
//! its lease, closed with balanced books.

use lowerdeck_proto::{reason, v1};
use lowerdeck_tests::wire::{Clients, Server};
use tonic::Code::{AlreadyExists, DeadlineExceeded, NotFound};
use tonic::{Code, Request, Response, Status};
use uuid::Uuid;
use v1::TraceKind;
use v1::event::Body;

use crate::refusal::{expect, granted};
use crate::upper::{self, SessionClient, Upper};

/// WDF_REQUEST_SEND_OPTION_SYNCHRONOUS.
const SYNCHRONOUS: u32 = 0x2;
/// How often a race is run.
const ROUNDS: usize = 200;

fn stub(server: &Server, id: Uuid) -> SessionClient {
    Clients::new(&server.channel(), id).session
}

/// A synchronous read of 4 bytes.
fn synchronous_read(request_id: u64, file: &str) -> v1::FormatAndSendRequest {
    let (format, options) = (Some(upper::read(file, 4)), upper::options(SYNCHRONOUS, 0));
    v1::FormatAndSendRequest { request_id, format, options, retain: false }
}

/// Makes a call whose deadline passes while it waits. The client's transport has a timer of the same length; when that
/// one is quicker the call is made again, which finds what the first one began.
async fn past_deadline<M: Clone, T: std::fmt::Debug>(
    message: M,
    call: impl AsyncFn(Request<M>) -> Result<Response<T>, Status>,
) {
    loop {
        let mut request = Request::new(message.clone());
        request.metadata_mut().insert("grpc-timeout", "50m".parse().expect("ASCII"));
        match call(request).await {
            Err(status) if status.code() == Code::Cancelled => {}
            answer => {
                expect(answer, DeadlineExceeded, reason::DEADLINE_PASSED);
                return;
            }
        }
    }
}

#[test]
fn opening_again_finds_the_session() {
    let server = Server::start();
    server.run(async {
        let (mut session, terms) = (stub(&server, Uuid::new_v4()), upper::on_stack("disk"));
        let first = granted(session.open_session(terms.clone()).await).session.expect("a session");
        let again = granted(session.open_session(terms.clone()).await).session.expect("a session");
        assert_eq!(again.stack, first.stack, "no second instance");
        let other = v1::OpenSessionRequest { client_name: "other".to_owned(), ..terms.clone() };
        expect(session.open_session(other).await, AlreadyExists, reason::SESSION_ID_IN_USE);
        granted(session.close_session(v1::CloseSessionRequest {}).await);
        let refusal = expect(session.open_session(terms).await, NotFound, reason::SESSION_ENDED);
        assert_eq!(refusal.metadata("end_reason"), "SESSION_END_REASON_CLOSED");
    });
}

#[test]
fn opening_twice_at_once_makes_one_session() {
    let server = Server::start();
    server.run(async {
        for _ in 0..ROUNDS {
            let session = stub(&server, Uuid::new_v4());
            let open = |mut session: SessionClient| {
                server.spawn(async move { session.open_session(upper::on_stack("disk")).await })
            };
            let calls = [open(session.clone()), open(session.clone()), open(session)];
            let mut stacks = Vec::new();
            for call in calls {
                let answer = granted(call.await.expect("a call does not panic"));
                stacks.push(answer.session.expect("a session").stack);
            }
            stacks.dedup();
            assert_eq!(stacks.len(), 1, "{stacks:?}");
        }
    });
}

#[test]
fn an_expired_lease_closes_the_files_in_order() {
    let server = Server::start();
    server.run(async {
        let upper = Upper::on(&server, "scripted").await;
        upper.control("on read: arm").await;
        let (armed, idle) = (upper.file().await, upper.file().await);
        upper.send(upper::read(&armed, 4)).await;
        let lease = upper.view().await.limits.and_then(|limits| limits.lease_min);
        assert!(lease.is_some() && !idle.is_empty());
        granted(upper.session().renew_session(v1::RenewSessionRequest { lease }).await);
        // The end of the trace is the end of the instance, which goes with its session.
        let trace = follow_to_the_end(&upper).await;
        let at = |layer, kind: TraceKind| {
            let found = trace.iter().position(|entry| entry.layer == layer && entry.kind() == kind);
            found.unwrap_or_else(|| panic!("no {kind:?} in layer {layer}: {trace:#?}"))
        };
        let count = |kind: TraceKind| trace.iter().filter(|entry| entry.layer == 1 && entry.kind() == kind).count();
        assert!(at(0, TraceKind::UpperLost) < at(1, TraceKind::CleanupEnter));
        assert!(at(1, TraceKind::CleanupLeave) < at(1, TraceKind::OnCancel), "cleanup first, then the cancel (CLS-3)");
        let cancelled_file = &trace[at(1, TraceKind::OnCancel)].file_label;
        let closed = trace.iter().position(|entry| {
            (entry.layer, entry.kind()) == (1, TraceKind::CloseEnter) && entry.file_label == *cancelled_file
        });
        assert!(closed > Some(at(1, TraceKind::Done)), "the file closes after its last request");
        let told = [TraceKind::Create, TraceKind::CleanupEnter, TraceKind::CloseEnter].map(count);
        assert_eq!(told, [2, 2, 2], "creates, cleanups and closes balance (CLS-12)");
        let refusal = expect(upper.request(1).await, NotFound, reason::SESSION_ENDED);
        assert_eq!(refusal.metadata("end_reason"), "SESSION_END_REASON_LEASE_EXPIRED");
    });
}

/// The whole trace, read until the stack has ended.
async fn follow_to_the_end(upper: &Upper) -> Vec<v1::TraceEntry> {
    let request = v1::FollowTraceRequest { stack: upper.stack.clone(), after_sequence: 0 };
    let (mut stream, mut trace) = (granted(upper.lab().follow_trace(request).await), Vec::new());
    while let Some(batch) = stream.message().await.unwrap_or_else(|status| panic!("{status:?}")) {
        assert_eq!(batch.dropped, 0);
        trace.extend(batch.entries);
    }
    trace
}

/// Scenario K07.
mod k07_loss_during_close_cleans_up_once {
    use super::*;

    #[test]
    fn wire() {
        let server = Server::start();
        server.run(async {
            let upper = Upper::on(&server, "scripted").await;
            upper.control("on cleanup: block").await;
            let file = upper.file().await;
            let (mut device, close) = (upper.device(), v1::CloseRequest { file_id: file });
            let closing = server.spawn(async move { device.close(close).await });
            upper.traced(|entry| entry.kind() == TraceKind::CleanupEnter).await;
            let lease = upper.view().await.limits.and_then(|limits| limits.lease_min);
            granted(upper.session().renew_session(v1::RenewSessionRequest { lease }).await);
            closing.abort(); // the client is gone: a call that waits would keep the lease
            upper.traced(|entry| entry.kind() == TraceKind::UpperLost).await;
            upper.control("release").await;
            let trace = follow_to_the_end(&upper).await;
            for kind in [TraceKind::CleanupEnter, TraceKind::CleanupLeave, TraceKind::CloseEnter, TraceKind::CloseLeave]
            {
                let told = trace.iter().filter(|entry| entry.layer == 1 && entry.kind() == kind).count();
                assert_eq!(told, 1, "{kind:?} (K07)");
            }
        });
    }
}

#[test]
fn an_open_event_stream_keeps_the_lease() {
    let server = Server::start_with(|limits| limits.heartbeat_ms_max = limits.lease_ms_min / 2);
    server.run(async {
        let upper = Upper::on(&server, "scripted").await;
        let lease = upper.view().await.limits.and_then(|limits| limits.lease_min);
        let mut events = upper.events_after(0).await;
        granted(upper.session().renew_session(v1::RenewSessionRequest { lease }).await);
        // Heartbeats are half a lease apart: these alone are several leases of silence from the client.
        for _ in 0..8 {
            let message = events.message().await.expect("the stream stays open").expect("and alive");
            assert!(message.heartbeat.is_some_and(|heartbeat| heartbeat.expire_time.is_some()));
        }
        assert_eq!(upper.view().await.stack_state(), v1::StackState::Started);
    });
}

/// Scenario K04.
mod k04_a_call_that_was_given_up_cancels_no_io {
    use super::*;

    #[test]
    fn wire() {
        let server = Server::start();
        server.run(async {
            let upper = Upper::on(&server, "scripted").await;
            upper.control("on read: hold").await;
            let (file, request_id) = (upper.file().await, upper.number());
            let (mut device, message) = (upper.device(), synchronous_read(request_id, &file));
            let resent = message.clone();
            let waiting = server.spawn(async move { device.format_and_send(message).await });
            let label = upper.traced(|entry| (entry.layer, entry.kind()) == (1, TraceKind::Io)).await.request_label;
            waiting.abort();
            assert!(waiting.await.is_err_and(|ended| ended.is_cancelled()), "it was still waiting");

            assert_eq!(upper.request(request_id).await.expect("its own").state(), v1::RequestState::InFlight);
            assert_eq!(upper.control(&format!("is-canceled {label}")).await, "FALSE");
            upper.control(&format!("complete {label} S_OK 4")).await;
            let found = upper.request(request_id).await.expect("its own");
            assert_eq!((found.state(), found.hresult), (v1::RequestState::Completed, 0));
            assert_eq!(granted(upper.device().format_and_send(resent).await).completion, found.completion);
            let mut events = upper.events_after(0).await;
            assert_eq!(Some(events.completion().await.1), found.completion, "and the event came");
            assert_eq!(upper.count(1, TraceKind::OnCancel).await, 0);
        });
    }
}

#[test]
fn a_deadline_that_passed_cancels_no_io() {
    let server = Server::start();
    server.run(async {
        let upper = Upper::on(&server, "scripted").await;
        upper.control("on read: hold").await;
        let (file, request_id) = (upper.file().await, upper.number());
        let message = synchronous_read(request_id, &file);
        past_deadline(message, async |request| upper.device().format_and_send(request).await).await;
        let found = upper.request(request_id).await.expect("its own");
        assert_eq!((found.state(), found.cancel_requested), (v1::RequestState::InFlight, false));
        upper.control(&format!("complete L0:{request_id} S_OK 4")).await;
        assert_eq!(upper.request(request_id).await.expect("its own").state(), v1::RequestState::Completed);
    });
}

#[test]
fn a_create_that_was_given_up_is_found_again() {
    let server = Server::start();
    server.run(async {
        let upper = Upper::on(&server, "scripted").await;
        upper.control("on create: hold").await;
        let create = v1::CreateWdfFileRequest { request_id: upper.number(), file_name: Some("chan".to_owned()) };
        past_deadline(create.clone(), async |request| upper.device().create_wdf_file(request).await).await;
        let (mut device, again) = (upper.device(), create.clone());
        let waiting = server.spawn(async move { device.create_wdf_file(again).await });
        upper.control(&format!("complete L0:{} S_OK", create.request_id)).await;
        let reply = granted(waiting.await.expect("a call does not panic"));
        assert_eq!((reply.hresult, reply.file_id.is_empty()), (0, false));
        assert_eq!(granted(upper.device().create_wdf_file(create).await), reply);
        assert_eq!(upper.count(1, TraceKind::Create).await, 1, "one create (A13)");
    });
}

#[test]
fn closing_draws_the_balance() {
    let server = Server::start();
    server.run(async {
        let upper = Upper::on(&server, "scripted").await;
        let (closed, left) = (upper.file().await, upper.file().await);
        let mut sent = vec![upper.send(upper::read(&closed, 4)).await];
        upper.control("on read: complete(0x80070005)").await;
        sent.push(upper.send(upper::read(&closed, 4)).await);
        upper.control("on read: arm").await;
        let cancelled = upper.send(upper::read(&closed, 4)).await;
        upper.cancel(cancelled).await;
        // The last one is cancelled by the close that CloseSession makes.
        sent.extend([cancelled, upper.send(upper::read(&left, 4)).await]);
        upper.close(&closed).await;
        let mid = upper.view().await.balance.expect("a session has books");
        assert_eq!((mid.accepted, mid.completed, mid.failed, mid.cancelled, mid.outstanding), (4, 1, 1, 1, 1));

        let mut events = upper.events_after(0).await;
        let last_word = granted(upper.session().close_session(v1::CloseSessionRequest {}).await);
        let books = last_word.balance.clone().expect("the final balance");
        for number in &sent {
            assert_eq!(events.completion().await.1.request_id, *number, "every accepted Send completes once");
        }
        assert_eq!(
            (books.accepted, books.completed, books.failed, books.cancelled, books.outstanding),
            (4, 1, 1, 2, 0)
        );
        assert_eq!(last_word.files_left_open, 1);
        let mut of_files: Vec<_> =
            books.files.iter().map(|file| (&file.file_id, file.accepted, file.cancelled, file.gone)).collect();
        of_files.sort_by_key(|file| file.1);
        assert_eq!(of_files, [(&left, 1, 1, true), (&closed, 3, 1, true)]);
        assert_eq!(granted(upper.session().close_session(v1::CloseSessionRequest {}).await), last_word);
        let Some(Body::SessionEnding(ending)) = events.end().await else { panic!("the last event tells the end") };
        assert_eq!(ending.reason(), v1::SessionEndReason::Closed);
    });
}

#[test]
fn closing_waits_for_what_a_driver_holds() {
    let server = Server::start();
    server.run(async {
        let upper = Upper::on(&server, "scripted").await;
        upper.control("on read: hold").await;
        let file = upper.file().await;
        let held = upper.send(upper::read(&file, 4)).await;
        let message = v1::CloseSessionRequest {};
        past_deadline(message, async |request| upper.session().close_session(request).await).await;
        let mut session = upper.session();
        let closing = server.spawn(async move { session.close_session(v1::CloseSessionRequest {}).await });
        upper.control(&format!("complete L0:{held} S_OK 4")).await;
        let last_word = granted(closing.await.expect("a call does not panic"));
        let books = last_word.balance.expect("the final balance");
        assert_eq!((books.accepted, books.completed, books.outstanding), (1, 1, 0));
        assert_eq!(last_word.files_left_open, 1, "counted when it was called first");
    });
}

#[test]
fn sessions_on_a_shared_stack_hear_only_their_own() {
    let server = Server::start();
    server.run(async {
        let stack = upper::plug(&server.channel(), upper::shared("scripted")).await;
        let one = Upper::attach(&server.channel(), upper::on_stack(&stack)).await;
        let other = Upper::attach(&server.channel(), upper::on_stack(&stack)).await;
        let (file_of_one, file_of_other) = (one.file().await, other.file().await);
        // The same numbers in both: they are each session's own.
        let numbers = [one.send(upper::read(&file_of_one, 4)).await, other.send(upper::read(&file_of_other, 8)).await];
        assert_eq!(numbers[0], numbers[1]);
        for (upper, file, size) in [(&one, &file_of_one, 4), (&other, &file_of_other, 8)] {
            let mut events = upper.events_after(0).await;
            let (sequence, completion) = events.completion().await;
            assert_eq!((sequence, &completion.file_id, completion.information), (1, file, size));
            upper.acknowledge(sequence).await;
            upper.close(file).await;
            assert_eq!(events.file_gone().await, (2, file.clone()));
            assert_eq!(upper.view().await.last_event_sequence, 2);
        }
        granted(one.session().close_session(v1::CloseSessionRequest {}).await);
        assert_eq!(other.view().await.stack_state(), v1::StackState::Started, "the stack lives on");
    });
}

/// Files and requests made and ended by [`stale_ids_never_name_a_newer_object`].
const GENERATIONS: usize = 1_000;

#[test]
fn stale_ids_never_name_a_newer_object() {
    let server = Server::start();
    server.run(async {
        let upper = Upper::on(&server, "null").await;
        let mut events = upper.events_after(0).await;
        let (mut files, mut requests) = (Vec::new(), Vec::new());
        for _ in 0..GENERATIONS {
            let file = upper.file().await;
            let request = upper.send(upper::read(&file, 1)).await;
            upper.close(&file).await;
            upper.acknowledge(events.completion().await.0).await;
            assert_eq!(events.file_gone().await.1, file);
            files.push(file);
            requests.push(request);
        }
        // Something young enough to be hit.
        let file = upper.file().await;
        let object = upper.object().await;
        let before = upper.view().await.balance;
        for stale in &files {
            let close = v1::CloseRequest { file_id: stale.clone() };
            expect(upper.device().close(close).await, Code::NotFound, reason::FILE_GONE);
        }
        for stale in requests {
            let delete = v1::DeleteRequestRequest { request_id: stale };
            expect(upper.device().delete_request(delete).await, Code::NotFound, reason::REQUEST_GONE);
        }
        assert_eq!(upper.view().await.balance, before);
        assert_eq!(upper.request(object).await.expect("it is young").state(), v1::RequestState::Unformatted);
        upper.close(&file).await;
        let mut distinct = files.clone();
        distinct.sort();
        distinct.dedup();
        assert_eq!(distinct.len(), GENERATIONS, "no id was given twice");
    });
}

#[test]
fn a_renewal_may_change_the_lease() {
    let server = Server::start();
    server.run(async {
        let upper = Upper::on(&server, "scripted").await;
        let lease = Some(prost_types::Duration { seconds: 7, nanos: 0 });
        let renewed = granted(upper.session().renew_session(v1::RenewSessionRequest { lease }).await);
        assert_eq!(renewed.session.and_then(|session| session.lease), lease);
        let unchanged = granted(upper.session().renew_session(v1::RenewSessionRequest { lease: None }).await);
        assert_eq!(unchanged.session.and_then(|session| session.lease), lease, "absent leaves the length");
    });
}
