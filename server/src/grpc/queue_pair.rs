//! `QueuePair`: batches of submissions in, results and events out, as one response stream.
//!
//! Laws: submissions are read only when the connection asks for the next message, so a client that does not read is
//! not read from, and nothing piles up here; what there is to say about a batch goes out together with the events it
//! led to, and before the fault of a later message ends the stream. No task, no channel: the connection that wants
//! the next message does the work.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use lowerdeck_proto::v1;
use tokio_stream::Stream;
use tonic::{Code, Status, Streaming};

use super::pulled_stream::{PulledStream, Source};
use super::queue_codec::Batch;
use super::status::Refusal;
use super::{Streams, queue_to_proto, to_proto};
use crate::host::limits::Limits;
use crate::session::error::SessionError;
use crate::session::{EventReader, Reading, Session, SubmissionResult};

/// With so many submissions taken it is time to answer: small messages are answered together, but a client with many on
/// their way must not wait for the last of them to hear of the first, or it and the server take turns to idle.
const ANSWER_AFTER: u64 = 64;

/// The stream.
pub type QueuePair = PulledStream<QueueSource>;

/// The server's side of a queue pair.
pub struct QueueSource {
    inbound: Streaming<Batch>,
    session: Arc<Session>,
    limits: Arc<Limits>,
    streams: Streams,
    /// None before the first message.
    reader: Option<EventReader>,
    /// Submissions taken, and how many of them the client was told of.
    taken: u64,
    reported: u64,
    is_first: bool,
    /// What the next message tells.
    results: Vec<v1::SubmissionResult>,
    judged: Vec<SubmissionResult>,
    /// The client submits nothing more; it may go on to read.
    is_half_closed: bool,
    /// What ends the stream once the batches before it have been answered.
    fault: Option<Refusal>,
}

/// One look at what the client sent.
enum Inbound {
    Batch(Batch),
    Ended,
    Nothing,
}

impl QueueSource {
    /// Serves `session` over `inbound`, until its events have finished or `streams` end.
    pub fn new(inbound: Streaming<Batch>, session: Arc<Session>, limits: Arc<Limits>, streams: Streams) -> QueueSource {
        QueueSource {
            inbound,
            session,
            limits,
            streams,
            reader: None,
            taken: 0,
            reported: 0,
            is_first: true,
            results: Vec::new(),
            judged: Vec::new(),
            is_half_closed: false,
            fault: None,
        }
    }

    /// What the client has sent, without waiting.
    async fn look(&mut self) -> Result<Inbound, Refusal> {
        if self.is_half_closed {
            return Ok(Inbound::Nothing);
        }
        let inbound = &mut self.inbound;
        let looked = poll_fn(|cx| {
            Poll::Ready(match Pin::new(&mut *inbound).poll_next(cx) {
                Poll::Ready(message) => Some(message.transpose()),
                Poll::Pending => None,
            })
        });
        match looked.await {
            None => Ok(Inbound::Nothing),
            Some(message) => self.arrived(message),
        }
    }

    fn arrived(&mut self, message: Result<Option<Batch>, Status>) -> Result<Inbound, Refusal> {
        match message {
            Ok(Some(batch)) => Ok(Inbound::Batch(batch)),
            Ok(None) => {
                self.is_half_closed = true;
                Ok(Inbound::Ended)
            }
            Err(status) => Err(self.broken(&status)),
        }
    }

    fn broken(&self, status: &Status) -> Refusal {
        match status.code() {
            // As with the unary calls: no handler of ours ever gives this code.
            Code::OutOfRange => Refusal::MessageTooLarge { limit: self.limits.message_bytes_max },
            _ => Refusal::Undecodable, // of a client that is gone nobody hears this
        }
    }

