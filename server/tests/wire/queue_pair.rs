//! `QueuePair`: the same meaning as the unary calls, in batches, resumable, and no worse for a refusal.

use lowerdeck_proto::v1::queue_entry::Body;
use lowerdeck_proto::v1::submission::Call;
use lowerdeck_proto::v1::submission_result::Result as Outcome;
use lowerdeck_proto::{reason, v1};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Status, Streaming};
use uuid::Uuid;

use crate::bench::{Bench, Upper, read, refusal, within, write};

/// Messages that a test has under way.
const MESSAGES: usize = 64;

/// A client's side of a queue pair, and all it was told.
struct Queue {
    sender: mpsc::Sender<v1::QueuePairRequest>,
    inbound: Streaming<v1::QueuePairResponse>,
    taken: u64,
    results: Vec<v1::SubmissionResult>,
    entries: Vec<(u64, Body)>,
}

impl Queue {
    /// Opens one after event `after` on file `file`, with a first batch.
    async fn open(upper: &mut Upper, after: u64, file: &str, calls: Vec<Call>) -> Queue {
        let (sender, receiver) = mpsc::channel(MESSAGES);
        let queue = upper.device.queue_pair(ReceiverStream::new(receiver));
        let first = batch(file, calls);
        sender.send(v1::QueuePairRequest { after_sequence: after, ..first }).await.expect("room");
        let inbound = within(queue).await.expect("a stream").into_inner();
        Queue { sender, inbound, taken: 0, results: Vec::new(), entries: Vec::new() }
    }

    async fn submit(&self, file: &str, calls: Vec<Call>) {
        self.sender.send(batch(file, calls)).await.expect("the stream is open");
    }

    /// Takes the next message in.
    async fn hear(&mut self) -> Result<bool, Status> {
        let Some(message) = within(self.inbound.message()).await? else { return Ok(false) };
        assert!(message.submissions_taken >= self.taken, "the head never goes back");
        self.taken = message.submissions_taken;
        self.results.extend(message.results);
        let numbers = message.first_sequence..;
        self.entries.extend(numbers.zip(message.entries.into_iter().filter_map(|entry| entry.body)));
        Ok(true)
    }

    /// Listens until `done`; heartbeats do not make it wait for ever.
    async fn until(&mut self, done: impl Fn(&Queue) -> bool) {
        within(async {
            while !done(self) {
                assert!(self.hear().await.expect("the stream lives"), "the stream ended early");
            }
        })
        .await;
    }

    /// Ids and statuses of the completions, in order.
    fn completions(&self) -> Vec<(u64, u32)> {
        let completion = |(_, body): &(u64, Body)| match body {
            Body::Completion(completion) => Some((completion.request_id, completion.hresult)),
            Body::Event(_) => None,
        };
        self.entries.iter().filter_map(completion).collect()
    }

    fn result(&self, submission: u64) -> Option<&Outcome> {
        let mut of = self.results.iter().filter(|result| result.submission == submission);
        let only = of.next();
        assert!(of.next().is_none(), "submission {submission} has two results");
        only.and_then(|result| result.result.as_ref())
    }

    fn refused(&self, submission: u64) -> (Code, &str) {
        match self.result(submission) {
            Some(Outcome::Refused(refused)) => (Code::from(refused.code), &refused.reason),
            other => panic!("submission {submission} was not refused: {other:?}"),
        }
    }
}

fn batch(file: &str, calls: Vec<Call>) -> v1::QueuePairRequest {
    let submissions = calls.into_iter().map(|call| v1::Submission { call: Some(call) }).collect();
    v1::QueuePairRequest { file_id: file.to_owned(), submissions, ..Default::default() }
}

fn send_read(id: u64) -> Call {
    Call::FormatAndSend(read(id, "", 1, 0))
}

fn cancel(request_id: u64) -> Call {
    Call::Cancel(v1::CancelRequest { request_id })
}

fn close(file: &str) -> Call {
    Call::Close(v1::CloseRequest { file_id: file.to_owned() })
}

/// A session on `stack` with one file.
async fn upper_on(bench: &Bench, stack: &str) -> (Upper, String) {
    let mut upper = bench.open(stack).await;
    let file = upper.file("f").await;
    (upper, file)
}

#[tokio::test]
async fn a_batch_is_taken_in_order_and_each_send_completes_once() {
    let bench = Bench::new().await;
    let (mut upper, file) = upper_on(&bench, "null").await;
    let mut queue = Queue::open(&mut upper, 0, &file, (10..30).map(send_read).collect()).await;
    queue.until(|queue| queue.entries.len() == 20).await;
    assert_eq!(queue.completions(), (10..30).map(|id| (id, 0)).collect::<Vec<_>>());
    assert_eq!(queue.taken, 20);
    assert!(queue.results.is_empty(), "what was accepted needs no word: {:?}", queue.results);
    let numbers: Vec<_> = queue.entries.iter().map(|(number, _)| *number).collect();
    assert_eq!(numbers, (1..=20).collect::<Vec<_>>());
    bench.server.shutdown().await;
}

