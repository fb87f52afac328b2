//! When a formatted request takes a reference on its memory and when it lets go (OBJ-16), one call after the other.

use super::probe::{Habit, Probe};
use crate::callback::{Callback, CallbackSet};
use crate::clock::Now;
use crate::context::DriverContext;
use crate::driver::{DispatchType, Driver};
use crate::effect::{CallResult, Effect};
use crate::forwarding::DriverRole;
use crate::ids::{CallId, FileId, MemoryId, RequestId};
use crate::ioctl::MethodNeitherAction;
use crate::memory_object::{MemoryFormat, MemoryParent, MemoryPart};
use crate::object_calls::WdfObject;
use crate::request::RequestState;
use crate::stack::{Stack, StackConfig, UpperConfig};
use crate::status::HResult;
use crate::verifier::VerifierMode;

/// L1 with a request of its own and two memories, on a file that L1 and L2 know.
struct Bench {
    stack: Stack,
    file: FileId,
    request: RequestId,
    memories: [MemoryId; 2],
}

impl Bench {
    fn new() -> Bench {
        let roles = [DriverRole::Filter, DriverRole::Function];
        let probe = |role| Box::new(Probe::new(role, DispatchType::Parallel, Habit::Complete)) as Box<dyn Driver>;
        let mut stack = Stack::new(StackConfig {
            drivers: roles.map(probe).into(),
            verifier: VerifierMode::Strict,
            method_neither: MethodNeitherAction::Reject,
            dispatcher: Default::default(),
            trace_capacity: 0,
            findings_capacity: 1,
            scheduler: None,
            critical_operation_ticks: crate::stack::CRITICAL_OPERATION_TICKS,
        })
        .expect("the probes declare nothing wrong");
        let now = Now::default();
        let upper = stack.upper_attached(now, UpperConfig { tag: 1, callbacks: CallbackSet::EMPTY });
        stack.start(now);
        stack.run(now);
        stack.create_requested(now, upper, 1, 1, None, CallId(1));
        stack.run(now);
        let mut effects = Vec::new();
        stack.take_effects(&mut effects);
        let opened = effects.iter().find_map(|effect| match effect {
            Effect::ReturnCall { result: CallResult::WdfFileCreated(result), .. } => result.ok(),
            _ => None,
        });
        let mut bench = Bench {
            stack,
            file: opened.expect("it opens"),
            request: RequestId::default(),
            memories: [MemoryId::default(); 2],
        };
        (bench.request, bench.memories) = bench.at_l1(|cx| {
            let memory = |cx: &mut DriverContext<'_>| cx.create_wdf_memory(8, MemoryParent::Driver).expect("not empty");
            (cx.create_request(None, true), [memory(cx), memory(cx)])
        });
        bench
    }

    fn at_l1<R>(&mut self, call: impl FnOnce(&mut DriverContext<'_>) -> R) -> R {
        let l1 = self.stack.core.layers[0];
        self.stack.call(l1, Callback::OnControl, |_, cx| call(cx)).expect("the stack runs")
    }

    fn format(&mut self, memory: usize) -> HResult {
        let part = MemoryPart { memory: self.memories[memory], window: None };
        let (request, file) = (self.request, self.file);
        let io = MemoryFormat::Read { output: Some(part), device_offset: None };
        self.at_l1(|cx| cx.format_request_with_memory(request, Some(file), io))
    }

    fn references(&mut self) -> [Option<u32>; 2] {
        let memories = self.memories;
        self.at_l1(|cx| memories.map(|memory| cx.memory_references(memory)))
    }
}

#[test]
fn formatting_takes_a_reference_and_formatting_again_drops_it() {
    let mut bench = Bench::new();
    assert_eq!(bench.format(0), HResult::S_OK);
    assert_eq!(bench.references(), [Some(1), Some(0)]);
    assert_eq!(bench.format(0), HResult::S_OK);
    assert_eq!(bench.references(), [Some(1), Some(0)]);
    assert_eq!(bench.format(1), HResult::S_OK);
    assert_eq!(bench.references(), [Some(0), Some(1)]);
}

#[test]
fn reuse_and_delete_drop_it_too() {
    let mut bench = Bench::new();
    let request = bench.request;
    assert_eq!(bench.format(0), HResult::S_OK);
    bench.stack.core.reuse_request(bench.stack.core.layers[0], request, HResult::S_OK, true);
    assert_eq!(bench.references(), [Some(0), Some(0)]);
    assert_eq!(bench.format(0), HResult::S_OK);
    assert_eq!(bench.at_l1(|cx| cx.delete_request(request)), HResult::S_OK);
    assert_eq!(bench.references(), [Some(0), Some(0)]);
}

/// TGT-14: and the old reference is gone.
#[test]
fn a_format_with_a_deleted_memory_leaves_the_request_unformatted() {
    let mut bench = Bench::new();
    let (request, [_, deleted]) = (bench.request, bench.memories);
    assert_eq!(bench.format(0), HResult::S_OK);
    bench.at_l1(|cx| {
        assert_eq!(cx.add_memory_reference(deleted), Ok(1));
        assert_eq!(cx.delete_wdf_object(WdfObject::Memory(deleted)), HResult::S_OK);
    });
    assert_eq!(bench.format(1), HResult::STATUS_INVALID_DEVICE_STATE);
    assert_eq!(bench.references(), [Some(0), Some(1)]);
    assert_eq!(bench.stack.request_view(request).map(|view| view.state), Some(RequestState::Unformatted));
}

/// A request that is under way is not disturbed (TGT-13).
#[test]
fn a_travelling_request_keeps_its_memory() {
    let mut bench = Bench::new();
    bench.stack.driver_controlled(Now::default(), crate::ids::Level(2), "habit keep").expect("a habit");
    assert_eq!(bench.format(0), HResult::S_OK);
    let request = bench.request;
    assert_eq!(bench.at_l1(|cx| cx.send_request(request, Default::default())), HResult::S_OK);
    bench.stack.run(Now::default());
    assert_eq!(bench.format(1), HResult::STATUS_INVALID_DEVICE_REQUEST);
    assert_eq!(bench.references(), [Some(1), Some(0)]);
}
