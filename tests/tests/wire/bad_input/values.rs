//! Values out of range: enums, oneofs, timeouts, offsets, leases, event numbers.

use lowerdeck_proto::{reason, v1};
use lowerdeck_tests::wire::{Clients, Server};
use tonic::Code::{FailedPrecondition, InvalidArgument, Unauthenticated};
use v1::RequestState;

use crate::contract;
use crate::refusal::granted;
use crate::upper::{self, Upper};

/// WDF_REQUEST_SEND_OPTION_TIMEOUT.
const TIMEOUT: u32 = 0x1;
/// HRESULT_FROM_NT(STATUS_INVALID_PARAMETER).
const INVALID_PARAMETER: u32 = 0xD000_000D;
/// HRESULT_FROM_NT(STATUS_INTEGER_OVERFLOW): what a bad memory offset gives (TGT-11).
const INTEGER_OVERFLOW: u32 = 0xD000_0095;

#[test]
fn unknown_enum_values_are_refused() {
    let server = Server::start();
    server.run(async {
        let upper = Upper::on(&server, "scripted").await;
        let unknown = reason::ENUM_VALUE_UNKNOWN;
        let mut session = Clients::new(&server.channel(), uuid::Uuid::new_v4()).session;
        for number in [99, -1, i32::MIN] {
            let terms = v1::OpenSessionRequest { loss_policy: number, ..upper::on_stack("disk") };
            let refusal = upper.refused(session.open_session(terms), InvalidArgument, unknown).await;
            assert_eq!(refusal.fields(), ["loss_policy"]);
            let plugs = [
                ("sharing", v1::PlugStackRequest { sharing: number, ..upper::template("null") }),
                ("verifier", v1::PlugStackRequest { verifier: number, ..upper::template("null") }),
                ("clock", v1::PlugStackRequest { clock: number, ..upper::template("null") }),
                ("method_neither", v1::PlugStackRequest { method_neither: number, ..upper::template("null") }),
            ];
            for (field, plug) in plugs {
                let refusal = upper.refused(upper.lab().plug_stack(plug), InvalidArgument, unknown).await;
                assert_eq!(refusal.fields(), [field]);
            }
        }
        for number in [99, -1, 0] {
            let terms = v1::OpenSessionRequest { callbacks: vec![number], ..upper::on_stack("disk") };
            let refusal = upper.refused(session.open_session(terms), InvalidArgument, unknown).await;
            assert_eq!(refusal.fields(), ["callbacks"]);
        }
    });
}

#[test]
fn an_action_out_of_range_stops_nothing() {
    let server = Server::start();
    server.run(async {
        let upper = Upper::on(&server, "scripted").await;
        for action in [0, 99, -1] {
            let stop = v1::StopTargetRequest { target_id: String::new(), action, ..Default::default() };
            assert_eq!(granted(upper.device().stop_target(stop).await).hresult, 0, "TGT-23");
            let target = v1::GetTargetRequest { target_id: String::new() };
            let state = granted(upper.device().get_target(target).await).state();
            assert_eq!(state, v1::TargetState::Started);
        }
    });
}

#[test]
fn missing_parts_are_named() {
    let server = Server::start();
    server.run(async {
        let upper = Upper::on(&server, "scripted").await;
        let (file, object) = (upper.file().await, upper.object().await);
        let without_io = v1::Format { io: None, ..upper::read(&file, 4) };
        for (field, format) in [("format", None), ("format.io", Some(without_io))] {
            let message = v1::FormatRequestRequest { request_id: object, format: format.clone() };
            let answer = async { upper.device().format_request(message).await };
            let refusal = upper.refused(answer, InvalidArgument, reason::FIELD_MISSING).await;
            assert_eq!(refusal.fields(), [field]);
            let message = v1::FormatAndSendRequest { request_id: upper.number(), format, ..Default::default() };
            let answer = async { upper.device().format_and_send(message).await };
            let refusal = upper.refused(answer, InvalidArgument, reason::FIELD_MISSING).await;
            assert_eq!(refusal.fields(), [field]);
        }
        let mut session = Clients::new(&server.channel(), uuid::Uuid::new_v4()).session;
        let answer = session.open_session(upper::on_stack(""));
        let refusal = upper.refused(answer, InvalidArgument, reason::FIELD_MISSING).await;
        assert_eq!(refusal.fields(), ["stack"]);
    });
}

