//! A queue pair that is misused: bytes that are no batch, too many of them, none, and a client that does not read.

use bytes::Bytes;
use lowerdeck_proto::{reason, v1};
use lowerdeck_tests::wire::Server;
use prost::Message as _;
use tokio_stream::Stream;
use tonic::Code::{InvalidArgument, PermissionDenied, ResourceExhausted};
use tonic::{Status, Streaming};
use v1::queue_entry::Body;
use v1::submission::Call;
use v1::submission_result::Result as Outcome;

use crate::contract::{self, Ids};
use crate::refusal::{self, Refusal, expect, granted};
use crate::upper::{self, Upper};

/// The HTTP path of the call.
const PATH: &str = "/lowerdeck.v1.DeviceService/QueuePair";

/// Field 4, the submissions, longer than the message.
const NO_BATCH: Bytes = Bytes::from_static(&[0x22, 0xFF, 0xFF, 0x03, 0x00]);

/// Sends `bodies` as they are.
async fn raw(
    server: &Server,
    upper: &Upper,
    bodies: impl Stream<Item = Bytes> + Send + 'static,
) -> Result<Streaming<Bytes>, Status> {
    contract::converse(&server.channel(), PATH, &[&upper.id.to_string()], bodies).await
}

/// Reads up to the refusal that ends the stream; gives what came before it, too.
async fn ended(mut answers: Streaming<Bytes>) -> (Vec<v1::QueuePairResponse>, Status) {
    let mut heard = Vec::new();
    loop {
        match answers.message().await {
            Ok(Some(bytes)) => heard.push(v1::QueuePairResponse::decode(bytes).expect("the server encodes it")),
            Ok(None) => panic!("the stream ended with OK after {heard:?}"),
            Err(status) => return (heard, status),
        }
    }
}

/// A batch of reads numbered `numbers` on `file`.
fn reads(file: &str, numbers: std::ops::Range<u64>) -> v1::QueuePairRequest {
    let call = |request_id| {
        let format = Some(upper::read("", 4));
        Call::FormatAndSend(v1::FormatAndSendRequest { request_id, format, ..Default::default() })
    };
    let submissions = numbers.map(|number| v1::Submission { call: Some(call(number)) }).collect();
    v1::QueuePairRequest { file_id: file.to_owned(), submissions, ..Default::default() }
}

/// Sends a good batch and then `bad`; the good batch must be answered first. Gives the status that ends the stream.
async fn after_a_good_batch(server: &Server, bad: Bytes) -> Status {
    let upper = Upper::on(server, "scripted").await;
    let file = upper.file().await;
    let mut batch = reads(&file, 100..103);
    batch.submissions.push(v1::Submission { call: Some(Call::Cancel(v1::CancelRequest { request_id: 0 })) });
    let bodies = tokio_stream::iter([Bytes::from(batch.encode_to_vec()), bad]);
    let answers = raw(server, &upper, bodies).await.expect("the stream opens");
    let (heard, status) = ended(answers).await;
    assert_eq!(heard.iter().map(|message| message.submissions_taken).max(), Some(4), "{heard:?}");
    let results: Vec<_> = heard.iter().flat_map(|message| &message.results).map(|result| result.submission).collect();
    assert_eq!(results, [4], "the refusal of the fourth was told");
    // Nothing is lost: the completions are there to be read again.
    let mut events = upper.events_after(0).await;
    for request in 100..103 {
        assert_eq!(events.completion().await.1.request_id, request);
    }
    status
}

#[test]
fn bytes_that_are_no_batch_are_refused_and_change_nothing() {
    let server = Server::start();
    server.run(async {
        let upper = Upper::on(&server, "scripted").await;
        let before = upper.standing().await;
        let answers = raw(&server, &upper, tokio_stream::once(NO_BATCH)).await.expect("the stream opens");
        let (heard, status) = ended(answers).await;
        assert!(heard.is_empty(), "there is nothing to answer: {heard:?}");
        assert_eq!(expect(Err::<(), _>(status), InvalidArgument, reason::FIELD_INVALID).fields(), ["submissions"]);
        assert_eq!(upper.standing().await, before);
    });
}

