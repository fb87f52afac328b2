//! The drivers of the measured stacks, as small as drivers can be: what is counted is the framework.
//!
//! `Filter` and `Completing` do what `passthrough` and `null` do; the framework knows no driver of its own, not even to
//! be measured with.

use slotmap::SecondaryMap;

use lowerdeck_framework::callback::{Callback, CallbackSet};
use lowerdeck_framework::context::DriverContext;
use lowerdeck_framework::driver::{
    BufferRetrieval, DeviceConfig, DispatchType, Driver, FileObjectPolicy, Flow, LockingConstraint, QueueConfig,
};
use lowerdeck_framework::forwarding::{DriverRole, ForwardingState};
use lowerdeck_framework::ids::{QueueId, ReceivedId};
use lowerdeck_framework::received::OwnedRequest;
use lowerdeck_framework::status::HResult;

/// Handles nothing: everything passes.
pub struct Filter;

impl Driver for Filter {
    fn name(&self) -> &str {
        "filter"
    }

    fn configure(&self) -> DeviceConfig {
        config(DriverRole::Filter, Vec::new())
    }
}

/// Completes every device control at once.
pub struct Completing;

impl Driver for Completing {
    fn name(&self) -> &str {
        "completing"
    }

    fn configure(&self) -> DeviceConfig {
        config(DriverRole::Function, vec![device_controls()])
    }

    fn on_device_io_control(&mut self, cx: &mut DriverContext<'_>, _queue: QueueId, request: OwnedRequest) -> Flow {
        cx.complete(request, HResult::S_OK);
        Flow::Returned
    }
}

/// Keeps every device control, cancelable, until it is cancelled. Finds it again at the cost of an array access.
#[derive(Default)]
pub struct Holding {
    held: SecondaryMap<ReceivedId, OwnedRequest>,
}

impl Driver for Holding {
    fn name(&self) -> &str {
        "holding"
    }

    fn configure(&self) -> DeviceConfig {
        config(DriverRole::Function, vec![device_controls()])
    }

    fn on_device_io_control(&mut self, cx: &mut DriverContext<'_>, _queue: QueueId, request: OwnedRequest) -> Flow {
        cx.mark_cancelable(&request);
        self.held.insert(request.id(), request);
        Flow::Returned
    }

    fn on_cancel(&mut self, cx: &mut DriverContext<'_>, request: ReceivedId) -> Flow {
        if let Some(request) = self.held.remove(request) {
            cx.complete(request, HResult::ERROR_OPERATION_ABORTED);
        }
        Flow::Returned
    }
}

fn device_controls() -> QueueConfig {
    QueueConfig::default_queue(DispatchType::Parallel, CallbackSet::of(&[Callback::OnDeviceIoControl]))
}

fn config(role: DriverRole, queues: Vec<QueueConfig>) -> DeviceConfig {
    DeviceConfig {
        role,
        forwarding: ForwardingState::UseDefault,
        callbacks: CallbackSet::EMPTY,
        queues,
        locking: LockingConstraint::DeviceLevel,
        file_policy: FileObjectPolicy::RejectNullAndUnknown,
        buffer_retrieval: BufferRetrieval::CopyImmediately,
    }
}
