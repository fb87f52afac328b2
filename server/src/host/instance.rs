//! One stack instance: the lock around a framework stack, its clock, and the upper drivers on it.
//!
//! Laws: one lock per instance, never held across an await; whoever brought a batch applies it, runs the stack, and
//! routes the effects to the upper drivers before unlocking, so that each of them sees the stack's total order. Lock
//! order: instance, then whatever an [`UpperDriver`] takes, then the timekeeper; never the reverse. A panic in a
//! driver is the framework's business (STOP-9); a panic of the framework breaks this instance and no other.
//! What people ask about an instance is in `inspect.rs`.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use lowerdeck_framework::callback::CallbackSet;
use lowerdeck_framework::clock::{Now, TICKS_PER_MILLISECOND};
use lowerdeck_framework::effect::Effect;
use lowerdeck_framework::ids::DeviceId;
use lowerdeck_framework::stack::{Stack, StackConfig, StackState, UpperConfig};
use slotmap::SecondaryMap;
use tokio::sync::watch;
use tokio::time::Instant;

use super::clock::StackClock;
use super::declaration::{Declaration, Sharing};
use super::error::HostError;
use super::handle_io::HandleIo;
use super::limits::Limits;
use super::progress::Progress;
use super::record::{DriverStopRecord, Epitaph, LayerRecord};
use super::routing::{Router, outstanding_of};
use super::timekeeper::{Sleeper, SleeperId, Timekeeper};
use super::upper::{Upper, UpperDriver, UpperIdentity};

/// Who is told when an instance has ended.
pub(super) trait InstanceOwner: Send + Sync {
    /// `instance` was removed, or stopped with nobody left on it. Called without the instance's lock.
    fn instance_ended(&self, instance: &Arc<StackInstance>);
    /// `instance` was stopped. Called without the instance's lock.
    fn instance_stopped(&self, instance: &Arc<StackInstance>);
    /// The state of an instance has changed. Called under the instance's lock: it must not call the host.
    fn state_changed(&self);
}

/// One instance.
pub struct StackInstance {
    pub(super) name: String,
    /// 1, and one more for each restart (STOP-7), and when its name is plugged again.
    pub(super) life: u32,
    pub(super) declaration: Arc<Declaration>,
    pub(super) layers: Arc<[LayerRecord]>,
    pub(super) page_entries_max: usize,
    pub(super) trace_page_entries_max: usize,
    pub(super) clock_steps_max: u64,
    findings_max: usize,
    sleeper: SleeperId,
    timekeeper: Arc<Timekeeper>,
    owner: Weak<dyn InstanceOwner>,
    this: Weak<StackInstance>,
    inner: Mutex<Inner>,
    progress: watch::Sender<Progress>,
    trace_grown: watch::Sender<u64>,
}

pub(super) struct Inner {
    pub(super) body: Body,
    pub(super) clock: StackClock,
    pub(super) stop: Option<Arc<DriverStopRecord>>,
    pub(super) uppers: SecondaryMap<DeviceId, Upper>,
    /// Whose the findings at level 0 are, by their numbers; as many as findings are kept.
    pub(super) culprits: VecDeque<(u64, Arc<str>)>,
    pub(super) handle_io: HandleIo,
    /// A private instance goes when its upper driver is gone.
    removal_due: bool,
    armed: Option<Instant>,
    effects: Vec<Effect>,
}

pub(super) enum Body {
    Running(Box<Stack>),
    Ended(Box<Epitaph>),
}

/// What an instance is made with.
pub(super) struct InstanceParts {
    pub(super) name: String,
    pub(super) declaration: Arc<Declaration>,
    pub(super) layers: Arc<[LayerRecord]>,
    pub(super) seed: u64,
    /// Which life of its name it is.
    pub(super) life: u32,
    /// What it goes by; a restarted stack goes on with the clock of its former life.
    pub(super) clock: StackClock,
    pub(super) timekeeper: Arc<Timekeeper>,
    pub(super) owner: Weak<dyn InstanceOwner>,
}

