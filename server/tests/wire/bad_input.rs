//! Bad input: each case gets its answer and changes nothing else.

use lowerdeck_proto::{reason, v1};
use tonic::{Code, Status};
use uuid::Uuid;

use crate::bench::{Bench, read, refusal, write};

fn is(status: &Status, code: Code, reason: &str) {
    assert_eq!(refusal(status), (code, reason.to_owned()), "{}", status.message());
}

#[tokio::test]
async fn a_call_without_a_proper_session_is_refused() {
    let bench = Bench::new().await;
    let target = v1::GetTargetRequest::default();
    let missing = bench.caller(None).device.get_target(target.clone()).await.expect_err("no metadata");
    is(&missing, Code::Unauthenticated, reason::SESSION_METADATA_MISSING);
    for text in ["", "1", "6ba7b810-9dad-11d1-80b4-00c04fd430c8", &Uuid::new_v4().simple().to_string()] {
        let malformed = bench.caller(Some(text)).device.get_target(target.clone()).await.expect_err("no UUID v4");
        is(&malformed, Code::Unauthenticated, reason::SESSION_METADATA_MALFORMED);
    }
    let mut unknown = bench.caller(Some(&Uuid::new_v4().to_string()));
    is(&unknown.device.get_target(target).await.expect_err("unknown"), Code::NotFound, reason::SESSION_UNKNOWN);
    let closed = unknown.session.close_session(v1::CloseSessionRequest {}).await.expect_err("unknown");
    is(&closed, Code::NotFound, reason::SESSION_UNKNOWN);
    bench.server.shutdown().await;
}

#[tokio::test]
async fn opening_wrongly_is_refused_and_opening_again_is_not() {
    let bench = Bench::new().await;
    let id = Uuid::new_v4().to_string();
    let mut upper = bench.caller(Some(&id));
    let terms = |stack: &str| v1::OpenSessionRequest { stack: stack.to_owned(), ..Default::default() };
    is(
        &upper.session.open_session(terms("nowhere")).await.expect_err("no such stack"),
        Code::NotFound,
        reason::STACK_UNKNOWN,
    );
    is(
        &upper.session.open_session(terms("")).await.expect_err("no stack"),
        Code::InvalidArgument,
        reason::FIELD_MISSING,
    );
    let long = "x".repeat(65);
    is(
        &upper.session.open_session(terms(&long)).await.expect_err("long"),
        Code::InvalidArgument,
        reason::FIELD_TOO_LONG,
    );
    let policy = v1::OpenSessionRequest { loss_policy: 99, ..terms("null") };
    is(
        &upper.session.open_session(policy).await.expect_err("unknown"),
        Code::InvalidArgument,
        reason::ENUM_VALUE_UNKNOWN,
    );
    let callbacks = v1::OpenSessionRequest { callbacks: vec![0], ..terms("null") };
    is(
        &upper.session.open_session(callbacks).await.expect_err("none"),
        Code::InvalidArgument,
        reason::ENUM_VALUE_UNKNOWN,
    );
    for seconds in [-1, 0, 1_000_000_000_000] {
        let lease = Some(prost_types::Duration { seconds, nanos: 0 });
        let bad = v1::OpenSessionRequest { lease, ..terms("null") };
        is(&upper.session.open_session(bad).await.expect_err("bounds"), Code::InvalidArgument, reason::FIELD_INVALID);
    }
    let first = upper.session.open_session(terms("null")).await.expect("opened").into_inner();
    let again = upper.session.open_session(terms("null")).await.expect("found").into_inner();
    assert_eq!(first.session.map(|session| session.stack), again.session.map(|session| session.stack));
    is(
        &upper.session.open_session(terms("disk")).await.expect_err("differs"),
        Code::AlreadyExists,
        reason::SESSION_ID_IN_USE,
    );
    upper.end().await;
    is(&upper.session.open_session(terms("null")).await.expect_err("ended"), Code::NotFound, reason::SESSION_ENDED);
    bench.server.shutdown().await;
}

