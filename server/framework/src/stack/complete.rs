//! Completion: who may complete, what a completion carries, and how it climbs (REQ 5.6).
//!
//! A completion climbs one layer per step. At each layer the sender regains ownership if it registered
//! `OnCompletion` (REQ-40); at the creator the request is completed, once. Until the climb has taken a hop off
//! its file and target, that file is not drained and that Stop has not returned.

use bytes::{Bytes, BytesMut};

use crate::effect::Effect;
use crate::file::{FileEvent, FileState};
use crate::handle::Aim;
use crate::ids::{DeviceId, FileId, ReceivedId, RequestId};
use crate::io::{CompletionParams, IoKind};
use crate::received::{Received, ReceivedEvent, ReceivedState};
use crate::request::RequestEvent;
use crate::rule::Rule;
use crate::scheduler::Step;
use crate::status::HResult;
use crate::target::TargetRef;
use crate::trace::TraceKind;

use super::core::Core;
use super::dispatch::Invocation;
use super::synchronous::SentRequest;

/// What a finished climb step leaves to settle once the driver has been called.
#[derive(Clone, Copy)]
pub(crate) struct Untied {
    pub(crate) file: Option<FileId>,
    pub(crate) target: TargetRef,
}

impl Core {
    /// A driver completes a request it received (REQ-44, REQ-54).
    pub(crate) fn complete_by_driver(
        &mut self,
        device: DeviceId,
        id: ReceivedId,
        status: HResult,
        information: u64,
        output: Bytes,
    ) {
        let Some(received) = self.received.get(id).filter(|received| received.receiver == device) else {
            return self.violation(device, Rule::Req54, None, None);
        };
        let (request, file, state) = (received.request, received.file, received.state);
        let broken = match state {
            ReceivedState::Owned | ReceivedState::Cancelled => None,
            ReceivedState::CancelPending => Some(Rule::Req50),
            _ => Some(Rule::Req54),
        };
        if let Some(rule) = broken {
            self.violation(device, rule, file, Some(request));
            if self.is_dead() || !matches!(state, ReceivedState::Armed | ReceivedState::CancelPending) {
                return; // the second completion never reaches the sender
            }
            // Lenient: armed or being cancelled, the driver does hold it; this is its one completion.
            self.received[id].state = ReceivedState::Owned;
        }
        let information = self.check_information(device, id, information);
        if self.is_dead() {
            return; // the driver stop has answered for it
        }
        if self.received[id].memories.is_some() {
            self.end_lending(device, id);
            if self.is_dead() {
                return;
            }
        }
        let output = match self.received[id].buffers.take() {
            None => output,
            Some(buffers) => buffers.into_output(output),
        };
        self.received[id].state.step(ReceivedEvent::CompletedByDriver);
        self.give_back_to_queue(id);
        self.carry(id, status, information, output);
    }

    /// Information beyond the buffer is the lower driver's fault and never delivered (REQ-39).
    fn check_information(&mut self, device: DeviceId, id: ReceivedId, information: u64) -> u64 {
        let received = &self.received[id];
        let limit = received.parameters.information_limit();
        if information > limit {
            let (file, request) = (received.file, received.request);
            self.violation(device, Rule::Req39, file, Some(request));
        }
        information.min(limit)
    }

    /// Completion, or SEND_AND_FORGET, frees the request's place in its queue (QUE-3, QUE-4).
    pub(crate) fn give_back_to_queue(&mut self, id: ReceivedId) {
        let received = &self.received[id];
        let (device, queue) = (received.receiver, received.queue);
        if let Some(hosted) = self.devices[device].hosted_mut() {
            let entry = &mut hosted.queues[usize::from(queue.0)];
            entry.held -= 1;
            entry.settle();
            if entry.needs_dispatch() {
                self.run_queue.push(Step::Dispatch(device, queue));
            }
            self.io_wait_goes_on(device);
        }
    }

    /// Loads a completion onto the packet and sends it up.
    pub(crate) fn carry(&mut self, id: ReceivedId, status: HResult, information: u64, output: Bytes) {
        if self.is_dead() {
            return; // a driver stop has answered for it
        }
        let received = &self.received[id];
        let (device, request, file) = (received.receiver, received.request, received.file);
        let (kind, room) = (received.parameters.kind, received.parameters.output_length);
        let done = if received.aim == Aim::Lower { TraceKind::Done } else { TraceKind::HostDone(kind) };
        let status = status.at_completion();
        let packet = &mut self.requests[request];
        packet.status = status;
        packet.information = information;
        packet.output = trim(output, information.min(room));
        if kind == IoKind::Create {
            self.note(device, TraceKind::CreateDone).file(file).request(Some(request)).status(status).record();
            if let Some(file) = file {
                self.create_done_at(file, device, status);
            }
        } else {
            self.note(device, done).file(file).request(Some(request)).status(status).information(information).record();
        }
        self.run_queue.push(Step::Climb(id));
    }

