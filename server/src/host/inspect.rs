//! What the lab asks of one instance: descriptions, trace, verdicts, commands, the manual clock, removal.
//!
//! Law: questions answer for ended stacks too, for as long as they are remembered; commands do not.

use std::sync::Arc;

use lowerdeck_framework::clock::Now;
use lowerdeck_framework::ids::Level;
use lowerdeck_framework::stack::{ControlError, StackState};
use lowerdeck_framework::status::HResult;
use lowerdeck_framework::trace::TraceKind;

use super::clock::ClockKind;
use super::error::HostError;
use super::instance::{Body, StackInstance};
use super::progress::Progress;
use super::record::{OutstandingRecord, StackDescription, StackSummary, TracePiece, Verdicts};
use super::routing::{lowest, outstanding_of};

/// How a removal that was asked for has gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RemovalOutcome {
    /// The stack is removed.
    Removed,
    /// A driver vetoed (PNP-6).
    Vetoed {
        /// Which layer.
        level: Level,
        /// With what.
        status: lowerdeck_framework::status::HResult,
    },
}

impl StackInstance {
    /// One line about it.
    ///
    /// # Errors
    /// [`HostError::Broken`], as all questions here.
    pub fn summary(&self) -> Result<StackSummary, HostError> {
        let inner = self.lock()?;
        let state = match &inner.body {
            Body::Running(stack) => stack.state(),
            Body::Ended(epitaph) => epitaph.state,
        };
        Ok(StackSummary {
            name: self.name.clone(),
            template: self.is_private().then(|| self.declaration.name.clone()),
            sharing: self.declaration.sharing,
            state: Some(state),
            expression: self.declaration.definition.to_string(),
            sessions: inner.uppers.values().map(|upper| Arc::clone(&upper.identity.prefix)).collect(),
        })
    }

    /// All about it.
    ///
    /// # Errors
    /// [`HostError::Broken`].
    pub fn describe(&self) -> Result<StackDescription, HostError> {
        let summary = self.summary()?;
        Ok(StackDescription {
            summary,
            verifier: self.declaration.verifier,
            clock: self.declaration.clock,
            method_neither: self.declaration.method_neither,
            dispatcher: self.declaration.dispatcher,
            layers: Arc::clone(&self.layers),
            ticks: self.now()?.monotonic,
        })
    }

    /// What its clock shows; of an ended stack, when it ended.
    ///
    /// # Errors
    /// [`HostError::Broken`].
    pub fn now(&self) -> Result<Now, HostError> {
        let inner = self.lock()?;
        let mut now = inner.clock.now();
        if let Body::Ended(epitaph) = &inner.body {
            now.monotonic = epitaph.ticks;
        }
        Ok(now)
    }

    /// At most `limit` entries after `sequence`; 0 stands for the server's own limit, which also caps.
    ///
    /// # Errors
    /// [`HostError::Broken`].
    pub fn trace_after(&self, sequence: u64, limit: usize) -> Result<TracePiece, HostError> {
        let limit = if limit == 0 { self.trace_page_entries_max } else { limit.min(self.trace_page_entries_max) };
        let inner = self.lock()?;
        let (entries, ended) = match &inner.body {
            Body::Running(stack) => {
                let ended = matches!(stack.state(), StackState::Removed | StackState::Stopped);
                (stack.trace_after(sequence, limit), ended)
            }
            Body::Ended(epitaph) => {
                let first = epitaph.trace.partition_point(|entry| entry.sequence <= sequence);
                (epitaph.trace[first..].iter().take(limit).copied().collect(), true)
            }
        };
        let dropped = entries.first().map_or(0, |first| first.sequence.saturating_sub(sequence.saturating_add(1)));
        let next_after = entries.last().map_or(sequence, |last| last.sequence);
        Ok(TracePiece { entries, next_after, dropped, lowest: lowest(&self.layers), ended })
    }

    /// At most `limit` findings after number `sequence`, and the driver stop.
    ///
    /// # Errors
    /// [`HostError::Broken`].
    pub fn verdicts_after(&self, sequence: u64, limit: usize) -> Result<Verdicts, HostError> {
        let limit = if limit == 0 { self.page_entries_max } else { limit.min(self.page_entries_max) };
        let inner = self.lock()?;
        let select = |finding: &&lowerdeck_framework::verifier::Finding| finding.sequence > sequence;
        let mut findings: Vec<_> = match &inner.body {
            Body::Running(stack) => stack.findings().filter(select).take(limit + 1).cloned().collect(),
            Body::Ended(epitaph) => epitaph.findings.iter().filter(select).take(limit + 1).cloned().collect(),
        };
        let more = findings.len() > limit;
        findings.truncate(limit);
        for finding in &mut findings {
            let found = inner.culprits.iter().find(|(sequence, _)| *sequence == finding.sequence);
            if let Some((_, name)) = found {
                finding.driver = name.to_string();
            }
        }
        Ok(Verdicts { findings, more, stop: inner.stop.clone(), lowest: lowest(&self.layers) })
    }

    /// Who holds what: now, or as of the driver stop or the end.
    ///
    /// # Errors
    /// [`HostError::Broken`].
    pub fn outstanding(&self) -> Result<OutstandingRecord, HostError> {
        let mut guard = self.lock()?;
        let inner = &mut *guard;
        if let Some(stop) = &inner.stop {
            return Ok(stop.outstanding.clone());
        }
        Ok(match &mut inner.body {
            Body::Running(stack) => {
                let now = inner.clock.now();
                outstanding_of(&self.name, &self.layers, &inner.uppers, now.monotonic, stack.outstanding(now))
            }
            Body::Ended(epitaph) => epitaph.outstanding.clone(),
        })
    }

