//! What happens at the queues of a hosted device: delivery, retrieval, requeueing, state changes (section QUE).

use crate::callback::Callback;
use crate::driver::DispatchType;
use crate::ids::{DeviceId, FileId, QueueId, ReceivedId, RequestId};
use crate::io::IoKind;
use crate::io_stop::StopNotice;
use crate::queue::{Queue, QueueOperation, QueueStatus};
use crate::received::{ReceivedEvent, ReceivedState};
use crate::rule::Rule;
use crate::scheduler::Step;
use crate::status::HResult;
use crate::trace::TraceKind;

use super::core::Core;
use super::dispatch::Invocation;

impl Core {
    /// The next request of a queue, if it may be delivered: the call to make.
    pub(crate) fn dispatch(&mut self, device: DeviceId, queue: QueueId) -> Option<Invocation> {
        let hosted = self.devices.get_mut(device)?.hosted_mut()?;
        let entry = &mut hosted.queues[usize::from(queue.0)];
        entry.scheduled = false;
        if !entry.may_deliver() {
            return None;
        }
        let id = entry.waiting.first()?;
        entry.waiting.remove(&mut self.received, id);
        entry.held += 1;
        if entry.needs_dispatch() {
            self.run_queue.push(Step::Dispatch(device, queue));
        }
        let received = &mut self.received[id];
        received.state.step(ReceivedEvent::Delivered);
        let (kind, request, file) = (received.parameters.kind, received.request, received.file);
        let handler = self.devices[device].hosted().and_then(|hosted| hosted.route_handler(queue, kind))?;
        let note = if kind == IoKind::Create { TraceKind::Create } else { TraceKind::Io(kind) };
        self.note(device, note).file(file).request(Some(request)).record();
        Some(Invocation::Queue { device, queue, handler, received: id })
    }

    /// `RetrieveNextRequest…` (QUE-6).
    pub(crate) fn retrieve_next_request(
        &mut self,
        device: DeviceId,
        queue: QueueId,
        file: Option<FileId>,
    ) -> Result<ReceivedId, HResult> {
        let hosted = self.devices[device].hosted_mut().ok_or(HResult::STATUS_INVALID_DEVICE_STATE)?;
        let entry = hosted.queues.get_mut(usize::from(queue.0)).ok_or(HResult::E_INVALIDARG)?;
        if entry.config.dispatch == DispatchType::Parallel {
            return Err(HResult::STATUS_INVALID_DEVICE_STATE);
        }
        if !entry.dispatching || !entry.powered {
            return Err(HResult::STATUS_WDF_PAUSED);
        }
        let mut candidate = entry.waiting.first();
        while let (Some(id), Some(_)) = (candidate, file) {
            if self.received[id].file == file {
                break;
            }
            candidate = entry.waiting.after(&self.received, id);
        }
        let id = candidate.ok_or(HResult::ERROR_NO_MORE_ITEMS)?;
        entry.waiting.remove(&mut self.received, id);
        entry.held += 1;
        let received = &mut self.received[id];
        received.state.step(ReceivedEvent::Delivered);
        let (kind, request, file) = (received.parameters.kind, received.request, received.file);
        self.note(device, TraceKind::Io(kind)).file(file).request(Some(request)).record();
        Ok(id)
    }

    /// `ForwardToIoQueue` (QUE-7): to the end of another queue of the same device.
    pub(crate) fn forward_to_io_queue(
        &mut self,
        device: DeviceId,
        id: ReceivedId,
        queue: QueueId,
    ) -> Result<(), HResult> {
        let refused = HResult::ERROR_INVALID_OPERATION;
        let received = self.received.get(id).ok_or(refused)?;
        let hosted = self.devices[device].hosted().ok_or(refused)?;
        let to = hosted.queues.get(usize::from(queue.0)).ok_or(refused)?;
        let takes = to.config.dispatch == DispatchType::Manual
            || hosted.route_handler(queue, received.parameters.kind).is_some();
        if received.state != ReceivedState::Owned || received.queue == queue || !takes {
            return Err(refused);
        }
        if !to.accepting {
            return Err(HResult::STATUS_WDF_BUSY); // QUE-9
        }
        self.put_back(device, id, queue, false);
        Ok(())
    }

    /// `Requeue` (QUE-7): to the head of the manual queue it came from.
    pub(crate) fn requeue(&mut self, device: DeviceId, id: ReceivedId) -> Result<(), HResult> {
        let refused = HResult::ERROR_INVALID_OPERATION;
        let received = self.received.get(id).ok_or(refused)?;
        let queue = received.queue;
        let from = self.queue(device, queue).ok_or(refused)?;
        if received.state != ReceivedState::Owned || from.config.dispatch != DispatchType::Manual {
            return Err(refused);
        }
        self.put_back(device, id, queue, true);
        Ok(())
    }

    /// Puts an owned request into a queue again; a remembered cancel finds it there (REQ-28).
    pub(crate) fn put_back(&mut self, device: DeviceId, id: ReceivedId, queue: QueueId, at_head: bool) {
        let received = &mut self.received[id];
        let from = std::mem::replace(&mut received.queue, queue);
        received.state.step(ReceivedEvent::Requeued);
        received.seen = true;
        received.stop = StopNotice::Running;
        let request = received.request;
        let Some(hosted) = self.devices[device].hosted_mut() else { return };
        let left = &mut hosted.queues[usize::from(from.0)];
        left.held -= 1;
        left.settle();
        let waiting = &mut hosted.queues[usize::from(queue.0)].waiting;
        if at_head {
            waiting.push_front(&mut self.received, id);
        } else {
            waiting.push_back(&mut self.received, id);
        }
        self.schedule_dispatch(device, from);
        self.io_wait_goes_on(device);
        if self.requests[request].cancelled {
            self.cancel_queued(id);
        } else {
            self.schedule_dispatch(device, queue);
        }
    }

