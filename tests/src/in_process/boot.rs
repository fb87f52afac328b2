//! Starting a stack for the framework back end, and starting it again (STOP-7).

use lowerdeck_drivers::definition::StackDefinition;
use lowerdeck_framework::callback::{Callback, CallbackSet};
use lowerdeck_framework::clock::Now;
use lowerdeck_framework::handle::Dispatcher;
use lowerdeck_framework::ids::DeviceId;
use lowerdeck_framework::scheduler::Scheduler;
use lowerdeck_framework::stack::{CRITICAL_OPERATION_TICKS, Stack, StackConfig, UpperConfig};
use lowerdeck_framework::verifier::VerifierMode;

use crate::backend::Setting;
use crate::explore::{Choices, Schedule};

/// Trace entries kept: more than any scenario makes.
const TRACE_CAPACITY: usize = 1 << 16;
/// Findings kept.
const FINDINGS_CAPACITY: usize = 256;

/// A started stack with the script's part on it, and with L0 if that is another one.
pub(super) fn boot(setting: &Setting, now: Now, choices: &Choices) -> (Stack, DeviceId, Option<DeviceId>) {
    let definition: StackDefinition = setting.stack.parse().unwrap_or_else(|problem| panic!("{problem}"));
    let drivers = definition.build(1).unwrap_or_else(|problem| panic!("{problem}"));
    let first_in_first_out = choices.replay() == Schedule::OldestFirst;
    let scheduler = (!first_in_first_out).then(|| Box::new(choices.clone()) as Box<dyn Scheduler>);
    let mut stack = Stack::new(StackConfig {
        drivers,
        verifier: if setting.lenient { VerifierMode::Lenient } else { VerifierMode::Strict },
        dispatcher: if setting.file_handles { Dispatcher::FileHandle } else { Dispatcher::Reflector },
        method_neither: setting.method_neither,
        trace_capacity: TRACE_CAPACITY,
        findings_capacity: FINDINGS_CAPACITY,
        critical_operation_ticks: CRITICAL_OPERATION_TICKS,
        scheduler,
    })
    .unwrap_or_else(|problem| panic!("{problem}"));
    let wanted =
        Callback::PNP.into_iter().filter(|callback| setting.callbacks.contains(&callback.to_string().as_str()));
    let callbacks = wanted.fold(CallbackSet::EMPTY, CallbackSet::with);
    let (upper, beside) = if setting.application {
        let beside = stack.upper_attached(now, UpperConfig { tag: 2, callbacks });
        (stack.application_attached(now, 1), Some(beside))
    } else {
        (stack.upper_attached(now, UpperConfig { tag: 1, callbacks }), None)
    };
    stack.start(now);
    (stack, upper, beside)
}
