//! Every limit of a session is named when it is reached, refuses without a trace, and gives way again.

use lowerdeck_proto::{reason, v1};
use lowerdeck_tests::wire::{Clients, Server};
use tonic::Code::ResourceExhausted;
use v1::TraceKind;

use crate::refusal::{Refusal, granted};
use crate::upper::{self, Upper};

/// HRESULT_FROM_WIN32(ERROR_OPERATION_ABORTED).
const ABORTED: u32 = 0x8007_03E3;

#[track_caller]
fn names(refusal: &Refusal, limit: &str, value: u64) {
    assert_eq!((refusal.metadata("limit"), refusal.metadata("value")), (limit, &*value.to_string()));
}

#[test]
fn sessions_are_limited() {
    let server = Server::start_with(|limits| limits.sessions_max = 1);
    server.run(async {
        let first = Upper::on(&server, "scripted").await;
        let mut second = Clients::new(&server.channel(), uuid::Uuid::new_v4()).session;
        let answer = second.open_session(upper::on_stack("disk"));
        names(&first.refused(answer, ResourceExhausted, reason::LIMIT_REACHED).await, "sessions_max", 1);
        granted(first.session().close_session(v1::CloseSessionRequest {}).await);
        granted(second.open_session(upper::on_stack("disk")).await);
    });
}

#[test]
fn files_are_limited() {
    let server = Server::start_with(|limits| limits.files_max = 2);
    server.run(async {
        let upper = Upper::on(&server, "scripted").await;
        let mut events = upper.events_after(0).await;
        let file = upper.file().await;
        upper.file().await;
        let create = v1::CreateWdfFileRequest { request_id: upper.number(), file_name: None };
        let answer = async { upper.device().create_wdf_file(create.clone()).await };
        names(&upper.refused(answer, ResourceExhausted, reason::LIMIT_REACHED).await, "files_max", 2);
        upper.close(&file).await;
        events.file_gone().await;
        // The refused number is still free.
        assert_eq!(granted(upper.device().create_wdf_file(create).await).hresult, 0);
    });
}

#[test]
fn creates_under_way_count_as_files() {
    let server = Server::start_with(|limits| limits.files_max = 1);
    server.run(async {
        let upper = Upper::on(&server, "scripted").await;
        upper.control("on create: hold").await;
        let create = v1::CreateWdfFileRequest { request_id: upper.number(), file_name: None };
        let mut device = upper.device();
        let waiting = server.spawn(async move { device.create_wdf_file(create).await });
        let label = upper.traced(|entry| (entry.layer, entry.kind()) == (1, TraceKind::Create)).await.request_label;
        let create = v1::CreateWdfFileRequest { request_id: upper.number(), file_name: None };
        let answer = async { upper.device().create_wdf_file(create.clone()).await };
        names(&upper.refused(answer, ResourceExhausted, reason::LIMIT_REACHED).await, "files_max", 1);
        upper.control(&format!("complete {label} 0x80070005")).await;
        assert_eq!(granted(waiting.await.expect("a call does not panic")).hresult, 0x8007_0005);
        let mut device = upper.device();
        let waiting = server.spawn(async move { device.create_wdf_file(create).await });
        upper
            .traced(|entry| (entry.layer, entry.kind()) == (1, TraceKind::Create) && entry.request_label != label)
            .await;
        waiting.abort();
    });
}