#[test]
fn a_timeout_beyond_all_time_never_comes() {
    let server = Server::start();
    server.run(async {
        let upper = Upper::on(&server, "scripted").await;
        upper.control("on read: arm").await;
        let file = upper.file().await;
        let mut events = upper.events_after(0).await;
        for timeout in [i64::MIN, i64::MAX] {
            let request_id = upper.number();
            let (format, options) = (Some(upper::read(&file, 4)), upper::options(TIMEOUT, timeout));
            let send = v1::FormatAndSendRequest { request_id, format, options, retain: false };
            assert_eq!(granted(upper.device().format_and_send(send).await).hresult, 0);
            let advance =
                v1::AdvanceClockRequest { stack: upper.stack.clone(), ticks: 1 << 50, wall_clock_shift_ticks: 0 };
            granted(upper.lab().advance_clock(advance).await);
            let state = upper.request(request_id).await.expect("it is the session's own").state();
            assert_eq!(state, RequestState::InFlight, "{timeout}");
            upper.cancel(request_id).await;
            assert_eq!(events.completion().await.1.hresult, 0x8007_03E3, "cancelled, not timed out");
        }
    });
}

#[test]
fn unknown_send_options_are_the_targets_to_refuse() {
    let server = Server::start();
    server.run(async {
        let upper = Upper::on(&server, "scripted").await;
        let file = upper.file().await;
        for flags in [0x8000_0000, u32::MAX, 0x2 | 0x8] {
            let (format, options) = (Some(upper::read(&file, 4)), upper::options(flags, 0));
            let send = v1::FormatAndSendRequest { request_id: upper.number(), format, options, retain: false };
            assert_eq!(granted(upper.device().format_and_send(send).await).hresult, INVALID_PARAMETER, "REQ-16");
        }
        assert_eq!(upper.count(1, v1::TraceKind::Io).await, 0);
    });
}

#[test]
fn overflowing_memory_offsets_are_answered_by_format() {
    let server = Server::start();
    server.run(async {
        let upper = Upper::on(&server, "scripted").await;
        let file = upper.file().await;
        for (buffer_offset, buffer_length) in [(u64::MAX, 1), (1, u64::MAX), (u64::MAX, u64::MAX), (5, 0), (0, 5)] {
            let offset = Some(v1::MemoryOffset { buffer_offset, buffer_length });
            let output_memory = Some(v1::OutputMemory { size: 4, offset, contents: Default::default() });
            let io = Some(v1::format::Io::Read(v1::ReadFormat { device_offset: None, output_memory }));
            let format = Some(v1::Format { io, ..upper::read(&file, 4) });
            let send = v1::FormatAndSendRequest { request_id: upper.number(), format, ..Default::default() };
            let reply = granted(upper.device().format_and_send(send).await);
            assert_eq!(reply.hresult, INTEGER_OVERFLOW, "{buffer_offset}, {buffer_length}");
        }
        assert_eq!(upper.count(1, v1::TraceKind::Io).await, 0);
    });
}

#[test]
fn overflowing_device_offsets_are_the_drivers_to_fail() {
    let server = Server::start();
    server.run(async {
        let upper = Upper::on(&server, "ram(size=64KiB)").await;
        let file = upper.file().await;
        let mut events = upper.events_after(0).await;
        for device_offset in [i64::MIN, -1, i64::MAX, 1 << 16] {
            let (device_offset, size) = (Some(device_offset), 16);
            let output_memory = Some(v1::OutputMemory { size, offset: None, contents: Default::default() });
            let io = Some(v1::format::Io::Read(v1::ReadFormat { device_offset, output_memory }));
            let request_id = upper.send(v1::Format { io, ..upper::read(&file, 0) }).await;
            let completion = events.completion().await.1;
            assert_eq!((completion.request_id, completion.device_offset), (request_id, device_offset));
            assert!(completion.hresult & 0x8000_0000 != 0, "{device_offset:?} gave {:#x}", completion.hresult);
            assert_eq!(completion.data.len(), 0);
        }
        let balance = upper.view().await.balance.expect("a session has books");
        assert_eq!((balance.accepted, balance.failed), (4, 4));
    });
}

#[test]
fn an_internal_device_control_is_refused_by_rule() {
    let server = Server::start();
    server.run(async {
        let upper = Upper::on(&server, "scripted").await;
        let file = upper.file().await;
        let io = v1::format::Io::InternalDeviceControl(v1::DeviceControlFormat::default());
        let format = Some(v1::Format { io: Some(io), ..upper::read(&file, 0) });
        let send = v1::FormatAndSendRequest { request_id: upper.number(), format, ..Default::default() };
        let answer = async { upper.device().format_and_send(send).await };
        let refusal = upper.refused(answer, InvalidArgument, reason::IO_KIND_NOT_DELIVERABLE).await;
        assert_eq!(refusal.fields(), ["format.internal_device_control"]);
        assert_eq!(refusal.metadata("rule"), "IOC-14");
        assert_eq!(upper.count(1, v1::TraceKind::Io).await, 0);
    });
}

