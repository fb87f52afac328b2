//! What a session does with files: create, close, cancel what was sent on one.

use std::sync::Arc;

use lowerdeck_framework::status::HResult;
use tokio::sync::oneshot;
use uuid::Uuid;

use super::error::SessionError;
use super::live::{Operation, Session};
use super::quota;
use super::requests::{Create, CreateOutcome, Entry};
use super::state::BlockedCall;

impl Session {
    /// CreateWdfFile: answers when the create has returned. A message that comes again finds the create.
    ///
    /// # Errors
    /// [`SessionError::RequestIdInUse`], [`SessionError::RequestGone`], [`SessionError::LimitReached`], and those of
    /// every call.
    pub async fn create_wdf_file(
        self: &Arc<Self>,
        number: u64,
        name: Option<String>,
    ) -> Result<Result<Uuid, HResult>, SessionError> {
        let _permit = self.blocking_permit()?;
        let outcome = self.operate(|op| begin_create(op, number, name))?;
        let outcome = outcome.await.map_err(|_| self.abandoned())?;
        Ok(outcome.map(Uuid::from_u128))
    }

    /// Close: answers when cleanup has returned and the creator's requests were asked to cancel (CLS-13).
    ///
    /// # Errors
    /// [`SessionError::FileNotOwned`], [`SessionError::FileGone`], [`SessionError::LimitReached`], and those of every
    /// call.
    pub async fn close_file(self: &Arc<Self>, file: &str) -> Result<(), SessionError> {
        let _permit = self.blocking_permit()?;
        let returned = self.operate(|op| {
            let file = op.own(file)?;
            let (sender, receiver) = oneshot::channel();
            let call = op.state.block(BlockedCall::Close(sender));
            op.state.files.close_asked(file);
            op.stack.close_requested(op.now, op.upper, file.id, call);
            Ok(receiver)
        })?;
        returned.await.map_err(|_| self.abandoned())
    }

    /// DeleteWdfObject: a file is ended with Close, and stays as it is (CLS-16, OBJ-4).
    ///
    /// # Errors
    /// [`SessionError::FileNotOwned`], [`SessionError::FileGone`], and those of every call.
    pub fn delete_file(&self, file: &str) -> Result<HResult, SessionError> {
        self.operate(|op| {
            let file = op.own(file)?;
            Ok(op.stack.file_delete_requested(op.upper, file.id))
        })
    }

    /// CancelSentRequestsForFile (TGT-33).
    ///
    /// # Errors
    /// [`SessionError::FileNotOwned`], [`SessionError::FileGone`], [`SessionError::TargetNotOwned`], and those of
    /// every call.
    pub fn cancel_for_file(&self, file: &str, target: &str) -> Result<(), SessionError> {
        self.operate(|op| op.cancel_for_file(file, target))
    }
}

impl Operation<'_> {
    /// [`Session::cancel_for_file`]. A file that does not go with the target has nothing sent through it.
    pub(super) fn cancel_for_file(&mut self, file: &str, target: &str) -> Result<(), SessionError> {
        let Some(target) = self.own_target(target)? else {
            let file = self.own(file)?;
            self.stack.cancel_for_file_requested(self.now, self.upper, file.id);
            return Ok(());
        };
        let Ok(Some(of)) = self.own_target(file) else { return self.own(file).map(drop) };
        if let Some(file) = self.stack.target_file(self.upper, Some(of)) {
            self.stack.cancel_for_target_file_requested(self.now, self.upper, target, file);
        }
        Ok(())
    }
}

/// Sends a create, or finds the one that the same message sent before.
fn begin_create(
    op: &mut Operation<'_>,
    number: u64,
    name: Option<String>,
) -> Result<oneshot::Receiver<CreateOutcome>, SessionError> {
    let (sender, receiver) = oneshot::channel();
    match op.state.requests.entry(number) {
        Some(Entry::Create(create)) if create.name == name => {
            match create.outcome {
                Some(outcome) => drop(sender.send(outcome)), // the receiver is in our hands
                None => {
                    create.waiters.retain(|waiter| !waiter.is_closed());
                    create.waiters.push(sender);
                }
            }
            return Ok(receiver);
        }
        Some(_) => return Err(SessionError::RequestIdInUse(number)),
        None => op.state.requests.check_new(number, op.limits)?,
    }
    let files = op.state.files.count() as u64 + op.state.requests.creating();
    quota::check("files_max", files, 1, op.limits.files_max, "close files and wait until they are gone")?;
    let uuid = Uuid::new_v4().as_u128();
    let call = op.state.block(BlockedCall::Create { number, uuid });
    op.stack.create_requested(op.now, op.upper, number, uuid, name.as_deref(), call);
    op.state.requests.insert_create(number, Create { name, outcome: None, waiters: vec![sender] });
    Ok(receiver)
}
