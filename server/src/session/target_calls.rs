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
        self.operate(|op| Ok(op.stack.target_state(op.upper, None)))
    }

    /// Start (TGT-20).
    ///
    /// # Errors
    /// [`SessionError::TargetNotOwned`], [`SessionError::LimitReached`], and those of every call.
    pub async fn start_target(self: &Arc<Self>, target: &str) -> Result<HResult, SessionError> {
        self.change_target(target, |op, call| op.stack.target_start_requested(op.now, op.upper, None, call)).await
    }

    /// Stop (TGT-23); without an action it was out of range, which changes nothing. `inside` is the request in whose
    /// OnCompletion the call is made, if it is (TGT-26).
    ///
    /// # Errors
    /// As [`Session::start_target`], and those of naming a request.
    pub async fn stop_target(
        self: &Arc<Self>,
        target: &str,
        action: Option<SentIoAction>,
        inside: Option<u64>,
    ) -> Result<HResult, SessionError> {
        self.own_target(target)?;
        let inside = match inside {
            Some(number) => Some(self.operate(|op| op.state.requests.object(number).map(|object| object.id))?),
            None => None,
        };
        let stop = |op: &mut Operation<'_>, call| {
            op.stack.target_stop_requested(op.now, op.upper, None, action, inside, call);
        };
        self.change_target(target, stop).await
    }

    /// Remove (TGT-29).
    ///
    /// # Errors
    /// As [`Session::start_target`].
    pub async fn remove_target(self: &Arc<Self>, target: &str) -> Result<HResult, SessionError> {
        self.change_target(target, |op, call| op.stack.target_remove_requested(op.now, op.upper, None, call)).await
    }

    /// DeleteWdfObject: the default target belongs to the framework (OBJ-4).
    ///
    /// # Errors
    /// As [`Session::start_target`].
    pub async fn delete_target(self: &Arc<Self>, target: &str) -> Result<HResult, SessionError> {
        self.change_target(target, |op, call| op.stack.target_delete_requested(op.now, op.upper, None, call)).await
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