#[test]
fn bytes_that_are_no_batch_end_the_stream_after_what_was_taken_is_answered() {
    let server = Server::start();
    server.run(async {
        let status = after_a_good_batch(&server, NO_BATCH).await;
        expect(Err::<(), _>(status), InvalidArgument, reason::FIELD_INVALID);
    });
}

/// One byte more than the default limit of a message.
fn oversize() -> (Bytes, u64) {
    let max = lowerdeck_server::host::limits::Limits::default().message_bytes_max;
    (Bytes::from(vec![0; usize::try_from(max).expect("a message fits memory") + 1]), max)
}

fn names_the_message_limit(refusal: &Refusal, max: u64) {
    assert_eq!((refusal.metadata("limit"), refusal.metadata("value")), ("message_bytes_max", &*max.to_string()));
}

#[test]
fn an_oversize_batch_names_the_limit_and_changes_nothing() {
    let server = Server::start();
    server.run(async {
        let upper = Upper::on(&server, "scripted").await;
        let before = upper.standing().await;
        let (body, max) = oversize();
        let answers = raw(&server, &upper, tokio_stream::once(body)).await;
        let status = match answers {
            Ok(answers) => ended(answers).await.1,
            Err(status) => status,
        };
        names_the_message_limit(&expect(Err::<(), _>(status), ResourceExhausted, reason::MESSAGE_TOO_LARGE), max);
        assert_eq!(upper.standing().await, before);
    });
}

#[test]
fn an_oversize_batch_ends_the_stream_after_what_was_taken_is_answered() {
    let server = Server::start();
    server.run(async {
        let (body, max) = oversize();
        let status = after_a_good_batch(&server, body).await;
        names_the_message_limit(&expect(Err::<(), _>(status), ResourceExhausted, reason::MESSAGE_TOO_LARGE), max);
    });
}

#[test]
fn a_stream_without_a_message_ends_with_ok() {
    let server = Server::start();
    server.run(async {
        let upper = Upper::on(&server, "scripted").await;
        let before = upper.standing().await;
        let mut events = upper.events_after(0).await;
        let mut answers = raw(&server, &upper, tokio_stream::empty()).await.expect("the stream opens");
        assert_eq!(answers.message().await.expect("it ends with OK"), None);
        assert_eq!(upper.standing().await, before);
        // It never was the session's event stream.
        let file = upper.file().await;
        let request = upper.send(upper::read(&file, 4)).await;
        assert_eq!(events.completion().await.1.request_id, request);
    });
}

#[test]
fn a_submission_without_any_part_is_refused_as_its_call_is() {
    let server = Server::start();
    server.run(async {
        let upper = Upper::on(&server, "scripted").await;
        let before = upper.standing().await;
        let session = upper.id.to_string();
        let forms = contract::forms();
        let mut asked = 0;
        for form in forms.iter().filter(|form| form.is_submission()) {
            let is_its_call = |other: &&contract::Form| !other.is_submission() && other.message() == form.message();
            let call = forms.iter().find(is_its_call).expect("every submission is a call");
            let mut said = Vec::new();
            for form in [call, form] {
                let path = contract::path_of(&form.method);
                let answer = contract::call(&server.channel(), &path, &[&session], form.empty()).await;
                let status = form.judged(answer).expect_err("it names nothing");
                said.push(refusal::read(status).said());
            }
            assert_eq!(said[0], said[1], "{}", form.name());
            asked += 1;
        }
        assert!(asked > 0);
        assert_eq!(upper.standing().await, before);
    });
}

