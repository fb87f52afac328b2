//! Who is woken, who waits, and what a message acknowledges.

use std::future::Future;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Wake;

use super::*;

/// Counts how often the connection is woken.
#[derive(Default)]
struct Connection(AtomicUsize);

impl Wake for Connection {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl Connection {
    fn wakes(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    /// What there is to write now.
    fn take(self: &Arc<Self>, outbound: &mut Outbound) -> Poll<Option<v1::QueuePairRequest>> {
        let waker = Arc::clone(self).into();
        Pin::new(outbound).poll_next(&mut Context::from_waker(&waker))
    }

    fn message(self: &Arc<Self>, outbound: &mut Outbound) -> v1::QueuePairRequest {
        match self.take(outbound) {
            Poll::Ready(Some(message)) => message,
            other => panic!("no message: {other:?}"),
        }
    }
}

/// A queue whose stream is open, with nothing to write.
fn open() -> (Arc<SubmissionQueue>, Outbound, Arc<Connection>) {
    let queue = Arc::new(SubmissionQueue::new());
    let mut outbound = queue.begin();
    let connection = Arc::new(Connection::default());
    connection.message(&mut outbound);
    queue.settle(0, Vec::new()).expect("an answer without content").tell();
    assert!(connection.take(&mut outbound).is_pending());
    (queue, outbound, connection)
}

fn cancel(request_id: u64) -> Call {
    Call::Cancel(v1::CancelRequest { request_id })
}

/// A submission that has been polled once.
fn submitted(queue: &Arc<SubmissionQueue>, call: Call) -> Pin<Box<dyn Future<Output = Option<Outcome>>>> {
    let queue = Arc::clone(queue);
    let mut submitting: Pin<Box<dyn Future<Output = _>>> =
        Box::pin(async move { queue.submit(call, Repeat::Safe).await });
    let polled = submitting.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    assert_eq!(polled, Poll::Pending);
    submitting
}

#[test]
fn a_lone_submission_wakes_the_connection_at_once_and_goes_alone() {
    let (queue, mut outbound, connection) = open();
    let _submission = submitted(&queue, cancel(7));
    assert_eq!(connection.wakes(), 1);
    let message = connection.message(&mut outbound);
    assert_eq!(message.submissions, [v1::Submission { call: Some(cancel(7)) }]);
    assert!(connection.take(&mut outbound).is_pending());
}

#[test]
fn what_comes_before_the_connection_looks_goes_with_the_first() {
    let (queue, mut outbound, connection) = open();
    let _submissions: Vec<_> = (1..=64).map(|id| submitted(&queue, cancel(id))).collect();
    assert_eq!(connection.wakes(), 1);
    assert_eq!(connection.message(&mut outbound).submissions.len(), 64);
}

#[test]
fn a_submitter_beyond_the_bound_waits_until_the_server_has_taken_one() {
    let (queue, mut outbound, connection) = open();
    let bound = limits::SUBMISSIONS_UNTAKEN as u64;
    let _submissions: Vec<_> = (1..=bound).map(|id| submitted(&queue, cancel(id))).collect();
    let mut beyond = submitted(&queue, cancel(bound + 1));
    let mut written = 0;
    while let Poll::Ready(Some(message)) = connection.take(&mut outbound) {
        written += message.submissions.len() as u64;
    }
    assert_eq!(written, bound);
    queue.settle(1, Vec::new()).expect("it was written").tell();
    assert!(beyond.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    assert_eq!(connection.message(&mut outbound).submissions, [v1::Submission { call: Some(cancel(bound + 1)) }]);
}

#[test]
fn a_break_gives_back_the_places_of_what_is_not_written_again() {
    let (queue, mut outbound, connection) = open();
    let queue_of_close = Arc::clone(&queue);
    let close = Call::Close(v1::CloseRequest { file_id: "f".to_owned() });
    let mut closing = Box::pin(async move { queue_of_close.submit(close, Repeat::Never).await });
    let mut context = Context::from_waker(Waker::noop());
    assert!(closing.as_mut().poll(&mut context).is_pending());
    let _again = submitted(&queue, cancel(1));
    connection.message(&mut outbound);
    assert_eq!(queue.room.available_permits(), limits::SUBMISSIONS_UNTAKEN - 2);
    queue.interrupt("cut");
    assert_eq!(closing.as_mut().poll(&mut context), Poll::Ready(Some(Outcome::Interrupted("cut".to_owned()))));
    assert_eq!(queue.room.available_permits(), limits::SUBMISSIONS_UNTAKEN - 1);
}

#[test]
fn a_new_stream_ends_the_older_one_and_says_first_where_it_resumes() {
    let (queue, mut outbound, connection) = open();
    queue.processed(3, false);
    let mut newer = queue.begin();
    assert_eq!(connection.wakes(), 1, "the older one hears of its end");
    assert_eq!(connection.take(&mut outbound), Poll::Ready(None));
    let first = connection.message(&mut newer);
    assert_eq!((first.after_sequence, first.submissions.len()), (3, 0));
}

#[test]
fn nothing_is_submitted_on_a_stream_before_the_server_has_answered_there() {
    let (queue, _, connection) = open();
    let _submission = submitted(&queue, cancel(7));
    let mut newer = queue.begin();
    assert!(connection.message(&mut newer).submissions.is_empty());
    assert!(connection.take(&mut newer).is_pending());
    let before = connection.wakes();
    queue.settle(0, Vec::new()).expect("an answer without content").tell();
    assert_eq!(connection.wakes(), before + 1);
    assert_eq!(connection.message(&mut newer).submissions.len(), 1);
}

#[test]
fn an_acknowledgement_waits_for_a_submission_until_it_is_due() {
    let (queue, mut outbound, connection) = open();
    assert!(queue.processed(5, false), "it is owed");
    assert!(connection.take(&mut outbound).is_pending());
    let _submission = submitted(&queue, cancel(7));
    let message = connection.message(&mut outbound);
    assert_eq!((message.acknowledged_sequence, message.submissions.len()), (5, 1));
    queue.acknowledge();
    assert!(connection.take(&mut outbound).is_pending(), "nothing is owed any more");
    queue.processed(6, false);
    queue.acknowledge();
    let message = connection.message(&mut outbound);
    assert_eq!((message.acknowledged_sequence, message.submissions.len()), (6, 0));
}

#[test]
fn an_acknowledgement_that_somebody_waits_for_goes_alone_at_once() {
    let (queue, mut outbound, connection) = open();
    assert!(!queue.processed(5, true), "it is owed no longer");
    assert_eq!(connection.wakes(), 1);
    let message = connection.message(&mut outbound);
    assert_eq!((message.acknowledged_sequence, message.submissions.len()), (5, 0));
}

#[tokio::test]
async fn what_the_server_would_end_the_stream_for_is_not_submitted() {
    let (queue, ..) = open();
    queue.keep_to(&v1::SessionLimits { message_bytes_max: 1024, ..Default::default() });
    let input_memory = Some(v1::InputMemory { data: vec![0; 1024].into(), offset: None });
    let io = v1::format::Io::Write(v1::WriteFormat { device_offset: None, input_memory });
    let format = Some(v1::Format { file_id: "f".to_owned(), io: Some(io), ..Default::default() });
    let call = Call::FormatAndSend(v1::FormatAndSendRequest { request_id: 1, format, ..Default::default() });
    let outcome = queue.submit(call.clone(), Repeat::Safe).await;
    assert_eq!(outcome, Some(Outcome::NotTaken(call)));
}

#[tokio::test]
async fn after_the_end_nothing_is_submitted() {
    let (queue, mut outbound, connection) = open();
    queue.finish();
    assert_eq!(connection.take(&mut outbound), Poll::Ready(None));
    assert_eq!(queue.submit(cancel(7), Repeat::Safe).await, Some(Outcome::NotTaken(cancel(7))));
}
