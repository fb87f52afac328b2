//! Removal: orderly, by surprise, and what keeps it waiting (PNP-3, PNP-6, PNP-7, PNP-10).
//!
//! A lower layer is told of removal only when the files opened on it are gone (PNP-10), which follows from the order:
//! highest first, one device after the other. What a removed creator has open is judged in `open_files.rs`.

use crate::callback::Callback;
use crate::clock::Now;
use crate::device::{Device, DeviceState};
use crate::effect::Effect;
use crate::file::File;
use crate::ids::{DeviceId, QueueId};
use crate::io_stop::IoWait;
use crate::power::{NoticeEvent, SurpriseNotice};
use crate::scheduler::Step;
use crate::trace::TraceKind;

use super::core::Core;
use super::dispatch::Invocation;
use super::phase::Phase;
use super::{Stack, StackState};

/// How a stack goes. A surprise outranks an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Removal {
    /// Everybody is asked first.
    Orderly,
    /// The device is gone already.
    Surprise,
}

impl Stack {
    /// Orderly removal of the whole stack, upper drivers first (PNP-3). Ends in `ReportVeto` or `StackRemoved`.
    pub fn removal_requested(&mut self, now: Now) {
        self.core.now = now;
        self.core.remove_stack(Removal::Orderly);
    }

    /// The device is gone without a question (PNP-7). Ends in `StackRemoved`.
    pub fn surprise_removed(&mut self, now: Now) {
        self.core.now = now;
        self.core.remove_stack(Removal::Surprise);
    }
}

impl Core {
    /// Removes the stack, highest first; an orderly removal asks everybody before (PNP-6, PNP-3). While a transition
    /// is under way, the removal waits for its end.
    pub(crate) fn remove_stack(&mut self, removal: Removal) {
        match self.state {
            StackState::Started if !self.is_moving() => {}
            StackState::Added => return self.removed(),
            StackState::Removed | StackState::Stopped => return,
            StackState::Removing if removal == Removal::Orderly => return,
            // A surprise while everybody is being asked comes into its own when one of them refuses.
            StackState::Starting | StackState::Started | StackState::Removing => {
                self.removal_wanted = self.removal_wanted.max(Some(removal));
                return;
            }
        }
        self.removal_wanted = None;
        self.state = StackState::Removing;
        if removal == Removal::Orderly {
            self.plan_falling(Phase::QueryRemove);
        } else {
            self.announce_surprise();
        }
        self.plan_falling(Phase::Remove);
        self.plan_next();
    }

    /// PNP-15: a failure that was reported takes effect.
    pub(crate) fn commit_pnp_state(&mut self, device: DeviceId) {
        if std::mem::take(&mut self.devices[device].failed_uncommitted) {
            self.remove_stack(Removal::Surprise);
        }
    }

    /// Begins the removal that waited for a transition to end, if one did.
    pub(crate) fn begin_wanted_removal(&mut self) {
        if self.state == StackState::Started
            && !self.is_moving()
            && let Some(removal) = self.removal_wanted.take()
        {
            self.remove_stack(removal);
        }
    }

    pub(crate) fn removed(&mut self) {
        self.state = StackState::Removed;
        self.watchdog.disarm();
        self.timers.clear(); // nothing may wake a stack that runs no more
        self.effects.push(Effect::StackRemoved);
    }

    /// `OnSurpriseRemoval` of everybody who implements it, each a step of its own beside the removal (PNP-7).
    fn announce_surprise(&mut self) {
        for device in self.falling() {
            let entry = &mut self.devices[device];
            if entry.callbacks.contains(Callback::OnSurpriseRemoval) && entry.notice.step(NoticeEvent::Surprised) {
                self.run_queue.push(Step::Surprise(device));
            }
        }
    }

    /// The call of `OnSurpriseRemoval`.
    pub(crate) fn surprise(&mut self, device: DeviceId) -> Option<Invocation> {
        let callback = Callback::OnSurpriseRemoval;
        let lost = self.devices.get(device)?.upper().is_some_and(|upper| upper.lost);
        if lost {
            self.surprise_returned(device);
            return None;
        }
        self.note(device, TraceKind::PnpEnter(callback)).record();
        if self.devices[device].upper().is_some() {
            self.invoke_upper(device, callback, None);
            return None;
        }
        Some(Invocation::Pnp { device, callback })
    }

    /// `OnSurpriseRemoval` has returned; a removal that has nothing else to wait for goes on.
    pub(crate) fn surprise_returned(&mut self, device: DeviceId) {
        let notice = &mut self.devices[device].notice;
        let awaited = *notice == SurpriseNotice::Awaited;
        notice.step(NoticeEvent::Returned);
        if awaited {
            self.run_queue.push(Step::Pnp(device));
        }
    }

    /// The removal callbacks of a device have returned. True when the device is gone.
    pub(crate) fn finish_removal(&mut self, device: DeviceId) -> bool {
        let entry = &mut self.devices[device];
        if entry.notice.step(NoticeEvent::RemovalEnded) {
            return false; // goes on when OnSurpriseRemoval has returned
        }
        if entry.open_files > 0 && !self.run_queue.is_at_rest() {
            // On Windows a Close made in the last callback has done all it can by itself when it returns; here that
            // is steps. STOP-1 is judged when they have run. Two removals that both wait for that are judged in turn.
            self.run_queue.push_last(Step::Pnp(device));
            return false;
        }
        if !self.may_be_removed(device) {
            return false; // goes on when its last file is gone
        }
        if !self.delete_handle_targets(device) {
            return false; // goes on when the host has finished what it has
        }
        self.close_target_of_removed(device);
        self.unload_driver(device);
        self.devices[device].state = DeviceState::Removed;
        true
    }

    /// A removal that waited for files of `creator` goes on.
    pub(crate) fn removal_goes_on(&mut self, creator: DeviceId) {
        let is_kept = |file: &File| file.creator == creator && file.is_session();
        if self.state == StackState::Started && self.devices.get(creator).is_none_or(|device| device.phase.is_none()) {
            return;
        }
        let waits = |device: &Device| {
            device.pnp.is_empty()
                && device.phase == Some(Phase::Remove)
                && device.notice != SurpriseNotice::Awaited
                && !self.files.values().any(is_kept)
        };
        let running = self.callbacks.values().any(|blocked| blocked.device == creator);
        if !running && self.devices.get(creator).is_some_and(waits) {
            self.run_queue.push(Step::Pnp(creator));
        }
    }

    /// QUE-10: the queues of one kind accept nothing new, what waits is cancelled, what is armed gets `OnCancel`.
    /// False while something delivered from them has not been completed (STOP-10).
    pub(crate) fn purge_queues(&mut self, device: DeviceId, power_managed: bool) -> bool {
        let Some(hosted) = self.devices[device].hosted_mut() else { return true };
        let mut purged = Vec::with_capacity(hosted.queues.len());
        for (index, queue) in (0..=u8::MAX).zip(&mut hosted.queues) {
            if queue.config.power_managed == power_managed {
                queue.accepting = false;
                purged.push(QueueId(index));
            }
        }
        for queue in purged {
            self.purge_queue(device, queue);
        }
        self.stop_io(device, IoWait::Purge { power_managed })
    }
}