#[test]
fn the_file_of_a_batch_is_looked_at_only_where_a_submission_leaves_its_own_empty() {
    let server = Server::start();
    server.run(async {
        let upper = Upper::on(&server, "scripted").await;
        let foreign = Upper::on(&server, "scripted").await.file().await;
        let session = upper.id.to_string();
        let mut asked = 0;
        for form in contract::forms().into_iter().filter(contract::Form::is_submission) {
            // In all other places the ids are the session's own, so that nothing is refused for them.
            let chooses = form.ids().iter().any(contract::IdPath::is_chosen_by_client);
            let request = if chooses { upper.number() } else { upper.object().await };
            let ids =
                Ids { file: upper.file().await, request, target: String::new(), handle: String::new(), callback: 1 };
            let body = [form.filled(&ids, None), file_of_a_batch(&foreign)].concat();
            let answer = contract::call(&server.channel(), PATH, &[&session], body.into()).await;
            if let Err(status) = form.judged(answer) {
                assert_ne!(refusal::read(status).said().1, reason::FILE_NOT_OWNED_OR_UNKNOWN, "{}", form.name());
            }
            asked += 1;
        }
        assert!(asked > 0);
        let batch = v1::QueuePairRequest { file_id: foreign, ..reads("", 1000..1001) };
        let answer = contract::call(&server.channel(), PATH, &[&session], batch.encode_to_vec().into()).await;
        let answer = v1::QueuePairResponse::decode(answer.expect("it is answered").expect("it is answered"));
        let results = answer.expect("the server encodes it").results;
        let Some(Outcome::Refused(refused)) = results.into_iter().find_map(|result| result.result) else {
            panic!("the file of the batch was not looked at")
        };
        let status = refusal::of_submission(refused);
        expect(Err::<(), _>(status), PermissionDenied, reason::FILE_NOT_OWNED_OR_UNKNOWN);
    });
}

/// The end of a batch that has `file` as its own: of a field that comes twice, the last one counts.
fn file_of_a_batch(file: &str) -> Bytes {
    let batch = v1::QueuePairRequest { file_id: file.to_owned(), ..Default::default() };
    batch.encode_to_vec().into()
}

/// Submissions of the flood, and of one of its batches: more than the window takes.
const FLOOD: u64 = 10_000;
const BATCH: u64 = 2_500;
/// The window of the flooded session.
const WINDOW: u64 = 1_000;
/// Where the flood is numbered.
const FIRST: u64 = 1_000_000;

/// What the flood led to.
#[derive(Default)]
struct Heard {
    taken: u64,
    completions: Vec<(u64, u32)>,
    gone: Vec<String>,
    refused: Vec<u64>,
    last: u64,
}

impl Heard {
    fn hear(&mut self, message: v1::QueuePairResponse) {
        self.taken = self.taken.max(message.submissions_taken);
        for result in message.results {
            let Some(Outcome::Refused(refused)) = result.result else { panic!("{result:?}") };
            let status = refusal::of_submission(refused);
            let refusal = expect(Err::<(), _>(status), ResourceExhausted, reason::RETENTION_FULL);
            let limit = (refusal.metadata("limit"), refusal.metadata("value"));
            assert_eq!(limit, ("retained_events_max", &*WINDOW.to_string()));
            self.refused.push(FIRST + result.submission - 1);
        }
        for (number, entry) in (message.first_sequence..).zip(message.entries) {
            assert_eq!(number, self.last + 1, "events have no gaps");
            self.last = number;
            match entry.body {
                Some(Body::Completion(done)) => self.completions.push((done.request_id, done.hresult)),
                Some(Body::Event(event)) => match event.body {
                    Some(v1::event::Body::RequestCompleted(done)) => {
                        self.completions.push((done.request_id, done.hresult));
                    }
                    Some(v1::event::Body::FileGone(gone)) => self.gone.push(gone.file_id),
                    other => panic!("{other:?}"),
                },
                None => panic!("an entry has a body"),
            }
        }
    }
}

