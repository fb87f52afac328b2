//! A load of synchronous `FormatAndSend` calls: as many callers as requests in flight.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use lowerdeck_proto::v1;
use lowerdeck_proto::v1::device_service_client::DeviceServiceClient;
use tokio::task::JoinSet;

use super::aim::Aim;
use super::setup::LoadSession;
use super::{Load, LoadIo, LoadOutcome, LoadProgress, Stopwatch};
use crate::error::Error;
use crate::hresult::HResult;
use crate::request::SendOptions;
use crate::transport::SessionChannel;

/// Completions between two acknowledgements: far below what a session retains.
const ACKNOWLEDGE_EVERY: u64 = 4096;

/// What the callers share.
struct Callers {
    load: Load,
    session: LoadSession,
    begun: Stopwatch,
    completed: AtomicU64,
    progress: LoadProgress,
}

impl LoadSession {
    /// Sends one request of this kind synchronously and gives the answer.
    ///
    /// # Errors
    /// As the call.
    pub async fn call(&self, io: LoadIo) -> Result<v1::FormatAndSendResponse, Error> {
        let mut format = Aim::new(io, 1).next();
        format.file_id.clone_from(&self.file);
        let answer = send(&mut self.device.clone(), self.new_request(), format).await?;
        self.add_processed(u64::from(answer.completion.is_some()));
        Ok(answer)
    }
}

async fn send(
    device: &mut DeviceServiceClient<SessionChannel>,
    request_id: u64,
    format: v1::Format,
) -> Result<v1::FormatAndSendResponse, Error> {
    let options = Some(v1::SendOptions { flags: SendOptions::SYNCHRONOUS, timeout_ticks: 0 });
    let message = v1::FormatAndSendRequest { request_id, format: Some(format), options, retain: false };
    let answer = device.format_and_send(message).await;
    Ok(answer.map_err(|status| Error::from_status("FormatAndSend", &status))?.into_inner())
}

pub(super) async fn run(load: &Load, session: &LoadSession, progress: &LoadProgress) -> Result<LoadOutcome, Error> {
    let callers = Arc::new(Callers {
        load: *load,
        session: session.clone(),
        begun: Stopwatch::start(),
        completed: AtomicU64::new(0),
        progress: progress.clone(),
    });
    let mut tasks = JoinSet::new();
    for caller in 0..load.depth {
        tasks.spawn(call(Arc::clone(&callers), caller as u64));
    }
    let mut outcome = LoadOutcome::default();
    while let Some(joined) = tasks.join_next().await {
        let part =
            joined.map_err(|error| Error::ContractBroken { call: "FormatAndSend", what: error.to_string() })??;
        outcome.merge(&part);
    }
    outcome.elapsed = callers.begun.elapsed();
    session.add_processed(outcome.completed);
    Ok(outcome)
}

async fn call(callers: Arc<Callers>, seed: u64) -> Result<LoadOutcome, Error> {
    let mut device = callers.session.device.clone();
    let mut aim = Aim::new(callers.load.io, seed + 1);
    let mut outcome = LoadOutcome::default();
    while callers.begun.elapsed() < callers.load.duration {
        let mut format = aim.next();
        format.file_id.clone_from(&callers.session.file);
        let sent_at = Stopwatch::start();
        let answer = send(&mut device, callers.session.new_request(), format).await?;
        outcome.latency.record(sent_at.elapsed());
        let Some(completion) = answer.completion else {
            return Err(Error::Umdf { call: "FormatAndSend", hresult: HResult(answer.hresult) });
        };
        outcome.count(completion.hresult, completion.data.len());
        callers.progress.add(1);
        // Each completion is one event, numbered before the call is answered.
        let completed = callers.completed.fetch_add(1, Ordering::AcqRel) + 1;
        if completed.is_multiple_of(ACKNOWLEDGE_EVERY) {
            let base = callers.session.processed.load(Ordering::Relaxed);
            let message = v1::AcknowledgeEventsRequest { through_sequence: base + completed };
            let acknowledged = device.acknowledge_events(message).await;
            acknowledged.map_err(|status| Error::from_status("AcknowledgeEvents", &status))?;
        }
    }
    Ok(outcome)
}
