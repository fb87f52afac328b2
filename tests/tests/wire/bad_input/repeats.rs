//! Messages that come again: the same message finds what it made, another one under the same id is refused.

use lowerdeck_proto::{reason, v1};
use lowerdeck_tests::wire::Server;
use tonic::Code::{AlreadyExists, NotFound};
use v1::TraceKind;

use crate::refusal::granted;
use crate::upper::{self, Upper};

/// A read that the driver keeps, cancelable.
async fn kept_read(upper: &Upper) -> v1::FormatAndSendRequest {
    upper.control("on read: arm").await;
    let file = upper.file().await;
    let message = v1::FormatAndSendRequest {
        request_id: upper.number(),
        format: Some(upper::read(&file, 4)),
        options: upper::options(0, 0),
        retain: false,
    };
    assert_eq!(granted(upper.device().format_and_send(message.clone()).await).hresult, 0);
    message
}

#[test]
fn the_same_send_again_does_no_second_io() {
    let server = Server::start();
    server.run(async {
        let upper = Upper::on(&server, "scripted").await;
        let message = kept_read(&upper).await;
        let before = upper.standing().await;
        for _ in 0..3 {
            assert_eq!(granted(upper.device().format_and_send(message.clone()).await).hresult, 0, "the same answer");
        }
        assert_eq!(upper.standing().await, before, "the books count one Send");
        assert_eq!(upper.count(1, TraceKind::Io).await, 1, "one I/O");
    });
}

#[test]
fn the_same_synchronous_send_again_gives_the_same_completion() {
    let server = Server::start();
    server.run(async {
        let upper = Upper::on(&server, "scripted").await;
        let file = upper.file().await;
        let message = v1::FormatAndSendRequest {
            request_id: upper.number(),
            format: Some(upper::read(&file, 4)),
            options: upper::options(SYNCHRONOUS, 0),
            retain: false,
        };
        let first = granted(upper.device().format_and_send(message.clone()).await);
        let again = granted(upper.device().format_and_send(message).await);
        assert_eq!(first.completion.as_ref().map(|completion| completion.data.len()), Some(4));
        assert_eq!(first, again);
        assert_eq!(upper.count(1, TraceKind::Io).await, 1, "one I/O");
    });
}

/// WDF_REQUEST_SEND_OPTION_SYNCHRONOUS.
const SYNCHRONOUS: u32 = 0x2;

#[test]
fn another_send_under_the_same_id_is_refused() {
    let server = Server::start();
    server.run(async {
        let upper = Upper::on(&server, "scripted").await;
        let first = kept_read(&upper).await;
        let other_file = upper.file().await;
        let format = |format: v1::Format| v1::FormatAndSendRequest { format: Some(format), ..first.clone() };
        let file = &first.format.as_ref().expect("it has one").file_id;
        let placed = v1::ReadFormat {
            device_offset: Some(0),
            output_memory: Some(v1::OutputMemory { size: 4, offset: None, contents: Default::default() }),
        };
        let others = [
            format(upper::read(&other_file, 4)),
            format(upper::read(file, 5)),
            format(upper::write(file, bytes::Bytes::from_static(b"data"))),
            format(v1::Format { io: Some(v1::format::Io::Read(placed)), ..upper::read(file, 4) }),
            v1::FormatAndSendRequest { options: upper::options(1, -1), ..first.clone() },
            v1::FormatAndSendRequest { retain: true, ..first.clone() },
        ];
        for other in others {
            let answer = async { upper.device().format_and_send(other).await };
            let refusal = upper.refused(answer, AlreadyExists, reason::REQUEST_ID_IN_USE).await;
            assert_eq!(refusal.metadata("id"), first.request_id.to_string());
        }
    });
}

