//! What a session does with its default I/O target.

use std::sync::Arc;

use lowerdeck_framework::ids::CallId;
use lowerdeck_framework::status::HResult;
use lowerdeck_framework::target::{SentIoAction, TargetState};
use tokio::sync::oneshot;

use super::error::SessionError;
use super::live::{Operation, Session};
use super::state::BlockedCall;

impl Session {
    /// GetState (TGT-32).
    ///
    /// # Errors
    /// [`SessionError::TargetNotOwned`], and those of every call.
    pub fn target_state(&self, target: &str) -> Result<TargetState, SessionError> {
        self.own_target(target)?;
        self.operate(|op| Ok(op.stack.target_state(op.upper)))
    }

    /// Start (TGT-20).
    ///
    /// # Errors
    /// [`SessionError::TargetNotOwned`], [`SessionError::LimitReached`], and those of every call.
    pub async fn start_target(self: &Arc<Self>, target: &str) -> Result<HResult, SessionError> {
        self.change_target(target, |op, call| op.stack.target_start_requested(op.now, op.upper, call)).await
    }

    /// Stop (TGT-23); None is an action out of range, which changes nothing.
    ///
    /// # Errors
    /// As [`Session::start_target`].
    pub async fn stop_target(
        self: &Arc<Self>,
        target: &str,
        action: Option<SentIoAction>,
    ) -> Result<HResult, SessionError> {
        let Some(action) = action else {
            self.target_state(target)?; // an id that is not the session's own is refused all the same
            return Ok(HResult::S_OK);
        };
        self.change_target(target, |op, call| op.stack.target_stop_requested(op.now, op.upper, action, call)).await
    }

    /// Remove (TGT-29).
    ///
    /// # Errors
    /// As [`Session::start_target`].
    pub async fn remove_target(self: &Arc<Self>, target: &str) -> Result<HResult, SessionError> {
        self.change_target(target, |op, call| op.stack.target_remove_requested(op.now, op.upper, call)).await
    }

    /// DeleteWdfObject: the default target belongs to the framework (OBJ-4).
    ///
    /// # Errors
    /// [`SessionError::TargetNotOwned`], and those of every call.
    pub fn delete_target(&self, target: &str) -> Result<HResult, SessionError> {
        self.target_state(target)?;
        Ok(HResult::ERROR_ACCESS_DENIED)
    }

    async fn change_target(
        self: &Arc<Self>,
        target: &str,
        change: impl FnOnce(&mut Operation<'_>, CallId),
    ) -> Result<HResult, SessionError> {
        self.own_target(target)?;
        let _permit = self.blocking_permit()?;
        let returned = self.operate(|op| {
            let (sender, receiver) = oneshot::channel();
            let call = op.state.block(BlockedCall::Target(sender));
            change(op, call);
            Ok(receiver)
        })?;
        returned.await.map_err(|_| self.abandoned())
    }
}