#[test]
fn request_objects_are_limited() {
    let server = Server::start_with(|limits| limits.requests_max = 2);
    server.run(async {
        let upper = Upper::on(&server, "scripted").await;
        let file = upper.file().await;
        let object = upper.object().await;
        upper.send(upper::read(&file, 4)).await;
        let create = v1::CreateRequestRequest { request_id: upper.number(), no_completion_callback: false };
        let answer = async { upper.device().create_request(create).await };
        names(&upper.refused(answer, ResourceExhausted, reason::LIMIT_REACHED).await, "requests_max", 2);
        let format = Some(upper::read(&file, 4));
        let send = v1::FormatAndSendRequest { request_id: upper.number(), format, ..Default::default() };
        let answer = async { upper.device().format_and_send(send.clone()).await };
        names(&upper.refused(answer, ResourceExhausted, reason::LIMIT_REACHED).await, "requests_max", 2);
        granted(upper.device().delete_request(v1::DeleteRequestRequest { request_id: object }).await);
        assert_eq!(granted(upper.device().format_and_send(send).await).hresult, 0);
    });
}

#[test]
fn bytes_in_flight_are_limited() {
    let server = Server::start_with(|limits| limits.bytes_in_flight_max = 100);
    server.run(async {
        let upper = Upper::on(&server, "scripted").await;
        let file = upper.file().await;
        let mut events = upper.events_after(0).await;
        upper.send(upper::read(&file, 60)).await;
        let format = Some(upper::read(&file, 60));
        let send =
            v1::FormatAndSendRequest { request_id: upper.number(), format: format.clone(), ..Default::default() };
        let answer = async { upper.device().format_and_send(send.clone()).await };
        names(&upper.refused(answer, ResourceExhausted, reason::LIMIT_REACHED).await, "bytes_in_flight_max", 100);
        let object = v1::FormatRequestRequest { request_id: upper.object().await, format };
        let answer = async { upper.device().format_request(object).await };
        names(&upper.refused(answer, ResourceExhausted, reason::LIMIT_REACHED).await, "bytes_in_flight_max", 100);
        upper.acknowledge(events.completion().await.0).await;
        assert_eq!(granted(upper.device().format_and_send(send).await).hresult, 0);
    });
}

#[test]
fn calls_that_wait_are_limited_and_cancel_is_not_among_them() {
    let server = Server::start_with(|limits| limits.blocking_calls_max = 1);
    server.run(async {
        let upper = Upper::on(&server, "scripted").await;
        let file = upper.file().await;
        upper.control("on read: arm").await;
        let request_id = upper.number();
        let synchronous = |request_id| v1::FormatAndSendRequest {
            request_id,
            format: Some(upper::read(&file, 4)),
            options: upper::options(0x2, 0),
            retain: false,
        };
        let (mut device, message) = (upper.device(), synchronous(request_id));
        let waiting = server.spawn(async move { device.format_and_send(message).await });
        upper.traced(|entry| (entry.layer, entry.kind()) == (1, TraceKind::Io)).await;
        let second = synchronous(upper.number());
        let answer = async { upper.device().format_and_send(second.clone()).await };
        names(&upper.refused(answer, ResourceExhausted, reason::LIMIT_REACHED).await, "blocking_calls_max", 1);
        assert_eq!(upper.cancel(request_id).await, v1::CancelAnswer::Delivered);
        let ended = granted(waiting.await.expect("a call does not panic")).completion.expect("it was synchronous");
        assert_eq!(ended.hresult, ABORTED);
        upper.control("clear").await;
        assert!(granted(upper.device().format_and_send(second).await).completion.is_some(), "there is room again");
    });
}

#[test]
fn scattered_request_ids_are_limited_and_counting_up_is_not() {
    let server = Server::start_with(|limits| limits.used_request_id_ranges_max = 2);
    server.run(async {
        let upper = Upper::on(&server, "scripted").await;
        let create = |request_id| v1::CreateRequestRequest { request_id, no_completion_callback: false };
        for request_id in [10, 20, 11, 19, 21, 12] {
            granted(upper.device().create_request(create(request_id)).await);
        }
        let answer = async { upper.device().create_request(create(30)).await };
        names(&upper.refused(answer, ResourceExhausted, reason::LIMIT_REACHED).await, "used_request_id_ranges_max", 2);
    });
}

