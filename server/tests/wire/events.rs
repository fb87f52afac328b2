//! The event stream: at once, in order, resumable, taken over, and never lossy.

use lowerdeck_proto::{reason, v1};
use tonic::Code;

use crate::bench::{Bench, refusal};

#[tokio::test]
async fn a_stream_speaks_at_once() {
    let bench = Bench::new().await;
    let mut upper = bench.open("null").await;
    let request = v1::StreamEventsRequest { after_sequence: 0 };
    let mut stream = upper.device.stream_events(request).await.expect("a stream").into_inner();
    let first = stream.message().await.expect("alive").expect("a message");
    assert_eq!(first.heartbeat.expect("a heartbeat").last_event_sequence, 0);
    bench.server.shutdown().await;
}

#[tokio::test]
async fn a_silent_stream_carries_heartbeats() {
    let bench = Bench::with(|config| config.limits.heartbeat_ms_max = 10).await;
    let mut upper = bench.open("null").await;
    let request = v1::StreamEventsRequest { after_sequence: 0 };
    let mut stream = upper.device.stream_events(request).await.expect("a stream").into_inner();
    for _ in 0..3 {
        assert!(stream.message().await.expect("alive").expect("a message").heartbeat.is_some());
    }
    bench.server.shutdown().await;
}

#[tokio::test]
async fn a_reader_that_comes_back_misses_nothing() {
    let bench = Bench::new().await;
    let mut upper = bench.open("null").await;
    let file = upper.file("f").await;
    let mut seen = Vec::new();
    for _ in 0..5 {
        let (id, _) = upper.send_read(&file, 1, 0).await;
        let after = seen.last().map_or(0, |(sequence, _)| *sequence);
        let (sequence, completed) = upper.events(after).await.completion().await;
        assert_eq!(completed.request_id, id);
        seen.push((sequence, id));
    }
    let sequences: Vec<_> = seen.iter().map(|(sequence, _)| *sequence).collect();
    assert_eq!(sequences, [1, 2, 3, 4, 5]);
    bench.server.shutdown().await;
}

#[tokio::test]
async fn a_new_stream_takes_over() {
    let bench = Bench::new().await;
    let mut upper = bench.open("null").await;
    let mut old = upper.events(0).await;
    let _new = upper.events(0).await;
    let ended = old.next().await.expect_err("the old stream ends");
    assert_eq!(refusal(&ended), (Code::FailedPrecondition, reason::EVENT_STREAM_REPLACED.to_owned()));
    bench.server.shutdown().await;
}

#[tokio::test]
async fn numbers_that_no_longer_or_never_were_are_refused() {
    let bench = Bench::new().await;
    let mut upper = bench.open("null").await;
    let file = upper.file("f").await;
    for _ in 0..3 {
        upper.send_read(&file, 1, 0).await;
    }
    upper.acknowledge(2).await;
    let old =
        upper.device.stream_events(v1::StreamEventsRequest { after_sequence: 1 }).await.expect_err("acknowledged");
    assert_eq!(refusal(&old), (Code::FailedPrecondition, reason::EVENTS_ALREADY_ACKNOWLEDGED.to_owned()));
    let new = upper.device.stream_events(v1::StreamEventsRequest { after_sequence: 4 }).await.expect_err("unknown");
    assert_eq!(refusal(&new), (Code::InvalidArgument, reason::EVENT_SEQUENCE_UNKNOWN.to_owned()));
    let acknowledge = v1::AcknowledgeEventsRequest { through_sequence: 4 };
    let ahead = upper.device.acknowledge_events(acknowledge).await.expect_err("unknown");
    assert_eq!(refusal(&ahead), (Code::InvalidArgument, reason::EVENT_SEQUENCE_UNKNOWN.to_owned()));
    bench.server.shutdown().await;
}

#[tokio::test]
async fn a_full_log_refuses_sends_and_nothing_else() {
    let bench = Bench::with(|config| config.limits.retained_events_max = 2).await;
    let mut upper = bench.open("null").await;
    let file = upper.file("f").await;
    for _ in 0..2 {
        upper.send_read(&file, 1, 0).await;
    }
    let full = upper.device.format_and_send(crate::bench::read(90, &file, 1, 0)).await.expect_err("full");
    assert_eq!(refusal(&full), (Code::ResourceExhausted, reason::RETENTION_FULL.to_owned()));
    upper.acknowledge(1).await;
    let sent = upper.device.format_and_send(crate::bench::read(90, &file, 1, 0)).await.expect("room again");
    assert_eq!(sent.into_inner().hresult, 0);
    upper.close(&file).await;
    bench.server.shutdown().await;
}
