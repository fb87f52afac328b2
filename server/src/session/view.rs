//! How a session stands, for those who ask.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use lowerdeck_framework::stack::StackState;
use lowerdeck_framework::verifier::VerifierMode;

use super::balance::Balance;
use super::error::{EndReason, SessionError};
use super::live::Session;
use super::state::Phase;
use crate::host::clock;
use crate::host::limits::Limits;

/// How a session stands.
#[derive(Debug, Clone)]
pub struct SessionView {
    /// The instance.
    pub instance: Arc<str>,
    /// Whether the instance is the session's own.
    pub private: bool,
    /// How far the instance is.
    pub stack_state: StackState,
    /// What broken rules lead to.
    pub verifier: VerifierMode,
    /// What moves its clock.
    pub clock: clock::ClockKind,
    /// When the lease runs out if nothing renews it.
    pub expires: SystemTime,
    /// How long the lease runs.
    pub lease: Duration,
    /// The newest event.
    pub last_event: u64,
    /// The number up to which events are acknowledged.
    pub acknowledged: u64,
    /// The limits.
    pub limits: Arc<Limits>,
    /// The books.
    pub balance: Balance,
}

/// The session's last word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastWord {
    /// Why it ended.
    pub reason: EndReason,
    /// The final balance.
    pub balance: Balance,
    /// Files that the client had not closed when it called CloseSession.
    pub files_left_open: u32,
}

impl Session {
    /// How it stands.
    ///
    /// # Errors
    /// [`SessionError::SessionUnknown`] before it is open.
    pub fn view(&self) -> Result<SessionView, SessionError> {
        let attachment = self.attachment()?;
        let instance = &attachment.instance;
        let lease = self.lease();
        let left = lease.expires(clock::uptime_ticks()).saturating_sub(clock::uptime_ticks());
        let state = self.lock();
        Ok(SessionView {
            instance: instance.name().into(),
            private: instance.is_private(),
            stack_state: instance.progress().borrow().state,
            verifier: instance.declaration().verifier,
            clock: instance.clock_kind(),
            expires: clock::wall_time() + clock::duration(left),
            lease: clock::duration(lease.length),
            last_event: state.events.last(),
            acknowledged: state.events.acknowledged(),
            limits: Arc::clone(&self.limits),
            balance: state.books.balance(self.limits.balance_files_max),
        })
    }

    /// Its last word, once it has ended.
    pub(super) fn last_word(&self) -> Option<LastWord> {
        let state = self.lock();
        let Phase::Ended(reason) = state.phase else { return None };
        Some(LastWord {
            reason,
            balance: state.books.balance(self.limits.balance_files_max),
            files_left_open: u32::try_from(state.files_left_open).unwrap_or(u32::MAX),
        })
    }
}
