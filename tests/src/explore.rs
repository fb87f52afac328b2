//! Schedules: which choices an execution makes, all of them one after another, and the token that replays one.
//!
//! An execution asks its [`Choices`] whenever something could go on in more than one way: which ready step runs, which
//! of two racing acts comes first, and how many steps later the other one does. The answers are the path of the
//! execution in the tree of all schedules; [`every`] walks that tree depth-first. It knows nothing of stacks.
//!
//! What is explored is the race itself, from its first act until nothing is ready. Before and after it a path takes
//! the first alternative; a seed chooses there too.

use std::fmt::{Display, Formatter};
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};

use lowerdeck_framework::scheduler::{Scheduler, SeededScheduler};

/// Random walks from which the number of schedules is estimated.
const PROBES: u64 = 64;

/// How an execution chooses. Its text is a token for [`crate::scenario::SCHEDULE_VARIABLE`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Schedule {
    /// `fifo`: the oldest step, the first act, no distance between two acts.
    OldestFirst,
    /// `17`: at random, the same way for the same seed.
    Seeded(u64),
    /// `x0.1.2`: these alternatives, then always the first one.
    Path(Vec<usize>),
}

impl Display for Schedule {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        match self {
            Schedule::OldestFirst => f.write_str("fifo"),
            Schedule::Seeded(seed) => write!(f, "{seed}"),
            Schedule::Path(path) => {
                let path: Vec<String> = path.iter().map(usize::to_string).collect();
                write!(f, "x{}", path.join("."))
            }
        }
    }
}

impl FromStr for Schedule {
    type Err = String;

    fn from_str(text: &str) -> Result<Schedule, String> {
        let problem = |_| format!("`{text}` is no schedule: give `fifo`, a seed, or a path such as `x0.1.2`");
        match (text, text.strip_prefix('x')) {
            ("fifo", _) => Ok(Schedule::OldestFirst),
            (_, Some("")) => Ok(Schedule::Path(Vec::new())),
            (_, Some(path)) => path.split('.').map(str::parse).collect::<Result<_, _>>().map(Schedule::Path),
            (seed, None) => seed.parse().map(Schedule::Seeded),
        }
        .map_err(problem)
    }
}

/// One decision: the alternative taken, and out of how many (at least 2).
#[derive(Debug, Clone, Copy)]
struct Choice {
    taken: usize,
    of: usize,
}

#[derive(Debug)]
struct Walk {
    schedule: Schedule,
    random: SeededScheduler,
    racing: bool,
    /// What was chosen during the race.
    made: Vec<Choice>,
}

/// The choices of one execution; the clones are the same walk.
#[derive(Debug, Clone)]
pub struct Choices(Arc<Mutex<Walk>>);

impl Choices {
    /// An execution under `schedule`, before its race.
    pub fn new(schedule: Schedule) -> Choices {
        let seed = if let Schedule::Seeded(seed) = schedule { seed } else { 0 };
        let random = SeededScheduler::new(seed);
        Choices(Arc::new(Mutex::new(Walk { schedule, random, racing: false, made: Vec::new() })))
    }

    /// What is chosen from here on is part of the race, or is not.
    pub fn set_racing(&self, racing: bool) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).racing = racing;
    }

    /// Which of `of` alternatives comes, from 0; where there is only one, nothing is chosen.
    pub fn choose(&self, of: usize) -> usize {
        if of < 2 {
            return 0;
        }
        let mut walk = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = match &walk.schedule {
            Schedule::OldestFirst => 0,
            Schedule::Path(_) if !walk.racing => 0,
            Schedule::Path(path) => path.get(walk.made.len()).copied().unwrap_or(0) % of,
            Schedule::Seeded(_) => walk.random.pick(of),
        };
        if walk.racing {
            walk.made.push(Choice { taken, of });
        }
        taken
    }

    /// Whether one more step comes before the second of two racing acts. At random it does three times out of four, so
    /// that seeds reach far into a long drain as well as into a short one.
    pub fn waits(&self) -> bool {
        let mut walk = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !matches!(walk.schedule, Schedule::Seeded(_)) {
            drop(walk);
            return self.choose(2) == 1;
        }
        let waits = walk.random.pick(4) > 0;
        if walk.racing {
            walk.made.push(Choice { taken: usize::from(waits), of: 2 });
        }
        waits
    }

    /// What replays this execution as far as it has come.
    pub fn replay(&self) -> Schedule {
        let walk = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !matches!(walk.schedule, Schedule::Path(_)) {
            return walk.schedule.clone();
        }
        let chosen = walk.made.iter().rposition(|choice| choice.taken > 0).map_or(0, |last| last + 1);
        Schedule::Path(walk.made[..chosen].iter().map(|choice| choice.taken).collect())
    }

    /// The next path depth-first: the last choice that had another alternative takes it. None after the last path.
    fn successor(&self) -> Option<Vec<usize>> {
        let walk = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let turn = walk.made.iter().rposition(|choice| choice.taken + 1 < choice.of)?;
        let mut path: Vec<usize> = walk.made[..=turn].iter().map(|choice| choice.taken).collect();
        path[turn] += 1;
        Some(path)
    }

    /// How many schedules there would be if every one had as many choices as this: unbiased over random walks
    /// (Knuth 1975, "Estimating the efficiency of backtrack programs").
    fn breadth(&self) -> f64 {
        let walk = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        walk.made.iter().map(|choice| choice.of as f64).product()
    }
}

impl Scheduler for Choices {
    fn pick(&mut self, ready: usize) -> usize {
        self.choose(ready)
    }
}

/// Runs `execute` once for each schedule there is, and gives their number; None when there are more than `limit`.
///
/// Whether it is worth beginning is estimated first, so that some schedules run once more, at random.
pub fn every(limit: usize, mut execute: impl FnMut(&Choices)) -> Option<usize> {
    let mut sum = 0.0;
    for seed in 0..PROBES {
        let choices = Choices::new(Schedule::Seeded(seed));
        execute(&choices);
        sum += choices.breadth();
    }
    if sum / PROBES as f64 > limit as f64 {
        return None;
    }
    let mut path = Vec::new();
    for count in 1..=limit {
        let choices = Choices::new(Schedule::Path(path));
        execute(&choices);
        match choices.successor() {
            Some(next) => path = next,
            None => return Some(count),
        }
    }
    None
}

#[cfg(test)]
mod tests;
