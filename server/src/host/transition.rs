//! Transitions that the lab asks of an instance: power, rebalance, removal by surprise.
//!
//! Law: one at a time. A call waits for the transition under way, then for its own; a call that gives up leaves the
//! transition to go on.

use lowerdeck_framework::clock::Now;
use lowerdeck_framework::ids::Level;
use lowerdeck_framework::power::PowerState;
use lowerdeck_framework::stack::{Stack, StackState, TransitionUnderway};
use lowerdeck_framework::status::HResult;

use super::error::HostError;
use super::instance::StackInstance;
use super::progress::Progress;
use super::routing::lowest;

impl StackInstance {
    /// The number of its lowest layer.
    pub fn lowest(&self) -> u8 {
        lowest(&self.layers)
    }

    /// Takes the device away without a question and waits until the removal is over (PNP-7).
    ///
    /// # Errors
    /// [`HostError::StackStopped`] if it ends in a driver stop, and those of [`StackInstance::apply`].
    pub async fn surprise_remove(&self) -> Result<(), HostError> {
        self.apply(None, |stack, now| stack.surprise_removed(now))?;
        let is_over = |progress: &Progress| matches!(progress.state, StackState::Removed | StackState::Stopped);
        match self.reached(is_over).await?.state {
            StackState::Stopped => Err(HostError::StackStopped(self.name.clone())),
            _ => Ok(()),
        }
    }

    /// Brings every device into `power` and waits until that is done (PNP-4).
    ///
    /// # Errors
    /// [`HostError::StackRemoved`] if a driver failed on the way (PNP-8), [`HostError::StackStopped`], and those of
    /// [`StackInstance::apply`].
    pub async fn set_power(&self, power: PowerState) -> Result<(), HostError> {
        self.transition(|stack, now| stack.power_requested(now, power)).await.map(|_| ())
    }

    /// Redistributes resources and waits until that is done; gives the veto, if there was one (PNP-4, PNP-6).
    ///
    /// # Errors
    /// Those of [`StackInstance::set_power`].
    pub async fn rebalance(&self) -> Result<Option<(Level, HResult)>, HostError> {
        let vetoes = self.transition(Stack::rebalance_requested).await?;
        let progress = *self.progress().borrow();
        Ok(progress.veto.filter(|_| progress.vetoes > vetoes))
    }

    /// Begins a transition when none is under way, and waits for its end. Gives the vetoes there were before.
    async fn transition(
        &self,
        begin: impl Fn(&mut Stack, Now) -> Result<(), TransitionUnderway>,
    ) -> Result<u64, HostError> {
        let is_at_rest = |progress: &Progress| {
            !progress.moving
                && !matches!(progress.state, StackState::Added | StackState::Starting | StackState::Removing)
        };
        loop {
            let vetoes = self.reached(is_at_rest).await?.vetoes;
            if self.apply(None, &begin)?.is_err() {
                continue; // somebody else was quicker
            }
            return match self.reached(is_at_rest).await?.state {
                StackState::Stopped => Err(HostError::StackStopped(self.name.clone())),
                StackState::Removed => Err(HostError::StackRemoved(self.name.clone())),
                _ => Ok(vetoes),
            };
        }
    }

    async fn reached(&self, condition: impl Fn(&Progress) -> bool) -> Result<Progress, HostError> {
        let mut progress = self.progress();
        let reached = progress.wait_for(|progress| condition(progress)).await;
        reached.map(|progress| *progress).map_err(|_| HostError::StackRemoved(self.name.clone()))
    }
}
