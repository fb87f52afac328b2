//! What goes into a message of a QueuePair: everything that is ready, nothing that is waited for.

use std::sync::Arc;

use lowerdeck_client::v1::submission::Call;
use lowerdeck_client::{
    Completion, DriverCreatedFile, HResult, Refusal, Road, Session, SessionEvent, SessionOptions, limits, reason, v1,
};
use tokio::task::JoinSet;
use tonic::Code;

use crate::fake::{Fake, Sent, accepted, refused};

/// A session on a QueuePair with one file, and with room for many requests; the first message has been heard.
async fn open() -> (Fake, Session, Arc<DriverCreatedFile>) {
    let mut fake = Fake::start().await;
    let options = SessionOptions::new("fake").in_flight_window(2 * limits::SUBMISSIONS_UNTAKEN);
    let session = fake.open(options).await;
    let file = session.device().create_wdf_file(None).await.expect("created");
    let first = fake.messages.recv().await.expect("the stream is opened");
    assert_eq!((first.after_sequence, first.submissions.len()), (0, 0));
    (fake, session, Arc::new(file))
}

async fn sent(fake: &mut Fake) -> Sent {
    fake.sends.recv().await.expect("a send")
}

/// The next message that carries submissions.
async fn batch(fake: &mut Fake) -> v1::QueuePairRequest {
    loop {
        let message = fake.messages.recv().await.expect("a message");
        if !message.submissions.is_empty() {
            return message;
        }
    }
}

/// Reads by as many callers as are asked for, each of which waits for its completion.
fn readers(file: &Arc<DriverCreatedFile>, count: usize) -> JoinSet<Completion> {
    let mut readers = JoinSet::new();
    for _ in 0..count {
        let file = Arc::clone(file);
        readers.spawn(async move { file.read(0, 4).await.expect("accepted").await.expect("completed") });
    }
    readers
}

#[tokio::test]
async fn what_64_callers_send_at_once_goes_out_in_few_messages() {
    let (mut fake, _session, file) = open().await;
    let mut readers = readers(&file, 64);
    let (mut messages, mut submissions) = (0, 0);
    while submissions < 64 {
        let batch = batch(&mut fake).await;
        messages += 1;
        submissions += batch.submissions.len();
        assert_eq!(batch.file_id, file.id(), "the file is named once");
        for submission in batch.submissions {
            let Some(Call::FormatAndSend(send)) = submission.call else { panic!("{submission:?}") };
            assert_eq!(send.format.expect("a format").file_id, "");
        }
    }
    assert!(messages <= 4, "{messages} messages for {submissions} submissions");
    for _ in 0..64 {
        let sent = sent(&mut fake).await;
        let id = sent.message.request_id;
        sent.answer(accepted());
        fake.completed(id, 0);
    }
    while let Some(completion) = readers.join_next().await {
        completion.expect("no panic").ok().expect("a success");
    }
}

#[tokio::test]
async fn a_lone_send_goes_out_alone() {
    let (mut fake, _session, file) = open().await;
    for _ in 0..3 {
        let (pending, ()) = tokio::join!(file.read(0, 4), async {
            let sent = sent(&mut fake).await;
            fake.completed(sent.message.request_id, 0);
            sent.answer(accepted());
        });
        assert_eq!(batch(&mut fake).await.submissions.len(), 1);
        pending.expect("accepted").await.expect("completed");
    }
}

#[tokio::test]
async fn an_acknowledgement_goes_along_with_the_next_submission() {
    let (mut fake, _session, file) = open().await;
    for sequence in 0..10 {
        let (pending, ()) = tokio::join!(file.read(0, 4), async {
            let sent = sent(&mut fake).await;
            assert_eq!(fake.completed(sent.message.request_id, 0), sequence + 1);
            sent.answer(accepted());
        });
        pending.expect("accepted").await.expect("completed");
        assert_eq!(batch(&mut fake).await.acknowledged_sequence, sequence);
    }
    fake.acknowledged(10).await; // of the last one as well, though nothing follows
    assert_eq!(fake.acknowledge_calls(), 0);
}

#[tokio::test]
async fn the_servers_bound_of_a_batch_is_kept() {
    let mut fake = Fake::start().await;
    fake.limits(v1::SessionLimits { batch_submissions_max: 10, ..Default::default() });
    let session = fake.open(SessionOptions::new("fake")).await;
    let file = Arc::new(session.device().create_wdf_file(None).await.expect("created"));
    let _readers = readers(&file, 64);
    let mut submissions = 0;
    while submissions < 64 {
        let batch = batch(&mut fake).await;
        assert!(batch.submissions.len() <= 10, "{} submissions", batch.submissions.len());
        submissions += batch.submissions.len();
    }
}

#[tokio::test]
async fn callers_beyond_the_bound_wait_until_the_server_takes_submissions() {
    let (mut fake, session, file) = open().await;
    let bound = limits::SUBMISSIONS_UNTAKEN;
    let _readers = readers(&file, bound + 1);
    let mut asked = Vec::new();
    while asked.len() < bound {
        asked.push(sent(&mut fake).await);
    }
    // A call on the other road is answered: the client had every chance to write more.
    session.describe().await.expect("an answer");
    assert!(fake.sends.is_empty(), "one more than the bound was written");
    asked.swap_remove(0).answer(accepted());
    sent(&mut fake).await;
}

/// What a refusal looks like on `road`.
async fn refusal(road: Road) -> (String, Option<Refusal>) {
    let mut fake = Fake::start().await;
    let session = fake.open(SessionOptions::new("fake").road(road)).await;
    let file = session.device().create_wdf_file(None).await.expect("created");
    let (pending, ()) = tokio::join!(file.read(0, 4), async {
        sent(&mut fake).await.answer(Err(refused(Code::PermissionDenied, reason::FILE_NOT_OWNED_OR_UNKNOWN)));
    });
    let error = pending.expect_err("it was refused");
    assert!(error.is(reason::FILE_NOT_OWNED_OR_UNKNOWN));
    (error.to_string(), error.refusal().cloned())
}

#[tokio::test]
async fn a_refused_submission_is_the_same_error_as_the_refused_call() {
    assert_eq!(refusal(Road::QueuePair).await, refusal(Road::Unary).await);
}

#[tokio::test]
async fn the_completion_of_a_submission_is_told_in_full() {
    let (mut fake, session, file) = open().await;
    let mut events = session.subscribe();
    let (pending, id) = tokio::join!(file.device_io_control(0x22_2000, "in", 4), async {
        let sent = sent(&mut fake).await;
        let id = sent.message.request_id;
        sent.answer(accepted());
        id
    });
    fake.completed(id, 0);
    let completion = pending.expect("accepted").await.expect("completed");
    assert_eq!((completion.file_id.as_str(), completion.ioctl_code), (file.id(), 0x22_2000));
    assert_eq!((completion.io_kind, completion.hresult), (v1::IoKind::DeviceControl, HResult::S_OK));
    let told = events.recv().await.expect("told");
    assert_eq!(told, SessionEvent::RequestCompleted(completion));
}
