//! I/O queues of a hosted device: which request may be delivered next. A queue decides; it never calls.

use crate::chain::{Chain, ChainKind};
use crate::driver::{DispatchType, QueueConfig};

/// One queue: its undelivered requests in order, and how many the driver holds from it.
#[derive(Debug)]
pub(crate) struct Queue {
    pub(crate) config: QueueConfig,
    /// Not delivered, oldest first.
    pub(crate) waiting: Chain,
    /// Delivered and neither completed nor moved to another queue (QUE-4, QUE-12).
    pub(crate) held: u32,
    /// Set when the device is being removed: what arrives is completed cancelled (QUE-9).
    pub(crate) accepting: bool,
}

impl Queue {
    pub(crate) fn new(config: QueueConfig) -> Queue {
        Queue { config, waiting: Chain::new(ChainKind::Queue), held: 0, accepting: true }
    }

    /// Whether the framework may call the driver with the oldest waiting request now.
    pub(crate) fn may_deliver(&self) -> bool {
        !self.waiting.is_empty()
            && match self.config.dispatch {
                DispatchType::Sequential => self.held == 0,
                DispatchType::Parallel => true,
                DispatchType::Manual => false,
            }
    }
}
