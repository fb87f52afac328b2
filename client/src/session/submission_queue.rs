//! The submission queue of a session: any number of callers in, one stream of messages out.
//!
//! Laws: nothing waits for company. A submission wakes the connection, and when that can take a message it gets
//! everything there is. No task, no timer and no further queue lies between. Callers beyond
//! [`limits::SUBMISSIONS_UNTAKEN`] wait in turn. The lock is held for table operations only, never across an await.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use lowerdeck_proto::v1;
use lowerdeck_proto::v1::submission::Call;
use tokio::sync::{Semaphore, oneshot};
use tokio_stream::Stream;

use crate::limits;
use crate::session::core::Repeat;
use crate::session::submissions::{Bounds, Outcome, Submission, Submissions};

type Reply = oneshot::Sender<Outcome>;

/// What was settled by one message, and who is to hear it.
#[must_use = "callers wait for it"]
#[derive(Debug)]
pub(crate) struct Settled(Vec<(Reply, Outcome)>);

/// The queue.
#[derive(Debug)]
pub(crate) struct SubmissionQueue {
    state: Mutex<State>,
    /// Submissions that may still come before the server has to take some.
    room: Semaphore,
}

#[derive(Debug)]
struct State {
    submissions: Submissions<Reply>,
    bounds: Bounds,
    /// Bytes in one message that the server takes.
    message_bytes: usize,
    /// The number of the stream that is written; older ones end.
    stream: u64,
    /// The stream's first message is to come, which says where the events resume and submits nothing.
    is_opening: bool,
    /// The server has answered on this stream. Before, nothing is submitted: it might never arrive, and what may not be
    /// repeated would be lost with it.
    is_answered: bool,
    /// The last event processed, and the last one that a message has acknowledged.
    processed: u64,
    acknowledged: u64,
    /// The acknowledgement shall not wait for a submission.
    is_acknowledgement_due: bool,
    writer: Option<Waker>,
    is_over: bool,
}

/// The messages of one stream, for the connection.
#[derive(Debug)]
pub(crate) struct Outbound {
    queue: Arc<SubmissionQueue>,
    stream: u64,
}

impl Settled {
    /// Tells the callers. One that has gone does not mind.
    pub(crate) fn tell(self) {
        for (reply, outcome) in self.0 {
            drop(reply.send(outcome));
        }
    }
}

impl SubmissionQueue {
    pub(crate) fn new() -> SubmissionQueue {
        let state = State {
            submissions: Submissions::new(),
            bounds: Bounds { submissions: limits::SUBMISSIONS_UNTAKEN, bytes: limits::BATCH_BYTES },
            message_bytes: usize::MAX,
            stream: 0,
            is_opening: false,
            is_answered: false,
            processed: 0,
            acknowledged: 0,
            is_acknowledgement_due: false,
            writer: None,
            is_over: false,
        };
        SubmissionQueue { state: Mutex::new(state), room: Semaphore::new(limits::SUBMISSIONS_UNTAKEN) }
    }

    /// Keeps to what the server has told; 0 is a limit that it has not told.
    pub(crate) fn keep_to(&self, told: &v1::SessionLimits) {
        let mut state = self.lock();
        if told.batch_submissions_max > 0 {
            state.bounds.submissions = told.batch_submissions_max as usize;
        }
        if told.message_bytes_max > 0 {
            state.message_bytes = told.message_bytes_max as usize;
            state.bounds.bytes = state.bounds.bytes.min(state.message_bytes);
        }
    }

    /// Submits a call and waits for what it comes to; None if the session ended without a word on it. Dropped before,
    /// it changes nothing about a call that has been queued.
    pub(crate) async fn submit(&self, call: Call, repeat: Repeat) -> Option<Outcome> {
        let (reply, outcome) = oneshot::channel();
        let submission = Submission::new(call, repeat, reply);
        let Ok(place) = self.room.acquire().await else {
            return Some(Outcome::NotTaken(submission.into_call()));
        };
        let writer = {
            let mut state = self.lock();
            // What the server would end the stream for is for a call of its own to be refused.
            if state.is_over || submission.bytes() + limits::SUBMISSION_BYTES > state.message_bytes {
                return Some(Outcome::NotTaken(submission.into_call()));
            }
            place.forget(); // given back when the submission has been taken
            state.submissions.push(submission);
            state.writer.take()
        };
        wake(writer);
        outcome.await.ok()
    }

