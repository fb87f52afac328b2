//! The stack: ordered drivers, the upper drivers above them, and the machine that runs them.
//!
//! A stack is told what happened, runs its steps, and yields effects. It blocks nowhere: a call that takes time
//! returns through an effect, a callback that has not returned is state. Laws and their places: see the crate's
//! documentation; each sibling module says which it keeps.

mod arrive;
pub(crate) mod cancel;
mod close;
mod complete;
pub(crate) mod core;
mod create;
mod deletion;
mod departure;
mod dispatch;
mod file_references;
mod handle_targets;
mod host_io;
mod inspect;
mod io_stop;
mod launch;
mod lock;
mod memory_objects;
mod open_files;
pub(crate) mod phase;
mod pnp;
mod power;
mod queue_calls;
mod removal;
mod request_calls;
mod send;
mod stop;
mod synchronous;
mod target_calls;
mod upper;
mod watchdog;

pub use cancel::CancelAnswer;
pub use inspect::LayerDescription;
pub use power::TransitionUnderway;
pub use upper::UpperConfig;
pub use watchdog::CRITICAL_OPERATION_TICKS;

use crate::callback::{Callback, CallbackSet};
use crate::clock::Now;
use crate::device::{Device, DeviceLock, DeviceState, Hosted, Role};
use crate::driver::{DispatchType, Driver, QueueConfig};
use crate::effect::Effect;
use crate::handle::{Dispatcher, Handles};
use crate::ids::{DeviceId, Level};
use crate::ioctl::MethodNeitherAction;
use crate::power::{PowerState, SurpriseNotice};
use crate::queue::Queue;
use crate::received::OwnedRequest;
use crate::report::OutstandingReport;
use crate::scheduler::{RunQueue, Scheduler};
use crate::target::Target;
use crate::trace::{Trace, TraceEntry};
use crate::verifier::{DriverStop, Finding, Verifier, VerifierMode};

use self::core::Core;
use self::watchdog::Watchdog;

/// Most layers a stack may have, terminator included: a recursion in the framework goes one level per layer.
pub const LAYERS_MAX: usize = 32;
/// Most queues a device may have: a queue is named by one byte.
pub const QUEUES_MAX: usize = 255;

/// What a stack is made of.
pub struct StackConfig {
    /// The drivers, top (L1) first, the terminator last.
    pub drivers: Vec<Box<dyn Driver>>,
    /// What a violation does.
    pub verifier: VerifierMode,
    /// `UmdfDispatcher`.
    pub dispatcher: Dispatcher,
    /// `UmdfMethodNeitherAction`.
    pub method_neither: MethodNeitherAction,
    /// Trace entries kept.
    pub trace_capacity: usize,
    /// Findings kept.
    pub findings_capacity: usize,
    /// How long a critical operation may take without progress, in ticks; 0 is for ever (STOP-8).
    pub critical_operation_ticks: u64,
    /// Who chooses the next step; None takes the oldest.
    pub scheduler: Option<Box<dyn Scheduler>>,
}

/// Where a stack is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StackState {
    /// Built, not started.
    Added,
    /// Start callbacks are running.
    Starting,
    /// Started.
    Started,
    /// Removal callbacks are running.
    Removing,
    /// Removed, or its start failed.
    Removed,
    /// A driver stop ended it.
    Stopped,
}

/// A stack that cannot be built.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StackError {
    /// Too few or too many layers.
    #[error("a stack has 1 to {LAYERS_MAX} layers, this one has {0}")]
    Layers(usize),
    /// Too many queues on one device.
    #[error("driver `{driver}` declares {count} queues, a device has at most {QUEUES_MAX}")]
    Queues {
        /// Whose queues.
        driver: String,
        /// How many.
        count: usize,
    },
    /// Callbacks, routes and dispatch type do not fit (QUE-1): `ERROR_BAD_CONFIGURATION` on Windows.
    #[error("queue {queue} of driver `{driver}`: {problem} (QUE-1, QUE-2)")]
    BadConfiguration {
        /// Whose queue.
        driver: String,
        /// Its index.
        queue: usize,
        /// What does not fit.
        problem: &'static str,
    },
}

