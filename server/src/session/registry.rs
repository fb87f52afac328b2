//! The registry: sessions by UUID, those that are open and the last ones that ended.
//!
//! Laws: a UUID names one session for as long as it is remembered; the registry's lock is a leaf: nothing is called
//! under it, so it may be taken under any other lock.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, Weak};
use std::time::{Duration, SystemTime};

use lowerdeck_framework::callback::CallbackSet;
use tokio::sync::Notify;
use uuid::Uuid;

use super::audit::Audit;
use super::error::{EndReason, SessionError};
use super::live::{OpenTerms, Session, SessionKeeper, Surroundings};
use super::quota;
use super::view::LastWord;
use crate::host::catalog::Catalog;
use crate::host::handle_host::HandleHost;
use crate::host::limits::Limits;
use crate::host::timekeeper::Timekeeper;

/// How long a client should wait before it tries a server that drains again: until the drain is over.
const DRAIN_RETRY: Duration = Duration::from_secs(1);

/// All sessions.
pub struct Sessions {
    catalog: Arc<Catalog>,
    around: Surroundings,
    directory: RwLock<Directory>,
    draining: AtomicBool,
    tags: AtomicU64,
    /// A session ended.
    ended: Notify,
}

#[derive(Default)]
struct Directory {
    open: HashMap<Uuid, Arc<Session>>,
    ended: HashMap<Uuid, Arc<LastWord>>,
    ended_order: VecDeque<Uuid>,
}

impl Sessions {
    /// No session yet.
    pub fn new(
        catalog: Arc<Catalog>,
        limits: Arc<Limits>,
        audit: Arc<Audit>,
        timekeeper: Arc<Timekeeper>,
        handle_host: Arc<HandleHost>,
    ) -> Arc<Sessions> {
        Arc::new_cyclic(|this: &Weak<Sessions>| Sessions {
            catalog,
            around: Surroundings { limits, audit, keeper: this.clone(), timekeeper, handle_host },
            directory: RwLock::default(),
            draining: AtomicBool::new(false),
            tags: AtomicU64::new(0),
            ended: Notify::new(),
        })
    }

    /// Opens a session, or finds the one that the same message opened. Without callbacks it answers when the stack
    /// has started.
    ///
    /// # Errors
    /// [`SessionError::SessionIdInUse`], [`SessionError::SessionEnded`], [`SessionError::LeaseOutOfBounds`],
    /// [`SessionError::LimitReached`], [`SessionError::Draining`], and those of the host.
    pub async fn open(&self, id: Uuid, terms: OpenTerms) -> Result<Arc<Session>, SessionError> {
        let lease = self.lease_length(terms.lease)?;
        let (session, is_new) = loop {
            let (session, is_new) = self.find_or_insert(id, terms.clone(), lease)?;
            // One that another call is just opening: its outcome is the outcome of this call too.
            if is_new || session.settled().await {
                break (session, is_new);
            }
        };
        if is_new {
            let attached = self.catalog.instance_for_session(&session.terms().stack).map_err(SessionError::from);
            if let Err(error) = attached.and_then(|instance| session.attach(&instance)) {
                self.discard(&session);
                return Err(error);
            }
            tracing::info!(session = %session.prefix(), stack = %session.terms().stack, "session opened");
            session.watch_lease();
        }
        if session.terms().callbacks == CallbackSet::EMPTY {
            self.wait_for_start(&session).await?;
        }
        Ok(session)
    }

    fn find_or_insert(
        &self,
        id: Uuid,
        terms: OpenTerms,
        lease: Duration,
    ) -> Result<(Arc<Session>, bool), SessionError> {
        let limits = &self.around.limits;
        let mut directory = self.write();
        if let Some(there) = directory.open.get(&id) {
            if *there.terms() != terms {
                return Err(SessionError::SessionIdInUse);
            }
            return Ok((Arc::clone(there), false));
        }
        if let Some(last) = directory.ended.get(&id) {
            return Err(SessionError::SessionEnded(last.reason));
        }
        if self.draining.load(Ordering::Acquire) {
            return Err(SessionError::Draining { retry_after: DRAIN_RETRY });
        }
        let open = directory.open.len() as u64;
        quota::check("sessions_max", open, 1, limits.sessions_max, "close sessions, or raise the limit")?;
        let tag = self.tags.fetch_add(1, Ordering::Relaxed) + 1;
        let session = Session::new(id, tag, terms, lease, &self.around);
        directory.open.insert(id, Arc::clone(&session));
        Ok((session, true))
    }

    async fn wait_for_start(&self, session: &Arc<Session>) -> Result<(), SessionError> {
        if session.started.load(Ordering::Acquire) {
            return Ok(());
        }
        let started = session.attachment()?.instance.started().await;
        match started {
            Ok(()) => session.started.store(true, Ordering::Release),
            Err(error) => {
                self.discard(session);
                return Err(error.into());
            }
        }
        Ok(())
    }