    /// One level of the climb: the hop ends, and its sender is told.
    pub(crate) fn climb(&mut self, id: ReceivedId) -> (Option<Invocation>, Option<Untied>) {
        if !self.received.contains_key(id) {
            return (None, None);
        }
        self.untrack(id);
        if let Some(file) = self.received[id].file.and_then(|file| self.files.get_mut(file)) {
            file.io.remove(&mut self.received, id);
        }
        let Some(mut hop) = self.received.remove(id) else { return (None, None) };
        if let Some(timer) = hop.timer.take() {
            self.timers.disarm(*timer);
        }
        if let Some(memories) = hop.memories.take() {
            self.withdraw(*memories);
        }
        let untied = Untied { file: hop.file, target: hop.target() };
        let packet = &mut self.requests[hop.request];
        if hop.timed_out && packet.status.is_cancelled() {
            packet.status = HResult::STATUS_IO_TIMEOUT; // REQ-25
        }
        packet.current = hop.parent;
        let invocation = match hop.parent {
            Some(parent) => self.climb_to_layer(&hop, parent),
            None => self.climb_to_creator(&hop),
        };
        (invocation, Some(untied))
    }

    /// The sender had received the packet itself.
    fn climb_to_layer(&mut self, hop: &Received, parent: ReceivedId) -> Option<Invocation> {
        if hop.by_framework {
            self.carry_up(parent);
            return None;
        }
        let packet = &self.requests[hop.request];
        let (status, information, output) = (packet.status, packet.information, packet.output.clone());
        self.received[parent].state.step(ReceivedEvent::Regained);
        if let Some(buffers) = &mut self.received[parent].buffers {
            buffers.receive(&output);
        }
        let params = hop.parameters.completion(status, information, output);
        if let Some(waiter) = hop.waiter {
            let told = self.tells_completion(waiter);
            self.send_over(waiter, (!told).then_some(SentRequest::Received(parent)), &params);
            if !told {
                return None;
            }
        }
        self.note_completion(hop.sender, hop.file, hop.request, status, information);
        Some(Invocation::CompletionOfReceived { device: hop.sender, received: parent, params, waiter: hop.waiter })
    }

    /// A packet the framework had forwarded passes through this layer without its driver.
    fn carry_up(&mut self, id: ReceivedId) {
        let received = &mut self.received[id];
        received.state.step(ReceivedEvent::CompletedByFramework);
        if received.parameters.kind == IoKind::Create {
            let packet = &self.requests[received.request];
            let (status, information, output) = (packet.status, packet.information, packet.output.clone());
            self.carry(id, status, information, output);
        } else {
            // Status and data are on the packet already; no driver of this layer completed anything.
            self.run_queue.push(Step::Climb(id));
        }
    }

    /// The packet is back where it began.
    fn climb_to_creator(&mut self, hop: &Received) -> Option<Invocation> {
        let request = hop.request;
        if self.requests[request].is_create {
            self.create_finished(request);
            return None;
        }
        let packet = &mut self.requests[request];
        packet.state.step(RequestEvent::Completed);
        if packet.memories.is_some() {
            self.land(request);
        }
        let packet = &mut self.requests[request];
        let callback = std::mem::take(&mut packet.callback);
        let (status, information, file) = (packet.status, packet.information, packet.file);
        let params = packet.completion();
        let mut abandoned = false;
        if let Some(file) = file.and_then(|file| self.files.get_mut(file)) {
            file.pins += 1;
            abandoned = file.abandoned;
        }
        let creator = hop.sender;
        if callback {
            self.note_completion(creator, hop.file, request, status, information);
        }
        match self.devices[creator].upper() {
            None => {
                let waiter = hop.waiter;
                if let Some(waiter) = waiter {
                    self.send_over(waiter, (!callback).then_some(SentRequest::Created(request)), &params);
                }
                callback.then_some(Invocation::CompletionOfCreated { device: creator, request, params, waiter })
            }
            Some(upper) => {
                let (lost, leaving) = (upper.lost, upper.leaving);
                if !lost {
                    self.announce_completion(creator, request, callback, params);
                }
                if lost || leaving || abandoned {
                    self.delete_request(creator, request); // nobody else will, and it pins its file (CLS-19)
                }
                None
            }
        }
    }

    /// Hands a completion to the host for an upper driver.
    pub(crate) fn announce_completion(
        &mut self,
        upper: DeviceId,
        request: RequestId,
        callback: bool,
        params: CompletionParams,
    ) {
        let number = self.requests[request].number;
        self.effects.push(Effect::CompleteRequest { upper, request, number, callback, params });
    }

    fn note_completion(
        &mut self,
        device: DeviceId,
        file: Option<FileId>,
        request: RequestId,
        status: HResult,
        information: u64,
    ) {
        self.note(device, TraceKind::OnCompletion)
            .file(file)
            .request(Some(request))
            .status(status)
            .information(information)
            .record();
    }

    /// After `OnCompletion` has run: the file may be drained (P5), a Stop may return.
    pub(crate) fn settle(&mut self, untied: Untied) {
        if let Some(file) = untied.file {
            self.settle_file(file);
        }
        self.settle_target(untied.target);
        if untied.target.handle.is_some() {
            self.host_hop_ended(untied.target.device);
        }
    }

    /// P5 ends when nothing is tied to the file any more.
    pub(crate) fn settle_file(&mut self, file: FileId) {
        let Some(entry) = self.files.get_mut(file) else { return };
        if entry.state == FileState::Draining && entry.io.is_empty() {
            entry.state.step(FileEvent::IoDrained);
            self.run_queue.push(Step::Notify(file, 0));
        }
    }
}

/// Exactly `length` bytes: what was written up to there, zeros where nothing was (REQ-38).
fn trim(output: Bytes, length: u64) -> Bytes {
    let length = length as usize;
    if output.len() >= length {
        let mut output = output;
        output.truncate(length);
        return output;
    }
    let mut padded = BytesMut::from(&output[..]);
    padded.resize(length, 0);
    padded.freeze()
}
