//! The callbacks of `null`.

use lowerdeck_framework::callback::{Callback, CallbackSet};
use lowerdeck_framework::context::DriverContext;
use lowerdeck_framework::driver::{
    BufferRetrieval, DeviceConfig, DispatchType, Driver, FileObjectPolicy, Flow, LockingConstraint, QueueConfig,
};
use lowerdeck_framework::forwarding::{DriverRole, ForwardingState};
use lowerdeck_framework::ids::QueueId;
use lowerdeck_framework::received::OwnedRequest;
use lowerdeck_framework::status::HResult;

use crate::transfer;

/// See the module.
#[derive(Debug, Default)]
pub struct NullDriver;

impl Driver for NullDriver {
    fn name(&self) -> &str {
        "null"
    }

    fn configure(&self) -> DeviceConfig {
        let handlers = CallbackSet::of(&[
            Callback::OnRead,
            Callback::OnWrite,
            Callback::OnDeviceIoControl,
            Callback::OnDefaultIoHandler,
        ]);
        DeviceConfig {
            role: DriverRole::Function,
            forwarding: ForwardingState::UseDefault,
            callbacks: CallbackSet::EMPTY,
            queues: vec![QueueConfig::default_queue(DispatchType::Parallel, handlers)],
            locking: LockingConstraint::DeviceLevel,
            file_policy: FileObjectPolicy::RejectNullAndUnknown,
            buffer_retrieval: BufferRetrieval::CopyImmediately,
        }
    }

    fn on_read(&mut self, cx: &mut DriverContext<'_>, _queue: QueueId, request: OwnedRequest, length: u64) -> Flow {
        match transfer::zeros(length) {
            Ok(zeros) => cx.complete_with_output(request, HResult::S_OK, zeros),
            Err(status) => cx.complete(request, status),
        }
        Flow::Returned
    }

    fn on_write(&mut self, cx: &mut DriverContext<'_>, _queue: QueueId, request: OwnedRequest, length: u64) -> Flow {
        cx.complete_with_information(request, HResult::S_OK, length);
        Flow::Returned
    }

    fn on_device_io_control(&mut self, cx: &mut DriverContext<'_>, _queue: QueueId, request: OwnedRequest) -> Flow {
        cx.complete(request, HResult::S_OK);
        Flow::Returned
    }

    fn on_default_io_handler(&mut self, cx: &mut DriverContext<'_>, _queue: QueueId, request: OwnedRequest) -> Flow {
        let status = transfer::status_of_uncached(cx.parameters(&request).kind);
        cx.complete(request, status);
        Flow::Returned
    }
}