#[tokio::test]
async fn a_refused_submission_changes_nothing_and_stops_nobody() {
    let bench = Bench::new().await;
    let (mut upper, file) = upper_on(&bench, "null").await;
    let foreign = bench.open("null").await.file("theirs").await;
    let elsewhere = |id, file: &str| Call::FormatAndSend(read(id, file, 1, 0));
    let calls = vec![
        send_read(10),
        elsewhere(11, &foreign),
        elsewhere(12, &Uuid::new_v4().to_string()),
        Call::FormatAndSend(read(0, "", 1, 0)),
        Call::FormatAndSend(read(13, "", 1, 2)), // SYNCHRONOUS
        cancel(99),
        send_read(14),
    ];
    let mut queue = Queue::open(&mut upper, 0, &file, calls).await;
    queue.until(|queue| queue.taken == 7 && queue.entries.len() == 2).await;
    assert_eq!(queue.completions(), [(10, 0), (14, 0)]);
    assert_eq!(queue.refused(2), (Code::PermissionDenied, reason::FILE_NOT_OWNED_OR_UNKNOWN));
    assert_eq!(queue.result(2), queue.result(3), "a foreign file and one that never was");
    assert_eq!(queue.refused(4), (Code::InvalidArgument, reason::REQUEST_ID_ZERO));
    assert_eq!(queue.refused(5), (Code::InvalidArgument, reason::FIELD_INVALID));
    assert_eq!(queue.refused(6), (Code::PermissionDenied, reason::REQUEST_NOT_OWNED_OR_UNKNOWN));
    // A refusal leaves its id unused.
    queue.submit(&file, vec![send_read(11)]).await;
    queue.until(|queue| queue.entries.len() == 3).await;
    assert_eq!(queue.completions()[2], (11, 0));
    bench.server.shutdown().await;
}

#[tokio::test]
async fn a_submission_without_a_call_is_refused_by_field() {
    let bench = Bench::new().await;
    let (mut upper, file) = upper_on(&bench, "null").await;
    let mut queue = Queue::open(&mut upper, 0, &file, vec![send_read(10)]).await;
    let empty = v1::QueuePairRequest { submissions: vec![v1::Submission { call: None }], ..Default::default() };
    queue.sender.send(empty).await.expect("the stream is open");
    queue.until(|queue| queue.taken == 2).await;
    assert_eq!(queue.refused(2), (Code::InvalidArgument, reason::FIELD_MISSING));
    bench.server.shutdown().await;
}

#[tokio::test]
async fn cancel_and_close_follow_what_was_sent_before_them() {
    let bench = Bench::new().await;
    let (mut upper, file) = upper_on(&bench, "echo").await; // keeps reads until data comes
    let calls = vec![send_read(10), send_read(11), cancel(10), close("")];
    let mut queue = Queue::open(&mut upper, 0, &file, calls).await;
    queue.until(|queue| queue.result(4).is_some() && queue.entries.len() == 2).await;
    assert!(matches!(queue.result(3), Some(Outcome::Cancelled(answer)) if answer.cancelled));
    assert_eq!(queue.result(4), Some(&Outcome::Closed(v1::CloseResponse {})));
    let aborted = 0x8007_03E3;
    let mut completions = queue.completions();
    completions.sort_unstable();
    assert_eq!(completions, [(10, aborted), (11, aborted)]);
    // A completed request that is not deleted pins its file (CLS-19).
    let acknowledging = v1::QueuePairRequest { acknowledged_sequence: 2, ..Default::default() };
    queue.sender.send(acknowledging).await.expect("the stream is open");
    queue.until(|queue| queue.entries.len() == 3).await;
    let last = queue.entries.last().map(|(_, body)| body.clone());
    let Some(Body::Event(event)) = last else { panic!("the last entry is FileGone, not {last:?}") };
    assert_eq!(event.body, Some(v1::event::Body::FileGone(v1::FileGone { file_id: file })));
    assert_eq!(event.sequence, 3);
    bench.server.shutdown().await;
}

