//! The lab of the wire back end. A transition is known to have begun by what the server shows of the stack.

use lowerdeck_proto::v1;
use tonic::Status;

use super::calls::Waiting;
use super::{Wire, messages, session};
use crate::backend::{Lab, Outstanding, RawMoment, StopRecord, Transition};

impl Lab for Wire {
    fn control(&mut self, layer: u8, command: &str) -> Result<String, String> {
        let request = v1::ControlDriverRequest {
            stack: self.stack.clone(),
            layer: u32::from(layer),
            command: command.to_owned(),
        };
        let reply = self.server.run(self.clients.lab.clone().control_driver(request));
        reply.map(|reply| reply.into_inner().reply).map_err(|status| status.message().to_owned())
    }

    fn trace(&mut self) -> Vec<RawMoment> {
        let (mut entries, mut after_sequence) = (Vec::new(), 0);
        loop {
            let request = v1::ReadTraceRequest { stack: self.stack.clone(), after_sequence, limit: 0 };
            let page = self.run(self.clients.lab.clone().read_trace(request));
            if page.entries.is_empty() {
                return entries;
            }
            after_sequence = page.next_after_sequence;
            entries.extend(page.entries.into_iter().map(messages::raw_moment));
        }
    }

    fn outstanding(&mut self) -> Vec<Outstanding> {
        let request = v1::GetOutstandingFilesRequest { stack: self.stack.clone() };
        let reply = self.run(self.clients.lab.clone().get_outstanding_files(request));
        reply.report.map(|report| report.files.into_iter().map(messages::outstanding).collect()).unwrap_or_default()
    }

    fn advance(&mut self, ticks: u64) {
        let request = v1::AdvanceClockRequest { stack: self.stack.clone(), ticks, wall_clock_shift_ticks: 0 };
        self.run(self.clients.lab.clone().advance_clock(request));
    }

    fn shift_wall_clock(&mut self, ticks: i64) -> i64 {
        let stack = self.stack.clone();
        let request = v1::AdvanceClockRequest { stack, ticks: 0, wall_clock_shift_ticks: ticks };
        self.run(self.clients.lab.clone().advance_clock(request)).wall_clock_ticks
    }

    fn unplug(&mut self) {
        let (mut lab, stack) = (self.clients.lab.clone(), self.stack.clone());
        let request = v1::UnplugStackRequest { name: stack.clone() };
        let task = self.server.spawn(async move { lab.unplug_stack(request).await.map(|_| ()) });
        // Begun when the stack is no longer started.
        loop {
            let mut lab = self.clients.lab.clone();
            let describe = lab.describe_stack(v1::DescribeStackRequest { stack: stack.clone() });
            let begun = |reply: v1::DescribeStackResponse| !messages::is_started(&reply);
            if task.is_finished() || self.server.run(describe).map_or(true, |reply| begun(reply.into_inner())) {
                break;
            }
        }
        self.unplugging = Some(task);
    }

    fn begin_transition(&mut self, transition: Transition) {
        let before = self.trace().len();
        let rpc = session::transition(self.clients.clone(), self.stack.clone(), transition);
        let task = self.server.spawn(rpc);
        // Begun when it has called the first callback, or ended without any.
        while !task.is_finished() && self.trace().len() == before {}
        self.unplugging = Some(task);
    }

    fn driver_stop(&mut self) -> Option<StopRecord> {
        // What has taken the place of a stack that was stopped knows nothing of that; its former life does.
        let former = format!("{}@{}", self.stack, self.life);
        let request = v1::ListFindingsRequest { stack: former, ..Default::default() };
        let ended = self.server.run(self.clients.lab.clone().list_findings(request)).is_ok();
        let stack = if ended { format!("{}@{}", self.stack, self.life) } else { self.stack.clone() };
        let request = v1::ListFindingsRequest { stack, ..Default::default() };
        let stop = self.run(self.clients.lab.clone().list_findings(request)).driver_stop?;
        let (rule, layer) = (stop.rule, stop.layer);
        let (event_class, problem, operation) = (stop.event_class, stop.problem, stop.operation);
        Some(StopRecord { rule, layer, event_class, problem, operation })
    }

    fn next_life(&mut self) -> bool {
        let opened = self.server.run(session::reopen(&self.server, &self.setting, &self.stack, self.road));
        let refused = |status: &Status| status.code() == tonic::Code::FailedPrecondition;
        match opened {
            Ok((clients, stack, events)) => {
                (self.clients, self.stack, self.events, self.seen) = (clients, stack, Some(events), 0);
                self.life += 1;
                // The new trace knows nothing of the old calls.
                self.pending.clear();
                self.finished.clear();
                self.invoked.clear();
                self.submitted.clear();
                true
            }
            Err(status) => {
                assert!(refused(&status), "{status:?}");
                false
            }
        }
    }

    fn lose_client(&mut self) {
        // A dead client waits for nothing: a call that still waited would keep its session alive.
        for (_, pending) in self.pending.drain() {
            if let Waiting::Rpc(task) = pending.waiting {
                task.abort();
            }
        }
        self.events = None;
        self.server.run(session::lose(&self.clients, &self.stack));
    }
}
