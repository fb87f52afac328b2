//! Stopping and resuming delivered requests around power and removal (QUE-14, QUE-15, PNP-3, STOP-10).
//!
//! A device that leaves D0, or is purged, asks the driver about each request of the queues concerned that it has not
//! completed, owned or forwarded, and waits. Requests of queues without `OnIoStop` are waited for alone (QUE-15). On
//! the way back, what was acknowledged and kept gets `OnIoResume` (PNP-2).

use crate::callback::Callback;
use crate::device::Device;
use crate::ids::{DeviceId, ReceivedId};
use crate::io_stop::{IoWait, StopEvent, StopFlags, StopNotice};
use crate::received::{Received, ReceivedState};
use crate::rule::Rule;
use crate::scheduler::Step;
use crate::trace::TraceKind;

use super::core::Core;
use super::dispatch::Invocation;

impl Core {
    /// Asks the driver of `device` about what it holds of the queues that `wait` concerns. True when nothing is left
    /// to wait for; else the device's sequence goes on when nothing is.
    pub(crate) fn stop_io(&mut self, device: DeviceId, wait: IoWait) -> bool {
        for id in self.delivered(device, wait) {
            let hop = &self.received[id];
            let implemented = self.queue_implements(hop, Callback::OnIoStop);
            if implemented && self.received[id].stop.step(wait.event()) {
                self.run_queue.push(Step::IoStop(id));
            }
        }
        self.settle_wait(device, wait)
    }

    /// The device is in D0 again. True when everything that was suspended has been resumed.
    pub(crate) fn resume_io(&mut self, device: DeviceId) -> bool {
        self.devices[device].suspended = 0;
        for id in self.suspended(device) {
            if !self.queue_implements(&self.received[id], Callback::OnIoResume) {
                self.received[id].stop.step(StopEvent::Resumed);
            } else if !self.resumes.contains(&id) {
                self.resumes.push(id);
                self.run_queue.push(Step::IoResume(id));
            }
        }
        self.settle_wait(device, IoWait::Resume)
    }

    /// What the driver of `device` keeps after `StopAcknowledge(FALSE)`.
    fn suspended(&self, device: DeviceId) -> Vec<ReceivedId> {
        let kept = |hop: &Received| {
            hop.receiver == device && hop.stop == StopNotice::Suspended && hop.state != ReceivedState::Completed
        };
        self.received.iter().filter(|(_, hop)| kept(hop)).map(|(id, _)| id).collect()
    }

    fn queue_implements(&self, hop: &Received, callback: Callback) -> bool {
        let queues = self.devices[hop.receiver].hosted().map(|hosted| &hosted.queues);
        let queue = queues.and_then(|queues| queues.get(usize::from(hop.queue.0)));
        queue.is_some_and(|queue| queue.config.handlers.contains(callback))
    }

    /// What the driver of `device` got from the queues that `wait` concerns and has not completed (QUE-14).
    fn delivered(&self, device: DeviceId, wait: IoWait) -> Vec<ReceivedId> {
        let Some(hosted) = self.devices[device].hosted() else { return Vec::new() };
        // What the framework itself has passed on never was its driver's.
        let passed_on: Vec<ReceivedId> =
            self.received.values().filter(|hop| hop.by_framework).filter_map(|hop| hop.parent).collect();
        let is_delivered = |hop: &Received| {
            hop.receiver == device
                && !matches!(hop.state, ReceivedState::Pended | ReceivedState::Queued | ReceivedState::Completed)
                && hosted.queues.get(usize::from(hop.queue.0)).is_some_and(|q| wait.concerns(q.config.power_managed))
        };
        let all = self.received.iter().filter(|(id, hop)| is_delivered(hop) && !passed_on.contains(id));
        all.map(|(id, _)| id).collect()
    }

    /// Whether the device has nothing to wait for; remembers what it waits for otherwise.
    fn settle_wait(&mut self, device: DeviceId, wait: IoWait) -> bool {
        let over = self.is_over(device, wait);
        self.devices[device].waits = (!over).then_some(wait);
        over
    }

    /// How many requests the driver of `device` keeps after `StopAcknowledge(FALSE)`.
    fn suspended_of(&mut self, device: DeviceId) -> u32 {
        let entry = &self.devices[device];
        if held_of(entry, IoWait::Suspend) <= entry.suspended {
            // Some of those counted may have ended: count again.
            self.devices[device].suspended = u32::try_from(self.suspended(device).len()).unwrap_or(u32::MAX);
        }
        self.devices[device].suspended
    }

