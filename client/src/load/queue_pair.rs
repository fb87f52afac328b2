//! A load on one `QueuePair`: a window of requests, refilled in batches as completions come.

use std::collections::HashMap;
use std::sync::atomic::Ordering;

use lowerdeck_proto::v1;

use super::queue::{LoadQueue, Submitter, not_accepted};
use super::setup::LoadSession;
use super::{Load, LoadOutcome, LoadProgress, Stopwatch};
use crate::error::Error;

struct Window {
    batch: usize,
    submitter: Submitter,
    /// The request id that the first batch begins with.
    first_request: u64,
    /// When the batches in flight were sent, and how many of their requests have not completed.
    sent: HashMap<u64, (Stopwatch, usize)>,
    in_flight: usize,
    processed: u64,
}

impl Window {
    fn new(load: &Load, batch: usize, session: &LoadSession) -> Window {
        let submitter = Submitter::new(session, load.io);
        Window {
            batch: batch.clamp(1, load.depth.max(1)),
            first_request: submitter.next_request,
            submitter,
            sent: HashMap::new(),
            in_flight: 0,
            processed: session.processed(),
        }
    }

    /// The next batch, on its way from now on.
    fn message(&mut self) -> v1::QueuePairRequest {
        let message = self.submitter.batch(self.batch, self.processed);
        self.in_flight += self.batch;
        let number = self.batch_of(self.submitter.next_request - 1);
        self.sent.insert(number, (Stopwatch::start(), self.batch));
        message
    }

    fn batch_of(&self, request: u64) -> u64 {
        request.wrapping_sub(self.first_request) / self.batch as u64
    }

    /// Takes what came; gives how many requests completed.
    fn take(&mut self, response: v1::QueuePairResponse, outcome: &mut LoadOutcome) -> Result<usize, Error> {
        if let Some(result) = response.results.first() {
            return Err(not_accepted(result));
        }
        let mut completed = 0;
        // Neighbours are of one batch mostly: they are timed together.
        let mut run = (0, 0);
        self.processed += response.entries.len() as u64;
        for entry in response.entries {
            let Some(v1::queue_entry::Body::Completion(completion)) = entry.body else {
                let what = format!("an event that no load leads to: {:?}", entry.body);
                return Err(Error::ContractBroken { call: "QueuePair", what });
            };
            outcome.count(completion.hresult, completion.data.len());
            completed += 1;
            let batch = self.batch_of(completion.request_id);
            if batch != run.0 {
                self.time(run, outcome);
                run = (batch, 0);
            }
            run.1 += 1;
        }
        self.time(run, outcome);
        self.in_flight -= completed;
        Ok(completed)
    }

    /// Records how long `count` requests of a batch have taken.
    fn time(&mut self, (batch, count): (u64, usize), outcome: &mut LoadOutcome) {
        if count == 0 {
            return;
        }
        if let Some((sent, left)) = self.sent.get_mut(&batch) {
            outcome.latency.record_many(sent.elapsed(), count as u64);
            *left = left.saturating_sub(count);
            if *left == 0 {
                self.sent.remove(&batch);
            }
        }
    }
}

pub(super) async fn run(
    load: &Load,
    batch: usize,
    session: &LoadSession,
    progress: &LoadProgress,
) -> Result<LoadOutcome, Error> {
    let mut window = Window::new(load, batch, session);
    let mut outcome = LoadOutcome::default();
    let begun = Stopwatch::start();
    let mut queue = LoadQueue::open(session, window.message()).await?;
    while window.in_flight + window.batch <= load.depth {
        queue.send(window.message()).await?;
    }
    let mut ready = 0;
    while window.in_flight > 0 {
        let response = queue.next().await?;
        let completed = window.take(response, &mut outcome)?;
        ready += completed;
        progress.add(completed);
        let goes_on = begun.elapsed() < load.duration;
        while goes_on && ready >= window.batch {
            ready -= window.batch;
            queue.send(window.message()).await?;
        }
    }
    outcome.elapsed = begun.elapsed();
    // What completed last is acknowledged too, or its request objects stay.
    let last = v1::QueuePairRequest { acknowledged_sequence: window.processed, ..Default::default() };
    queue.send(last).await?;
    session.next_request.store(window.submitter.next_request, Ordering::Relaxed);
    session.processed.store(window.processed, Ordering::Relaxed);
    Ok(outcome)
}