#[test]
fn an_id_names_one_kind_of_thing() {
    let server = Server::start();
    server.run(async {
        let upper = Upper::on(&server, "scripted").await;
        let (in_use, reason) = (AlreadyExists, reason::REQUEST_ID_IN_USE);
        let sent = kept_read(&upper).await;
        let create = v1::CreateWdfFileRequest { request_id: sent.request_id, file_name: None };
        upper.refused(upper.device().create_wdf_file(create), in_use, reason).await;
        let object = v1::CreateRequestRequest { request_id: sent.request_id, no_completion_callback: false };
        upper.refused(upper.device().create_request(object), in_use, reason).await;

        let request_id = upper.number();
        let create = v1::CreateWdfFileRequest { request_id, file_name: None };
        granted(upper.device().create_wdf_file(create.clone()).await);
        let named = v1::CreateWdfFileRequest { file_name: Some("another".to_owned()), ..create };
        upper.refused(upper.device().create_wdf_file(named), in_use, reason).await;
        let send = v1::FormatAndSendRequest { request_id, ..sent };
        upper.refused(upper.device().format_and_send(send), in_use, reason).await;

        let request_id = upper.object().await;
        let polled = v1::CreateRequestRequest { request_id, no_completion_callback: true };
        upper.refused(upper.device().create_request(polled), in_use, reason).await;
    });
}

#[test]
fn the_same_create_again_finds_the_file() {
    let server = Server::start();
    server.run(async {
        let upper = Upper::on(&server, "scripted").await;
        let create = v1::CreateWdfFileRequest { request_id: upper.number(), file_name: Some("chan".to_owned()) };
        let first = granted(upper.device().create_wdf_file(create.clone()).await);
        let before = upper.standing().await;
        assert_eq!(granted(upper.device().create_wdf_file(create).await), first);
        assert_eq!(upper.standing().await, before);
        assert_eq!(upper.count(1, TraceKind::Create).await, 1);
    });
}

#[test]
fn the_same_failed_create_again_fails_the_same_way() {
    let server = Server::start();
    server.run(async {
        let upper = Upper::on(&server, "scripted").await;
        upper.control("on create: complete(0x80070005)").await;
        let create = v1::CreateWdfFileRequest { request_id: upper.number(), file_name: None };
        let first = granted(upper.device().create_wdf_file(create.clone()).await);
        assert_eq!((first.hresult, first.file_id.as_str()), (0x8007_0005, ""));
        assert_eq!(granted(upper.device().create_wdf_file(create).await), first);
        assert_eq!(upper.count(1, TraceKind::Create).await, 1);
    });
}

#[test]
fn no_name_and_the_empty_name_are_the_same_message() {
    let server = Server::start();
    server.run(async {
        let upper = Upper::on(&server, "scripted").await;
        let create = v1::CreateWdfFileRequest { request_id: upper.number(), file_name: None };
        let first = granted(upper.device().create_wdf_file(create.clone()).await);
        let empty = v1::CreateWdfFileRequest { file_name: Some(String::new()), ..create };
        assert_eq!(granted(upper.device().create_wdf_file(empty).await), first);
    });
}

#[test]
fn a_send_that_was_refused_leaves_its_id_free() {
    let server = Server::start();
    server.run(async {
        let upper = Upper::on(&server, "scripted").await;
        let request_id = upper.number();
        let without_file =
            v1::FormatAndSendRequest { request_id, format: Some(upper::read("", 4)), ..Default::default() };
        let reply = granted(upper.device().format_and_send(without_file).await);
        assert_eq!(reply.hresult, 0x8007_0057, "no file is E_INVALIDARG (TGT-7)");
        let file = upper.file().await;
        let send = v1::FormatAndSendRequest { request_id, format: Some(upper::read(&file, 4)), ..Default::default() };
        assert_eq!(granted(upper.device().format_and_send(send).await).hresult, 0);
    });
}

#[test]
fn an_acknowledged_send_again_is_gone() {
    let server = Server::start();
    server.run(async {
        let upper = Upper::on(&server, "scripted").await;
        let file = upper.file().await;
        let request_id = upper.send(upper::read(&file, 4)).await;
        let mut events = upper.events_after(0).await;
        upper.acknowledge(events.completion().await.0).await;
        let send = v1::FormatAndSendRequest { request_id, format: Some(upper::read(&file, 4)), ..Default::default() };
        upper.refused(upper.device().format_and_send(send), NotFound, reason::REQUEST_GONE).await;
    });
}
