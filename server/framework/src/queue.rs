//! I/O queues of a hosted device: which request may be delivered next. A queue decides; it never calls.
//!
//! ```text
//!             accepts  dispatches                                   in progress until
//!  Start      yes      yes
//!  Stop       yes      no                                           what is delivered has been completed
//!  Drain      no       yes                                          nothing waits and nothing is delivered
//!  Purge      no       yes, but nothing waits: all is cancelled     what is delivered has been completed
//! ```
//!
//! Stop, Drain and Purge exclude each other while one is in progress (QUE-10).

use crate::chain::{Chain, ChainKind};
use crate::driver::{DispatchType, QueueConfig};

/// A change of a queue's state that takes time (QUE-10).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum QueueOperation {
    /// `IWDFIoQueue::Stop`.
    Stop,
    /// `IWDFIoQueue::Drain`.
    Drain,
    /// `IWDFIoQueue::Purge`.
    Purge,
}

/// What `IWDFIoQueue::GetState` tells (QUE-12).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueStatus {
    /// `WdfIoQueueAcceptRequests`.
    pub accepting: bool,
    /// `WdfIoQueueDispatchRequests`.
    pub dispatching: bool,
    /// Requests waiting in the queue.
    pub waiting: u32,
    /// Requests that the driver holds from it.
    pub held: u32,
    /// The operation that has not ended.
    pub in_progress: Option<QueueOperation>,
}

/// One queue: its undelivered requests in order, and how many the driver holds from it.
#[derive(Debug)]
pub(crate) struct Queue {
    pub(crate) config: QueueConfig,
    /// Not delivered, oldest first.
    pub(crate) waiting: Chain,
    /// Delivered and neither completed nor moved to another queue (QUE-4, QUE-12).
    pub(crate) held: u32,
    /// Unset by Drain and Purge, and when the device is being removed: what arrives is completed cancelled (QUE-9).
    pub(crate) accepting: bool,
    /// Unset by Stop: what arrives waits.
    pub(crate) dispatching: bool,
    pub(crate) in_progress: Option<QueueOperation>,
    /// Unset outside D0 for a power-managed queue: it accepts, and delivers nothing (QUE-13).
    pub(crate) powered: bool,
    /// Its next delivery is in the run queue, or waits for the device's lock: once is enough.
    pub(crate) scheduled: bool,
    /// The `OnCancel` callback object that its requests were marked with first (REQ-47).
    pub(crate) cancel_object: Option<u32>,
}

impl Queue {
    pub(crate) fn new(config: QueueConfig) -> Queue {
        Queue {
            config,
            waiting: Chain::new(ChainKind::Queue),
            held: 0,
            accepting: true,
            dispatching: true,
            in_progress: None,
            powered: !config.power_managed,
            scheduled: false,
            cancel_object: None,
        }
    }

    /// Whether the framework may call the driver with the oldest waiting request now.
    pub(crate) fn may_deliver(&self) -> bool {
        self.dispatching
            && self.powered
            && !self.waiting.is_empty()
            && match self.config.dispatch {
                DispatchType::Sequential => self.held == 0,
                DispatchType::Parallel => true,
                DispatchType::Manual => false,
            }
    }

    /// Whether a delivery has to be scheduled now; whoever is told so schedules it.
    pub(crate) fn needs_dispatch(&mut self) -> bool {
        self.may_deliver() && !std::mem::replace(&mut self.scheduled, true)
    }

    /// Starts an operation; false, and nothing changed, while another one is in progress.
    pub(crate) fn begin(&mut self, operation: QueueOperation) -> bool {
        if self.in_progress.is_some() {
            return false;
        }
        match operation {
            QueueOperation::Stop => self.dispatching = false,
            QueueOperation::Drain | QueueOperation::Purge => self.accepting = false,
        }
        self.in_progress = Some(operation);
        true
    }

    /// `Start`: opens the queue again, whatever was in progress.
    pub(crate) fn start(&mut self) {
        (self.accepting, self.dispatching, self.in_progress) = (true, true, None);
    }

    /// Ends the operation in progress, if what it waits for has happened.
    pub(crate) fn settle(&mut self) {
        let drained = self.in_progress != Some(QueueOperation::Drain) || self.waiting.is_empty();
        if self.held == 0 && drained {
            self.in_progress = None;
        }
    }
}
