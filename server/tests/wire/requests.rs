//! Requests: what is sent twice is done once; the fine-grained calls; targets.

use lowerdeck_proto::{reason, v1};
use tonic::Code;

use crate::bench::{Bench, abandon, read, refusal, write};

#[tokio::test]
async fn a_message_sent_twice_is_done_once() {
    let bench = Bench::new().await;
    let mut upper = bench.open("scripted").await;
    bench.control(&upper.stack, 1, "on read: hold").await;
    let file = upper.file("f").await;
    for _ in 0..2 {
        let sent = upper.device.format_and_send(read(70, &file, 4, 0)).await.expect("the same answer").into_inner();
        assert_eq!(sent.hresult, 0);
    }
    let reads = bench.trace(&upper.stack).await;
    let reads = reads.iter().filter(|entry| entry.kind() == v1::TraceKind::Io && entry.request_label == "L0:70");
    assert_eq!(reads.count(), 1);
    let different = upper.device.format_and_send(read(70, &file, 5, 0)).await.expect_err("another body");
    assert_eq!(refusal(&different), (Code::AlreadyExists, reason::REQUEST_ID_IN_USE.to_owned()));
    bench.server.shutdown().await;
}

#[tokio::test]
async fn a_synchronous_send_that_nobody_waits_for_is_found_again() {
    let bench = Bench::new().await;
    let mut upper = bench.open("scripted").await;
    bench.control(&upper.stack, 1, "on read: hold").await;
    let file = upper.file("f").await;
    let mut impatient = upper.clone();
    let delivered = bench.trace_until(&upper.stack, v1::TraceKind::Io);
    abandon(impatient.device.format_and_send(read(70, &file, 4, 0x2)), delivered).await;
    bench.control(&upper.stack, 1, "complete L0:70 S_OK 0").await;
    let again = upper.device.format_and_send(read(70, &file, 4, 0x2)).await.expect("the outcome").into_inner();
    assert_eq!(again.completion.expect("completed").request_id, 70);
    bench.server.shutdown().await;
}

#[tokio::test]
async fn a_create_that_nobody_waits_for_is_found_again() {
    let bench = Bench::new().await;
    let mut upper = bench.open("scripted").await;
    bench.control(&upper.stack, 1, "on create: hold").await;
    let message = v1::CreateWdfFileRequest { request_id: 9, file_name: Some("slow".to_owned()) };
    let mut impatient = upper.clone();
    let delivered = bench.trace_until(&upper.stack, v1::TraceKind::Create);
    abandon(impatient.device.create_wdf_file(message.clone()), delivered).await;
    let touched = upper.device.cancel(v1::CancelRequest { request_id: 9 }).await.expect_err("a create");
    assert_eq!(refusal(&touched), (Code::FailedPrecondition, reason::REQUEST_IS_CREATE.to_owned()));
    bench.control(&upper.stack, 1, "complete L0:9 S_OK").await;
    let found = upper.device.create_wdf_file(message.clone()).await.expect("found").into_inner();
    let same = upper.device.create_wdf_file(message).await.expect("found").into_inner();
    assert_eq!((found.hresult, &found.file_id), (0, &same.file_id));
    bench.server.shutdown().await;
}

#[tokio::test]
async fn a_request_lives_until_its_completion_is_acknowledged() {
    let bench = Bench::new().await;
    let mut upper = bench.open("null").await;
    let file = upper.file("f").await;
    let (id, _) = upper.send_read(&file, 1, 0).await;
    let get = v1::GetRequestRequest { request_id: id };
    let there = upper.device.get_request(get).await.expect("there").into_inner();
    assert_eq!(there.state(), v1::RequestState::Completed);
    assert_eq!(there.completion.expect("completed").information, 1);
    upper.acknowledge(1).await;
    let gone = upper.device.get_request(get).await.expect_err("deleted");
    assert_eq!(refusal(&gone), (Code::NotFound, reason::REQUEST_GONE.to_owned()));
    bench.server.shutdown().await;
}

