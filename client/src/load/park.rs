//! Requests that stay pending, and what ends them: a cancel, or the close of their file.

use std::ops::Range;
use std::sync::atomic::Ordering;
use std::time::Duration;

use lowerdeck_proto::v1;
use lowerdeck_proto::v1::queue_entry::Body;

use super::Stopwatch;
use super::aim;
use super::queue::{LoadQueue, not_accepted};
use super::setup::LoadSession;
use crate::error::Error;

/// Submissions in one message of requests that stay pending.
const PARK_BATCH: u64 = 1000;

impl LoadSession {
    /// Sends `count` reads of one byte and returns when the server has taken them; gives their ids.
    /// On a stack that keeps reads, such as `echo`, they stay pending.
    ///
    /// # Errors
    /// As `QueuePair`.
    pub async fn park(&self, count: u64) -> Result<Range<u64>, Error> {
        let first_id = self.next_request.fetch_add(count, Ordering::Relaxed);
        let mut queue = LoadQueue::open(self, self.silent()).await?;
        let mut taken = 0;
        for first in (0..count).step_by(PARK_BATCH as usize) {
            let batch = PARK_BATCH.min(count - first);
            let submissions = (first_id + first..first_id + first + batch).map(|request_id| {
                let format = Some(v1::Format { io: Some(aim::read(0, 1)), ..Default::default() });
                let send = v1::FormatAndSendRequest { request_id, format, ..Default::default() };
                v1::Submission { call: Some(v1::submission::Call::FormatAndSend(send)) }
            });
            let message = v1::QueuePairRequest {
                file_id: self.file.clone(),
                submissions: submissions.collect(),
                ..Default::default()
            };
            queue.send(message).await?;
            while taken < first + batch {
                let response = queue.next().await?;
                if let Some(result) = response.results.first() {
                    return Err(not_accepted(result));
                }
                self.add_processed(response.entries.len() as u64);
                taken = response.submissions_taken;
            }
        }
        Ok(first_id..first_id + count)
    }

    /// A message that submits nothing and acknowledges what was processed.
    fn silent(&self) -> v1::QueuePairRequest {
        let processed = self.processed();
        v1::QueuePairRequest { after_sequence: processed, acknowledged_sequence: processed, ..Default::default() }
    }

    /// Cancels a pending request; the time until the answer. Its completion is an event that nobody has processed.
    ///
    /// # Errors
    /// As the call.
    pub async fn cancel(&self, request_id: u64) -> Result<Duration, Error> {
        let begun = Stopwatch::start();
        let answer = self.device.clone().cancel(v1::CancelRequest { request_id }).await;
        let elapsed = begun.elapsed();
        answer.map(|_| elapsed).map_err(|status| Error::from_status("Cancel", &status))
    }

    /// Closes the file, for which `pending` are pending, and acknowledges their completions as they come; the time
    /// until the file is gone.
    ///
    /// # Errors
    /// As `QueuePair`; [`Error::ContractBroken`] when the file is gone with another number of completions.
    pub async fn close_file(&self, pending: Range<u64>) -> Result<Duration, Error> {
        let mut queue = LoadQueue::open(self, self.silent()).await?;
        let opened = queue.next().await?;
        self.add_processed(opened.entries.len() as u64);
        let close = v1::CloseRequest { file_id: self.file.clone() };
        let submissions = vec![v1::Submission { call: Some(v1::submission::Call::Close(close)) }];
        let begun = Stopwatch::start();
        queue.send(v1::QueuePairRequest { submissions, ..Default::default() }).await?;
        let (mut completed, mut is_gone) = (0, false);
        while !is_gone {
            let response = queue.next().await?;
            self.add_processed(response.entries.len() as u64);
            for entry in &response.entries {
                match &entry.body {
                    Some(Body::Completion(completion)) => {
                        completed += u64::from(pending.contains(&completion.request_id));
                    }
                    Some(Body::Event(event)) => is_gone |= matches!(event.body, Some(v1::event::Body::FileGone(_))),
                    None => {}
                }
            }
            if !response.entries.is_empty() {
                queue.send(self.silent()).await?;
            }
        }
        let elapsed = begun.elapsed();
        if completed != pending.end - pending.start {
            let what = format!("the file is gone after {completed} completions of {pending:?}");
            return Err(Error::ContractBroken { call: "Close", what });
        }
        Ok(elapsed)
    }
}