    /// Begins a stream, which first says where the events resume. An older one ends.
    pub(crate) fn begin(self: &Arc<Self>) -> Outbound {
        let mut state = self.lock();
        state.stream += 1;
        state.is_opening = true;
        state.is_answered = false;
        let outbound = Outbound { queue: Arc::clone(self), stream: state.stream };
        let former = state.writer.take();
        drop(state);
        wake(former);
        outbound
    }

    /// Takes in how far the server is and what it says of submissions. Who submitted them shall hear it after the
    /// events of the same message.
    ///
    /// # Errors
    /// What breaks the contract.
    pub(crate) fn settle(&self, head: u64, results: Vec<v1::SubmissionResult>) -> Result<Settled, String> {
        let mut state = self.lock();
        let before = state.submissions.untaken();
        let settled = state.submissions.settle(head, results)?;
        let taken = before - state.submissions.untaken();
        let is_first = !std::mem::replace(&mut state.is_answered, true);
        let writer = if is_first { state.writer.take() } else { None };
        drop(state);
        wake(writer);
        self.room.add_permits(taken);
        Ok(Settled(settled))
    }

    /// Events up to this number are processed: the next message acknowledges them. With `at_once` that message does not
    /// wait for a submission. Answers whether an acknowledgement is owed.
    pub(crate) fn processed(&self, sequence: u64, at_once: bool) -> bool {
        let mut state = self.lock();
        state.processed = sequence;
        let is_owed = sequence > state.acknowledged;
        if !(is_owed && at_once) {
            return is_owed;
        }
        state.is_acknowledgement_due = true;
        let writer = state.writer.take();
        drop(state);
        wake(writer);
        false
    }

    /// No submission has taken the acknowledgement along in time: it goes out alone, if it still is owed.
    pub(crate) fn acknowledge(&self) {
        let processed = self.lock().processed;
        self.processed(processed, true);
    }

    /// The stream is broken; another one will follow.
    pub(crate) fn interrupt(&self, cause: &str) {
        let mut state = self.lock();
        state.stream += 1;
        let before = state.submissions.untaken();
        let settled = state.submissions.interrupt(cause);
        let given_up = before - state.submissions.untaken();
        drop(state);
        self.room.add_permits(given_up);
        Settled(settled).tell();
    }

    /// The server has ended the stream after its last word: what it has not taken by now it never will.
    pub(crate) fn finish_in_order(&self) {
        self.finish_with(|submissions| submissions.finish(true));
    }

    /// There will be no further stream.
    pub(crate) fn finish(&self) {
        self.finish_with(|submissions| submissions.finish(false));
    }

    fn finish_with(&self, finish: impl FnOnce(&mut Submissions<Reply>) -> Vec<(Reply, Outcome)>) {
        let mut state = self.lock();
        state.is_over = true;
        let settled = finish(&mut state.submissions);
        let writer = state.writer.take();
        drop(state);
        self.room.close();
        wake(writer);
        Settled(settled).tell();
    }

    fn poll_message(&self, stream: u64, context: &mut Context<'_>) -> Poll<Option<v1::QueuePairRequest>> {
        let mut state = self.lock();
        if state.is_over || state.stream != stream {
            return Poll::Ready(None);
        }
        let is_opening = std::mem::take(&mut state.is_opening);
        let has_more = state.is_answered && (state.is_acknowledgement_due || state.submissions.is_waiting());
        if !is_opening && !has_more {
            state.writer = Some(context.waker().clone());
            return Poll::Pending;
        }
        state.is_acknowledgement_due = false;
        state.acknowledged = state.processed;
        let bounds = state.bounds;
        let (file_id, submissions) = if is_opening { Default::default() } else { state.submissions.gather(bounds) };
        Poll::Ready(Some(v1::QueuePairRequest {
            after_sequence: state.processed,
            acknowledged_sequence: state.processed,
            file_id,
            submissions,
        }))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Stream for Outbound {
    type Item = v1::QueuePairRequest;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<v1::QueuePairRequest>> {
        self.queue.poll_message(self.stream, context)
    }
}

/// Wakes the connection, if it waits.
fn wake(writer: Option<Waker>) {
    if let Some(writer) = writer {
        writer.wake();
    }
}

#[cfg(test)]
mod tests;
