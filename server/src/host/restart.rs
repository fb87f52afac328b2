//! What the catalog does about a stopped stack (STOP-4, STOP-7).
//!
//! A shared stack is started again under its name, with its clock, as long as the policy allows: sessions on the old one
//! have ended, new ones find the new one; what is kept of the n-th life is found under `NAME@n`. A private stack has died
//! with its session. The event ids are those that Windows writes to its log.

use std::sync::Arc;

use lowerdeck_framework::restart::{RestartDecision, RestartPolicy};

use super::catalog::{Catalog, Stacks};
use super::error::HostError;
use super::instance::StackInstance;

/// The host process was at fault and has been ended.
const HOST_AT_FAULT: u32 = 10110;
/// The device went offline and was restarted.
const RESTARTED: u32 = 10111;
/// The device went offline and stays so.
const NOT_RESTARTED: u32 = 10112;

impl Catalog {
    /// `instance` was stopped: another one of the same declaration takes its place, or it stays down.
    pub(super) fn restart_or_leave(&self, instance: &Arc<StackInstance>) {
        let stack = instance.name();
        tracing::error!(event_id = HOST_AT_FAULT, stack, "a driver stop ended the stack's host");
        let restarted = match self.successor(instance) {
            Ok(Some((successor, attempt))) => {
                self.bury(instance);
                successor.start().map(|()| Some(attempt))
            }
            Ok(None) => Ok(None),
            Err(error) => Err(error),
        };
        match restarted {
            Ok(Some(attempt)) => tracing::warn!(event_id = RESTARTED, stack, attempt, "the stack was restarted"),
            Ok(None) => tracing::error!(event_id = NOT_RESTARTED, stack, "the stack stays down"),
            Err(error) => tracing::error!(event_id = NOT_RESTARTED, stack, %error, "the stack could not be restarted"),
        }
    }

    /// What takes the place of a stopped shared stack, not started, and which attempt in a row it is.
    fn successor(&self, stopped: &Arc<StackInstance>) -> Result<Option<(Arc<StackInstance>, u32)>, HostError> {
        let (name, clock) = (stopped.name(), stopped.clock()?);
        let mut stacks = self.lock();
        if !stacks.shared.get(name).is_some_and(|there| Arc::ptr_eq(there, stopped)) {
            return Ok(None); // a private one, or one that somebody has plugged anew
        }
        let allowed = u32::try_from(self.limits.restarts_max).unwrap_or(u32::MAX);
        let policy = stacks.policies.entry(name.to_owned()).or_insert_with(|| RestartPolicy::new(allowed));
        let RestartDecision::Restart(attempt) = policy.failed(clock.now().monotonic) else { return Ok(None) };
        stacks.shared.remove(name);
        let (declaration, layers) = (stopped.shared_declaration(), stopped.layers());
        let successor = self.make(&mut stacks, name.to_owned(), declaration, layers, (clock, stopped.life + 1));
        let Stacks { shared, .. } = &mut *stacks;
        let next = successor.as_ref().unwrap_or(stopped);
        shared.insert(name.to_owned(), Arc::clone(next));
        successor.map(|successor| Some((successor, attempt)))
    }
}
