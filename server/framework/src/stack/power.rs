//! Power and resources: leaving and entering D0, and rebalance (PNP-4). Power-managed queues follow (QUE-13).
//!
//! Down is highest driver first, up is lowest first. What a device waits for on its way is in `io_stop.rs`.

use crate::clock::Now;
use crate::ids::{DeviceId, QueueId};
use crate::io_stop::IoWait;
use crate::power::{PowerEvent, PowerState};
use crate::scheduler::Step;

use super::core::Core;
use super::phase::Phase;
use super::{Stack, StackState};

/// A transition that cannot begin now; nothing was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the stack is not started, or another transition of it is under way")]
pub struct TransitionUnderway;

impl Stack {
    /// Whether a transition or the start of an upper driver is under way.
    pub fn is_moving(&self) -> bool {
        self.core.is_moving()
    }

    /// Every device goes to `power`: up lowest first, down highest first (PNP-4). D3Final is the shutdown of the
    /// system, which releases no hardware (PNP-5). Devices that are there already have no part in it.
    ///
    /// # Errors
    /// [`TransitionUnderway`].
    pub fn power_requested(&mut self, now: Now, power: PowerState) -> Result<(), TransitionUnderway> {
        self.begin_transition(now)?;
        match power {
            PowerState::D0 => self.core.plan_rising(Phase::PowerUp),
            PowerState::D3 | PowerState::D3Final => self.core.plan_falling(Phase::PowerDown(power)),
        }
        self.core.plan_next();
        Ok(())
    }

    /// Resources are redistributed: everybody is asked, then down to `OnReleaseHardware` and up again (PNP-4).
    /// Ends in `ReportVeto` when one of them refuses (PNP-6).
    ///
    /// # Errors
    /// [`TransitionUnderway`].
    pub fn rebalance_requested(&mut self, now: Now) -> Result<(), TransitionUnderway> {
        self.begin_transition(now)?;
        self.core.plan_falling(Phase::QueryStop);
        self.core.plan_falling(Phase::StopHardware);
        self.core.plan_rising(Phase::RestartHardware);
        self.core.plan_next();
        Ok(())
    }

    fn begin_transition(&mut self, now: Now) -> Result<(), TransitionUnderway> {
        self.core.now = now;
        if self.core.state != StackState::Started || self.core.is_moving() {
            return Err(TransitionUnderway);
        }
        Ok(())
    }
}

impl Core {
    /// The device is in D0: its power-managed queues deliver what they held, in order (QUE-13). False while what was
    /// suspended is being resumed (PNP-2).
    pub(crate) fn start_power_managed(&mut self, device: DeviceId) -> bool {
        let entry = &mut self.devices[device];
        entry.power.step(PowerEvent::Entered);
        let Some(hosted) = entry.hosted_mut() else { return true };
        for (queue, index) in hosted.queues.iter_mut().zip(0..) {
            queue.powered = true;
            if queue.needs_dispatch() {
                self.run_queue.push(Step::Dispatch(device, QueueId(index)));
            }
        }
        self.resume_io(device)
    }

    /// Power-managed queues deliver no more. False while the driver has something of theirs that it neither completed
    /// nor acknowledged: the device stays in D0 until then (QUE-14, QUE-15).
    pub(crate) fn stop_power_managed(&mut self, device: DeviceId) -> bool {
        let entry = &mut self.devices[device];
        let target = entry.phase.map_or(PowerState::D3Final, Phase::target);
        if let Some(hosted) = entry.hosted_mut() {
            for queue in hosted.queues.iter_mut().filter(|queue| queue.config.power_managed) {
                queue.powered = false;
            }
        }
        let stopped = self.stop_io(device, IoWait::Suspend);
        if stopped {
            self.devices[device].power.step(target.exit());
        }
        stopped
    }
}
