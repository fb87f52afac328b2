//! A packet reaches a device: refused by the framework, passed on, or put into a queue (FWD-2, FWD-10, QUE).

use bytes::Bytes;

use crate::callback::Callback;
use crate::driver::{DispatchType, FileObjectPolicy};
use crate::file::LayerFile;
use crate::forwarding::{CreateDisposition, DriverRole, create_disposition};
use crate::ids::{QueueId, ReceivedId};
use crate::io::IoKind;
use crate::ioctl::{MethodNeitherAction, TransferMethod};
use crate::received::{ReceivedEvent, ReceivedState};
use crate::scheduler::Step;
use crate::status::HResult;
use crate::trace::TraceKind;

use super::core::Core;
use super::launch::Launch;

/// What the framework decides about a packet before any driver sees it.
enum Verdict {
    Complete(HResult),
    Forward,
    Enqueue(QueueId),
}

impl Core {
    /// Takes a packet in at its receiver.
    pub(crate) fn arrive(&mut self, id: ReceivedId) {
        let received = &self.received[id];
        if self.requests[received.request].cancelled {
            // A cancelled packet is not delivered: the queue completes it (REQ-28, QUE-8).
            return self.complete_by_framework(id, HResult::ERROR_OPERATION_ABORTED);
        }
        let verdict =
            if received.parameters.kind == IoKind::Create { self.judge_create(id) } else { self.judge_io(id) };
        match verdict {
            Verdict::Complete(status) => self.complete_by_framework(id, status),
            Verdict::Forward => self.forward_by_framework(id),
            Verdict::Enqueue(queue) => {
                let received = &mut self.received[id];
                received.queue = queue;
                let device = received.receiver;
                let hosted = self.devices[device].hosted_mut().expect("only hosted devices receive");
                let entry = &mut hosted.queues[usize::from(queue.0)];
                entry.waiting.push_back(&mut self.received, id);
                if entry.needs_dispatch() {
                    self.run_queue.push(Step::Dispatch(device, queue));
                }
            }
        }
    }

    /// The decision table FWD-2; the layer gets its own file object first (OBJ-8).
    fn judge_create(&mut self, id: ReceivedId) -> Verdict {
        let received = &self.received[id];
        let (device, request, file) = (received.receiver, received.request, received.file);
        let hosted = self.devices[device].hosted().expect("only hosted devices receive");
        let (role, forwarding) = (hosted.config.role, hosted.config.forwarding);
        let handler = hosted.route(IoKind::Create).filter(|(_, handler)| *handler == Some(Callback::OnCreateFile));
        let accepting = handler.is_some_and(|(queue, _)| hosted.queues[usize::from(queue.0)].accepting);
        if let Some(entry) = file.and_then(|file| self.files.get_mut(file)) {
            entry.layers.push(LayerFile::new(device));
        }
        match (create_disposition(role, forwarding, handler.is_some()), handler) {
            (CreateDisposition::Deliver, Some((queue, _))) if accepting => Verdict::Enqueue(queue),
            (CreateDisposition::Deliver, _) => Verdict::Complete(HResult::ERROR_OPERATION_ABORTED),
            (CreateDisposition::Forward, _) => {
                self.note(device, TraceKind::CreateByFramework).file(file).request(Some(request)).record();
                Verdict::Forward
            }
            (CreateDisposition::CompleteHere, _) => {
                self.note(device, TraceKind::CreateByFramework).file(file).request(Some(request)).record();
                Verdict::Complete(HResult::S_OK)
            }
        }
    }

    /// Reads, writes and device controls: policy, edge, zero length, routing, in that order.
    fn judge_io(&self, id: ReceivedId) -> Verdict {
        let received = &self.received[id];
        let device = &self.devices[received.receiver];
        let hosted = device.hosted().expect("only hosted devices receive");
        let kind = received.parameters.kind;
        let known =
            received.file.and_then(|file| self.files.get(file)).is_some_and(|file| file.is_known_to(received.receiver));
        if !known && hosted.config.file_policy == FileObjectPolicy::RejectNullAndUnknown {
            return Verdict::Complete(HResult::STATUS_INVALID_DEVICE_REQUEST); // OBJ-18, OBJ-19
        }
        if self.is_rejected_at_the_edge(id) {
            return Verdict::Complete(HResult::STATUS_INVALID_DEVICE_REQUEST); // IOC-9
        }
        let passes_on = hosted.config.role == DriverRole::Filter && device.lower.is_some();
        let Some((queue, handler)) = hosted.route(kind) else {
            return if passes_on {
                Verdict::Forward
            } else {
                Verdict::Complete(HResult::STATUS_INVALID_DEVICE_REQUEST)
            };
        };
        let config = &hosted.queues[usize::from(queue.0)];
        let manual = config.config.dispatch == DispatchType::Manual;
        if handler.is_none() && !manual {
            // FWD-10: a filter passes on what it has no handler for.
            return if passes_on {
                Verdict::Forward
            } else {
                Verdict::Complete(HResult::STATUS_INVALID_DEVICE_REQUEST)
            };
        }
        if !config.accepting {
            return Verdict::Complete(HResult::ERROR_OPERATION_ABORTED); // QUE-9
        }
        if received.parameters.is_zero_length_transfer() && !config.config.allow_zero_length {
            return Verdict::Complete(HResult::S_OK); // QUE-11
        }
        Verdict::Enqueue(queue)
    }

    /// `METHOD_NEITHER` from an upper driver crosses the process boundary: the stack's action applies there and
    /// nowhere else (IOC-8, IOC-10).
    fn is_rejected_at_the_edge(&self, id: ReceivedId) -> bool {
        let received = &self.received[id];
        received.parameters.kind == IoKind::DeviceControl
            && received.parameters.code.method() == TransferMethod::Neither
            && self.method_neither == MethodNeitherAction::Reject
            && self.devices[received.sender].upper().is_some()
    }

    /// The framework passes a packet on for its receiver, unchanged.
    pub(crate) fn forward_by_framework(&mut self, id: ReceivedId) {
        let received = &mut self.received[id];
        let (request, device, file, parameters) =
            (received.request, received.receiver, received.file, received.parameters.clone());
        let Some(lower) = self.devices[device].lower else {
            return self.complete_by_framework(id, HResult::STATUS_INVALID_DEVICE_REQUEST);
        };
        self.received[id].state.step(ReceivedEvent::SentOn);
        self.launch(Launch::framework(request, Some(id), device, lower, file, parameters));
    }

    /// The framework completes a packet that no driver owns here: status alone, Information 0 (ERR-8).
    pub(crate) fn complete_by_framework(&mut self, id: ReceivedId, status: HResult) {
        if self.received[id].state == ReceivedState::Queued {
            self.leave_queue(id);
        }
        if self.received[id].state.step(ReceivedEvent::CompletedByFramework) {
            self.carry(id, status, 0, Bytes::new());
        }
    }
}
