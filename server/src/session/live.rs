//! One session: an upper driver on one stack instance, with everything that is its own.
//!
//! Laws: every change is one synchronous step, so a dropped call leaves nothing half-done (MAP-5); what waits, waits
//! for an outcome that the session keeps. Lock order: the instance's lock, then the session's state; the state's lock
//! is also taken alone, and the host is never called under it. No lock is held across an await.
//! The calls themselves are in `file_calls.rs`, `request_calls.rs`, `target_calls.rs` and `event_calls.rs`.

use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::{Duration, SystemTime};

use lowerdeck_framework::callback::CallbackSet;
use lowerdeck_framework::clock::Now;
use lowerdeck_framework::ids::DeviceId;
use lowerdeck_framework::ids::TargetId;
use lowerdeck_framework::stack::Stack;
use lowerdeck_handles::handle::Handles;
use tokio::sync::futures::Notified;
use tokio::sync::{Notify, Semaphore};
use uuid::Uuid;

use super::audit::{Audit, Subject};
use super::error::{EndReason, SessionError};
use super::events::{Coming, EventBody};
use super::lease::Lease;
use super::ownership::OwnedFile;
use super::state::{Phase, SessionState};
use crate::host::clock;
use crate::host::error::HostError;
use crate::host::handle_host::HandleHost;
use crate::host::instance::StackInstance;
use crate::host::limits::Limits;
use crate::host::timekeeper::{Sleeper, SleeperId, Timekeeper};
use crate::host::upper::{UpperDriver, UpperEvent, UpperIdentity};

/// What OpenSession asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenTerms {
    /// The template or shared stack.
    pub stack: String,
    /// The length of the lease, or the default.
    pub lease: Option<Duration>,
    /// The callbacks that the client answers itself.
    pub callbacks: CallbackSet,
    /// The name in findings and reports.
    pub client_name: String,
}

/// What a session shares with all others.
#[derive(Clone)]
pub(super) struct Surroundings {
    pub(super) limits: Arc<Limits>,
    pub(super) audit: Arc<Audit>,
    pub(super) keeper: Weak<dyn SessionKeeper>,
    pub(super) timekeeper: Arc<Timekeeper>,
    pub(super) handle_host: Arc<HandleHost>,
}

/// Who is told when a session has ended.
pub(super) trait SessionKeeper: Send + Sync {
    /// `session` has reached its end. May be called under an instance's lock: it must not call the host.
    fn session_ended(&self, session: &Session);
}

/// The place of a session on its stack.
pub(super) struct Attachment {
    pub(super) instance: Arc<StackInstance>,
    pub(super) upper: DeviceId,
}

/// One session.
pub struct Session {
    id: Uuid,
    prefix: Arc<str>,
    tag: u64,
    terms: OpenTerms,
    pub(super) limits: Arc<Limits>,
    audit: Arc<Audit>,
    keeper: Weak<dyn SessionKeeper>,
    pub(super) timekeeper: Arc<Timekeeper>,
    pub(super) sleeper: SleeperId,
    pub(super) this: Weak<Session>,
    attachment: OnceLock<Attachment>,
    pub(super) handle_host: Arc<HandleHost>,
    /// Its handles, once it has opened one.
    pub(super) handles: OnceLock<Arc<Handles>>,
    state: Mutex<SessionState>,
    pub(super) lease: Mutex<Lease>,
    pub(super) blocking: Arc<Semaphore>,
    /// The stack had started when OpenSession answered.
    pub(super) started: AtomicBool,
    /// Something was appended to the event log, or the phase changed.
    changed: Notify,
    /// Numbers the event streams: only the newest one goes on.
    pub(super) stream_generation: AtomicU64,
}

impl Session {
    pub(super) fn new(id: Uuid, tag: u64, terms: OpenTerms, lease: Duration, around: &Surroundings) -> Arc<Session> {
        let prefix: String = id.simple().to_string().chars().take(8).collect();
        let blocking = usize::try_from(around.limits.blocking_calls_max).unwrap_or(usize::MAX);
        Arc::new_cyclic(|this| Session {
            id,
            prefix: prefix.into(),
            tag,
            terms,
            limits: Arc::clone(&around.limits),
            audit: Arc::clone(&around.audit),
            keeper: around.keeper.clone(),
            timekeeper: Arc::clone(&around.timekeeper),
            sleeper: around.timekeeper.next_id(),
            this: this.clone(),
            started: AtomicBool::new(false),
            attachment: OnceLock::new(),
            handle_host: Arc::clone(&around.handle_host),
            handles: OnceLock::new(),
            state: Mutex::new(SessionState::new()),
            lease: Mutex::new(Lease { length: clock::ticks(lease), renewed: clock::uptime_ticks(), holders: 0 }),
            blocking: Arc::new(Semaphore::new(blocking.min(Semaphore::MAX_PERMITS))),
            changed: Notify::new(),
            stream_generation: AtomicU64::new(0),
        })
    }