/// A command that could not be given to a driver.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ControlError {
    /// There is no such layer.
    #[error("the stack has no hosted layer {0}; its layers are L1 to L{1}")]
    NoSuchLayer(Level, usize),
    /// The driver does not understand it; nothing was changed.
    #[error("{0}")]
    Refused(String),
    /// The stack was stopped or removed.
    #[error("the stack does not run any more")]
    Dead,
}

/// A virtual device stack.
pub struct Stack {
    core: Core,
    /// The drivers, in the order of the layers.
    drivers: Vec<Box<dyn Driver>>,
}

impl std::fmt::Debug for Stack {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stack")
            .field("state", &self.core.state)
            .field("layers", &self.core.layers.len())
            .finish_non_exhaustive()
    }
}

impl Drop for Stack {
    /// Requests that drivers still held go with them: nobody is left to call that a loss.
    fn drop(&mut self) {
        self.drivers.clear();
        OwnedRequest::take_lost();
    }
}

impl Stack {
    /// Builds a stack; nothing is started.
    ///
    /// # Errors
    /// When the drivers' declarations cannot be (see [`StackError`]).
    pub fn new(config: StackConfig) -> Result<Stack, StackError> {
        let StackConfig { drivers, verifier, dispatcher, method_neither, trace_capacity, findings_capacity, .. } =
            config;
        let (scheduler, watchdog) = (config.scheduler, Watchdog::new(config.critical_operation_ticks));
        if drivers.is_empty() || drivers.len() > LAYERS_MAX {
            return Err(StackError::Layers(drivers.len()));
        }
        let verifier = Verifier::new(verifier, findings_capacity);
        let (trace, run_queue) = (Trace::new(trace_capacity), RunQueue::new(scheduler));
        let mut core = Core::new(verifier, trace, run_queue, method_neither, Handles::new(dispatcher), watchdog);
        let mut lower = None;
        for (index, driver) in drivers.iter().enumerate().rev() {
            let device = build_device(index, driver.as_ref(), lower)?;
            let id = core.devices.insert(device);
            lower = Some(id);
            core.layers.insert(0, id);
        }
        Ok(Stack { core, drivers })
    }

    /// Starts all layers, lowest first, then the upper drivers attached so far (PNP-2).
    pub fn start(&mut self, now: Now) {
        self.core.now = now;
        self.core.start();
    }

    /// Where the stack is in its life.
    pub fn state(&self) -> StackState {
        self.core.state
    }

    /// Fires due timers, then runs steps until none is ready.
    pub fn run(&mut self, now: Now) {
        self.core.now = now;
        if self.core.is_dead() {
            return;
        }
        self.core.fire_timers();
        while self.run_one() {}
        self.core.unwatch();
    }

    /// Fires due timers, then runs one step. False when none was ready.
    pub fn step(&mut self, now: Now) -> bool {
        self.core.now = now;
        self.core.fire_timers();
        self.run_one()
    }

    /// Whether no step is ready.
    pub fn is_idle(&self) -> bool {
        self.core.run_queue.is_empty()
    }

    /// Appends the effects so far, in the stack's total order, and forgets them.
    pub fn take_effects(&mut self, into: &mut Vec<Effect>) {
        into.append(&mut self.core.effects);
    }

    /// Monotonic ticks until [`Stack::run`] must be called for a timer; None when none is armed.
    pub fn next_timer_in(&self, now: Now) -> Option<u64> {
        self.core.timers.next_in(now)
    }