#[tokio::test]
async fn the_fine_grained_calls_can_be_submitted_too() {
    let bench = Bench::new().await;
    let (mut upper, file) = upper_on(&bench, "null").await;
    let format = read(0, "", 1, 0).format;
    let calls = vec![
        Call::CreateRequest(v1::CreateRequestRequest { request_id: 10, ..Default::default() }),
        Call::SendRequest(v1::SendRequestRequest { request_id: 10, ..Default::default() }),
        Call::FormatRequest(v1::FormatRequestRequest { request_id: 10, format }),
        Call::SendRequest(v1::SendRequestRequest { request_id: 10, ..Default::default() }),
    ];
    let mut queue = Queue::open(&mut upper, 0, &file, calls).await;
    queue.until(|queue| queue.entries.len() == 1).await;
    assert!(matches!(queue.result(1), Some(Outcome::Created(created)) if created.hresult == 0));
    let unformatted = 0xD000_00D0;
    assert!(matches!(queue.result(2), Some(Outcome::Sent(sent)) if sent.hresult == unformatted));
    assert!(matches!(queue.result(3), Some(Outcome::Formatted(formatted)) if formatted.hresult == 0));
    assert_eq!(queue.result(4), None, "it was accepted");
    // Nobody said on this stream what the request was formatted for: its completion comes in full.
    let Body::Event(event) = &queue.entries[0].1 else { panic!("{:?}", queue.entries) };
    let Some(v1::event::Body::RequestCompleted(completed)) = &event.body else { panic!("{event:?}") };
    assert_eq!((completed.request_id, completed.io_kind()), (10, v1::IoKind::Read));
    let calls = vec![
        Call::ReuseRequest(v1::ReuseRequestRequest { request_id: 10, ..Default::default() }),
        Call::DeleteRequest(v1::DeleteRequestRequest { request_id: 10 }),
        cancel(10),
    ];
    queue.submit(&file, calls).await;
    queue.until(|queue| queue.taken == 7).await;
    assert_eq!(queue.result(5), Some(&Outcome::Reused(v1::ReuseRequestResponse {})));
    assert!(matches!(queue.result(6), Some(Outcome::Deleted(deleted)) if deleted.hresult == 0));
    assert_eq!(queue.refused(7), (Code::NotFound, reason::REQUEST_GONE));
    bench.server.shutdown().await;
}

#[tokio::test]
async fn what_is_submitted_again_after_a_break_does_no_second_io() {
    let bench = Bench::new().await;
    let (mut upper, file) = upper_on(&bench, "disk").await;
    let calls = || (10..20).map(send_read).collect::<Vec<_>>();
    let mut queue = Queue::open(&mut upper, 0, &file, calls()).await;
    queue.until(|queue| queue.entries.len() >= 4).await;
    let (processed, first) = (4, queue.completions());
    drop(queue); // the connection breaks; the client had processed four events
    let mut queue = Queue::open(&mut upper, processed, &file, calls()).await;
    queue.until(|queue| queue.taken == 10 && queue.entries.len() == 6).await;
    assert_eq!(queue.completions(), (14..20).map(|id| (id, 0)).collect::<Vec<_>>());
    assert_eq!(first[..4], (10..14).map(|id| (id, 0)).collect::<Vec<_>>());
    for submission in 1..=4 {
        assert_eq!(queue.refused(submission), (Code::NotFound, reason::REQUEST_GONE), "acknowledged, so deleted");
    }
    let delivered = |entry: &&v1::TraceEntry| entry.kind() == v1::TraceKind::Io && entry.layer == 2;
    assert_eq!(bench.trace(&upper.stack).await.iter().filter(delivered).count(), 10, "ten reads reached the disk");
    bench.server.shutdown().await;
}

#[tokio::test]
async fn acknowledging_on_the_stream_deletes_the_requests() {
    let bench = Bench::with(|config| config.limits.requests_max = 2).await;
    let (mut upper, file) = upper_on(&bench, "null").await;
    let mut queue = Queue::open(&mut upper, 0, &file, (10..13).map(send_read).collect()).await;
    queue.until(|queue| queue.taken == 3 && queue.entries.len() == 2).await;
    assert_eq!(queue.refused(3), (Code::ResourceExhausted, reason::LIMIT_REACHED));
    let acknowledging = v1::QueuePairRequest { acknowledged_sequence: 2, ..batch(&file, vec![send_read(12)]) };
    queue.sender.send(acknowledging).await.expect("the stream is open");
    queue.until(|queue| queue.entries.len() == 3).await;
    assert_eq!(queue.completions()[2], (12, 0));
    bench.server.shutdown().await;
}

#[tokio::test]
async fn a_queue_pair_is_the_sessions_event_stream() {
    let bench = Bench::new().await;
    let (mut upper, file) = upper_on(&bench, "null").await;
    let mut queue = Queue::open(&mut upper, 0, &file, Vec::new()).await;
    assert!(queue.hear().await.expect("the first message is answered"));
    let mut events = upper.events(0).await;
    let replaced = queue.hear().await.expect_err("a newer stream took over");
    assert_eq!(refusal(&replaced), (Code::FailedPrecondition, reason::EVENT_STREAM_REPLACED.to_owned()));
    upper.device.format_and_send(write(40, &file, b"x")).await.expect("the session lives");
    assert_eq!(events.completion().await.1.request_id, 40);
    bench.server.shutdown().await;
}

