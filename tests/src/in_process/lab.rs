//! The lab of the framework back end: it has the stack itself.

use lowerdeck_framework::ids::Level;
use lowerdeck_framework::restart::RestartDecision;

use super::InProcess;
use super::boot::boot;
use super::moments::{outstanding_file, raw_moment};
use crate::backend::{Lab, Outstanding, RawMoment, StopRecord, Transition};

impl InProcess {
    /// Both clocks advance; no timer is looked at.
    pub(super) fn let_pass(&mut self, ticks: u64) {
        self.now.monotonic += ticks;
        self.now.wall += i64::try_from(ticks).unwrap_or(i64::MAX);
    }
}

impl Lab for InProcess {
    fn control(&mut self, layer: u8, command: &str) -> Result<String, String> {
        let reply = self.stack.driver_controlled(self.now, Level(layer), command);
        self.settle();
        reply.map_err(|problem| problem.to_string())
    }

    fn trace(&mut self) -> Vec<RawMoment> {
        self.stack.trace_after(0, usize::MAX).into_iter().map(raw_moment).collect()
    }

    fn outstanding(&mut self) -> Vec<Outstanding> {
        let report = self.stack.outstanding(self.now);
        report.files.into_iter().map(outstanding_file).collect()
    }

    fn advance(&mut self, ticks: u64) {
        self.let_pass(ticks);
        self.settle();
    }

    fn shift_wall_clock(&mut self, ticks: i64) -> i64 {
        self.now.wall += ticks;
        self.settle();
        self.now.wall
    }

    fn unplug(&mut self) {
        self.stack.removal_requested(self.now);
        self.settle();
    }

    fn begin_transition(&mut self, transition: Transition) {
        let begun = match transition {
            Transition::Power(power) => self.stack.power_requested(self.now, power),
            Transition::Rebalance => self.stack.rebalance_requested(self.now),
            Transition::SurpriseRemoval => {
                self.stack.surprise_removed(self.now);
                Ok(())
            }
        };
        begun.unwrap_or_else(|problem| panic!("{transition:?}: {problem}"));
        self.settle();
    }

    fn driver_stop(&mut self) -> Option<StopRecord> {
        self.stack.driver_stop().map(|stop| StopRecord {
            rule: stop.rule.id().to_owned(),
            layer: stop.level.to_string(),
            event_class: stop.event_class.to_owned(),
            problem: stop.problem.to_owned(),
            operation: stop.operation.to_owned(),
        })
    }

    fn next_life(&mut self) -> bool {
        if !matches!(self.decision, Some(RestartDecision::Restart(_))) || self.stack.is_kept_alive() {
            return false;
        }
        self.decision = None;
        (self.stack, self.upper, self.beside) = boot(&self.setting, self.now, &self.choices);
        self.invoked.clear();
        self.settle();
        true
    }

    fn lose_client(&mut self) {
        self.stack.upper_lost(self.now, self.upper);
        self.settle();
    }
}
