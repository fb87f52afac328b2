//! The callbacks of `{{name}}`.

use lowerdeck_framework::callback::{Callback, CallbackSet};
use lowerdeck_framework::context::DriverContext;
use lowerdeck_framework::driver::{
    BufferRetrieval, DeviceConfig, DispatchType, Driver, FileObjectPolicy, Flow, LockingConstraint, QueueConfig,
};
use lowerdeck_framework::forwarding::{DriverRole, ForwardingState};
use lowerdeck_framework::ids::QueueId;
use lowerdeck_framework::received::OwnedRequest;
use lowerdeck_framework::status::HResult;

use super::config::{{Name}}Config;
use crate::transfer;

/// See the module.
#[derive(Debug)]
pub struct {{Name}}Driver {
    config: {{Name}}Config,
}

impl {{Name}}Driver {
    /// A device set up by `config`.
    pub fn new(config: {{Name}}Config) -> {{Name}}Driver {
        {{Name}}Driver { config }
    }
}

impl Driver for {{Name}}Driver {
    fn name(&self) -> &str {
        "{{name}}"
    }

    fn configure(&self) -> DeviceConfig {
        // Without a handler here, the framework refuses the type for a function driver, and a filter passes it on.
        let handlers = CallbackSet::of(&[Callback::OnRead]);
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
        if length > self.config.read_max {
            cx.complete(request, HResult::STATUS_INVALID_PARAMETER);
            return Flow::Returned;
        }
        match transfer::zeros(length) {
            Ok(zeros) => cx.complete_with_output(request, HResult::S_OK, zeros),
            Err(status) => cx.complete(request, status),
        }
        Flow::Returned
    }
}