    /// Gives a textual command to a hosted driver.
    ///
    /// # Errors
    /// See [`ControlError`]; nothing was changed.
    pub fn driver_controlled(&mut self, now: Now, level: Level, command: &str) -> Result<String, ControlError> {
        self.core.now = now;
        if self.core.is_dead() {
            return Err(ControlError::Dead);
        }
        let index = usize::from(level.0).checked_sub(1).and_then(|index| self.core.layers.get(index));
        let device = *index.ok_or(ControlError::NoSuchLayer(level, self.core.layers.len()))?;
        let reply = self.call(device, Callback::OnControl, |driver, cx| driver.on_control(cx, command));
        // The command itself may have been what stopped the stack; the verdict says so, the command was taken.
        reply.unwrap_or_else(|| Ok(String::new())).map_err(ControlError::Refused)
    }

    /// At most `limit` trace entries after `sequence`, oldest first. A gap at the front was dropped.
    pub fn trace_after(&self, sequence: u64, limit: usize) -> Vec<TraceEntry> {
        self.core.trace.after(sequence).take(limit).collect()
    }

    /// The sequence number the next trace entry will have.
    pub fn trace_next(&self) -> u64 {
        self.core.trace.next_sequence()
    }

    /// The findings kept, oldest first.
    pub fn findings(&self) -> impl Iterator<Item = &Finding> {
        self.core.verifier.findings()
    }

    /// Why the stack was stopped, if it was.
    pub fn driver_stop(&self) -> Option<&DriverStop> {
        self.core.stop.as_deref()
    }

    /// The outstanding-file report (STOP-5); after a driver stop, that of its moment.
    pub fn outstanding(&mut self, now: Now) -> OutstandingReport {
        self.core.now = now;
        match &self.core.stop {
            Some(stop) => stop.outstanding.clone(),
            None => self.core.outstanding(),
        }
    }

    /// The hosted layers, top first.
    pub fn layers(&self) -> Vec<LayerDescription> {
        self.core.describe_layers()
    }
}

/// One hosted device from its driver's declarations.
fn build_device(index: usize, driver: &dyn Driver, lower: Option<DeviceId>) -> Result<Device, StackError> {
    let config = driver.configure();
    let name = driver.name().to_owned();
    if config.queues.len() > QUEUES_MAX {
        return Err(StackError::Queues { driver: name, count: config.queues.len() });
    }
    for (queue, declared) in config.queues.iter().enumerate() {
        if let Some(problem) = misconfiguration(declared) {
            return Err(StackError::BadConfiguration { driver: name, queue, problem });
        }
    }
    let callbacks = config.callbacks;
    let queues = config.queues.iter().copied().map(Queue::new).collect();
    Ok(Device {
        level: Level(u8::try_from(index + 1).expect("a stack has at most 32 layers")),
        name,
        lower,
        state: DeviceState::Added,
        target: Target::new(),
        callbacks,
        phase: None,
        pnp: Default::default(),
        power: PowerState::D3Final,
        waits: None,
        suspended: 0,
        progress: 0,
        notice: SurpriseNotice::Idle,
        owed: None,
        failed_uncommitted: false,
        open_files: 0,
        next_request: 0,
        role: Role::Hosted(Hosted {
            driver: index,
            config,
            queues,
            lock: DeviceLock::default(),
            returns: Default::default(),
        }),
    })
}

/// QUE-1, QUE-2.
fn misconfiguration(queue: &QueueConfig) -> Option<&'static str> {
    // What a queue of any type may implement says nothing about how requests are delivered.
    let of_any = [Callback::OnIoCanceledOnQueue, Callback::OnIoStop, Callback::OnIoResume];
    let handlers = of_any.into_iter().fold(queue.handlers, CallbackSet::without);
    let handles = handlers != CallbackSet::EMPTY;
    if !queue.routes.iter().all(|kind| kind.is_routable()) {
        return Some("only create, read, write and ioctl can be routed, the others go to the default queue");
    }
    match queue.dispatch {
        DispatchType::Manual if handles => Some("a manual queue must have no handler"),
        DispatchType::Sequential | DispatchType::Parallel if !handles => {
            Some("a sequential or parallel queue needs at least one handler")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
