//! Which of the things that could run next does run.
//!
//! Everything runnable is a [`Step`] in the run queue; production takes the oldest, an exploring test lets a
//! [`Scheduler`] choose. Any order a scheduler can produce is legal: steps that must follow one another are not
//! in the queue together.

use std::collections::VecDeque;

use crate::ids::{CallbackId, DeviceId, FileId, QueueId, ReceivedId};
use crate::target::TargetRef;

/// One runnable thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Offer the next request of a queue to its driver.
    Dispatch(DeviceId, QueueId),
    /// Call `OnCancel` for an armed request.
    Cancel(ReceivedId),
    /// Call `OnIoCanceledOnQueue` for a request that a cancel found in a queue.
    CancelOnQueue(ReceivedId),
    /// Call `OnIoStop` for a delivered request of a device that leaves D0 or goes.
    IoStop(ReceivedId),
    /// Call `OnIoResume` for a request that was suspended.
    IoResume(ReceivedId),
    /// Carry a completion one layer up.
    Climb(ReceivedId),
    /// Deliver the oldest pended request of a started target.
    Release(TargetRef),
    /// Carry on with the cleanup or close notification of a file at its n-th layer below the creator.
    Notify(FileId, u8),
    /// Run the `OnCleanup` of a context: device, file, context.
    ContextCleanup(DeviceId, FileId, u64),
    /// Carry on with the PnP sequence of a device.
    Pnp(DeviceId),
    /// Call `OnSurpriseRemoval` of a device.
    Surprise(DeviceId),
    /// A hosted driver's blocking call returned; the index is into the pending returns.
    Return(DeviceId),
    /// A synchronous Send of a hosted driver returns into the callback that made it.
    SendReturned(CallbackId),
    /// A hosted driver waits for its device's lock (SYN-6).
    AcquireLock(DeviceId),
    /// A hosted driver's own timer is due: device, cookie.
    Timer(DeviceId, u64),
}

/// Chooses among runnable steps.
pub trait Scheduler: Send {
    /// Index of the step to run next, below `ready`, which is at least 1. 0 is the oldest. What is out of range
    /// is taken modulo `ready`.
    fn pick(&mut self, ready: usize) -> usize;
}

/// Picks at random, the same way for the same seed. Steele's SplitMix64: every seed gives a full sequence.
#[derive(Debug, Clone)]
pub struct SeededScheduler {
    state: u64,
}

impl SeededScheduler {
    /// A scheduler that replays with `seed`.
    pub fn new(seed: u64) -> SeededScheduler {
        SeededScheduler { state: seed }
    }

    /// The next 64 random bits.
    pub fn next_bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
}

impl Scheduler for SeededScheduler {
    fn pick(&mut self, ready: usize) -> usize {
        (self.next_bits() % ready as u64) as usize
    }
}

/// The steps that could run now.
pub(crate) struct RunQueue {
    ready: VecDeque<Step>,
    /// Runnable when nothing else is: what judges how everything else has ended.
    last: VecDeque<Step>,
    /// None is first in, first out.
    scheduler: Option<Box<dyn Scheduler>>,
}

impl RunQueue {
    pub(crate) fn new(scheduler: Option<Box<dyn Scheduler>>) -> RunQueue {
        RunQueue { ready: VecDeque::new(), last: VecDeque::new(), scheduler }
    }

    pub(crate) fn push(&mut self, step: Step) {
        self.ready.push_back(step);
    }

    /// Puts off a step until no other is ready. Several such steps do not wait for one another.
    pub(crate) fn push_last(&mut self, step: Step) {
        self.last.push_back(step);
    }

    pub(crate) fn pop(&mut self) -> Option<Step> {
        let steps = if self.ready.is_empty() { &mut self.last } else { &mut self.ready };
        match &mut self.scheduler {
            None => steps.pop_front(),
            Some(_) if steps.is_empty() => None,
            Some(scheduler) => {
                let index = scheduler.pick(steps.len()) % steps.len();
                steps.remove(index)
            }
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.ready.is_empty() && self.last.is_empty()
    }

    /// Whether nothing is ready but what was put off.
    pub(crate) fn is_at_rest(&self) -> bool {
        self.ready.is_empty()
    }

    pub(crate) fn clear(&mut self) {
        self.ready.clear();
        self.last.clear();
    }
}

impl std::fmt::Debug for RunQueue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut shown = f.debug_struct("RunQueue");
        shown.field("ready", &self.ready).field("last", &self.last).field("fifo", &self.scheduler.is_none()).finish()
    }
}
