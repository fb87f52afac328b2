//! The main job: create, send, cancel, close, and the order of what follows.

use lowerdeck_proto::v1;
use lowerdeck_proto::v1::event::Body;

use crate::bench::{Bench, write};

#[tokio::test]
async fn what_is_written_to_disk_is_read_back() {
    let bench = Bench::new().await;
    let mut upper = bench.open("disk").await;
    let file = upper.file("").await;
    let mut events = upper.events(0).await;
    let sent = upper.device.format_and_send(write(100, &file, b"lower deck")).await.expect("an answer").into_inner();
    assert_eq!(sent.hresult, 0);
    let (_, written) = events.completion().await;
    assert_eq!((written.request_id, written.hresult, written.information), (100, 0, 10));
    upper.send_read(&file, 5, 0).await;
    let (sequence, read) = events.completion().await;
    assert_eq!((read.hresult, &read.data[..], read.file_id.as_str()), (0, &b"lower"[..], file.as_str()));
    upper.close(&file).await;
    upper.acknowledge(sequence).await;
    let gone = events.expect().await;
    assert_eq!(gone, (sequence + 1, Body::FileGone(v1::FileGone { file_id: file })));
    let last = upper.end().await;
    let balance = last.balance.expect("a balance");
    assert_eq!((balance.accepted, balance.completed, balance.outstanding, last.files_left_open), (2, 2, 0, 0));
    bench.server.shutdown().await;
}

#[tokio::test]
async fn a_synchronous_send_answers_with_the_completion_and_has_its_event() {
    let bench = Bench::new().await;
    let mut upper = bench.open("null").await;
    let file = upper.file("a").await;
    let (id, sent) = upper.send_read(&file, 4, 0x2).await;
    let completion = sent.completion.expect("synchronous");
    assert_eq!((completion.request_id, completion.information), (id, 4));
    let (_, event) = upper.events(0).await.completion().await;
    assert_eq!(event, completion);
    bench.server.shutdown().await;
}

#[tokio::test]
async fn close_answers_before_a_held_request_has_completed() {
    let bench = Bench::new().await;
    let mut upper = bench.open("scripted").await;
    bench.control(&upper.stack, 1, "on read nth=1: arm").await;
    bench.control(&upper.stack, 1, "on read nth=2: hold").await;
    let file = upper.file("f").await;
    let mut events = upper.events(0).await;
    let (armed, _) = upper.send_read(&file, 4, 0).await;
    let (held, _) = upper.send_read(&file, 4, 0).await;
    upper.close(&file).await;
    let (first, cancelled) = events.completion().await;
    assert_eq!((cancelled.request_id, cancelled.hresult), (armed, 0x8007_03E3));
    let report = outstanding(&bench, &upper.stack).await;
    assert_eq!(report.files.len(), 1);
    assert_eq!(report.files[0].requests[0].layers[0].owner_state, "held, not cancelable");
    bench.control(&upper.stack, 1, &format!("complete L0:{held} S_OK 4")).await;
    let (second, completed) = events.completion().await;
    assert_eq!((completed.request_id, completed.hresult), (held, 0));
    upper.acknowledge(first).await;
    upper.acknowledge(second).await;
    assert!(matches!(events.expect().await, (_, Body::FileGone(_))));
    assert!(outstanding(&bench, &upper.stack).await.files.is_empty());
    bench.server.shutdown().await;
}

async fn outstanding(bench: &Bench, stack: &str) -> v1::OutstandingReport {
    let request = v1::GetOutstandingFilesRequest { stack: stack.to_owned() };
    let answer = bench.lab().get_outstanding_files(request).await.expect("an answer");
    answer.into_inner().report.expect("a report")
}

#[tokio::test]
async fn cancelling_an_armed_request_is_delivered_and_completes_it_once() {
    let bench = Bench::new().await;
    let mut upper = bench.open("scripted").await;
    bench.control(&upper.stack, 1, "on read: arm").await;
    let file = upper.file("f").await;
    let mut events = upper.events(0).await;
    let (id, _) = upper.send_read(&file, 4, 0).await;
    let cancel = upper.device.cancel(v1::CancelRequest { request_id: id }).await.expect("an answer").into_inner();
    assert_eq!((cancel.cancelled, cancel.answer()), (true, v1::CancelAnswer::Delivered));
    assert_eq!(events.completion().await.1.hresult, 0x8007_03E3);
    let again = upper.device.cancel(v1::CancelRequest { request_id: id }).await.expect("an answer").into_inner();
    assert_eq!((again.cancelled, again.answer()), (false, v1::CancelAnswer::AlreadyCompleted));
    bench.server.shutdown().await;
}

#[tokio::test]
async fn the_trace_of_a_closed_session_can_be_read() {
    let bench = Bench::new().await;
    let mut upper = bench.open("demo").await;
    let file = upper.file("f").await;
    upper.close(&file).await;
    upper.end().await;
    let kinds: Vec<_> = bench.trace(&upper.stack).await.iter().map(v1::TraceEntry::kind).collect();
    for kind in [v1::TraceKind::CleanupEnter, v1::TraceKind::CloseEnter, v1::TraceKind::FileGone] {
        assert!(kinds.contains(&kind), "{kind:?} in {kinds:?}");
    }
    bench.server.shutdown().await;
}
