//! Texts, memories and messages beyond their limits: the limit is named, and what is just within it works.

use bytes::Bytes;
use lowerdeck_proto::{reason, v1};
use lowerdeck_tests::wire::Server;
use tonic::Code::{InvalidArgument, ResourceExhausted};

use crate::contract;
use crate::refusal::{expect, granted};
use crate::upper::{self, Upper};

async fn limits(upper: &Upper) -> v1::SessionLimits {
    upper.view().await.limits.expect("a session has limits")
}

#[test]
fn file_names_are_counted_in_utf16_units() {
    let server = Server::start();
    server.run(async {
        let upper = Upper::on(&server, "scripted").await;
        let max = limits(&upper).await.file_name_chars_max as usize;
        // Outside the basic plane a character has two units.
        for name in ["x".repeat(max + 1), "𝔵".repeat(max / 2 + 1)] {
            let create = v1::CreateWdfFileRequest { request_id: upper.number(), file_name: Some(name) };
            let answer = async { upper.device().create_wdf_file(create).await };
            let refusal = upper.refused(answer, InvalidArgument, reason::FIELD_TOO_LONG).await;
            assert_eq!(refusal.fields(), ["file_name"]);
            assert_eq!(refusal.metadata("limit"), "file_name_chars_max");
            assert_eq!(refusal.metadata("value"), max.to_string());
        }
        for name in ["é".repeat(max), "𝔵".repeat(max / 2)] {
            let create = v1::CreateWdfFileRequest { request_id: upper.number(), file_name: Some(name) };
            assert_eq!(granted(upper.device().create_wdf_file(create).await).hresult, 0);
        }
    });
}

#[test]
fn names_with_separators_reach_no_driver() {
    let server = Server::start();
    server.run(async {
        let upper = Upper::on(&server, "scripted").await;
        for name in ["a/b", "a\\b", "/", "\\", "a/"] {
            let create = v1::CreateWdfFileRequest { request_id: upper.number(), file_name: Some(name.to_owned()) };
            let reply = granted(upper.device().create_wdf_file(create).await);
            assert_eq!((reply.hresult, reply.file_id.as_str()), (0x8007_0057, ""), "{name}");
        }
        assert_eq!(upper.count(1, v1::TraceKind::Create).await, 0);
        assert_eq!(upper.outstanding().await.map(|report| report.files), Some(vec![]));
    });
}

/// Formats with a memory of `size` bytes, which is the server's business to refuse before it makes one.
fn outputs(file: &str, size: u64) -> [v1::Format; 2] {
    let output_memory = Some(v1::OutputMemory { size, offset: None, contents: Default::default() });
    let control = v1::DeviceControlFormat { code: 0x8000_2000, input_memory: None, output_memory };
    let io = Some(v1::format::Io::DeviceControl(control));
    [upper::read(file, size), v1::Format { io, ..upper::read(file, 0) }]
}

#[test]
fn memories_beyond_the_payload_limit_are_refused() {
    let server = Server::start();
    server.run(async {
        let upper = Upper::on(&server, "null").await;
        let file = upper.file().await;
        let max = limits(&upper).await.payload_bytes_max;
        let too_much = usize::try_from(max).expect("a payload fits memory") + 1;
        let mut formats = vec![upper::write(&file, Bytes::from(vec![0; too_much]))];
        formats.extend([max + 1, u64::MAX].into_iter().flat_map(|size| outputs(&file, size)));
        let object = upper.object().await;
        for format in formats {
            let send = v1::FormatAndSendRequest {
                request_id: upper.number(),
                format: Some(format.clone()),
                ..Default::default()
            };
            let answer = async { upper.device().format_and_send(send).await };
            let refusal = upper.refused(answer, ResourceExhausted, reason::LIMIT_REACHED).await;
            assert_eq!(
                (refusal.metadata("limit"), refusal.metadata("value")),
                ("payload_bytes_max", &*max.to_string())
            );
            let format = v1::FormatRequestRequest { request_id: object, format: Some(format) };
            let answer = async { upper.device().format_request(format).await };
            let refusal = upper.refused(answer, ResourceExhausted, reason::LIMIT_REACHED).await;
            assert_eq!(refusal.metadata("limit"), "payload_bytes_max");
        }
    });
}