#[tokio::test]
async fn malformed_requests_are_refused_and_use_up_no_id() {
    let bench = Bench::new().await;
    let mut upper = bench.open("null").await;
    let file = upper.file("f").await;
    let device = &mut upper.device;
    is(
        &device.format_and_send(read(0, &file, 1, 0)).await.expect_err("zero"),
        Code::InvalidArgument,
        reason::REQUEST_ID_ZERO,
    );
    let bare = v1::FormatAndSendRequest { request_id: 60, ..Default::default() };
    is(&device.format_and_send(bare.clone()).await.expect_err("bare"), Code::InvalidArgument, reason::FIELD_MISSING);
    let no_io = v1::FormatAndSendRequest { format: Some(v1::Format::default()), ..bare };
    is(&device.format_and_send(no_io).await.expect_err("no io"), Code::InvalidArgument, reason::FIELD_MISSING);
    let huge = read(60, &file, u64::MAX, 0);
    is(&device.format_and_send(huge).await.expect_err("huge"), Code::ResourceExhausted, reason::LIMIT_REACHED);
    let no_file = device.format_and_send(read(60, "", 1, 0)).await.expect("TGT-7").into_inner();
    assert_eq!(no_file.hresult, 0x8007_0057);
    let flags = device.format_and_send(read(60, &file, 1, 0x4000_0000)).await.expect("REQ-16").into_inner();
    assert_eq!(flags.hresult, 0xD000_000D);
    let sent = device.format_and_send(read(60, &file, 1, 0)).await.expect("the id is still free").into_inner();
    assert_eq!(sent.hresult, 0);
    bench.server.shutdown().await;
}

#[tokio::test]
async fn file_names_are_limited_and_judged() {
    let bench = Bench::new().await;
    let mut upper = bench.open("null").await;
    let create = |request_id, name: &str| v1::CreateWdfFileRequest { request_id, file_name: Some(name.to_owned()) };
    let fits = "\u{1F600}".repeat(127) + "x";
    let created = upper.device.create_wdf_file(create(1, &fits)).await.expect("255 code units").into_inner();
    assert_eq!(created.hresult, 0);
    let long = upper.device.create_wdf_file(create(2, &"\u{1F600}".repeat(128))).await.expect_err("256 code units");
    is(&long, Code::InvalidArgument, reason::FIELD_TOO_LONG);
    for (id, name) in [(10, "a/b"), (11, "a\\b")] {
        let separated = upper.device.create_wdf_file(create(id, name)).await.expect("FILE-3").into_inner();
        assert_eq!((separated.hresult, separated.file_id.as_str()), (0x8007_0057, ""));
    }
    let other = upper.device.create_wdf_file(create(1, "other")).await.expect_err("another body");
    is(&other, Code::AlreadyExists, reason::REQUEST_ID_IN_USE);
    is(
        &upper.device.create_wdf_file(create(0, "f")).await.expect_err("zero"),
        Code::InvalidArgument,
        reason::REQUEST_ID_ZERO,
    );
    bench.server.shutdown().await;
}

#[tokio::test]
async fn overflowing_numbers_are_the_drivers_business_and_harm_nobody() {
    let bench = Bench::new().await;
    let mut upper = bench.open("disk").await;
    let file = upper.file("f").await;
    let mut events = upper.events(0).await;
    let mut far = write(80, &file, b"x");
    if let Some(v1::format::Io::Write(write)) = far.format.as_mut().and_then(|format| format.io.as_mut()) {
        write.device_offset = Some(i64::MAX);
    }
    far.options = Some(v1::SendOptions { flags: 0x1, timeout_ticks: i64::MIN });
    assert_eq!(upper.device.format_and_send(far).await.expect("accepted").into_inner().hresult, 0);
    assert_ne!(events.completion().await.1.hresult, 0);
    let mut windowed = read(81, &file, 4, 0);
    if let Some(v1::format::Io::Read(read)) = windowed.format.as_mut().and_then(|format| format.io.as_mut()) {
        let offset = Some(v1::MemoryOffset { buffer_offset: u64::MAX, buffer_length: 2 });
        read.output_memory = Some(v1::OutputMemory { size: 4, offset, contents: Default::default() });
    }
    let refused = upper.device.format_and_send(windowed).await.expect("TGT-11").into_inner();
    assert_eq!(refused.hresult, 0xD000_0095);
    upper.send_read(&file, 1, 0).await;
    assert_eq!(events.completion().await.1.hresult, 0);
    bench.server.shutdown().await;
}

#[tokio::test]
async fn an_oversize_message_names_its_limit() {
    let bench = Bench::with(|config| config.limits.message_bytes_max = 1000).await;
    let mut upper = bench.open("null").await;
    let file = upper.file("f").await;
    let large = upper.device.format_and_send(write(5, &file, &[7; 2000])).await.expect_err("too large");
    is(&large, Code::ResourceExhausted, reason::MESSAGE_TOO_LARGE);
    upper.send_read(&file, 1, 0).await;
    bench.server.shutdown().await;
}

