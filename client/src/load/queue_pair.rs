//! A load on one `QueuePair`: a window of requests, refilled in batches as completions come.

use std::sync::atomic::Ordering;

use lowerdeck_proto::v1;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use super::setup::LoadSession;
use super::{Aim, Load, LoadOutcome, Stopwatch};
use crate::error::Error;

/// Batches on their way to the connection; the window bounds them already.
const OUTBOUND_BATCHES: usize = 64;

struct Window {
    batch: usize,
    aim: Aim,
    file: String,
    next_request: u64,
    in_flight: usize,
    processed: u64,
}

impl Window {
    fn message(&mut self, count: usize) -> v1::QueuePairRequest {
        let submissions = (0..count)
            .map(|_| {
                let request_id = self.next_request;
                self.next_request += 1;
                let format = Some(self.aim.next());
                let send = v1::FormatAndSendRequest { request_id, format, ..Default::default() };
                v1::Submission { call: Some(v1::submission::Call::FormatAndSend(send)) }
            })
            .collect();
        self.in_flight += count;
        v1::QueuePairRequest {
            after_sequence: self.processed,
            acknowledged_sequence: self.processed,
            file_id: self.file.clone(),
            submissions,
        }
    }

    /// Takes what came; gives how many requests completed.
    fn take(&mut self, response: v1::QueuePairResponse, outcome: &mut LoadOutcome) -> Result<usize, Error> {
        if let Some(result) = response.results.first() {
            return Err(Error::ContractBroken { call: "QueuePair", what: format!("a submission failed: {result:?}") });
        }
        let mut completed = 0;
        self.processed += response.entries.len() as u64;
        for entry in response.entries {
            match entry.body {
                Some(v1::queue_entry::Body::Completion(completion)) => {
                    completed += 1;
                    outcome.failed += u64::from(completion.hresult & 0x8000_0000 != 0);
                    outcome.bytes += completion.data.len() as u64;
                }
                other => {
                    let what = format!("an event that no load leads to: {other:?}");
                    return Err(Error::ContractBroken { call: "QueuePair", what });
                }
            }
        }
        outcome.completed += completed as u64;
        self.in_flight -= completed;
        Ok(completed)
    }
}

pub(super) async fn run(
    load: &Load,
    batch: usize,
    session: &LoadSession,
    mut tick: impl FnMut(u64),
) -> Result<LoadOutcome, Error> {
    let batch = batch.clamp(1, load.depth);
    let mut window = Window {
        batch,
        aim: Aim::new(load.io, 1),
        file: session.file.clone(),
        next_request: session.next_request.load(Ordering::Relaxed),
        in_flight: 0,
        processed: session.processed.load(Ordering::Relaxed),
    };
    let (sender, receiver) = mpsc::channel(OUTBOUND_BATCHES);
    let broken = |status: tonic::Status| Error::from_status("QueuePair", &status);
    let gone = || Error::ContractBroken { call: "QueuePair", what: "the stream ended early".to_owned() };
    let mut outcome = LoadOutcome::default();
    let begun = Stopwatch::start();
    let mut device = session.device.clone();
    sender.send(window.message(window.batch)).await.map_err(|_| gone())?;
    let mut inbound = device.queue_pair(ReceiverStream::new(receiver)).await.map_err(broken)?.into_inner();
    let mut sent_at = Stopwatch::start();
    let mut ready = 0;
    while window.in_flight + window.batch <= load.depth {
        sender.send(window.message(window.batch)).await.map_err(|_| gone())?;
    }
    while window.in_flight > 0 {
        let response = inbound.message().await.map_err(broken)?.ok_or_else(gone)?;
        let completed = window.take(response, &mut outcome)?;
        if load.depth == 1 && completed == 1 {
            outcome.latency.record(sent_at.elapsed());
        }
        ready += completed;
        let goes_on = begun.elapsed() < load.duration;
        while goes_on && ready >= window.batch {
            ready -= window.batch;
            sent_at = Stopwatch::start();
            sender.send(window.message(window.batch)).await.map_err(|_| gone())?;
        }
        tick(outcome.completed);
    }
    outcome.elapsed = begun.elapsed();
    // What completed last is acknowledged too, or its request objects stay.
    let last = v1::QueuePairRequest { acknowledged_sequence: window.processed, ..Default::default() };
    sender.send(last).await.map_err(|_| gone())?;
    drop(sender);
    session.next_request.store(window.next_request, Ordering::Relaxed);
    session.processed.store(window.processed, Ordering::Relaxed);
    Ok(outcome)
}

/// Submissions in one message of requests that stay pending.
const PARK_BATCH: u64 = 1000;

impl LoadSession {
    /// Sends `count` reads of one byte and returns when the server has taken them. On a stack that keeps reads, such
    /// as `echo`, they stay pending.
    ///
    /// # Errors
    /// As `QueuePair`.
    pub async fn park(&self, count: u64) -> Result<(), Error> {
        let broken = |status: tonic::Status| Error::from_status("QueuePair", &status);
        let gone = || Error::ContractBroken { call: "QueuePair", what: "the stream ended early".to_owned() };
        let (sender, receiver) = mpsc::channel(OUTBOUND_BATCHES);
        let mut inbound = None;
        let mut taken = 0;
        let mut receiver = Some(receiver);
        for first in (0..count).step_by(PARK_BATCH as usize) {
            let batch = PARK_BATCH.min(count - first);
            let ids = self.next_request.fetch_add(batch, Ordering::Relaxed);
            let submissions = (ids..ids + batch).map(|request_id| {
                let format = Some(v1::Format { io: Some(super::read(0, 1)), ..Default::default() });
                let send = v1::FormatAndSendRequest { request_id, format, ..Default::default() };
                v1::Submission { call: Some(v1::submission::Call::FormatAndSend(send)) }
            });
            let message = v1::QueuePairRequest {
                after_sequence: self.processed.load(Ordering::Relaxed),
                file_id: self.file.clone(),
                submissions: submissions.collect(),
                ..Default::default()
            };
            sender.send(message).await.map_err(|_| gone())?;
            if let Some(receiver) = receiver.take() {
                let stream = self.device.clone().queue_pair(ReceiverStream::new(receiver)).await.map_err(broken)?;
                inbound = Some(stream.into_inner());
            }
            let inbound = inbound.as_mut().ok_or_else(gone)?;
            while taken < first + batch {
                let response = inbound.message().await.map_err(broken)?.ok_or_else(gone)?;
                if let Some(result) = response.results.first() {
                    let what = format!("a submission failed: {result:?}");
                    return Err(Error::ContractBroken { call: "QueuePair", what });
                }
                taken = response.submissions_taken;
            }
        }
        Ok(())
    }
}
