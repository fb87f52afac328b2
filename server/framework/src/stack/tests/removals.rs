//! When the files are judged that a removed creator leaves open (I12, STOP-1).

use super::probe::{Habit, Probe};
use crate::callback::{Callback, CallbackSet};
use crate::clock::Now;
use crate::driver::DispatchType;
use crate::effect::Effect;
use crate::forwarding::DriverRole;
use crate::ids::{CallId, CallbackId, DeviceId};
use crate::rule::Rule;
use crate::scheduler::{Scheduler, SeededScheduler};
use crate::stack::{CRITICAL_OPERATION_TICKS, Stack, StackConfig, StackState, UpperConfig};
use crate::status::HResult;
use crate::verifier::VerifierMode;

/// More steps than anything here has.
const STEPS_MAX: usize = 1_000;

/// A started stack of one layer.
fn started(verifier: VerifierMode, seed: Option<u64>) -> Stack {
    let mut stack = Stack::new(StackConfig {
        drivers: vec![Box::new(Probe::new(DriverRole::Function, DispatchType::Parallel, Habit::Complete))],
        verifier,
        dispatcher: Default::default(),
        method_neither: crate::ioctl::MethodNeitherAction::Reject,
        trace_capacity: 1_000,
        findings_capacity: 10,
        critical_operation_ticks: CRITICAL_OPERATION_TICKS,
        scheduler: seed.map(|seed| Box::new(SeededScheduler::new(seed)) as Box<dyn Scheduler>),
    })
    .expect("the probe declares nothing wrong");
    stack.start(Now::default());
    settle(&mut stack);
    stack
}

/// Runs until nothing is ready, which must come.
fn settle(stack: &mut Stack) -> Vec<Effect> {
    let steps = (0..STEPS_MAX).take_while(|_| stack.step(Now::default())).count();
    assert!(steps < STEPS_MAX, "the stack does not come to rest");
    let mut effects = Vec::new();
    stack.take_effects(&mut effects);
    effects
}

/// The callbacks that upper drivers were called with.
fn called(effects: &[Effect]) -> Vec<(DeviceId, CallbackId)> {
    let invocations = effects.iter().filter_map(|effect| match effect {
        Effect::InvokeCallback { upper, callback, .. } => Some((*upper, *callback)),
        _ => None,
    });
    invocations.collect()
}

/// Two upper drivers come to a stack that runs, open a file each and fail together (PNP-8).
fn two_that_fail_with_a_file_open(verifier: VerifierMode, seed: Option<u64>) -> Stack {
    let mut stack = started(verifier, seed);
    let now = Now::default();
    let callbacks = CallbackSet::of(&[Callback::OnSelfManagedIoInit]);
    for tag in [1, 2] {
        let upper = stack.upper_attached(now, UpperConfig { tag, callbacks });
        stack.create_requested(now, upper, 1, tag.into(), None, CallId(tag));
    }
    let calls = called(&settle(&mut stack));
    assert_eq!(calls.len(), 2, "OnSelfManagedIoInit of each");
    for (upper, callback) in calls {
        assert!(stack.callback_returned(now, upper, callback, HResult::STATUS_INVALID_DEVICE_STATE));
    }
    settle(&mut stack);
    stack
}

#[test]
fn i12_two_upper_drivers_that_leave_a_file_open_are_judged_both() {
    for seed in [None, Some(1), Some(2), Some(3)] {
        let mut stack = two_that_fail_with_a_file_open(VerifierMode::Lenient, seed);
        let rules: Vec<Rule> = stack.findings().map(|finding| finding.rule).collect();
        assert_eq!(rules, [Rule::Stop1, Rule::Stop1]);
        assert_eq!(stack.state(), StackState::Started, "they fail alone");
        assert!(stack.outstanding(Now::default()).files.is_empty(), "their files were closed for them");
    }
}

#[test]
fn i12_the_first_of_two_careless_upper_drivers_stops_the_stack() {
    let stack = two_that_fail_with_a_file_open(VerifierMode::Strict, None);
    assert_eq!(stack.driver_stop().map(|stop| stop.rule), Some(Rule::Stop1));
}