    /// Takes one batch; the first one of a stream opens it.
    fn take(&mut self, batch: Batch) -> Result<(), Refusal> {
        let count = batch.count;
        let (name, value) = ("batch_submissions_max", self.limits.batch_submissions_max);
        if count > value {
            let advice = "submit in smaller batches";
            return Err(SessionError::LimitReached { name, value, advice }.into());
        }
        let reader = match &mut self.reader {
            Some(reader) => reader,
            none => none.insert(self.session.read_events(batch.after_sequence)?),
        };
        let file: Option<Arc<str>> = (!batch.file_id.is_empty()).then(|| batch.file_id.into());
        let results = &mut self.results;
        let calls = batch.submissions.into_iter().zip(self.taken + 1..).filter_map(|(submission, number)| {
            submission
                .map_err(|refused| results.push(queue_to_proto::malformed(number, &refused)))
                .ok()
                .map(|call| (number, call))
        });
        self.session.submit(reader, batch.acknowledged_sequence, file.as_ref(), calls, &mut self.judged)?;
        self.taken += count;
        self.results.extend(self.judged.drain(..).map(queue_to_proto::result));
        Ok(())
    }

    /// Takes what has come, until there is enough to answer.
    async fn take_all(&mut self) -> Result<(), Refusal> {
        let mut room = ANSWER_AFTER.min(self.limits.event_batch_events_max);
        while room > 0 {
            match self.look().await? {
                Inbound::Batch(batch) => {
                    // A message without submissions is work too: a flood of them ends in an answer as well.
                    room = room.saturating_sub(batch.count.max(1));
                    self.take(batch)?;
                }
                Inbound::Ended | Inbound::Nothing => break,
            }
        }
        Ok(())
    }

    /// What there is to say.
    fn compose(&mut self) -> Result<Composed, Refusal> {
        let Some(reader) = &mut self.reader else { return Ok(Composed::Nothing) };
        let reading = reader.read_with_returns(queue_to_proto::entry, &mut self.judged)?;
        self.results.extend(self.judged.drain(..).map(queue_to_proto::result));
        let entries = match reading {
            Reading::Events(entries) => entries,
            Reading::Finished if self.reported == self.taken && self.results.is_empty() => {
                return Ok(Composed::Finished);
            }
            Reading::Quiet | Reading::Finished => Vec::new(),
        };
        let is_first = std::mem::take(&mut self.is_first);
        let quiet = entries.is_empty() && self.results.is_empty() && self.reported == self.taken;
        if quiet && !is_first {
            return Ok(Composed::Nothing);
        }
        self.reported = self.taken;
        Ok(Composed::Message(v1::QueuePairResponse {
            submissions_taken: self.taken,
            results: std::mem::take(&mut self.results),
            first_sequence: if entries.is_empty() { 0 } else { reader.position() + 1 - entries.len() as u64 },
            entries,
            heartbeat: quiet.then(|| to_proto::heartbeat(reader.vital_signs())),
        }))
    }

    fn heartbeat(&self) -> v1::QueuePairResponse {
        let heartbeat = self.reader.as_ref().map(|reader| to_proto::heartbeat(reader.vital_signs()));
        v1::QueuePairResponse { submissions_taken: self.taken, heartbeat, ..Default::default() }
    }
}

/// What [`QueueSource::compose`] found.
enum Composed {
    Message(v1::QueuePairResponse),
    Nothing,
    Finished,
}

impl Source for QueueSource {
    type Message = v1::QueuePairResponse;

    async fn next(&mut self) -> Result<Option<v1::QueuePairResponse>, Refusal> {
        if let Some(fault) = self.fault.take() {
            return Err(fault);
        }
        let session = Arc::clone(&self.session);
        loop {
            let change = session.changes();
            tokio::pin!(change);
            change.as_mut().enable(); // from here on no change is missed
            if let Err(fault) = self.take_all().await {
                if self.reported == self.taken {
                    return Err(fault);
                }
                self.fault = Some(fault);
            }
            match self.compose()? {
                Composed::Message(message) => return Ok(Some(message)),
                Composed::Finished => return Ok(None),
                Composed::Nothing if self.reader.is_none() && self.is_half_closed => return Ok(None),
                Composed::Nothing => {}
            }
            tokio::select! {
                biased; // what was recorded before the end is told before the end
                message = self.inbound.message(), if !self.is_half_closed => {
                    if let Inbound::Batch(batch) = self.arrived(message)? {
                        self.take(batch)?;
                    }
                }
                () = change => {}
                silent = self.streams.silence() => return silent.map(|()| Some(self.heartbeat())),
            }
        }
    }
}
