//! The books of a demo: every call with what was in the trace before and after it, so that the two sides can be set beside
//! each other without any clock.

use std::future::Future;

use anyhow::{Context, bail};
use lowerdeck_client::{Lab, v1};

/// One thing that the demo did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Step {
    /// What was done.
    pub(super) act: Act,
    /// What came back.
    pub(super) outcome: String,
    /// The last trace entry before the call.
    pub(super) after: u64,
    /// The last trace entry when it had returned.
    pub(super) through: u64,
}

/// Something to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Act {
    /// The step of the procedure, the first time it is done.
    pub(super) number: Option<u8>,
    /// Who does it.
    pub(super) actor: Actor,
    /// What is called.
    pub(super) call: String,
    /// The rule that a call outside the trace illustrates; empty for none.
    pub(super) rule: &'static str,
}

/// Who did a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Actor {
    /// The upper driver.
    L0,
    /// Whoever holds the lower driver's strings.
    Lab,
    /// The program at the other end of a pipe.
    Peer,
}

impl Act {
    /// A call of L0.
    pub(super) fn call(text: impl Into<String>) -> Act {
        Act { number: None, actor: Actor::L0, call: text.into(), rule: "" }
    }

    /// A step of the procedure.
    pub(super) fn numbered(number: u8, text: impl Into<String>) -> Act {
        Act { number: Some(number), ..Act::call(text) }
    }

    /// What somebody else does.
    pub(super) fn of(actor: Actor, text: impl Into<String>) -> Act {
        Act { actor, ..Act::call(text) }
    }

    /// With the rule that it illustrates.
    pub(super) fn rule(self, rule: &'static str) -> Act {
        Act { rule, ..self }
    }
}

/// A demo under way.
pub(super) struct Log {
    pub(super) lab: Lab,
    pub(super) stack: String,
    pub(super) trace: Vec<v1::TraceEntry>,
    pub(super) steps: Vec<Step>,
}

impl Log {
    pub(super) fn new(lab: Lab, stack: &str) -> Log {
        Log { lab, stack: stack.to_owned(), trace: Vec::new(), steps: Vec::new() }
    }

    /// Brings the trace up to date; answers the number of its last entry.
    pub(super) async fn catch_up(&mut self) -> anyhow::Result<u64> {
        loop {
            let last = self.trace.last().map_or(0, |entry| entry.sequence);
            let piece = self.lab.read_trace(&self.stack, last).await?;
            if piece.dropped > 0 {
                bail!("the trace has lost {} entries", piece.dropped);
            }
            if piece.entries.is_empty() {
                return Ok(last);
            }
            self.trace.extend(piece.entries);
        }
    }

    /// Does something and writes it down; `outcome` puts its result in words.
    pub(super) async fn step<T, E: Into<anyhow::Error>>(
        &mut self,
        act: Act,
        work: impl Future<Output = Result<T, E>>,
        outcome: impl FnOnce(&T) -> String,
    ) -> anyhow::Result<T> {
        let after = self.catch_up().await?;
        let result = work.await.map_err(Into::into);
        let result = result.with_context(|| act.call.clone())?;
        let through = self.catch_up().await?;
        let outcome = outcome(&result);
        self.steps.push(Step { act, outcome, after, through });
        Ok(result)
    }
}