#[test]
fn output_memory_holds_no_more_than_its_size() {
    let server = Server::start();
    server.run(async {
        let upper = Upper::on(&server, "scripted").await;
        let file = upper.file().await;
        let memory =
            |contents: &'static [u8]| Some(v1::OutputMemory { size: 4, offset: None, contents: contents.into() });
        let control =
            |contents| v1::DeviceControlFormat { code: 1, input_memory: None, output_memory: memory(contents) };
        let read = v1::ReadFormat { device_offset: None, output_memory: memory(b"12345") };
        let query = v1::QueryInformationFormat { information_class: 5, output_memory: memory(b"12345") };
        for (field, io) in [
            ("format.read.output_memory.contents", v1::format::Io::Read(read)),
            ("format.device_control.output_memory.contents", v1::format::Io::DeviceControl(control(b"12345"))),
            ("format.query_information.output_memory.contents", v1::format::Io::QueryInformation(query)),
        ] {
            let format = Some(v1::Format { io: Some(io), ..upper::read(&file, 0) });
            let send = v1::FormatAndSendRequest { request_id: upper.number(), format, ..Default::default() };
            let answer = async { upper.device().format_and_send(send).await };
            let refusal = upper.refused(answer, InvalidArgument, reason::FIELD_INVALID).await;
            assert_eq!(refusal.fields(), [field]);
        }
        let io = Some(v1::format::Io::DeviceControl(control(b"1234")));
        upper.send(v1::Format { io, ..upper::read(&file, 0) }).await;
        assert_eq!(upper.count(1, v1::TraceKind::Io).await, 1);
    });
}

#[test]
fn leases_out_of_bounds_are_refused() {
    let server = Server::start();
    server.run(async {
        let upper = Upper::on(&server, "scripted").await;
        let lease = |seconds, nanos| Some(prost_types::Duration { seconds, nanos });
        for lease in [lease(-1, 0), lease(0, 0), lease(0, 1), lease(i64::MAX, 0), lease(i64::MIN, 0), lease(1, -5)] {
            let answer = async { upper.session().renew_session(v1::RenewSessionRequest { lease }).await };
            let refusal = upper.refused(answer, InvalidArgument, reason::FIELD_INVALID).await;
            assert_eq!(refusal.fields(), ["lease"], "{lease:?}");
            let terms = v1::OpenSessionRequest { lease, ..upper::on_stack("disk") };
            let mut session = Clients::new(&server.channel(), uuid::Uuid::new_v4()).session;
            let refusal = upper.refused(session.open_session(terms), InvalidArgument, reason::FIELD_INVALID).await;
            assert_eq!(refusal.fields(), ["lease"]);
        }
    });
}

#[test]
fn event_numbers_that_never_were_are_refused() {
    let server = Server::start();
    server.run(async {
        let upper = Upper::on(&server, "scripted").await;
        let file = upper.file().await;
        upper.send(upper::read(&file, 4)).await;
        upper.send(upper::read(&file, 4)).await;
        for number in [3, u64::MAX] {
            let acknowledge = v1::AcknowledgeEventsRequest { through_sequence: number };
            let answer = async { upper.device().acknowledge_events(acknowledge).await };
            upper.refused(answer, InvalidArgument, reason::EVENT_SEQUENCE_UNKNOWN).await;
            let stream = v1::StreamEventsRequest { after_sequence: number };
            let answer = async { upper.device().stream_events(stream).await };
            upper.refused(answer, InvalidArgument, reason::EVENT_SEQUENCE_UNKNOWN).await;
        }
        upper.acknowledge(2).await;
        let stream = v1::StreamEventsRequest { after_sequence: 1 };
        let answer = async { upper.device().stream_events(stream).await };
        let refusal = upper.refused(answer, FailedPrecondition, reason::EVENTS_ALREADY_ACKNOWLEDGED).await;
        assert_eq!(refusal.metadata("acknowledged_sequence"), "2");
    });
}

#[test]
fn bytes_that_are_no_message_change_nothing() {
    let server = Server::start();
    server.run(async {
        let upper = Upper::on(&server, "scripted").await;
        let before = upper.standing().await;
        let session = upper.id.to_string();
        // Field 1 as a length-delimited value that is longer than the message.
        let garbage = bytes::Bytes::from_static(&[0x0A, 0xFF, 0xFF, 0x03, 0x00]);
        for call in contract::methods() {
            let answer =
                contract::call(&server.channel(), &contract::path_of(&call), &[&session], garbage.clone()).await;
            let status = answer.expect_err("this means nothing in any message");
            assert_ne!(status.code(), Unauthenticated, "{}: {status:?}", call.full_name());
        }
        assert_eq!(upper.standing().await, before);
    });
}