#[test]
fn a_flood_that_nobody_reads_is_accepted_up_to_the_window_and_accounted_for() {
    let server = Server::start_with(|limits| limits.retained_events_max = WINDOW);
    server.run(async {
        let upper = Upper::on(&server, "scripted").await;
        let (file, other) = (upper.file().await, upper.file().await);
        upper.control("on read nth=1: arm").await;
        let kept = upper.send(upper::read(&file, 4)).await;
        let starts = (FIRST..FIRST + FLOOD).step_by(usize::try_from(BATCH).expect("it is small"));
        let batches: Vec<_> = starts.map(|start| reads(&file, start..start + BATCH)).collect();
        let mut answers = granted(upper.device().queue_pair(tokio_stream::iter(batches)).await);
        // Nobody reads, until the window is full.
        while upper.view().await.last_event_sequence < WINDOW {}
        let accepted = |view: v1::Session| view.balance.map(|balance| balance.accepted);
        let view = upper.view().await;
        assert_eq!(view.last_event_sequence, WINDOW, "nothing beyond the window was accepted");
        assert_eq!(accepted(view), Some(1 + WINDOW));
        assert_eq!(upper.cancel(kept).await, v1::CancelAnswer::Delivered);
        upper.close(&other).await;

        let mut heard = Heard::default();
        while heard.taken < FLOOD || heard.last < WINDOW + 2 {
            let message = answers.message().await.unwrap_or_else(|status| panic!("{status:?}"));
            heard.hear(message.unwrap_or_else(|| panic!("the stream ended after event {}", heard.last)));
        }
        let expected = (FIRST..FIRST + WINDOW).map(|number| (number, 0)).chain([(kept, 0x8007_03E3)]);
        assert_eq!(heard.completions, expected.collect::<Vec<_>>());
        assert_eq!(heard.gone, [other]);
        assert_eq!(heard.refused, (FIRST + WINDOW..FIRST + FLOOD).collect::<Vec<_>>());
        assert_eq!(accepted(upper.view().await), Some(1 + WINDOW));
        upper.acknowledge(heard.last).await;
        let format = Some(upper::read(&file, 4));
        let again = v1::FormatAndSendRequest { request_id: FIRST + WINDOW, format, ..Default::default() };
        assert_eq!(granted(upper.device().format_and_send(again).await).hresult, 0, "its number stayed free");
    });
}

/// More than the windows of a connection take, in reads of this size: a stream that nobody reads stands still.
const UNREAD_READS: u64 = 8;
/// Bytes of each.
const UNREAD_BYTES: u64 = 1 << 20;

#[test]
fn what_comes_when_the_session_has_ended_takes_no_event_from_its_client() {
    let server = Server::start();
    server.run(async {
        let upper = Upper::on(&server, "ram(size=16MiB)").await;
        let file = upper.file().await;
        let (sender, bodies) = tokio::sync::mpsc::channel(2);
        let body = |batch: v1::QueuePairRequest| Bytes::from(batch.encode_to_vec());
        let mut batch = reads(&file, 100..100 + UNREAD_READS);
        for submission in &mut batch.submissions {
            if let Some(Call::FormatAndSend(send)) = &mut submission.call {
                send.format = Some(upper::read("", UNREAD_BYTES));
            }
        }
        sender.send(body(batch)).await.expect("the stream takes it");
        let bodies = tokio_stream::wrappers::ReceiverStream::new(bodies);
        let mut answers = raw(&server, &upper, bodies).await.expect("the stream opens");
        while upper.view().await.balance.is_none_or(|balance| balance.completed < UNREAD_READS) {}
        upper.close(&file).await;
        granted(upper.session().close_session(v1::CloseSessionRequest {}).await);
        // The stream has not got to the end: whatever it finds next has come after it.
        let late = v1::QueuePairRequest { acknowledged_sequence: 1, ..reads("", 1..2) };
        sender.send(body(late)).await.expect("the stream takes it");
        let mut heard = Vec::new();
        while let Some(bytes) = answers.message().await.expect("an ended session ends its stream with OK") {
            heard.push(v1::QueuePairResponse::decode(bytes).expect("the server encodes it"));
        }
        let bodies: Vec<_> =
            heard.iter().flat_map(|message| &message.entries).filter_map(|entry| entry.body.as_ref()).collect();
        let is_completion = |body: &&&Body| matches!(body, Body::Completion(_));
        assert_eq!(bodies.iter().filter(is_completion).count() as u64, UNREAD_READS);
        let last = bodies.last();
        assert!(matches!(last, Some(Body::Event(event)) if is_session_ending(event)), "{last:?}");
        assert_eq!(heard.iter().flat_map(|message| &message.results).filter(|result| is_late(result)).count(), 1);
    });
}

fn is_session_ending(event: &v1::Event) -> bool {
    matches!(event.body, Some(v1::event::Body::SessionEnding(_)))
}

fn is_late(result: &v1::SubmissionResult) -> bool {
    matches!(&result.result, Some(Outcome::Refused(refused)) if refused.reason == reason::SESSION_ENDED)
}