    fn is_over(&mut self, device: DeviceId, wait: IoWait) -> bool {
        let returning = match wait {
            IoWait::Resume => Callback::OnIoResume,
            _ => Callback::OnIoStop,
        };
        if self.callbacks.values().any(|blocked| blocked.device == device && blocked.callback == returning) {
            return false;
        }
        if wait == IoWait::Resume {
            return !self.resumes.iter().any(|id| self.received.get(*id).is_some_and(|hop| hop.receiver == device));
        }
        let (held, keeps) = (held_of(&self.devices[device], wait), self.suspended_of(device));
        match wait {
            IoWait::Suspend => held == keeps,
            _ => held == 0 && !self.has_open_session(device),
        }
    }

    /// Whether a file is open on `device`: that happens in its removal only to one whose create came too late for its
    /// creator (PNP-10).
    fn has_open_session(&self, device: DeviceId) -> bool {
        self.files.values().any(|file| file.is_known_to(device))
    }

    /// Something that a sequence of `device` may wait for has happened: it goes on if that was all.
    pub(crate) fn io_wait_goes_on(&mut self, device: DeviceId) {
        let Some(wait) = self.devices.get(device).and_then(|entry| entry.waits) else { return };
        if self.settle_wait(device, wait) {
            self.run_queue.push(Step::Pnp(device));
        }
    }

    /// The call of `OnIoStop`, unless the request has been ended or put back meanwhile.
    pub(crate) fn deliver_io_stop(&mut self, id: ReceivedId) -> Option<Invocation> {
        let hop = self.received.get_mut(id)?;
        let wait = self.devices[hop.receiver].waits?;
        if matches!(hop.state, ReceivedState::Queued | ReceivedState::Completed) || !hop.stop.step(StopEvent::Entered) {
            return None;
        }
        let armed = matches!(hop.state, ReceivedState::Armed | ReceivedState::CancelPending);
        let flags = if armed { wait.flags().with(StopFlags::CANCELABLE) } else { wait.flags() };
        let (device, queue, file, request) = (hop.receiver, hop.queue, hop.file, hop.request);
        self.note(device, TraceKind::OnIoStop)
            .file(file)
            .request(Some(request))
            .information(u64::from(flags.0))
            .record();
        Some(Invocation::IoStop { device, queue, received: id, flags })
    }

    /// The call of `OnIoResume`.
    pub(crate) fn deliver_io_resume(&mut self, id: ReceivedId) -> Option<Invocation> {
        self.resumes.retain(|resumed| *resumed != id);
        let hop = self.received.get_mut(id)?;
        let (device, queue, file, request) = (hop.receiver, hop.queue, hop.file, hop.request);
        if matches!(hop.state, ReceivedState::Queued | ReceivedState::Completed) || !hop.stop.step(StopEvent::Resumed) {
            self.io_wait_goes_on(device);
            return None;
        }
        self.note(device, TraceKind::OnIoResume).file(file).request(Some(request)).record();
        Some(Invocation::IoResume { device, queue, received: id })
    }

    /// `StopAcknowledge`. With `requeue` the request goes back to the head of its queue, and is delivered again in D0;
    /// without, its driver keeps it. False, and nothing changed, for one that is not this driver's to acknowledge: a
    /// void method's misuse is for the verifier (ERR-7).
    pub(crate) fn stop_acknowledge(&mut self, device: DeviceId, id: ReceivedId, requeue: bool) -> bool {
        let own = self.received.get(id).filter(|hop| hop.receiver == device && hop.stop == StopNotice::Asked);
        let Some(hop) = own else {
            self.violation(device, Rule::Que14, None, None);
            return false;
        };
        let (file, request, queue) = (hop.file, hop.request, hop.queue);
        let fits = hop.state == ReceivedState::Owned || (!requeue && hop.state != ReceivedState::Queued);
        if !fits {
            self.violation(device, Rule::Que14, file, Some(request));
            return false;
        }
        if requeue {
            self.received[id].stop.step(StopEvent::Resumed);
            self.put_back(device, id, queue, true);
            if self.queue_refuses(device, queue) {
                self.cancel_queued(id); // QUE-10: a purged queue keeps nothing
            }
        } else if self.devices[device].waits == Some(IoWait::Suspend) {
            self.received[id].stop.step(StopEvent::Acknowledged);
            self.devices[device].suspended += 1;
            self.io_wait_goes_on(device);
        }
        true
    }

    fn queue_refuses(&self, device: DeviceId, queue: crate::ids::QueueId) -> bool {
        let hosted = self.devices[device].hosted();
        hosted.and_then(|hosted| hosted.queues.get(usize::from(queue.0))).is_some_and(|queue| !queue.accepting)
    }
}

/// How many requests the driver of `device` holds of the queues that `wait` concerns.
fn held_of(device: &Device, wait: IoWait) -> u32 {
    let Some(hosted) = device.hosted() else { return 0 };
    hosted.queues.iter().filter(|queue| wait.concerns(queue.config.power_managed)).map(|queue| queue.held).sum()
}
