//! The timekeeper: one task that wakes whatever said when it must be woken.
//!
//! Laws: one entry per sleeper, the latest word counts; an entry whose owner is gone wakes nobody. A sleeper is woken
//! at its moment or later, never earlier. It knows neither stacks nor sessions.

use std::collections::{BTreeSet, HashMap};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::clock;

/// Something that asked to be woken.
pub trait Sleeper: Send + Sync {
    /// The moment has come. Called by the timekeeper's task, without any lock of its own.
    fn wake(&self);
}

/// Names one sleeper; its owner chooses it, unique in the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SleeperId(pub u64);

#[derive(Default)]
struct Schedule {
    moments: BTreeSet<(Instant, SleeperId)>,
    sleepers: HashMap<SleeperId, (Instant, Weak<dyn Sleeper>)>,
    last_id: u64,
}

impl Schedule {
    fn remove(&mut self, id: SleeperId) {
        if let Some((moment, _)) = self.sleepers.remove(&id) {
            self.moments.remove(&(moment, id));
        }
    }

    /// Takes everybody who is due, and tells when the next one is.
    fn take_due(&mut self, now: Instant) -> (Vec<Weak<dyn Sleeper>>, Option<Instant>) {
        let mut due = Vec::new();
        while let Some(&(moment, id)) = self.moments.first() {
            if moment > now {
                return (due, Some(moment));
            }
            self.moments.pop_first();
            due.extend(self.sleepers.remove(&id).map(|(_, sleeper)| sleeper));
        }
        (due, None)
    }
}

/// Shared by everybody who sleeps; the task is [`Timekeeper::run`].
#[derive(Default)]
pub struct Timekeeper {
    schedule: Mutex<Schedule>,
    changed: Notify,
}

impl Timekeeper {
    /// A timekeeper with nobody asleep.
    pub fn new() -> Arc<Timekeeper> {
        Arc::new(Timekeeper::default())
    }

    /// An id that no other sleeper of this timekeeper has.
    pub fn next_id(&self) -> SleeperId {
        let mut schedule = self.lock();
        schedule.last_id += 1;
        SleeperId(schedule.last_id)
    }

    /// Wake `sleeper` at `moment`, instead of any moment named before; never, for none.
    pub fn wake_at(&self, id: SleeperId, sleeper: Weak<dyn Sleeper>, moment: Option<Instant>) {
        let mut schedule = self.lock();
        schedule.remove(id);
        let Some(moment) = moment else { return };
        let is_first = schedule.moments.first().is_none_or(|&(first, _)| moment < first);
        schedule.moments.insert((moment, id));
        schedule.sleepers.insert(id, (moment, sleeper));
        drop(schedule);
        if is_first {
            self.changed.notify_one();
        }
    }

    /// Wakes sleepers until `stop` is cancelled.
    pub async fn run(&self, stop: CancellationToken) {
        loop {
            let (due, next) = self.lock().take_due(clock::present());
            for sleeper in due {
                let Some(sleeper) = sleeper.upgrade() else { continue };
                // One sleeper's fault must not stop everybody's time.
                if catch_unwind(AssertUnwindSafe(|| sleeper.wake())).is_err() {
                    tracing::error!("a sleeper panicked when it was woken");
                }
            }
            let until_next = async {
                match next {
                    Some(moment) => tokio::time::sleep_until(moment).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.changed.notified() => {}
                () = until_next => {}
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Schedule> {
        // Every change leaves the schedule whole, so a panic elsewhere cannot have spoilt it.
        self.schedule.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
