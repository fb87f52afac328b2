//! Waiting for what real handles bring: where a back end is not prompt, not everything has run when a method returns.
//!
//! Laws: on a prompt back end nothing is tried twice. What must happen is asked for until it has happened or
//! [`PATIENCE`] is over; what must not happen is looked for once, after everything that was under way has been heard of.
//! Nothing sleeps: each attempt asks the back end.

use std::time::Duration;

use lowerdeck_server::host::clock;

use super::Stage;

/// Longest any one wait of a script may take: a hang is a failure, not a stalled run.
pub const PATIENCE: Duration = Duration::from_secs(60);

impl Stage {
    /// What `attempt` gives, once it gives something; fails with the problem it had last.
    pub(crate) fn eventually<T>(&mut self, mut attempt: impl FnMut(&mut Stage) -> Result<T, String>) -> T {
        let begun = clock::present();
        loop {
            match attempt(self) {
                Ok(held) => return held,
                Err(_) if !self.backend.is_prompt() && begun.elapsed() < PATIENCE => {}
                Err(problem) => self.fail(&problem),
            }
        }
    }

    /// `attempt` comes to hold, and it holds when everything that was under way has been heard of.
    pub(super) fn comes_to_hold(&mut self, attempt: impl Fn(&mut Stage) -> Result<(), String>) {
        self.eventually(&attempt);
        if !self.backend.is_prompt() {
            self.backend.catch_up();
            attempt(self).unwrap_or_else(|problem| self.fail(&problem));
        }
    }

    /// From now on what has not happened will not happen by waiting.
    pub(super) fn catch_up(&mut self) {
        if !self.backend.is_prompt() {
            self.backend.catch_up();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explore::{Choices, Schedule};
    use crate::in_process::InProcess;
    use crate::scenario::stack;

    #[test]
    #[should_panic(expected = "it was tried once")]
    fn a_prompt_back_end_is_asked_once() {
        let prompt = InProcess::new(&stack("scripted"), Choices::new(Schedule::OldestFirst));
        let mut attempts = 0;
        Stage::new(Box::new(prompt)).eventually(|_| -> Result<(), String> {
            attempts += 1;
            assert_eq!(attempts, 1, "tried again");
            Err("it was tried once".to_owned())
        });
    }
}
