//! How a session keeps its lease: renewals, holds, and what happens when it runs out (MAP-6).
//!
//! Law: whoever is there (a call that waits, an open event stream) holds the lease; only silence lets it run out.

use std::sync::{Arc, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::OwnedSemaphorePermit;

use super::error::{EndReason, SessionError};
use super::lease::{Lease, Verdict};
use super::live::Session;
use super::state::Phase;
use crate::host::clock;
use crate::host::timekeeper::Sleeper;

/// Keeps a session's lease from running out.
pub(super) struct LeaseHold {
    session: Arc<Session>,
}

impl Drop for LeaseHold {
    fn drop(&mut self) {
        let mut lease = self.session.lock_lease();
        lease.holders -= 1;
        lease.renewed = clock::uptime_ticks();
    }
}

/// The place of one call that waits.
pub(super) struct BlockingPermit {
    _permit: OwnedSemaphorePermit,
    _hold: LeaseHold,
}

impl Session {
    /// Room for one more call that waits; while it waits, the lease does not run out.
    pub(super) fn blocking_permit(self: &Arc<Session>) -> Result<BlockingPermit, SessionError> {
        let permit = Arc::clone(&self.blocking).try_acquire_owned().map_err(|_| SessionError::LimitReached {
            name: "blocking_calls_max",
            value: self.limits.blocking_calls_max,
            advice: "wait for calls of this session to return",
        })?;
        Ok(BlockingPermit { _permit: permit, _hold: self.hold_lease() })
    }

    /// Renews the lease, and changes its length if one is given.
    pub fn renew(&self, length: Option<Duration>) {
        let mut lease = self.lock_lease();
        lease.renewed = clock::uptime_ticks();
        if let Some(length) = length {
            lease.length = clock::ticks(length);
            drop(lease);
            self.watch_lease();
        }
    }

    /// Looks at the lease when it can have run out at the earliest. A renewal in between costs nothing: whoever is
    /// woken too early looks again.
    pub(super) fn watch_lease(&self) {
        let until = self.lease().expires(clock::uptime_ticks());
        let sleeper: Weak<dyn Sleeper> = self.this.clone();
        self.timekeeper.wake_at(self.sleeper, sleeper, clock::moment_at_uptime(until));
    }

    pub(super) fn lease(&self) -> Lease {
        *self.lock_lease()
    }

    /// Keeps the lease from running out for as long as the hold lives.
    pub(super) fn hold_lease(self: &Arc<Session>) -> LeaseHold {
        let mut lease = self.lock_lease();
        lease.holders += 1;
        lease.renewed = clock::uptime_ticks();
        LeaseHold { session: Arc::clone(self) }
    }

    fn lock_lease(&self) -> MutexGuard<'_, Lease> {
        self.lease.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sleeper for Session {
    fn wake(&self) {
        match self.lease().judge(clock::uptime_ticks()) {
            Verdict::Keep { .. } => self.watch_lease(),
            Verdict::Expired if matches!(self.phase(), Phase::Ended(_)) => {}
            Verdict::Expired => {
                tracing::info!(session = %self.prefix(), "lease expired");
                self.lose(EndReason::LeaseExpired);
            }
        }
    }
}