#[tokio::test]
async fn a_retained_request_is_reused_and_sent_again() {
    let bench = Bench::new().await;
    let mut upper = bench.open("null").await;
    let file = upper.file("f").await;
    let mut message = write(33, &file, b"abc");
    message.retain = true;
    upper.device.format_and_send(message.clone()).await.expect("sent");
    upper.acknowledge(1).await;
    let reuse = v1::ReuseRequestRequest { request_id: 33, ..Default::default() };
    upper.device.reuse_request(reuse).await.expect("reused");
    let format = v1::FormatRequestRequest { request_id: 33, format: message.format };
    assert_eq!(upper.device.format_request(format).await.expect("formatted").into_inner().hresult, 0);
    let options = Some(v1::SendOptions { flags: 0x2, timeout_ticks: 0 });
    let send = v1::SendRequestRequest { request_id: 33, options, target_id: String::new() };
    let sent = upper.device.send_request(send).await.expect("sent").into_inner();
    assert_eq!(sent.completion.expect("synchronous").information, 3);
    bench.server.shutdown().await;
}

#[tokio::test]
async fn a_stopped_target_pends_and_a_started_one_delivers() {
    let bench = Bench::new().await;
    let mut upper = bench.open("null").await;
    let file = upper.file("f").await;
    let stop = v1::StopTargetRequest {
        target_id: String::new(),
        action: v1::SentIoAction::LeaveSentIoPending.into(),
        ..Default::default()
    };
    assert_eq!(upper.device.stop_target(stop).await.expect("an answer").into_inner().hresult, 0);
    let (id, _) = upper.send_read(&file, 1, 0).await;
    let request = v1::GetRequestRequest { request_id: id };
    let pended = upper.device.get_request(request).await.expect("there").into_inner();
    assert_eq!(pended.state(), v1::RequestState::Pended);
    upper.device.start_target(v1::StartTargetRequest::default()).await.expect("an answer");
    assert_eq!(upper.events(0).await.completion().await.1.request_id, id);
    let unknown = v1::StopTargetRequest { target_id: String::new(), action: 77, ..Default::default() };
    assert_eq!(upper.device.stop_target(unknown).await.expect("TGT-23").into_inner().hresult, 0);
    let state = upper.device.get_target(v1::GetTargetRequest::default()).await.expect("an answer").into_inner();
    assert_eq!(state.state(), v1::TargetState::Started);
    let delete = upper.device.delete_target(v1::DeleteTargetRequest::default()).await.expect("an answer");
    assert_eq!(delete.into_inner().hresult, 0x8007_0005);
    bench.server.shutdown().await;
}

#[tokio::test]
async fn a_timeout_runs_on_the_manual_clock() {
    let bench = Bench::new().await;
    let plug = v1::PlugStackRequest {
        name: "slow".to_owned(),
        expression: "scripted(script={on read: arm})".to_owned(),
        clock: v1::ClockKind::Manual.into(),
        ..Default::default()
    };
    bench.lab().plug_stack(plug).await.expect("plugged");
    let mut upper = bench.open("slow").await;
    let file = upper.file("f").await;
    let mut message = read(5, &file, 4, 0x1);
    message.options = Some(v1::SendOptions { flags: 0x1, timeout_ticks: -10_000_000 });
    upper.device.format_and_send(message).await.expect("sent");
    let advance = |ticks| v1::AdvanceClockRequest { stack: upper.stack.clone(), ticks, wall_clock_shift_ticks: 0 };
    bench.lab().advance_clock(advance(9_999_999)).await.expect("advanced");
    let request = v1::GetRequestRequest { request_id: 5 };
    let early = upper.device.clone().get_request(request).await.expect("there").into_inner();
    assert_eq!(early.state(), v1::RequestState::InFlight);
    bench.lab().advance_clock(advance(1)).await.expect("advanced");
    assert_eq!(upper.clone().events(0).await.completion().await.1.hresult, 0xD000_00B5);
    bench.server.shutdown().await;
}
