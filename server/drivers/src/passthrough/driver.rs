//! The callbacks of `passthrough`: none.

use lowerdeck_framework::callback::{Callback, CallbackSet};
use lowerdeck_framework::driver::{BufferRetrieval, DeviceConfig, Driver, FileObjectPolicy, LockingConstraint};
use lowerdeck_framework::forwarding::{DriverRole, ForwardingState};

use super::config::PassthroughConfig;

/// See the module.
#[derive(Debug, Default)]
pub struct PassthroughDriver {
    config: PassthroughConfig,
}

impl PassthroughDriver {
    /// A filter set up by `config`.
    pub fn new(config: PassthroughConfig) -> PassthroughDriver {
        PassthroughDriver { config }
    }
}

impl Driver for PassthroughDriver {
    fn name(&self) -> &str {
        "passthrough"
    }

    fn configure(&self) -> DeviceConfig {
        let file_callbacks = CallbackSet::of(&[Callback::OnCleanupFile, Callback::OnCloseFile]);
        DeviceConfig {
            role: DriverRole::Filter,
            forwarding: ForwardingState::UseDefault,
            callbacks: if self.config.file_callbacks { file_callbacks } else { CallbackSet::EMPTY },
            queues: Vec::new(),
            locking: LockingConstraint::DeviceLevel,
            file_policy: FileObjectPolicy::RejectNullAndUnknown,
            buffer_retrieval: BufferRetrieval::CopyImmediately,
        }
    }
}
