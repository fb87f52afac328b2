//! CloseSession: how a session ends in order.
//!
//! Laws: every step is one that the stack's own rules know (the upper driver leaves, or its stack is removed with its
//! callbacks); a caller that stops waiting changes nothing, and whoever asks again waits for the same end; when it has
//! come, the session holds nothing of the host any more.

use std::sync::Arc;

use lowerdeck_framework::callback::CallbackSet;

use super::error::{EndReason, SessionError};
use super::live::Session;
use super::state::Phase;
use crate::host::inspect::RemovalOutcome;

impl Session {
    /// Ends the session in order and waits until that is over. Calling it again waits for the same end.
    pub(super) async fn close(self: &Arc<Session>) -> Result<(), SessionError> {
        let _hold = self.hold_lease();
        let own_removal = self.attachment()?.instance.is_private() && self.terms().callbacks != CallbackSet::EMPTY;
        match self.begin_close() {
            Phase::StackEnded(_) => self.end_without_stack(),
            Phase::Closing if own_removal => self.leave_by_removal().await,
            Phase::Closing => self.leave(),
            Phase::Open | Phase::Ended(_) => {}
        }
        loop {
            let changed = self.changes();
            tokio::pin!(changed);
            changed.as_mut().enable();
            match self.phase() {
                Phase::Ended(EndReason::Closed) => {
                    self.handles_closed().await;
                    return Ok(());
                }
                Phase::Ended(reason) => return Err(SessionError::SessionEnded(reason)),
                Phase::StackEnded(_) => self.end_without_stack(),
                Phase::Open | Phase::Closing => changed.await,
            }
        }
    }

    /// Marks the session as closing; gives the phase it is in now.
    fn begin_close(&self) -> Phase {
        let mut state = self.lock();
        if state.phase == Phase::Open {
            state.phase = Phase::Closing;
        }
        state.phase
    }

    fn leave(&self) {
        let left = self.operate(|op| {
            op.stack.upper_left(op.now, op.upper);
            Ok(())
        });
        if let Err(error) = left {
            tracing::debug!(session = %self.prefix(), %error, "the stack ended before the session could leave it");
            self.end_without_stack();
        }
    }

    /// The session answers its own removal callbacks: the whole private stack is removed, with them (PNP-3). If one
    /// of them vetoes, the session leaves without asking again.
    async fn leave_by_removal(&self) {
        let Ok(attachment) = self.attachment() else { return };
        match attachment.instance.remove().await {
            Ok(RemovalOutcome::Vetoed { .. }) => self.leave(),
            Ok(RemovalOutcome::Removed) => {}
            Err(_) => self.end_without_stack(),
        }
    }

    /// The stack has ended before: the session ends with what was recorded.
    fn end_without_stack(&self) {
        if let Ok(attachment) = self.attachment() {
            attachment.instance.detach(attachment.upper);
        }
        self.lock().end(0, EndReason::Closed);
        self.ended();
    }
}