    /// Its UUID. Never logged: see [`Session::prefix`].
    pub fn id(&self) -> Uuid {
        self.id
    }

    /// The first 8 digits of its UUID.
    pub fn prefix(&self) -> &Arc<str> {
        &self.prefix
    }

    pub(super) fn terms(&self) -> &OpenTerms {
        &self.terms
    }

    pub(super) fn attach(self: &Arc<Session>, instance: &Arc<StackInstance>) -> Result<(), SessionError> {
        let name = match self.terms.client_name.as_str() {
            "" => "client",
            name => name,
        };
        let identity = UpperIdentity { tag: self.tag, name: name.into(), prefix: Arc::clone(&self.prefix) };
        let driver: Arc<dyn UpperDriver> = Arc::clone(self) as Arc<dyn UpperDriver>;
        let upper = instance.attach(identity, self.terms.callbacks, driver)?;
        let attachment = Attachment { instance: Arc::clone(instance), upper };
        if self.attachment.set(attachment).is_err() {
            tracing::error!(session = %self.prefix, "a session was attached twice");
        }
        self.announce();
        Ok(())
    }

    pub(super) fn attachment(&self) -> Result<&Attachment, SessionError> {
        // Between its registration and its attachment a session is not open yet.
        self.attachment.get().ok_or(SessionError::SessionUnknown)
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, SessionState> {
        // A panic under this lock is a fault of ours; the session goes on with the state it left.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One synchronous step on the stack and the session's state. `batch` must not call the host.
    pub(super) fn operate<R>(
        &self,
        batch: impl FnOnce(&mut Operation<'_>) -> Result<R, SessionError>,
    ) -> Result<R, SessionError> {
        let attachment = self.attachment()?;
        let upper = attachment.upper;
        let result = attachment.instance.apply(Some(upper), |stack, now| {
            let mut state = self.lock();
            if let Phase::Ended(reason) = state.phase {
                return Err(SessionError::SessionEnded(reason));
            }
            batch(&mut Operation {
                stack,
                now,
                upper,
                state: &mut state,
                limits: &self.limits,
                batch_file: None,
                batch_owned: None,
                is_submission: false,
                coming: Coming::default(),
            })
        })?;
        result.inspect_err(|error| self.audit_refusal(error))
    }

    /// Why a call that waited will never hear of its outcome.
    pub(super) fn abandoned(&self) -> SessionError {
        self.abandoned_in(self.lock().phase)
    }

    /// [`Session::abandoned`], of a session that is in `phase`.
    pub(super) fn abandoned_in(&self, phase: Phase) -> SessionError {
        match phase {
            Phase::Ended(reason) => SessionError::SessionEnded(reason),
            Phase::StackEnded(EndReason::DriverStop) => HostError::StackStopped(self.instance_name()).into(),
            _ => HostError::StackRemoved(self.instance_name()).into(),
        }
    }

    fn instance_name(&self) -> String {
        self.attachment.get().map_or_else(String::new, |attachment| attachment.instance.name().to_owned())
    }

    /// Leaves an audit entry when `error` is a refusal by ownership.
    pub(super) fn audit_refusal(&self, error: &SessionError) {
        match error {
            SessionError::FileNotOwned(id) => self.audit.refuse(&self.prefix, Subject::File, id),
            SessionError::TargetNotOwned(id) => self.audit.refuse(&self.prefix, Subject::Target, id),
            SessionError::HandleNotOwned(id) => self.audit.refuse(&self.prefix, Subject::Handle, id),
            SessionError::RequestNotOwned(id) => self.audit.refuse(&self.prefix, Subject::Request, &id.to_string()),
            SessionError::CallbackNotOwned(id) => self.audit.refuse(&self.prefix, Subject::Callback, &id.to_string()),
            _ => {}
        }
    }

    /// One step on what the session knows of its handles, which needs no stack: also after that has ended.
    pub(super) fn of_handles<R>(
        &self,
        step: impl FnOnce(&mut SessionState, &Limits) -> Result<R, SessionError>,
    ) -> Result<R, SessionError> {
        let mut state = self.lock();
        if let Phase::Ended(reason) = state.phase {
            return Err(SessionError::SessionEnded(reason));
        }
        let result = step(&mut state, &self.limits);
        drop(state);
        result.inspect_err(|error| self.audit_refusal(error))
    }

    pub(super) fn phase(&self) -> Phase {
        self.lock().phase
    }

    /// Wakes everybody who waits for events or for the end.
    pub(super) fn announce(&self) {
        self.changed.notify_waiters();
    }

    /// Resolves when something was appended to the event log or the phase changed; enable it before looking.
    pub fn changes(&self) -> Notified<'_> {
        self.changed.notified()
    }

    /// Waits until it is known whether the session came to be, and says so.
    pub(super) async fn settled(&self) -> bool {
        loop {
            let changed = self.changes();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if self.attachment.get().is_some() {
                return true;
            }
            if matches!(self.phase(), Phase::Ended(_)) {
                return false;
            }
            changed.await;
        }
    }

    /// Announces that the server shuts down.
    pub(super) fn drain(&self, deadline: SystemTime) {
        let Some(Ok(now)) = self.attachment.get().map(|attachment| attachment.instance.now()) else { return };
        let ticks = now.monotonic;
        let mut state = self.lock();
        if !matches!(state.phase, Phase::Open | Phase::Closing) {
            return;
        }
        state
            .events
            .append(ticks, EventBody::SessionEnding { reason: EndReason::Draining, hard_deadline: Some(deadline) });
        drop(state);
        self.announce();
    }

    /// The client is lost: the stack hears of the death of its upper driver (MAP-6), and the session is over.
    pub(super) fn lose(&self, reason: EndReason) {
        let on_stack = self.attachment.get();
        if let Some(Attachment { instance, upper }) = on_stack {
            let applied = instance.apply(Some(*upper), |stack, now| {
                self.lock().end(now.monotonic, reason);
                stack.upper_lost(now, *upper);
            });
            if applied.is_err() {
                self.lock().end(0, reason);
                instance.detach(*upper);
            }
        } else {
            self.lock().end(0, reason);
        }
        self.ended();
    }

    /// Tells everybody that the session has ended.
    pub(super) fn ended(&self) {
        self.announce();
        self.close_handles();
        self.timekeeper.wake_at(self.sleeper, self.this.clone() as Weak<dyn Sleeper>, None);
        if let Some(keeper) = self.keeper.upgrade() {
            keeper.session_ended(self);
        }
    }
}

impl UpperDriver for Session {
    fn take(&self, events: &mut dyn Iterator<Item = UpperEvent>, ticks: u64) {
        let mut state = self.lock();
        let before = (state.events.last(), state.returned.count());
        let phase = state.phase;
        for event in events {
            state.take(event, ticks, &self.limits);
        }
        let changed = (state.events.last(), state.returned.count()) != before || state.phase != phase;
        let over = state.phase != phase && matches!(state.phase, Phase::Ended(_));
        drop(state);
        if over {
            self.ended();
        } else if changed {
            self.announce();
        }
    }
}

/// One synchronous step: the stack, the time, and the session's state, all locked.
pub(super) struct Operation<'a> {
    pub(super) stack: &'a mut Stack,
    pub(super) now: Now,
    pub(super) upper: DeviceId,
    pub(super) state: &'a mut SessionState,
    pub(super) limits: &'a Limits,
    /// The file that calls of a batch mean when they name none.
    pub(super) batch_file: Option<Arc<str>>,
    /// The same, once it was looked up: nothing of the session's files changes within a step.
    pub(super) batch_owned: Option<OwnedFile>,
    /// The step is a batch of a queue pair.
    pub(super) is_submission: bool,
    /// What the sends accepted in the step so far lead to: none of them has completed before it ends.
    pub(super) coming: Coming,
}

impl Operation<'_> {
    /// The ownership check of a file that a client named.
    pub(super) fn own(&self, text: &str) -> Result<OwnedFile, SessionError> {
        self.state.files.own(text)
    }

    /// The ownership check of a target that a client named; None is the default one.
    pub(super) fn own_target(&self, text: &str) -> Result<Option<TargetId>, SessionError> {
        self.state.targets.own(text)
    }
}
