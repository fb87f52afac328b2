//! One hop of a packet: from its sender, through the sender's target, to what arrives below or goes to the host.
//!
//! A target that is stopped keeps hops back; Start lets them go one by one, in their order (TGT-20). Nothing is
//! refused here: whoever launches a hop has checked it.

use std::sync::Arc;

use crate::chain::Chain;
use crate::clock::Due;
use crate::handle::Aim;
use crate::ids::{DeviceId, FileId, QueueId, ReceivedId, RequestId};
use crate::io::{IoParameters, SendOptions};
use crate::io_stop::StopNotice;
use crate::received::{Received, ReceivedEvent, ReceivedState};
use crate::request::RequestEvent;
use crate::scheduler::Step;
use crate::target::{Target, TargetRef, TargetState};
use crate::timer::TimerTask;

use super::core::Core;

/// One hop of a packet about to begin.
pub(crate) struct Launch {
    pub(crate) request: RequestId,
    pub(crate) parent: Option<ReceivedId>,
    pub(crate) sender: DeviceId,
    pub(crate) receiver: DeviceId,
    pub(crate) aim: Aim,
    pub(crate) file: Option<FileId>,
    pub(crate) parameters: Arc<IoParameters>,
    pub(crate) options: SendOptions,
    pub(crate) by_framework: bool,
}

impl Launch {
    /// A hop made by the framework itself: it passes through no target and no driver regains it.
    pub(crate) fn framework(
        request: RequestId,
        parent: Option<ReceivedId>,
        sender: DeviceId,
        receiver: DeviceId,
        file: Option<FileId>,
        parameters: Arc<IoParameters>,
    ) -> Launch {
        let (aim, options) = (Aim::Lower, SendOptions::default());
        Launch { request, parent, sender, receiver, aim, file, parameters, options, by_framework: true }
    }
}

impl Core {
    /// Puts a hop on its way: tied to its file and target, then delivered, or pended in a stopped target.
    pub(crate) fn launch(&mut self, launch: Launch) -> ReceivedId {
        let Launch { request, parent, sender, receiver, aim, file, parameters, options, by_framework } = launch;
        let ignores_target = by_framework || options.has(SendOptions::IGNORE_TARGET_STATE);
        let target = self.target(TargetRef { device: sender, handle: aim.target() });
        // Behind requests that Start is still draining, order is kept (TGT-20).
        let holds = |target: &Target| target.state == TargetState::Stopped || !target.pended.is_empty();
        let pends = !ignores_target && target.is_some_and(holds);
        let id = self.received.insert(Received {
            request,
            parent,
            sender,
            receiver,
            aim,
            file,
            parameters,
            buffers: None,
            state: if pends { ReceivedState::Pended } else { ReceivedState::Queued },
            queue: QueueId(0),
            seen: false,
            stop: StopNotice::Running,
            by_framework,
            ignores_target,
            pended: pends,
            timer: None,
            waiter: None,
            memories: None,
            timed_out: false,
            file_link: Default::default(),
            target_link: Default::default(),
            queue_link: Default::default(),
        });
        if let Some(file) = file.and_then(|file| self.files.get_mut(file)) {
            file.io.push_back(&mut self.received, id);
        }
        if options.has(SendOptions::TIMEOUT)
            && let Some(due) = Due::from_timeout(options.timeout, self.now)
        {
            self.received[id].timer = Some(Box::new(self.timers.arm(due, TimerTask::SendTimeout(id))));
        }
        self.requests[request].current = Some(id);
        if !by_framework {
            self.track(id, pends);
        }
        if parent.is_none() {
            let event = if pends { RequestEvent::Pended } else { RequestEvent::Delivered };
            self.requests[request].state.step(event);
        }
        if !pends {
            self.deliver(id);
        }
        id
    }

    /// What its target has let through arrives below, or goes to the host.
    fn deliver(&mut self, id: ReceivedId) {
        match self.received[id].aim {
            Aim::Lower => self.arrive(id),
            Aim::Handle { handle, .. } => self.submit(id, handle),
        }
    }

    /// Ties a hop to its sender's target.
    fn track(&mut self, id: ReceivedId, pends: bool) {
        let received = &mut self.received[id];
        received.pended = pends;
        let (at, awaited) = (received.target(), !received.ignores_target);
        let Some(target) = Target::of(&mut self.devices, &mut self.handles, at) else { return };
        if pends {
            target.pended.push_back(&mut self.received, id);
        } else {
            target.in_flight.push_back(&mut self.received, id);
            target.awaited += u32::from(awaited);
        }
    }

    /// Takes a hop out of the target chain it is in.
    pub(crate) fn untrack(&mut self, id: ReceivedId) {
        let received = &self.received[id];
        if received.by_framework {
            return;
        }
        let (at, pended, awaited) = (received.target(), received.pended, !received.ignores_target);
        let Some(target) = Target::of(&mut self.devices, &mut self.handles, at) else { return };
        let chain: &mut Chain = if pended { &mut target.pended } else { &mut target.in_flight };
        chain.remove(&mut self.received, id);
        if !pended {
            target.awaited -= u32::from(awaited);
        }
    }

    /// Delivers the oldest pended request of a started target (TGT-20).
    pub(crate) fn release(&mut self, at: TargetRef) {
        let Some(target) = Target::of(&mut self.devices, &mut self.handles, at) else { return };
        if target.state != TargetState::Started {
            return;
        }
        let Some(id) = target.pended.first() else { return };
        target.pended.remove(&mut self.received, id);
        let more = !target.pended.is_empty();
        self.received[id].state.step(ReceivedEvent::Released);
        let request = self.received[id].request;
        if self.received[id].parent.is_none() {
            self.requests[request].state.step(RequestEvent::Released);
        }
        self.track(id, false);
        if more {
            self.run_queue.push(Step::Release(at));
        }
        self.deliver(id);
    }
}