    /// Gives the driver of `layer` a command; answers when everything that follows has been done.
    ///
    /// # Errors
    /// [`HostError::LayerUnknown`], [`HostError::NotControllable`], [`HostError::CommandInvalid`], and those of
    /// [`StackInstance::apply`].
    pub fn control(&self, layer: u32, command: &str) -> Result<String, HostError> {
        let level = u8::try_from(layer).ok().filter(|number| *number >= 1 && *number <= lowest(&self.layers));
        let record = level.and_then(|number| self.layers.get(usize::from(number) - 1));
        let (Some(level), Some(record)) = (level, record) else {
            return Err(HostError::LayerUnknown { stack: self.name.clone(), layer, lowest: self.layers.len() });
        };
        if !record.controllable {
            return Err(HostError::NotControllable { stack: self.name.clone(), driver: record.driver.clone() });
        }
        let reply = self.apply(None, |stack, now| stack.driver_controlled(now, Level(level), command))?;
        reply.map_err(|error| match error {
            ControlError::Refused(reason) => HostError::CommandInvalid(reason),
            other => HostError::CommandInvalid(other.to_string()),
        })
    }

    /// Moves a manual clock by `forward` ticks, and its wall clock by `wall` ticks in addition. Whatever becomes due
    /// on the way happens at its own time.
    ///
    /// # Errors
    /// [`HostError::ClockNotManual`], and those of [`StackInstance::apply`].
    pub fn advance_clock(&self, forward: u64, wall: i64) -> Result<Now, HostError> {
        let mut left = forward;
        let mut steps = self.clock_steps_max;
        let mut shift = wall;
        loop {
            let mut inner = self.lock()?;
            if inner.clock.kind() != ClockKind::Manual {
                return Err(HostError::ClockNotManual(self.name.clone()));
            }
            inner.clock.shift(0, std::mem::take(&mut shift));
            let before = inner.clock.now();
            let due = self.running(&mut inner.body)?.next_timer_in(before);
            steps = steps.saturating_sub(1);
            let stride = if steps == 0 { left } else { due.unwrap_or(left).min(left) };
            inner.clock.shift(stride, 0);
            left -= stride;
            let now = inner.clock.now();
            self.settle(inner, None, now);
            let inner = self.lock()?;
            let more_due = match &inner.body {
                Body::Running(stack) => stack.next_timer_in(now) == Some(0),
                Body::Ended(_) => false,
            };
            if left == 0 && (!more_due || steps == 0) {
                return Ok(now);
            }
        }
    }

    /// The first failing status of a start callback: why the stack did not start.
    ///
    /// # Errors
    /// [`HostError::Broken`].
    pub fn start_failure(&self) -> Result<HostError, HostError> {
        let inner = self.lock()?;
        let trace = match &inner.body {
            Body::Running(stack) => stack.trace_after(0, usize::MAX),
            Body::Ended(epitaph) => epitaph.trace.clone(),
        };
        let status = trace
            .iter()
            .filter(|entry| matches!(entry.kind, TraceKind::PnpLeave(_)))
            .find_map(|entry| entry.status.filter(|status| !status.is_success()));
        Ok(HostError::StartFailed {
            stack: self.name.clone(),
            status: status.unwrap_or(HResult::STATUS_INVALID_DEVICE_STATE),
        })
    }

    /// Which clock it has.
    pub fn clock_kind(&self) -> ClockKind {
        self.declaration.clock
    }

    /// Waits until the stack has started.
    ///
    /// # Errors
    /// [`HostError::StartFailed`], [`HostError::StackStopped`].
    pub async fn started(&self) -> Result<(), HostError> {
        let mut progress = self.progress();
        let reached = progress
            .wait_for(|progress| !matches!(progress.state, StackState::Added | StackState::Starting))
            .await
            .map(|progress| progress.state);
        match reached {
            Ok(StackState::Started) => Ok(()),
            Ok(StackState::Stopped) => Err(HostError::StackStopped(self.name.clone())),
            _ => Err(self.start_failure().unwrap_or_else(|broken| broken)),
        }
    }

    /// Asks for the orderly removal of the stack and waits until it is over.
    ///
    /// # Errors
    /// [`HostError::StackStopped`] if it ends in a driver stop, and those of [`StackInstance::apply`].
    pub async fn remove(&self) -> Result<RemovalOutcome, HostError> {
        let mut progress = self.progress();
        let vetoes = progress.borrow_and_update().vetoes;
        self.apply(None, |stack, now| stack.removal_requested(now))?;
        let reached = progress
            .wait_for(|progress| {
                progress.vetoes > vetoes || matches!(progress.state, StackState::Removed | StackState::Stopped)
            })
            .await
            .map_err(|_| HostError::StackRemoved(self.name.clone()))?;
        match *reached {
            Progress { state: StackState::Removed, .. } => Ok(RemovalOutcome::Removed),
            Progress { state: StackState::Stopped, .. } => Err(HostError::StackStopped(self.name.clone())),
            Progress { veto, .. } => {
                let (level, status) = veto.unwrap_or_default();
                Ok(RemovalOutcome::Vetoed { level, status })
            }
        }
    }
}
