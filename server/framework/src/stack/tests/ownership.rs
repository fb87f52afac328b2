//! A driver that completes what it has sent on: it does not own it until `OnCompletion` (REQ-54).

use super::life::{Life, read_on};
use super::probe::{Habit, Probe};
use crate::context::{DriverContext, Forward};
use crate::driver::{CompletedRequest, DeviceConfig, DispatchType, Driver, Flow};
use crate::forwarding::DriverRole;
use crate::ids::QueueId;
use crate::io::{CompletionParams, SendOptions};
use crate::received::OwnedRequest;
use crate::rule::Rule;
use crate::status::HResult;
use crate::verifier::VerifierMode;

/// Sends every read on and completes it at once, by its identity.
struct Impatient(Probe);

impl Driver for Impatient {
    fn name(&self) -> &str {
        "impatient"
    }

    fn configure(&self) -> DeviceConfig {
        self.0.configure()
    }

    fn on_read(&mut self, cx: &mut DriverContext<'_>, _: QueueId, request: OwnedRequest, _: u64) -> Flow {
        let id = request.id();
        cx.send_received(request, Forward::CurrentType, true, SendOptions::default())
            .expect("the lower driver takes it");
        cx.complete_by_identity(id, HResult::STATUS_INVALID_DEVICE_STATE, 0);
        Flow::Returned
    }

    fn on_completion(&mut self, cx: &mut DriverContext<'_>, request: CompletedRequest, is: &CompletionParams) -> Flow {
        self.0.on_completion(cx, request, is)
    }
}

fn life(verifier: VerifierMode) -> Life {
    let impatient = Impatient(Probe::new(DriverRole::Filter, DispatchType::Parallel, Habit::Forward));
    let keeper = Probe::new(DriverRole::Function, DispatchType::Parallel, Habit::Keep);
    Life::begin(vec![Box::new(impatient), Box::new(keeper)], verifier, None)
}

#[test]
fn req_54_completing_what_was_sent_on_changes_nothing_for_the_sender() {
    let mut life = life(VerifierMode::Lenient);
    let file = life.open();
    let request = read_on(&mut life, file, SendOptions::default());
    assert_eq!(life.stack.findings().map(|finding| finding.rule).collect::<Vec<_>>(), [Rule::Req54]);
    assert_eq!(life.status_of(request), None, "the lower driver has it");
    assert_eq!(life.control(2, "complete").as_deref(), Ok("done"));
    assert_eq!(life.status_of(request), Some(HResult::S_OK), "the lower driver's result");
    life.end();
    life.check();
}

#[test]
fn req_54_completing_what_was_sent_on_is_a_driver_stop() {
    let mut life = life(VerifierMode::Strict);
    let file = life.open();
    read_on(&mut life, file, SendOptions::default());
    assert_eq!(life.stack.driver_stop().map(|stop| stop.rule), Some(Rule::Req54));
    assert_eq!(life.accepted, life.completed, "STOP-4: completed once, by the stop");
}
