//! The same load on many sessions at once.

use lowerdeck_proto::v1;
use tokio::task::JoinSet;
use tonic::transport::Channel;

use super::setup::LoadSession;
use super::{Load, LoadOutcome, LoadProgress};
use crate::error::Error;
use crate::transport;

/// Connections that sessions share evenly: enough for many threads at both ends, and far below a shell's file
/// descriptors.
pub const CONNECTIONS_MAX: usize = 16;

/// Sessions on one stack or template, each with its own file.
pub struct Fleet {
    sessions: Vec<LoadSession>,
}

/// What came of the load on all sessions.
#[derive(Debug, Clone, Default)]
pub struct FleetOutcome {
    /// All sessions together.
    pub total: LoadOutcome,
    /// Completions per second of each session.
    pub rates: Vec<f64>,
}

impl Fleet {
    /// Opens `count` sessions, on at most [`CONNECTIONS_MAX`] connections.
    ///
    /// # Errors
    /// As the calls that it makes.
    pub async fn open(endpoint: &str, stack: &str, count: usize) -> Result<Fleet, Error> {
        let mut channels: Vec<Channel> = Vec::new();
        let mut sessions = Vec::with_capacity(count);
        for number in 0..count {
            if number < CONNECTIONS_MAX {
                channels.push(transport::connect(endpoint).await?);
            }
            let channel = channels[number % channels.len()].clone();
            sessions.push(LoadSession::open(channel, stack).await?);
        }
        Ok(Fleet { sessions })
    }

    /// The first session; None of an empty fleet.
    pub fn first(&self) -> Option<&LoadSession> {
        self.sessions.first()
    }

    /// What the server allows each session.
    pub fn limits(&self) -> v1::SessionLimits {
        self.first().map(LoadSession::limits).unwrap_or_default()
    }

    /// Writes the first `span` bytes of every session's device.
    ///
    /// # Errors
    /// As [`LoadSession::fill`].
    pub async fn fill(&self, span: u64) -> Result<(), Error> {
        for session in &self.sessions {
            session.fill(span).await?;
        }
        Ok(())
    }

    /// Runs `load` on every session.
    ///
    /// # Errors
    /// The first error of any session; the others are abandoned then.
    pub async fn run(&self, load: &Load, progress: &LoadProgress) -> Result<FleetOutcome, Error> {
        let mut tasks = JoinSet::new();
        for session in &self.sessions {
            let (session, progress, load) = (session.clone(), progress.clone(), *load);
            tasks.spawn(async move { load.run(&session, &progress).await });
        }
        let mut outcome = FleetOutcome::default();
        while let Some(joined) = tasks.join_next().await {
            let part =
                joined.map_err(|error| Error::ContractBroken { call: "QueuePair", what: error.to_string() })??;
            outcome.rates.push(part.rate());
            outcome.total.merge(&part);
        }
        Ok(outcome)
    }

    /// Ends all sessions.
    ///
    /// # Errors
    /// The first error of any; the others are ended all the same.
    pub async fn close(self) -> Result<(), Error> {
        let mut closed = Ok(());
        for session in self.sessions {
            closed = closed.and(session.close().await);
        }
        closed
    }
}
