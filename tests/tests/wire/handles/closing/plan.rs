//! What happens around one close, at random, the same way for the same seed.

use lowerdeck_framework::scheduler::{Scheduler, SeededScheduler};

/// Most requests beside one close.
const REQUESTS_MAX: usize = 8;
/// Most steps of the scheduler that are let pass between two acts: from none to about a round trip.
const PAUSE_MAX: usize = 40;

/// How a request meets the close.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// It was sent before: in flight, or pended by a target that is stopped.
    Sent,
    /// It was formatted before, and is sent beside the close.
    Formatted,
    /// It is formatted and sent beside the close.
    Beside,
    /// As [`Manner::Beside`], and its call waits for the completion.
    Synchronous,
}

/// One request.
#[derive(Debug, Clone, Copy)]
pub struct Wish {
    pub manner: Manner,
    /// A read, or else a write.
    pub reads: bool,
    /// It goes through a target of another handle, to that of this one (FHT-7).
    pub lent: bool,
}

/// What is done beside the close.
#[derive(Debug, Clone, Copy)]
pub enum Act {
    /// CloseHandle, and at once somebody else's handle in its place.
    Close,
    /// The send of a request, by its place among the wishes.
    Send(usize),
    /// The cancel of one.
    Cancel(usize),
    /// The target goes on.
    Start,
    /// The peer says something.
    Say,
}

/// One close and what is around it.
#[derive(Debug)]
pub struct Plan {
    pub wishes: Vec<Wish>,
    /// The target is stopped before anything is sent; it pends what comes.
    pub is_stopped: bool,
    /// What is done beside the close, each after so many steps of the scheduler.
    pub acts: Vec<(usize, Act)>,
}

impl Plan {
    pub fn new(seed: u64) -> Plan {
        let mut chance = SeededScheduler::new(seed);
        let mut one_in = |count: usize| chance.pick(count) == 0;
        let is_stopped = one_in(3);
        let mut acts = vec![Act::Close];
        if is_stopped && one_in(2) {
            acts.push(Act::Start);
        }
        for _ in 0..3 {
            if one_in(2) {
                acts.push(Act::Say);
            }
        }
        let count = 1 + chance.pick(REQUESTS_MAX);
        let mut wishes = Vec::new();
        for number in 0..count {
            let manner = [Manner::Sent, Manner::Sent, Manner::Formatted, Manner::Beside, Manner::Synchronous];
            let manner = manner[chance.pick(5)];
            let mut one_in = |count: usize| chance.pick(count) == 0;
            // The call of a cancelled request must have come before, or the id is not known yet.
            let cancelled = matches!(manner, Manner::Sent | Manner::Formatted) && one_in(4);
            wishes.push(Wish { manner, reads: !one_in(4), lent: one_in(4) });
            if manner != Manner::Sent {
                acts.push(Act::Send(number));
            }
            if cancelled {
                acts.push(Act::Cancel(number));
            }
        }
        let mut shuffled = Vec::new();
        while !acts.is_empty() {
            let act = acts.swap_remove(chance.pick(acts.len()));
            let pause = if chance.pick(2) == 0 { 0 } else { chance.pick(PAUSE_MAX) };
            shuffled.push((pause, act));
        }
        Plan { wishes, is_stopped, acts: shuffled }
    }
}