#[tokio::test]
async fn full_limits_are_named_and_give_way() {
    let bench = Bench::with(|config| {
        config.limits.files_max = 1;
        config.limits.requests_max = 1;
        config.limits.sessions_max = 1;
    })
    .await;
    let mut upper = bench.open("scripted").await;
    let file = upper.file("f").await;
    let create = v1::CreateWdfFileRequest { request_id: 20, file_name: None };
    let full = upper.device.create_wdf_file(create.clone()).await.expect_err("one file");
    is(&full, Code::ResourceExhausted, reason::LIMIT_REACHED);
    let request = |request_id| v1::CreateRequestRequest { request_id, no_completion_callback: true };
    upper.device.create_request(request(30)).await.expect("one request");
    is(
        &upper.device.create_request(request(31)).await.expect_err("one"),
        Code::ResourceExhausted,
        reason::LIMIT_REACHED,
    );
    let mut second = bench.caller(Some(&Uuid::new_v4().to_string()));
    let terms = v1::OpenSessionRequest { stack: "null".to_owned(), ..Default::default() };
    is(
        &second.session.open_session(terms.clone()).await.expect_err("one"),
        Code::ResourceExhausted,
        reason::LIMIT_REACHED,
    );
    upper.close(&file).await;
    assert_eq!(upper.device.create_wdf_file(create).await.expect("room again").into_inner().hresult, 0);
    upper.end().await;
    second.session.open_session(terms).await.expect("room again");
    bench.server.shutdown().await;
}

#[tokio::test]
async fn the_lab_refuses_what_makes_no_sense() {
    let bench = Bench::new().await;
    let mut lab = bench.lab();
    let upper = bench.open("scripted").await;
    let control = |stack: &str, layer, command: &str| v1::ControlDriverRequest {
        stack: stack.to_owned(),
        layer,
        command: command.to_owned(),
    };
    let stack = upper.stack.as_str();
    is(
        &lab.control_driver(control("nowhere", 1, "kept")).await.expect_err("stack"),
        Code::NotFound,
        reason::STACK_UNKNOWN,
    );
    is(
        &lab.control_driver(control("scripted", 1, "kept")).await.expect_err("template"),
        Code::FailedPrecondition,
        reason::STACK_IS_TEMPLATE,
    );
    for layer in [0, 3, 300] {
        is(
            &lab.control_driver(control(stack, layer, "kept")).await.expect_err("layer"),
            Code::NotFound,
            reason::LAYER_UNKNOWN,
        );
    }
    is(
        &lab.control_driver(control(stack, 1, "dance")).await.expect_err("command"),
        Code::InvalidArgument,
        reason::CONTROL_COMMAND_INVALID,
    );
    is(
        &lab.control_driver(control(stack, 1, "")).await.expect_err("empty"),
        Code::InvalidArgument,
        reason::FIELD_MISSING,
    );
    is(
        &lab.control_driver(control(stack, 1, &"x".repeat(4097))).await.expect_err("long"),
        Code::InvalidArgument,
        reason::FIELD_TOO_LONG,
    );
    let advance = v1::AdvanceClockRequest { stack: stack.to_owned(), ticks: 1, wall_clock_shift_ticks: 0 };
    is(&lab.advance_clock(advance).await.expect_err("real"), Code::FailedPrecondition, reason::CLOCK_NOT_MANUAL);
    let plug = |name: &str, expression: &str| v1::PlugStackRequest {
        name: name.to_owned(),
        expression: expression.to_owned(),
        ..Default::default()
    };
    is(
        &lab.plug_stack(plug("Bad Name", "null")).await.expect_err("name"),
        Code::InvalidArgument,
        reason::FIELD_INVALID,
    );
    is(
        &lab.plug_stack(plug("a", "nul")).await.expect_err("driver"),
        Code::InvalidArgument,
        reason::STACK_EXPRESSION_INVALID,
    );
    is(&lab.plug_stack(plug("disk", "null")).await.expect_err("name"), Code::AlreadyExists, reason::STACK_NAME_IN_USE);
    let page = v1::ListStacksRequest { page_size: 0, page_token: "x".to_owned() };
    is(&lab.list_stacks(page).await.expect_err("token"), Code::InvalidArgument, reason::PAGE_TOKEN_INVALID);
    bench.server.shutdown().await;
}
