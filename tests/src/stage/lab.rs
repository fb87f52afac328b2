//! The stack around L0: its drivers, its clock, its power and its end.

use lowerdeck_framework::clock::TICKS_PER_MILLISECOND;

use super::Stage;
use crate::backend::{Outstanding, PowerState, StopRecord, Transition};

impl Stage {
    /// Gives a command to the driver of layer `layer`; `{r}` becomes the label of request `r`.
    pub fn control(&mut self, layer: u8, command: &str) -> String {
        let command = self.with_labels(command);
        match self.backend.control(layer, &command) {
            Ok(reply) => reply,
            Err(problem) => self.fail(&format!("layer {layer} refused `{command}`: {problem}")),
        }
    }

    pub(super) fn with_labels(&self, command: &str) -> String {
        self.numbers.iter().fold(command.to_owned(), |text, (name, number)| {
            text.replace(&format!("{{{name}}}"), &format!("L0:{number}"))
        })
    }

    /// Lets the clock advance by milliseconds.
    pub fn advance(&mut self, milliseconds: u64) {
        self.backend.advance(milliseconds * TICKS_PER_MILLISECOND);
    }

    /// Sets the wall clock forward by milliseconds, and gives what it shows then, in ticks.
    pub fn shift_wall_clock(&mut self, milliseconds: i64) -> i64 {
        self.backend.shift_wall_clock(milliseconds * 10_000)
    }

    /// Begins the orderly removal of the stack.
    pub fn unplug(&mut self) {
        self.backend.unplug();
    }

    /// Begins a transition to a power state.
    pub fn power(&mut self, power: PowerState) {
        self.backend.begin_transition(Transition::Power(power));
    }

    /// Begins a rebalance of resources.
    pub fn rebalance(&mut self) {
        self.backend.begin_transition(Transition::Rebalance);
    }

    /// Takes the device away.
    pub fn surprise_remove(&mut self) {
        self.backend.begin_transition(Transition::SurpriseRemoval);
    }

    /// The driver stop that must have happened.
    pub fn driver_stop(&mut self) -> StopRecord {
        self.eventually(|stage| stage.backend.driver_stop().ok_or_else(|| "no driver was stopped".to_owned()))
    }

    /// Goes over to the stack that has taken the stopped one's place, of whose past nothing is known there; false when
    /// there is none.
    pub fn next_life(&mut self) -> bool {
        let goes_on = self.backend.next_life();
        if goes_on {
            self.requests.clear();
            self.formatted_on.clear();
            self.completions.clear();
        }
        goes_on
    }

    /// Kills the client.
    pub fn lose_client(&mut self) {
        self.backend.lose_client();
    }

    /// The report, with files and requests by the script's names where it has them.
    pub fn outstanding(&mut self) -> Vec<Outstanding> {
        let labels = self.file_labels();
        let mut report = self.backend.outstanding();
        for file in &mut report {
            file.file = labels.get(&file.file).cloned().unwrap_or_else(|| file.file.clone());
            for request in &mut file.requests {
                request.label = self.translate(&request.label);
            }
        }
        report
    }
}
