//! Cancellation (REQ 5.5): an attempt, whose effect depends on who has the packet.
//!
//! ```text
//!  where the packet is                     what a cancel does                              answer
//!  not sent yet                            sticks: the next Send is refused (REQ-34)       Sticky
//!  pended in the target, or undelivered    the framework completes it cancelled (QUE-8)    CompletedByFramework
//!  back in a queue of a driver that cares  OnIoCanceledOnQueue (REQ-52)                    Delivered
//!  armed                                   OnCancel, once per arming (REQ-49)              Delivered
//!  at the host                             the host is asked to cancel it (FHT-13)         Delivered
//!  owned, not armed                        remembered until MarkCancelable (REQ-28)        Remembered
//!  completed, or the completion climbing   nothing (REQ-33)                                AlreadyCompleted
//! ```

use crate::effect::Effect;
use crate::handle::{HostIoId, TargetFile};
use crate::ids::{DeviceId, FileId, ReceivedId, RequestId, TargetId};
use crate::received::{ReceivedEvent, ReceivedState};
use crate::request::RequestState;
use crate::rule::Rule;
use crate::scheduler::Step;
use crate::status::HResult;
use crate::target::{Target, TargetRef};
use crate::timer::TimerTask;
use crate::trace::{Call, TraceKind};

use super::core::Core;
use super::dispatch::Invocation;

/// What became of a cancel (design 3.7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CancelAnswer {
    /// The owner's `OnCancel` will be called, or the host was asked.
    Delivered,
    /// The owner has not armed the request; the cancel is remembered.
    Remembered,
    /// Nobody owned it: the framework completed it cancelled.
    CompletedByFramework,
    /// Too late, or not sent and unknown.
    AlreadyCompleted,
    /// Not sent yet: the next Send will be refused.
    Sticky,
}

impl CancelAnswer {
    /// The BOOL of `CancelSentRequest`: whether the cancel was delivered (REQ-27).
    pub const fn is_true(self) -> bool {
        matches!(self, CancelAnswer::Delivered | CancelAnswer::CompletedByFramework)
    }
}

impl Core {
    /// `CancelSentRequest`.
    pub(crate) fn cancel_sent_request(&mut self, creator: DeviceId, request: RequestId) -> CancelAnswer {
        let Some(entry) = self.requests.get_mut(request) else { return CancelAnswer::AlreadyCompleted };
        if entry.creator != creator || entry.is_create {
            return CancelAnswer::AlreadyCompleted; // FILE-10: a create has no object to cancel
        }
        let (state, file) = (entry.state, entry.file);
        if self.devices[creator].upper().is_some() {
            self.note(creator, TraceKind::Call(Call::CancelSentRequest)).file(file).request(Some(request)).record();
        }
        match state {
            RequestState::Unformatted | RequestState::Formatted => {
                self.requests[request].cancelled = true;
                CancelAnswer::Sticky
            }
            RequestState::Completed => CancelAnswer::AlreadyCompleted,
            RequestState::Pended | RequestState::InFlight => self.cancel_packet(request),
        }
    }

    /// Cancels a travelling packet where it is. The mark belongs to the packet (REQ-29).
    pub(crate) fn cancel_packet(&mut self, request: RequestId) -> CancelAnswer {
        let packet = &mut self.requests[request];
        let Some(current) = packet.current else { return CancelAnswer::AlreadyCompleted };
        if packet.is_create {
            return CancelAnswer::AlreadyCompleted;
        }
        let received = &mut self.received[current];
        if received.state == ReceivedState::Completed {
            return CancelAnswer::AlreadyCompleted; // the completion has won (REQ-31)
        }
        packet.cancelled = true;
        match received.state {
            ReceivedState::Pended => {
                self.complete_by_framework(current, HResult::ERROR_OPERATION_ABORTED);
                CancelAnswer::CompletedByFramework
            }
            ReceivedState::Queued => {
                let told = self.cancel_queued(current);
                if told { CancelAnswer::Delivered } else { CancelAnswer::CompletedByFramework }
            }
            ReceivedState::Armed => {
                received.state.step(ReceivedEvent::CancelDelivered);
                self.run_queue.push(Step::Cancel(current));
                CancelAnswer::Delivered
            }
            ReceivedState::AtHost => {
                received.state.step(ReceivedEvent::HostCancelAsked);
                self.effects.push(Effect::CancelHostIo { io: HostIoId(current) });
                CancelAnswer::Delivered
            }
            _ => CancelAnswer::Remembered,
        }
    }

    /// `CancelSentRequestsForFile`: this target's requests on that file, best effort (TGT-33).
    pub(crate) fn cancel_sent_requests_for_file(&mut self, device: DeviceId, file: FileId) {
        if self.devices[device].upper().is_some() {
            self.note(device, TraceKind::Call(Call::CancelSentRequestsForFile)).file(Some(file)).record();
        }
        self.cancel_requests_of(device, file);
    }