#[test]
fn the_largest_payload_goes_through() {
    let server = Server::start();
    server.run(async {
        let upper = Upper::on(&server, "null").await;
        let file = upper.file().await;
        let max = limits(&upper).await.payload_bytes_max;
        let mut events = upper.events_after(0).await;
        upper.send(upper::write(&file, Bytes::from(vec![7; usize::try_from(max).expect("it fits")]))).await;
        assert_eq!(events.completion().await.1.information, max);
    });
}

#[test]
fn the_largest_read_reaches_a_client_with_default_settings() {
    let server = Server::start();
    server.run(async {
        let upper = Upper::on(&server, "null").await;
        let file = upper.file().await;
        let max = limits(&upper).await.payload_bytes_max;
        let mut events = upper.events_after(0).await;
        upper.send(upper::read(&file, max)).await;
        let completion = events.completion().await.1;
        assert_eq!((completion.information, completion.data.len() as u64), (max, max));
    });
}

#[test]
fn an_oversize_message_names_its_limit() {
    let server = Server::start();
    server.run(async {
        let upper = Upper::on(&server, "null").await;
        let file = upper.file().await;
        let max = limits(&upper).await.message_bytes_max;
        let data = Bytes::from(vec![0; usize::try_from(max).expect("it fits")]);
        let format = Some(upper::write(&file, data.clone()));
        let send = v1::FormatAndSendRequest { request_id: upper.number(), format, ..Default::default() };
        let answer = async { upper.device().format_and_send(send).await };
        let refusal = upper.refused(answer, ResourceExhausted, reason::MESSAGE_TOO_LARGE).await;
        assert_eq!((refusal.metadata("limit"), refusal.metadata("value")), ("message_bytes_max", &*max.to_string()));
        // Whatever the call, the limit is the same.
        let oversize = Bytes::from([&data[..], b"x"].concat());
        let before = upper.standing().await;
        let session = upper.id.to_string();
        for call in contract::methods() {
            let answer =
                contract::call(&server.channel(), &contract::path_of(&call), &[&session], oversize.clone()).await;
            expect(answer, ResourceExhausted, reason::MESSAGE_TOO_LARGE);
        }
        assert_eq!(upper.standing().await, before);
    });
}

#[test]
fn long_texts_of_a_session_and_a_stack_are_refused() {
    let server = Server::start();
    server.run(async {
        let upper = Upper::on(&server, "scripted").await;
        let mut session = lowerdeck_tests::wire::Clients::new(&server.channel(), uuid::Uuid::new_v4()).session;
        let too_long = (InvalidArgument, reason::FIELD_TOO_LONG);
        let long_stack = upper::on_stack(&"s".repeat(65));
        let refusal = upper.refused(session.open_session(long_stack), too_long.0, too_long.1).await;
        assert_eq!(refusal.fields(), ["stack"]);
        let client_name = "c".repeat(65);
        let long_client = v1::OpenSessionRequest { client_name, ..upper::on_stack("disk") };
        let refusal = upper.refused(session.open_session(long_client), too_long.0, too_long.1).await;
        assert_eq!(refusal.fields(), ["client_name"]);
        let long_name = v1::PlugStackRequest { name: "n".repeat(65), ..upper::template("null") };
        let refusal = upper.refused(upper.lab().plug_stack(long_name), too_long.0, too_long.1).await;
        assert_eq!(refusal.fields(), ["name"]);
        let long_expression = upper::template(&format!("null # {}", "x".repeat(4096)));
        let refusal = upper.refused(upper.lab().plug_stack(long_expression), too_long.0, too_long.1).await;
        assert_eq!(refusal.fields(), ["expression"]);
        let command = format!("on read: hold # {}", "x".repeat(4096));
        let long_command = v1::ControlDriverRequest { stack: upper.stack.clone(), layer: 1, command };
        let refusal = upper.refused(upper.lab().control_driver(long_command), too_long.0, too_long.1).await;
        assert_eq!(refusal.fields(), ["command"]);
    });
}
