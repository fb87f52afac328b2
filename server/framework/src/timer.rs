//! Logical timers: what is due when. Time itself is an argument of every event (design 2.1).
//!
//! Two clocks, two ordered tables: a shift of the wall clock moves only the timers that follow it (REQ-22).

use std::collections::BTreeMap;

use crate::clock::{Due, Now};
use crate::ids::{DeviceId, ReceivedId};

/// One armed timer: when it is due, and a number that makes it unique.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TimerId {
    due: Due,
    number: u64,
}

/// What to do when a timer is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TimerTask {
    /// The timeout of a Send (REQ-22 to REQ-26).
    SendTimeout(ReceivedId),
    /// The earliest deadline of a critical operation (STOP-8).
    Watchdog,
    /// A hosted driver's own timer, with its cookie.
    Driver(DeviceId, u64),
}

/// All armed timers of a stack.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    monotonic: BTreeMap<TimerId, TimerTask>,
    wall: BTreeMap<TimerId, TimerTask>,
    armed: u64,
}

impl Timers {
    fn table(&mut self, due: Due) -> &mut BTreeMap<TimerId, TimerTask> {
        match due {
            Due::Monotonic(_) => &mut self.monotonic,
            Due::Wall(_) => &mut self.wall,
        }
    }

    pub(crate) fn arm(&mut self, due: Due, task: TimerTask) -> TimerId {
        self.armed += 1;
        let id = TimerId { due, number: self.armed };
        self.table(due).insert(id, task);
        id
    }

    /// Disarms; harmless when it has fired already.
    pub(crate) fn disarm(&mut self, id: TimerId) {
        self.table(id.due).remove(&id);
    }

    /// Takes one timer that is due, the earliest of its clock.
    pub(crate) fn take_due(&mut self, now: Now) -> Option<TimerTask> {
        for table in [&mut self.monotonic, &mut self.wall] {
            if let Some(entry) = table.first_entry()
                && entry.key().due.is_reached(now)
            {
                return Some(entry.remove());
            }
        }
        None
    }

    /// Monotonic ticks until the next timer is due; None when none is armed.
    pub(crate) fn next_in(&self, now: Now) -> Option<u64> {
        [&self.monotonic, &self.wall]
            .into_iter()
            .filter_map(|table| table.keys().next())
            .map(|id| id.due.remaining(now))
            .min()
    }

    pub(crate) fn clear(&mut self) {
        self.monotonic.clear();
        self.wall.clear();
    }
}