    /// The same of a file-handle target, for what it has on the handle that `file` stands for.
    pub(super) fn cancel_sent_requests_for_target_file(
        &mut self,
        device: DeviceId,
        target: TargetId,
        file: TargetFile,
    ) {
        self.note(device, TraceKind::Call(Call::CancelSentRequestsForFile)).record();
        let Ok(aim) = self.aim_at_handle(device, target, Some(file)) else { return };
        let Some(owned) = self.handles.own(device, target) else { return };
        let (pended, in_flight) = (&owned.target.pended, &owned.target.in_flight);
        let mut sent = pended.members(&self.received);
        sent.extend(in_flight.members(&self.received));
        for id in sent {
            if let Some(hop) = self.received.get(id).filter(|hop| hop.aim == aim) {
                self.cancel_packet(hop.request);
            }
        }
    }

    /// Asks for cancellation of everything `sender` itself sent on `file`; other layers' requests are not its to
    /// cancel (CLS-6).
    pub(crate) fn cancel_requests_of(&mut self, sender: DeviceId, file: FileId) {
        let Some(entry) = self.files.get(file) else { return };
        for id in entry.io.members(&self.received) {
            let mine = self.received.get(id).filter(|hop| hop.sender == sender && !hop.by_framework);
            if let Some(request) = mine.map(|hop| hop.request) {
                self.cancel_packet(request);
            }
        }
    }

    /// The call of `OnCancel`, unless the request has ended meanwhile.
    pub(crate) fn deliver_cancel(&mut self, id: ReceivedId) -> Option<Invocation> {
        let received = self.received.get_mut(id)?;
        if !received.state.step(ReceivedEvent::CancelEntered) {
            return None;
        }
        let (device, file, request) = (received.receiver, received.file, received.request);
        self.note(device, TraceKind::OnCancel).file(file).request(Some(request)).record();
        Some(Invocation::Cancel { device, received: id })
    }

    /// `MarkCancelable` with a callback object; a remembered cancel is delivered at once (REQ-48). All requests of one
    /// queue use the same object (REQ-47); in lenient mode another one is recorded and used.
    pub(crate) fn mark_cancelable(&mut self, id: ReceivedId, object: u32) {
        let Some(received) = self.received.get(id) else { return };
        let (device, queue, file, request) = (received.receiver, received.queue, received.file, received.request);
        let queue = self.devices[device].hosted_mut().and_then(|hosted| hosted.queues.get_mut(usize::from(queue.0)));
        if queue.is_some_and(|queue| *queue.cancel_object.get_or_insert(object) != object) {
            self.violation(device, Rule::Req47, file, Some(request));
        }
        let Some(received) = self.received.get_mut(id) else { return };
        if received.state.step(ReceivedEvent::Marked) && self.requests[received.request].cancelled {
            received.state.step(ReceivedEvent::CancelDelivered);
            self.run_queue.push(Step::Cancel(id));
        }
    }

    /// `UnmarkCancelable` (REQ-50, REQ-51).
    pub(crate) fn unmark_cancelable(&mut self, id: ReceivedId) -> Result<(), HResult> {
        let received = self.received.get_mut(id).ok_or(HResult::STATUS_INVALID_PARAMETER)?;
        match received.state {
            ReceivedState::Armed => {
                received.state.step(ReceivedEvent::Unmarked);
                Ok(())
            }
            ReceivedState::CancelPending | ReceivedState::Cancelled => Err(HResult::ERROR_OPERATION_ABORTED),
            _ => Err(HResult::STATUS_INVALID_PARAMETER),
        }
    }

    /// `IsCanceled` (REQ-53).
    pub(crate) fn is_canceled(&self, id: ReceivedId) -> bool {
        self.received
            .get(id)
            .is_some_and(|received| received.state == ReceivedState::Owned && self.requests[received.request].cancelled)
    }

    /// Runs what is due: a timeout cancels, it does not abandon (REQ-24).
    pub(crate) fn fire_timers(&mut self) {
        while let Some(task) = self.timers.take_due(self.now) {
            match task {
                TimerTask::Driver(device, cookie) => self.run_queue.push(Step::Timer(device, cookie)),
                TimerTask::Watchdog => self.watchdog_due(),
                TimerTask::SendTimeout(id) => {
                    let Some(received) = self.received.get_mut(id) else { continue };
                    received.timer = None;
                    received.timed_out = true;
                    let (sender, file, request) = (received.sender, received.file, received.request);
                    self.note(sender, TraceKind::Timeout).file(file).request(Some(request)).record();
                    self.cancel_packet(request);
                }
            }
        }
    }

    /// Cancels everything a device has sent through a target and not got back, except what ignores its target (TGT-24, TGT-27).
    pub(crate) fn cancel_in_flight(&mut self, target: TargetRef, all: bool) {
        let Some(target) = Target::of(&mut self.devices, &mut self.handles, target) else { return };
        for id in target.in_flight.members(&self.received) {
            let chosen = self.received.get(id).filter(|hop| all || !hop.ignores_target);
            if let Some(request) = chosen.map(|hop| hop.request) {
                self.cancel_packet(request);
            }
        }
    }
}