impl StackInstance {
    /// Builds an instance that has not started.
    pub(super) fn new(parts: InstanceParts, limits: &Limits) -> Result<Arc<StackInstance>, HostError> {
        let declaration = parts.declaration;
        let drivers = declaration
            .definition
            .build(parts.seed)
            .map_err(|error| HostError::ExpressionInvalid(error.to_string()))?;
        let stack = Stack::new(StackConfig {
            drivers,
            verifier: declaration.verifier,
            dispatcher: declaration.dispatcher,
            method_neither: declaration.method_neither,
            trace_capacity: limits.trace_entries_max as usize,
            findings_capacity: limits.findings_max as usize,
            critical_operation_ticks: limits.critical_operation_ms_max.saturating_mul(TICKS_PER_MILLISECOND),
            scheduler: None,
        })
        .map_err(|error| HostError::ExpressionInvalid(error.to_string()))?;
        let inner = Inner {
            body: Body::Running(Box::new(stack)),
            clock: parts.clock,
            stop: None,
            uppers: SecondaryMap::new(),
            culprits: VecDeque::new(),
            handle_io: HandleIo::default(),
            removal_due: false,
            armed: None,
            effects: Vec::new(),
        };
        Ok(Arc::new_cyclic(|this| StackInstance {
            name: parts.name,
            life: parts.life,
            layers: parts.layers,
            page_entries_max: limits.page_entries_max as usize,
            trace_page_entries_max: limits.trace_page_entries_max as usize,
            clock_steps_max: limits.clock_steps_max,
            findings_max: limits.findings_max as usize,
            sleeper: parts.timekeeper.next_id(),
            timekeeper: parts.timekeeper,
            owner: parts.owner,
            this: this.clone(),
            inner: Mutex::new(inner),
            progress: watch::Sender::new(Progress::ADDED),
            trace_grown: watch::Sender::new(1),
            declaration,
        }))
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it goes with its session.
    pub fn is_private(&self) -> bool {
        self.declaration.sharing == Sharing::Private
    }

    /// What it was declared to be.
    pub fn declaration(&self) -> &Declaration {
        &self.declaration
    }

    /// What it was declared to be, for another instance of the same.
    pub(super) fn shared_declaration(&self) -> Arc<Declaration> {
        Arc::clone(&self.declaration)
    }

    /// Its layers.
    pub(super) fn layers(&self) -> Arc<[LayerRecord]> {
        Arc::clone(&self.layers)
    }

    /// Its progress, to look at or to wait for.
    pub fn progress(&self) -> watch::Receiver<Progress> {
        self.progress.subscribe()
    }

    /// The number that the next trace entry will get, to wait for.
    pub fn trace_growth(&self) -> watch::Receiver<u64> {
        self.trace_grown.subscribe()
    }

    /// Starts the stack without an upper driver (a shared one).
    ///
    /// # Errors
    /// Those of [`StackInstance::apply`].
    pub(super) fn start(&self) -> Result<(), HostError> {
        self.apply(None, |stack, now| stack.start(now))
    }

    /// Attaches an upper driver; a private stack starts with it.
    ///
    /// # Errors
    /// Those of [`StackInstance::apply`].
    pub fn attach(
        &self,
        identity: UpperIdentity,
        callbacks: CallbackSet,
        driver: Arc<dyn UpperDriver>,
    ) -> Result<DeviceId, HostError> {
        let mut inner = self.lock()?;
        let now = inner.clock.now();
        let stack = self.running(&mut inner.body)?;
        let device = stack.upper_attached(now, UpperConfig { tag: identity.tag, callbacks });
        if self.is_private() {
            stack.start(now);
        }
        inner.uppers.insert(device, Upper { identity, driver });
        self.settle(inner, Some(device), now);
        Ok(device)
    }

    /// Takes an upper driver off a stack that has ended; on a living one it leaves by the framework's rules.
    pub fn detach(&self, upper: DeviceId) {
        let Ok(mut inner) = self.lock() else { return self.end() }; // broken: nothing is left to settle
        inner.uppers.remove(upper);
        let now = inner.clock.now();
        self.settle(inner, None, now);
    }

    /// Applies one batch of events on behalf of `caller`, runs the stack until it is idle and routes what follows.
    ///
    /// # Errors
    /// [`HostError::StackRemoved`], [`HostError::StackStopped`], [`HostError::Broken`]; `batch` was not called then.
    pub fn apply<R>(&self, caller: Option<DeviceId>, batch: impl FnOnce(&mut Stack, Now) -> R) -> Result<R, HostError> {
        let mut inner = self.lock()?;
        let now = inner.clock.now();
        let stack = self.running(&mut inner.body)?;
        let result = batch(stack, now);
        self.settle(inner, caller, now);
        Ok(result)
    }

    /// The stack, if calls can reach it.
    pub(super) fn running<'a>(&self, body: &'a mut Body) -> Result<&'a mut Stack, HostError> {
        let state = match body {
            Body::Running(stack) => match stack.state() {
                StackState::Removed | StackState::Stopped => stack.state(),
                _ => return Ok(stack),
            },
            Body::Ended(epitaph) => epitaph.state,
        };
        Err(match state {
            StackState::Stopped => HostError::StackStopped(self.name.clone()),
            _ => HostError::StackRemoved(self.name.clone()),
        })
    }

    pub(super) fn lock(&self) -> Result<MutexGuard<'_, Inner>, HostError> {
        self.inner.lock().map_err(|_| HostError::Broken(self.name.clone()))
    }

    /// Runs the stack until it is idle, routes its effects, arms its timer, unlocks, and says what changed.
    pub(super) fn settle(&self, mut guard: MutexGuard<'_, Inner>, caller: Option<DeviceId>, now: Now) {
        let inner = &mut *guard;
        let mut veto = None;
        let Body::Running(stack) = &mut inner.body else { return };
        loop {
            stack.run(now);
            stack.take_effects(&mut inner.effects);
            if inner.effects.is_empty() {
                if inner.removal_due && stack.state() == StackState::Started {
                    inner.removal_due = false;
                    stack.removal_requested(now);
                    continue;
                }
                break;
            }
            let mut router = Router {
                stack: &self.name,
                layers: &self.layers,
                uppers: &mut inner.uppers,
                culprits: &mut inner.culprits,
                handle_io: &mut inner.handle_io,
                culprits_max: self.findings_max,
                stop: &mut inner.stop,
                ticks: now.monotonic,
                veto: &mut veto,
            };
            let forgotten = router.route(&mut inner.effects, caller);
            inner.handle_io.answer(stack, now, &forgotten);
            inner.removal_due |=
                !forgotten.is_empty() && inner.uppers.is_empty() && self.declaration.sharing == Sharing::Private;
        }
        let state = stack.state();
        let moving = stack.is_moving();
        let next_trace = stack.trace_next();
        let due = stack.next_timer_in(now).and_then(|ticks| inner.clock.moment_at(now.monotonic.saturating_add(ticks)));
        if due != inner.armed {
            inner.armed = due;
            let sleeper: Weak<dyn Sleeper> = self.this.clone();
            self.timekeeper.wake_at(self.sleeper, sleeper, due);
        }
        let ended = match state {
            StackState::Removed => true,
            StackState::Stopped => inner.uppers.is_empty() && self.is_private(),
            _ => false,
        };
        let stopped = state == StackState::Stopped && self.progress.borrow().state != StackState::Stopped;
        // Under the lock, so that the latest word is the latest state.
        if self.progress.send_if_modified(|progress| progress.advance(state, moving, veto))
            && let Some(owner) = self.owner.upgrade()
        {
            owner.state_changed();
        }
        self.trace_grown.send_if_modified(|next| std::mem::replace(next, next_trace) != next_trace);
        drop(guard);
        if stopped && let (Some(owner), Some(this)) = (self.owner.upgrade(), self.this.upgrade()) {
            owner.instance_stopped(&this);
        }
        if ended {
            self.end();
        }
    }

    /// Its clock, to go on with.
    ///
    /// # Errors
    /// [`HostError::Broken`].
    pub(super) fn clock(&self) -> Result<StackClock, HostError> {
        Ok(self.lock()?.clock)
    }

    /// Tells the owner that nothing goes on here any more.
    fn end(&self) {
        if let (Some(owner), Some(this)) = (self.owner.upgrade(), self.this.upgrade()) {
            owner.instance_ended(&this);
        }
    }

    /// Lets the drivers go and keeps what can be told about the stack. For stacks that have ended.
    pub(super) fn retire(&self) {
        let mut guard = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let inner = &mut *guard;
        let now = inner.clock.now();
        let uppers = &inner.uppers;
        let Body::Running(stack) = &mut inner.body else { return };
        let mut epitaph = Epitaph {
            state: StackState::Stopped,
            trace: Vec::new(),
            findings: Vec::new(),
            outstanding: outstanding_of(&self.name, &self.layers, uppers, now.monotonic, Default::default()),
            ticks: now.monotonic,
        };
        if !self.inner.is_poisoned() {
            epitaph.state = stack.state();
            epitaph.trace = stack.trace_after(0, usize::MAX);
            epitaph.findings = stack.findings().cloned().collect();
            epitaph.outstanding =
                outstanding_of(&self.name, &self.layers, uppers, now.monotonic, stack.outstanding(now));
        }
        let stack = std::mem::replace(&mut inner.body, Body::Ended(Box::new(epitaph)));
        inner.uppers.clear();
        inner.handle_io.clear();
        inner.armed = None;
        drop(guard);
        self.timekeeper.wake_at(self.sleeper, self.this.clone() as Weak<dyn Sleeper>, None);
        drop(stack); // drivers may hold much memory: not under the lock
    }
}

impl Sleeper for StackInstance {
    fn wake(&self) {
        let Ok(mut inner) = self.lock() else { return };
        inner.armed = None;
        let now = inner.clock.now();
        self.settle(inner, None, now);
    }
}