    /// Schedules the next delivery of a queue, if there is one and it is not scheduled.
    fn schedule_dispatch(&mut self, device: DeviceId, queue: QueueId) {
        if self.queue_mut(device, queue).is_some_and(Queue::needs_dispatch) {
            self.run_queue.push(Step::Dispatch(device, queue));
        }
    }

    /// Takes an undelivered request out of its queue.
    pub(crate) fn leave_queue(&mut self, id: ReceivedId) {
        let received = &self.received[id];
        let (device, queue) = (received.receiver, received.queue);
        if let Some(hosted) = self.devices[device].hosted_mut() {
            hosted.queues[usize::from(queue.0)].waiting.remove(&mut self.received, id);
        }
    }

    fn queue(&self, device: DeviceId, queue: QueueId) -> Option<&Queue> {
        self.devices.get(device)?.hosted()?.queues.get(usize::from(queue.0))
    }

    fn queue_mut(&mut self, device: DeviceId, queue: QueueId) -> Option<&mut Queue> {
        self.devices.get_mut(device)?.hosted_mut()?.queues.get_mut(usize::from(queue.0))
    }

    /// Ends a queued request cancelled: alone (QUE-8), or through `OnIoCanceledOnQueue` where the driver had it
    /// before and wants to know (REQ-52). True when the driver ends it.
    pub(crate) fn cancel_queued(&mut self, id: ReceivedId) -> bool {
        let received = &self.received[id];
        let (device, queue, seen) = (received.receiver, received.queue, received.seen);
        let wants = |queue: &Queue| queue.config.handlers.contains(Callback::OnIoCanceledOnQueue);
        if !seen || !self.queue(device, queue).is_some_and(wants) {
            self.complete_by_framework(id, HResult::ERROR_OPERATION_ABORTED);
            return false;
        }
        self.leave_queue(id);
        self.received[id].state.step(ReceivedEvent::CancelledOnQueue);
        if let Some(entry) = self.queue_mut(device, queue) {
            entry.held += 1;
        }
        self.run_queue.push(Step::CancelOnQueue(id));
        true
    }

    /// The call of `OnIoCanceledOnQueue`.
    pub(crate) fn deliver_queue_cancel(&mut self, id: ReceivedId) -> Option<Invocation> {
        let received = self.received.get_mut(id)?;
        if !received.state.step(ReceivedEvent::CancelEntered) {
            return None;
        }
        let (device, queue, file, request) = (received.receiver, received.queue, received.file, received.request);
        self.note(device, TraceKind::OnIoCanceledOnQueue).file(file).request(Some(request)).record();
        Some(Invocation::Queue { device, queue, handler: Callback::OnIoCanceledOnQueue, received: id })
    }

    /// `Stop`, `Drain` or `Purge` of a queue (QUE-10).
    pub(crate) fn operate_queue(&mut self, device: DeviceId, queue: QueueId, operation: QueueOperation) -> HResult {
        let Some(entry) = self.queue_mut(device, queue) else { return HResult::E_INVALIDARG };
        if !entry.begin(operation) {
            self.violation(device, Rule::Que10, None, None);
            return HResult::STATUS_INVALID_DEVICE_STATE;
        }
        if operation == QueueOperation::Purge {
            self.purge_queue(device, queue);
        }
        if let Some(entry) = self.queue_mut(device, queue) {
            entry.settle();
        }
        HResult::S_OK
    }

    /// `Start` of a queue: what waits is delivered.
    pub(crate) fn start_queue(&mut self, device: DeviceId, queue: QueueId) -> HResult {
        let Some(entry) = self.queue_mut(device, queue) else { return HResult::E_INVALIDARG };
        entry.start();
        self.schedule_dispatch(device, queue);
        HResult::S_OK
    }

    /// `GetState` of a queue (QUE-12).
    pub(crate) fn queue_status(&self, device: DeviceId, queue: QueueId) -> Option<QueueStatus> {
        let entry = self.queue(device, queue)?;
        let waiting = entry.waiting.members(&self.received).len();
        Some(QueueStatus {
            accepting: entry.accepting,
            dispatching: entry.dispatching,
            waiting: u32::try_from(waiting).unwrap_or(u32::MAX),
            held: entry.held,
            in_progress: entry.in_progress,
        })
    }

    /// Cancels what waits in a queue; what the driver has armed gets `OnCancel` (QUE-10).
    pub(crate) fn purge_queue(&mut self, device: DeviceId, queue: QueueId) {
        let affected: Vec<(ReceivedId, RequestId, ReceivedState)> = self
            .received
            .iter()
            .filter(|(_, hop)| hop.receiver == device && hop.queue == queue)
            .map(|(id, hop)| (id, hop.request, hop.state))
            .collect();
        for (id, request, state) in affected {
            match state {
                ReceivedState::Queued => {
                    self.cancel_queued(id);
                }
                ReceivedState::Armed => {
                    self.cancel_packet(request);
                }
                _ => {}
            }
        }
    }
}
