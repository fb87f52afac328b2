//! The callbacks of `echo`.
//!
//! A kept request is always marked cancelable. Whoever ends it unmarks it first; if that fails its cancellation
//! is under way, and it is left to `on_cancel` (REQ-50).

use lowerdeck_framework::callback::{Callback, CallbackSet};
use lowerdeck_framework::context::DriverContext;
use lowerdeck_framework::driver::{
    BufferRetrieval, DeviceConfig, DispatchType, Driver, FileObjectPolicy, Flow, LockingConstraint, QueueConfig,
};
use lowerdeck_framework::forwarding::{DriverRole, ForwardingState};
use lowerdeck_framework::ids::{FileId, QueueId, ReceivedId};
use lowerdeck_framework::received::OwnedRequest;
use lowerdeck_framework::status::HResult;

use super::config::EchoConfig;
use super::model::EchoStream;
use super::pending::{Pending, PendingRequests, Work};

/// See the module.
#[derive(Debug)]
pub struct EchoDriver {
    config: EchoConfig,
    stream: EchoStream,
    pending: PendingRequests,
}

impl EchoDriver {
    /// A device with nothing to read.
    pub fn new(config: EchoConfig) -> EchoDriver {
        EchoDriver { config, stream: EchoStream::new(config.capacity), pending: PendingRequests::default() }
    }

    /// Keeps a request, cancelable, until its delay is over.
    fn keep(&mut self, cx: &mut DriverContext<'_>, request: OwnedRequest, work: Work) -> u64 {
        let file = cx.file_of(&request);
        cx.mark_cancelable(&request);
        let delay = self.config.delay;
        let timer = (delay > 0).then(|| cx.arm_timer(delay, self.pending.next_ordinal()));
        let timer = timer.map(Box::new);
        self.pending.insert(Pending { request, file, work, timer })
    }

    /// Serves the ready reads from what there is.
    fn serve_reads(&mut self, cx: &mut DriverContext<'_>) {
        while !self.stream.is_empty()
            && let Some(ordinal) = self.pending.next_ready_read()
        {
            let Some(pending) = self.unmarked(cx, ordinal) else { continue };
            self.finish_read(cx, pending);
        }
    }

    fn finish_read(&mut self, cx: &mut DriverContext<'_>, read: Pending) {
        let length = match read.work {
            Work::Read { length } => length,
            Work::Write { .. } => 0,
        };
        let data = self.stream.take(length);
        cx.complete_with_output(read.request, HResult::S_OK, data);
    }

    /// Takes a kept request out to end it; None when its cancellation is under way, and it stays kept.
    fn unmarked(&mut self, cx: &mut DriverContext<'_>, ordinal: u64) -> Option<Pending> {
        let pending = self.pending.remove(ordinal)?;
        if cx.unmark_cancelable(&pending.request).is_ok() {
            return Some(pending);
        }
        self.pending.put_back(ordinal, pending);
        None
    }

    /// Ends a request unserved.
    fn abort(&mut self, cx: &mut DriverContext<'_>, pending: Pending) {
        if let Some(timer) = pending.timer {
            cx.disarm_timer(*timer);
        }
        if let Work::Write { data } = &pending.work {
            self.stream.release(data.len() as u64);
        }
        cx.complete(pending.request, HResult::ERROR_OPERATION_ABORTED);
    }

    /// The delay of a request is over.
    fn effect(&mut self, cx: &mut DriverContext<'_>, ordinal: u64) {
        if let Some(length) = self.pending.read_length(ordinal) {
            if length > 0 && self.stream.is_empty() {
                self.pending.read_is_ready(ordinal);
            } else if let Some(read) = self.unmarked(cx, ordinal) {
                self.finish_read(cx, read);
            }
        } else if let Some(Pending { request, work: Work::Write { data }, .. }) = self.unmarked(cx, ordinal) {
            let length = data.len() as u64;
            self.stream.push(*data);
            cx.complete_with_information(request, HResult::S_OK, length);
            self.serve_reads(cx);
        }
    }
}

impl Driver for EchoDriver {
    fn name(&self) -> &str {
        "echo"
    }

    fn configure(&self) -> DeviceConfig {
        let handlers = CallbackSet::of(&[Callback::OnRead, Callback::OnWrite]);
        DeviceConfig {
            role: DriverRole::Function,
            forwarding: ForwardingState::UseDefault,
            callbacks: CallbackSet::of(&[Callback::OnCleanupFile]),
            queues: vec![QueueConfig::default_queue(DispatchType::Parallel, handlers)],
            locking: LockingConstraint::DeviceLevel,
            file_policy: FileObjectPolicy::RejectNullAndUnknown,
            buffer_retrieval: BufferRetrieval::CopyImmediately,
        }
    }

    fn on_read(&mut self, cx: &mut DriverContext<'_>, _queue: QueueId, request: OwnedRequest, length: u64) -> Flow {
        let served = self.config.delay == 0 && (length == 0 || !self.stream.is_empty());
        if served {
            let data = self.stream.take(length);
            cx.complete_with_output(request, HResult::S_OK, data);
        } else {
            let ordinal = self.keep(cx, request, Work::Read { length });
            if self.config.delay == 0 {
                self.pending.read_is_ready(ordinal);
            }
        }
        Flow::Returned
    }

    fn on_write(&mut self, cx: &mut DriverContext<'_>, _queue: QueueId, request: OwnedRequest, length: u64) -> Flow {
        let data = cx.parameters(&request).input.clone();
        if self.stream.reserve(length).is_err() {
            cx.complete(request, HResult::STATUS_INSUFFICIENT_RESOURCES);
        } else if self.config.delay == 0 {
            self.stream.push(data);
            cx.complete_with_information(request, HResult::S_OK, length);
            self.serve_reads(cx);
        } else {
            self.keep(cx, request, Work::Write { data: Box::new(data) });
        }
        Flow::Returned
    }

    fn on_timer(&mut self, cx: &mut DriverContext<'_>, cookie: u64) {
        self.effect(cx, cookie);
    }

    fn on_cancel(&mut self, cx: &mut DriverContext<'_>, request: ReceivedId) -> Flow {
        if let Some(pending) = self.pending.find(request).and_then(|ordinal| self.pending.remove(ordinal)) {
            self.abort(cx, pending);
        }
        Flow::Returned
    }

    fn on_cleanup_file(&mut self, cx: &mut DriverContext<'_>, file: FileId) -> Flow {
        for ordinal in self.pending.of_file(file) {
            if let Some(pending) = self.unmarked(cx, ordinal) {
                self.abort(cx, pending);
            }
        }
        Flow::Returned
    }
}