#[tokio::test]
async fn a_batch_above_the_limit_ends_the_stream_and_nothing_of_it_is_taken() {
    let bench = Bench::with(|config| config.limits.batch_submissions_max = 4).await;
    let (mut upper, file) = upper_on(&bench, "null").await;
    let mut queue = Queue::open(&mut upper, 0, &file, (10..15).map(send_read).collect()).await;
    let ended = queue.hear().await.expect_err("five are too many");
    assert_eq!(refusal(&ended), (Code::ResourceExhausted, reason::LIMIT_REACHED.to_owned()));
    let view = upper.device.get_request(v1::GetRequestRequest { request_id: 10 }).await.expect_err("never sent");
    assert_eq!(refusal(&view).1, reason::REQUEST_NOT_OWNED_OR_UNKNOWN);
    bench.server.shutdown().await;
}

#[tokio::test]
async fn a_driver_stop_refuses_the_rest_and_ends_the_stream() {
    let bench = Bench::new().await;
    let (mut upper, file) = upper_on(&bench, "null").await;
    let twice = vec![close(""), close("")]; // CLS-17
    let mut queue = Queue::open(&mut upper, 0, &file, twice).await;
    let stopped = |queue: &Queue| {
        let is_stop = |body: &Body| match body {
            Body::Event(event) => matches!(event.body, Some(v1::event::Body::DriverStopped(_))),
            Body::Completion(_) => false,
        };
        queue.entries.iter().any(|(_, body)| is_stop(body))
    };
    queue.until(stopped).await;
    while queue.hear().await.expect("it ends in order") {}
    bench.server.shutdown().await;
}

#[tokio::test]
async fn a_close_that_a_driver_stop_cuts_off_is_refused() {
    let bench = Bench::new().await;
    let (mut upper, file) = upper_on(&bench, "scripted").await;
    bench.control(&upper.stack, 1, "on cleanup: block").await;
    let mut queue = Queue::open(&mut upper, 0, &file, vec![close("")]).await;
    queue.until(|queue| queue.taken == 1).await;
    queue.submit(&file, vec![close("")]).await; // CLS-17
    while queue.hear().await.expect("it ends in order") {}
    assert_eq!(queue.taken, 2);
    assert_eq!(queue.result(1), Some(&Outcome::Closed(v1::CloseResponse {})), "the stop lets it return");
    assert_eq!(queue.refused(2), (Code::FailedPrecondition, reason::STACK_STOPPED), "it will not return");
    bench.server.shutdown().await;
}

#[tokio::test]
async fn a_completion_of_another_format_than_the_submitted_one_comes_in_full() {
    let bench = Bench::new().await;
    let (mut upper, file) = upper_on(&bench, "null").await;
    let sent = v1::FormatAndSendRequest { retain: true, ..read(10, "", 1, 0) };
    let mut queue = Queue::open(&mut upper, 0, &file, vec![Call::FormatAndSend(sent)]).await;
    queue.until(|queue| queue.entries.len() == 1).await;
    assert_eq!(queue.completions(), [(10, 0)]);
    let format = write(0, "", b"x").format;
    let calls = vec![
        Call::ReuseRequest(v1::ReuseRequestRequest { request_id: 10, ..Default::default() }),
        Call::FormatRequest(v1::FormatRequestRequest { request_id: 10, format }),
        Call::SendRequest(v1::SendRequestRequest { request_id: 10, ..Default::default() }),
    ];
    queue.submit(&file, calls).await;
    queue.until(|queue| queue.entries.len() == 2).await;
    let Body::Event(event) = &queue.entries[1].1 else { panic!("{:?}", queue.entries) };
    let Some(v1::event::Body::RequestCompleted(completed)) = &event.body else { panic!("{event:?}") };
    assert_eq!((completed.request_id, completed.io_kind()), (10, v1::IoKind::Write));
    bench.server.shutdown().await;
}

#[tokio::test]
async fn a_batch_stops_where_its_data_would_not_be_retained() {
    let bench = Bench::with(|config| config.limits.retained_bytes_max = 8192).await;
    let (mut upper, file) = upper_on(&bench, "disk").await;
    let reads = (10..14).map(|id| Call::FormatAndSend(read(id, "", 4096, 0))).collect();
    let mut queue = Queue::open(&mut upper, 0, &file, reads).await;
    queue.until(|queue| queue.taken == 4 && queue.entries.len() == 2).await;
    assert_eq!(queue.completions(), [(10, 0), (11, 0)]);
    for submission in [3, 4] {
        assert_eq!(queue.refused(submission), (Code::ResourceExhausted, reason::RETENTION_FULL));
    }
    bench.server.shutdown().await;
}
