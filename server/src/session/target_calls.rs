//! What a session does with its I/O targets: the default one, and those on handles.

use std::sync::Arc;

use lowerdeck_framework::ids::{CallId, TargetId};
use lowerdeck_framework::status::HResult;
use lowerdeck_framework::target::{SentIoAction, TargetState};
use tokio::sync::oneshot;

use super::error::SessionError;
use super::live::{Operation, Session};
use super::state::BlockedCall;

/// A target as its driver sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TargetView {
    /// GetState.
    pub state: TargetState,
    /// Whether GetTargetFile gives a file.
    pub has_file: bool,
}

impl Session {
    /// GetState (TGT-32) and GetTargetFile (TGT-4).
    ///
    /// # Errors
    /// [`SessionError::TargetNotOwned`], and those of every call.
    pub fn target_view(&self, target: &str) -> Result<TargetView, SessionError> {
        self.operate(|op| {
            let target = op.own_target(target)?;
            let has_file = op.stack.target_file(op.upper, target).is_some();
            Ok(TargetView { state: op.stack.target_state(op.upper, target), has_file })
        })
    }

    /// Start (TGT-20).
    ///
    /// # Errors
    /// [`SessionError::TargetNotOwned`], [`SessionError::LimitReached`], and those of every call.
    pub async fn start_target(self: &Arc<Self>, target: &str) -> Result<HResult, SessionError> {
        self.change_target(target, |op, target, call| op.stack.target_start_requested(op.now, op.upper, target, call))
            .await
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
        let inside = self.operate(|op| {
            op.own_target(target)?;
            inside.map(|number| op.state.requests.object(number).map(|object| object.id)).transpose()
        })?;
        let stop = |op: &mut Operation<'_>, target, call| {
            op.stack.target_stop_requested(op.now, op.upper, target, action, inside, call);
        };
        self.change_target(target, stop).await
    }

    /// Remove (TGT-29).
    ///
    /// # Errors
    /// As [`Session::start_target`].
    pub async fn remove_target(self: &Arc<Self>, target: &str) -> Result<HResult, SessionError> {
        self.change_target(target, |op, target, call| op.stack.target_remove_requested(op.now, op.upper, target, call))
            .await
    }

    /// DeleteWdfObject: answers when everything sent through the target has completed (FHT-21). The default target belongs
    /// to the framework (OBJ-4).
    ///
    /// # Errors
    /// As [`Session::start_target`].
    pub async fn delete_target(self: &Arc<Self>, target: &str) -> Result<HResult, SessionError> {
        self.change_target(target, |op, target, call| op.stack.target_delete_requested(op.now, op.upper, target, call))
            .await
    }

    async fn change_target(
        self: &Arc<Self>,
        target: &str,
        change: impl FnOnce(&mut Operation<'_>, Option<TargetId>, CallId),
    ) -> Result<HResult, SessionError> {
        let _permit = self.blocking_permit()?;
        let returned = self.operate(|op| {
            let target = op.own_target(target)?;
            let (sender, receiver) = oneshot::channel();
            let call = op.state.block(BlockedCall::Target(sender));
            change(op, target, call);
            Ok(receiver)
        })?;
        returned.await.map_err(|_| self.abandoned())
    }
}
