//! Driver stop (STOP-1 to STOP-6): the end of the stack's host process, as outsiders see it.
//!
//! The report of what was outstanding is made first; then every outstanding request of an upper driver
//! completes with `STATUS_DRIVER_PROCESS_TERMINATED` (STOP-4) and every blocking call returns. No further
//! callback is made. One stack only: no other stack notices (STOP-9).

use crate::effect::{CallResult, Effect};
use crate::ids::{DeviceId, RequestId};
use crate::request::RequestEvent;
use crate::rule::Rule;
use crate::status::HResult;
use crate::target::TargetEvent;
use crate::trace::TraceKind;
use crate::verifier::DriverStop;

use super::StackState;
use super::core::Core;

impl Rule {
    /// Operation of STOP-6 during which the rule is broken.
    const fn operation(self) -> &'static str {
        match self {
            Rule::Cls17 => "Close",
            Rule::Stop1 | Rule::Pnp14 => "Pnp",
            Rule::Req50 => "Cancel",
            _ => "IO",
        }
    }
}

impl Core {
    /// Stops the stack because the driver of `device` broke `rule`.
    pub(crate) fn driver_stop(&mut self, device: DeviceId, rule: Rule, detail: String) {
        self.stop_stack(device, rule, detail, rule.operation());
    }

    /// Stops the stack because the driver of `device` did not get on with `operation` (STOP-8).
    pub(crate) fn host_timed_out(&mut self, device: DeviceId, operation: &'static str) {
        self.stop_stack(device, Rule::Stop8, String::new(), operation);
    }

    fn stop_stack(&mut self, device: DeviceId, rule: Rule, detail: String, operation: &'static str) {
        if self.is_dead() {
            return;
        }
        self.note(device, TraceKind::DriverStop).rule(rule).record();
        let (event_class, problem, category) = match rule {
            Rule::Stop8 => ("HostProblem", "HostTimeout", "Driver"),
            Rule::Stop9 => ("UnhandledException", "Other", "UnhandledException"),
            _ => ("VerifierFailure", "Other", "Driver"),
        };
        let stop = Box::new(DriverStop {
            time: self.now.monotonic,
            rule,
            level: self.devices[device].level,
            driver: self.devices[device].name.clone(),
            detail,
            event_class,
            problem,
            category,
            operation,
            outstanding: self.outstanding(),
        });
        self.state = StackState::Stopped;
        self.run_queue.clear();
        self.timers.clear();
        self.watchdog.disarm();
        self.plan.clear();
        self.fail_outstanding();
        self.callbacks.clear();
        self.stop = Some(stop.clone());
        self.effects.push(Effect::ReportDriverStop(stop));
    }

    /// Completes what upper drivers have outstanding and lets their calls return.
    fn fail_outstanding(&mut self) {
        let status = HResult::STATUS_DRIVER_PROCESS_TERMINATED;
        let outstanding: Vec<RequestId> =
            self.requests.iter().filter(|(_, request)| request.state.is_outstanding()).map(|(id, _)| id).collect();
        for id in outstanding {
            let request = &mut self.requests[id];
            request.state.step(RequestEvent::Completed);
            (request.status, request.information, request.current) = (status, 0, None);
            request.output = bytes::Bytes::new();
            let (creator, is_create) = (request.creator, request.is_create);
            let callback = std::mem::take(&mut request.callback);
            let params = request.completion();
            if !is_create && self.devices[creator].upper().is_some_and(|upper| !upper.lost) {
                self.announce_completion(creator, id, callback, params);
            }
        }
        let files = std::mem::take(&mut self.files);
        for file in files.values() {
            if let Some(call) = file.call {
                let result = match file.state {
                    crate::file::FileState::Creating => CallResult::WdfFileCreated(Err(status)),
                    _ => CallResult::Closed,
                };
                self.return_upper_call(file.creator, call, result);
            }
        }
        self.abandon_host_io(status);
        self.received.clear();
        self.memories.clear();
        self.buffers.clear();
        for upper in self.uppers.clone() {
            let target = &mut self.devices[upper].target;
            target.state.step(TargetEvent::DeviceRemoved);
            for (call, _) in std::mem::take(&mut target.calls) {
                self.return_upper_call(upper, call, CallResult::TargetChanged(status));
            }
            if self.devices[upper].upper().is_some_and(|upper| !upper.is_application) {
                self.devices[upper].open_files = 0; // an application's handle outlives the host process (PNP-12)
            }
            if self.devices[upper].upper().is_some_and(|upper| upper.lost || upper.leaving) {
                self.effects.push(Effect::ForgetUpper { upper });
            }
        }
    }

    /// Only upper drivers are told: hosted ones are gone with the process.
    pub(super) fn return_upper_call(&mut self, device: DeviceId, call: crate::ids::CallId, result: CallResult) {
        if self.devices[device].upper().is_some() {
            self.effects.push(Effect::ReturnCall { upper: device, call, result });
        }
    }
}