/// Two events, or 8 bytes of data, fill the window.
fn full_after_two_reads(fill: fn(&mut lowerdeck_server::host::limits::Limits), limit: &str, value: u64) {
    let server = Server::start_with(fill);
    server.run(async {
        let upper = Upper::on(&server, "scripted").await;
        let file = upper.file().await;
        upper.control("on read nth=3: arm").await;
        upper.send(upper::read(&file, 4)).await;
        upper.send(upper::read(&file, 4)).await;
        let message = |request_id| {
            let format = Some(upper::read(&file, 4));
            v1::FormatAndSendRequest { request_id, format, ..Default::default() }
        };
        let (refused, object) = (upper.number(), upper.object().await);
        let answer = async { upper.device().format_and_send(message(refused)).await };
        names(&upper.refused(answer, ResourceExhausted, reason::RETENTION_FULL).await, limit, value);
        let format = v1::FormatRequestRequest { request_id: object, format: Some(upper::read(&file, 4)) };
        granted(upper.device().format_request(format).await);
        let send = v1::SendRequestRequest { request_id: object, options: None, target_id: String::new() };
        let answer = async { upper.device().send_request(send.clone()).await };
        names(&upper.refused(answer, ResourceExhausted, reason::RETENTION_FULL).await, limit, value);
        upper.acknowledge(1).await;
        let reply = granted(upper.device().send_request(send).await);
        assert_eq!(reply.hresult, 0, "room again");
        assert_eq!(upper.cancel(object).await, v1::CancelAnswer::Delivered);
    });
}

#[test]
fn a_full_window_of_events_refuses_sends_until_acknowledged() {
    full_after_two_reads(|limits| limits.retained_events_max = 2, "retained_events_max", 2);
}

#[test]
fn a_full_window_of_bytes_refuses_sends_until_acknowledged() {
    full_after_two_reads(|limits| limits.retained_bytes_max = 8, "retained_bytes_max", 8);
}

#[test]
fn a_full_window_drops_nothing_and_blocks_neither_cancel_nor_close() {
    let server = Server::start_with(|limits| limits.retained_events_max = 2);
    server.run(async {
        let upper = Upper::on(&server, "scripted").await;
        upper.control("on read: arm").await;
        let file = upper.file().await;
        let mut sent = Vec::new();
        for _ in 0..4 {
            sent.push(upper.send(upper::read(&file, 4)).await);
        }
        for request in &sent[..3] {
            assert_eq!(upper.cancel(*request).await, v1::CancelAnswer::Delivered);
        }
        let format = Some(upper::read(&file, 4));
        let send = v1::FormatAndSendRequest { request_id: upper.number(), format, ..Default::default() };
        let answer = async { upper.device().format_and_send(send).await };
        names(&upper.refused(answer, ResourceExhausted, reason::RETENTION_FULL).await, "retained_events_max", 2);
        upper.control("clear").await;
        upper.close(&file).await;
        let mut events = upper.events_after(0).await;
        for request in sent {
            let completion = events.completion().await.1;
            assert_eq!((completion.request_id, completion.hresult), (request, ABORTED));
        }
    });
}

#[test]
fn a_session_tells_its_limits() {
    let server = Server::start();
    server.run(async {
        let upper = Upper::on(&server, "scripted").await;
        let limits = upper.view().await.limits.expect("a session has limits");
        let default = lowerdeck_server::host::limits::Limits::default();
        assert_eq!(u64::from(limits.files_max), default.files_max);
        assert_eq!(u64::from(limits.requests_max), default.requests_max);
        assert_eq!(u64::from(limits.retained_events_max), default.retained_events_max);
        assert_eq!(limits.retained_bytes_max, default.retained_bytes_max);
        assert_eq!(limits.payload_bytes_max, default.payload_bytes_max);
        assert_eq!(limits.message_bytes_max, default.message_bytes_max);
        assert_eq!(u64::from(limits.file_name_chars_max), default.file_name_chars_max);
    });
}
