//! One QueuePair: results and events in, while the connection takes submissions out of the queue.
//!
//! Laws: who submitted something hears of it after the events that came with it, so that a woken caller finds its
//! completion there, and what it submits next acknowledges them. An acknowledgement goes out alone only when no
//! submission takes it along in time, or when a closed file may be waiting for it.

use std::sync::Arc;

use lowerdeck_proto::v1;
use lowerdeck_proto::v1::queue_entry::Body;

use crate::limits;
use crate::session::event::SessionEnd;
use crate::session::pump::{EventPump, Followed, Silence, next};
use crate::session::reconnect::Backoff;
use crate::session::submission_queue::SubmissionQueue;

/// The call, as errors name it.
const CALL: &str = "QueuePair";

impl EventPump {
    /// Follows one stream to its end.
    pub(super) async fn follow_queue_pair(&mut self, queue: &Arc<SubmissionQueue>, backoff: &mut Backoff) -> Followed {
        let opened = self.core.devices.clone().queue_pair(queue.begin()).await;
        let mut stream = match opened {
            Ok(response) => response.into_inner(),
            Err(status) => return self.fell_silent(CALL, Silence::Ended(status)),
        };
        let lull = tokio::time::sleep(limits::ACKNOWLEDGE_AFTER);
        tokio::pin!(lull);
        let mut owes_acknowledgement = false;
        loop {
            let message = tokio::select! {
                biased; // an acknowledgement that is due does not wait for a quiet moment
                () = &mut lull, if owes_acknowledgement => {
                    owes_acknowledgement = false;
                    queue.acknowledge();
                    continue;
                }
                message = next(&mut stream) => message,
            };
            let message = match message {
                Ok(message) => message,
                Err(silence) => {
                    if matches!(silence, Silence::Finished) && self.dispatch.ending.is_some() {
                        queue.finish_in_order();
                    }
                    return self.fell_silent(CALL, silence);
                }
            };
            backoff.reset();
            match self.hear(queue, message) {
                Ok(true) if !owes_acknowledgement => {
                    owes_acknowledgement = true;
                    lull.set(tokio::time::sleep(limits::ACKNOWLEDGE_AFTER));
                }
                Ok(_) => {}
                Err(end) => return Followed::Ended(end),
            }
        }
    }

    /// Takes one message in; answers whether it leaves an acknowledgement to be made.
    fn hear(&mut self, queue: &SubmissionQueue, message: v1::QueuePairResponse) -> Result<bool, SessionEnd> {
        let settled = queue.settle(message.submissions_taken, message.results).map_err(SessionEnd::ContractBroken)?;
        for (sequence, entry) in (message.first_sequence..).zip(message.entries) {
            if !self.is_next(sequence)? {
                continue;
            }
            match entry.body {
                Some(Body::Completion(completion)) => self.dispatch.submitted_completed(completion),
                Some(Body::Event(event)) => self.dispatch.event(*event),
                None => tracing::debug!(sequence, "an entry of a newer server is skipped"),
            }
        }
        let is_file_closing = self.core.books().closing > 0;
        let owes = queue.processed(self.cursor.processed(), is_file_closing);
        settled.tell();
        Ok(owes)
    }
}