    /// Whether a lease is within bounds, and which one holds.
    ///
    /// # Errors
    /// [`SessionError::LeaseOutOfBounds`].
    fn lease_length(&self, asked: Option<Duration>) -> Result<Duration, SessionError> {
        let limits = &self.around.limits;
        let bounds = [limits.lease_ms_min, limits.lease_ms_max].map(Duration::from_millis);
        let asked = asked.unwrap_or(Duration::from_millis(limits.lease_ms_default));
        if asked < bounds[0] || asked > bounds[1] {
            return Err(SessionError::LeaseOutOfBounds { asked, min: bounds[0], max: bounds[1] });
        }
        Ok(asked)
    }

    /// Renews a session's lease, with a new length if one is given.
    ///
    /// # Errors
    /// [`SessionError::LeaseOutOfBounds`].
    pub fn renew(&self, session: &Session, lease: Option<Duration>) -> Result<(), SessionError> {
        let lease = lease.map(|asked| self.lease_length(Some(asked))).transpose()?;
        session.renew(lease);
        Ok(())
    }

    /// The open session that `id` names.
    ///
    /// # Errors
    /// [`SessionError::SessionEnded`], [`SessionError::SessionUnknown`].
    pub fn resolve(&self, id: Uuid) -> Result<Arc<Session>, SessionError> {
        let directory = self.directory.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(session) = directory.open.get(&id) {
            return Ok(Arc::clone(session));
        }
        Err(directory
            .ended
            .get(&id)
            .map_or(SessionError::SessionUnknown, |last| SessionError::SessionEnded(last.reason)))
    }

    /// Ends the session that `id` names, in order, and waits for its last word; of one that has been closed before,
    /// the same last word.
    ///
    /// # Errors
    /// [`SessionError::SessionUnknown`], [`SessionError::SessionEnded`] if it was not CloseSession that ended it.
    pub async fn close(&self, id: Uuid) -> Result<Arc<LastWord>, SessionError> {
        let session = match self.resolve(id) {
            Ok(session) => session,
            Err(error) => return self.last_word(id).ok_or(error),
        };
        session.close().await?;
        drop(session);
        loop {
            // A session ends on whichever thread ends the last of its I/O, and is told of there a moment later.
            let ended = self.ended.notified();
            tokio::pin!(ended);
            ended.as_mut().enable();
            match self.resolve(id) {
                Ok(_) => ended.await,
                Err(error) => return self.last_word(id).ok_or(error),
            }
        }
    }

    fn last_word(&self, id: Uuid) -> Option<Arc<LastWord>> {
        let directory = self.directory.read().unwrap_or_else(PoisonError::into_inner);
        directory.ended.get(&id).filter(|last| last.reason == EndReason::Closed).cloned()
    }

    /// A session that never came to be: its UUID is free again.
    fn discard(&self, session: &Arc<Session>) {
        self.write().open.remove(&session.id());
        session.lose(EndReason::StackRemoved);
    }

    /// From now on no session is opened.
    pub fn refuse_new(&self) {
        self.draining.store(true, Ordering::Release);
    }

    /// Tells every open session that the server ends at `deadline`.
    pub fn announce_drain(&self, deadline: SystemTime) {
        for session in self.open_sessions() {
            session.drain(deadline);
        }
    }

    /// Whether new sessions are refused.
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Acquire)
    }

    /// Waits until no session is open.
    pub async fn all_ended(&self) {
        loop {
            let ended = self.ended.notified();
            tokio::pin!(ended);
            ended.as_mut().enable();
            if self.open_sessions().is_empty() {
                return;
            }
            ended.await;
        }
    }

    /// Ends every session as if its client were lost.
    pub fn end_all(&self) {
        for session in self.open_sessions() {
            session.lose(EndReason::Draining);
        }
    }

    /// The open sessions.
    pub fn open_sessions(&self) -> Vec<Arc<Session>> {
        let directory = self.directory.read().unwrap_or_else(PoisonError::into_inner);
        directory.open.values().cloned().collect()
    }

    fn write(&self) -> std::sync::RwLockWriteGuard<'_, Directory> {
        // Every change leaves the maps whole, so a panic elsewhere cannot have spoilt them.
        self.directory.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SessionKeeper for Sessions {
    fn session_ended(&self, session: &Session) {
        let Some(last) = session.last_word() else { return };
        let mut directory = self.write();
        let Some(ended) = directory.open.remove(&session.id()) else { return };
        tracing::info!(session = %session.prefix(), reason = %last.reason, "session ended");
        directory.ended.insert(session.id(), Arc::new(last));
        directory.ended_order.push_back(session.id());
        if directory.ended_order.len() as u64 > self.around.limits.ended_sessions_max
            && let Some(oldest) = directory.ended_order.pop_front()
        {
            directory.ended.remove(&oldest);
        }
        drop(directory);
        drop(ended);
        self.ended.notify_waiters();
    }
}
