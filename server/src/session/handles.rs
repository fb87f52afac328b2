//! Handles and file-handle targets of a session: which are its own, and which were.
//!
//! Laws: the client chooses the id, and it names one thing for ever; the message that comes again is recognised by it. A
//! foreign id and one that never was get the same refusal. What was closed or deleted stays known, so that the answer is
//! UMDF's or Win32's own; the last `gone_handles_max` of them.

use std::collections::{HashMap, VecDeque};

use lowerdeck_framework::handle::HandleId;
use lowerdeck_framework::ids::TargetId;
use lowerdeck_framework::status::HResult;
use lowerdeck_handles::handle::{HandleNumber, OpenRequest};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::error::SessionError;

/// The outcome of an open: the number by which the stack knows the handle, or the HRESULT of the failure.
pub type OpenOutcome = Result<HandleId, HResult>;

/// A handle that is open.
#[derive(Debug, Clone)]
pub(super) struct OpenHandle {
    /// The stack's number for it.
    pub(super) id: HandleId,
    /// The number in the session's table.
    pub(super) number: HandleNumber,
    /// Cancelled when nothing is performed on it any more.
    pub(super) ended: CancellationToken,
}

#[derive(Debug)]
enum State {
    Opening(Vec<oneshot::Sender<OpenOutcome>>),
    Open(OpenHandle),
}

#[derive(Debug)]
struct Handle {
    request: OpenRequest,
    state: State,
}

/// The handles of one session.
#[derive(Debug, Default)]
pub struct HandleTable {
    handles: HashMap<u128, Handle>,
    /// Closed ones, oldest first.
    closed: VecDeque<u128>,
}

impl HandleTable {
    /// The outcome of the same OpenHandle that came before; None for one that is the first with its id.
    ///
    /// # Errors
    /// [`SessionError::HandleIdInUse`] if another message came with the id, or the handle is closed.
    pub(super) fn asked_before(
        &mut self,
        id: Uuid,
        request: &OpenRequest,
    ) -> Result<Option<oneshot::Receiver<OpenOutcome>>, SessionError> {
        let (sender, receiver) = oneshot::channel();
        match self.handles.get_mut(&id.as_u128()) {
            None if self.closed.contains(&id.as_u128()) => Err(SessionError::HandleIdInUse(id)),
            None => Ok(None),
            Some(handle) if handle.request != *request => Err(SessionError::HandleIdInUse(id)),
            Some(Handle { state: State::Opening(waiters), .. }) => {
                waiters.retain(|waiter| !waiter.is_closed());
                waiters.push(sender);
                Ok(Some(receiver))
            }
            Some(Handle { state: State::Open(open), .. }) => {
                let _ = sender.send(Ok(open.id)); // the receiver is in our hands
                Ok(Some(receiver))
            }
        }
    }

    /// A new handle is being opened.
    pub(super) fn opening(&mut self, id: Uuid, request: OpenRequest) -> oneshot::Receiver<OpenOutcome> {
        let (sender, receiver) = oneshot::channel();
        self.handles.insert(id.as_u128(), Handle { request, state: State::Opening(vec![sender]) });
        receiver
    }

    /// The open has ended; whoever waits hears it. A failed one leaves the id free.
    pub(super) fn opened(&mut self, id: Uuid, opened: Result<OpenHandle, HResult>) {
        let Some(handle) = self.handles.get_mut(&id.as_u128()) else { return };
        let outcome = opened.as_ref().map(|open| open.id).map_err(|status| *status);
        let before = match opened {
            Ok(open) => Some(std::mem::replace(&mut handle.state, State::Open(open))),
            Err(_) => self.handles.remove(&id.as_u128()).map(|handle| handle.state),
        };
        if let Some(State::Opening(waiters)) = before {
            for waiter in waiters {
                let _ = waiter.send(outcome); // whoever stopped waiting may ask again
            }
        }
    }

    /// THE check: whether the text that a client sent names a handle of this session; None for one that is closed, or not
    /// open yet.
    ///
    /// # Errors
    /// [`SessionError::HandleNotOwned`].
    pub(super) fn own(&self, text: &str) -> Result<Option<&OpenHandle>, SessionError> {
        let id = Uuid::try_parse(text).map_err(|_| SessionError::HandleNotOwned(text.to_owned()))?.as_u128();
        match self.handles.get(&id) {
            Some(Handle { state: State::Open(open), .. }) => Ok(Some(open)),
            Some(Handle { state: State::Opening(_), .. }) => Ok(None),
            None if self.closed.contains(&id) => Ok(None),
            None => Err(SessionError::HandleNotOwned(text.to_owned())),
        }
    }

    /// Takes a handle out to close it; None for one that is closed, or not open yet. The last `gone_max` closed ones are
    /// remembered.
    ///
    /// # Errors
    /// As [`HandleTable::own`].
    pub(super) fn close(&mut self, text: &str, gone_max: u64) -> Result<Option<OpenHandle>, SessionError> {
        let Some(open) = self.own(text)?.cloned() else { return Ok(None) };
        let id = Uuid::try_parse(text).map_err(|_| SessionError::HandleNotOwned(text.to_owned()))?.as_u128();
        self.handles.remove(&id);
        self.closed.push_back(id);
        if self.closed.len() as u64 > gone_max {
            self.closed.pop_front();
        }
        Ok(Some(open))
    }

    /// Handles that are not closed.
    pub fn count(&self) -> usize {
        self.handles.len()
    }

    /// The session is over: whoever waits for an open hears nothing more.
    pub(super) fn clear(&mut self) {
        self.handles.clear();
    }
}

/// A file-handle target as the session names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Named {
    target: TargetId,
    /// The handle that it was made on.
    handle: Uuid,
}

/// The file-handle targets of one session, those included that were deleted: the stack answers for them.
#[derive(Debug, Default)]
pub struct TargetTable {
    named: HashMap<u128, Named>,
    order: VecDeque<u128>,
}

impl TargetTable {
    /// THE check: which target the text that a client sent names; None is the default one, named by an empty text.
    ///
    /// # Errors
    /// [`SessionError::TargetNotOwned`].
    pub(super) fn own(&self, text: &str) -> Result<Option<TargetId>, SessionError> {
        if text.is_empty() {
            return Ok(None);
        }
        let named = Uuid::try_parse(text).ok().and_then(|id| self.named.get(&id.as_u128()));
        named.map(|named| Some(named.target)).ok_or_else(|| SessionError::TargetNotOwned(text.to_owned()))
    }

    /// The target that a message with the same id made before.
    ///
    /// # Errors
    /// [`SessionError::TargetIdInUse`] if it was on another handle.
    pub(super) fn made_before(&self, id: Uuid, handle: Uuid) -> Result<bool, SessionError> {
        match self.named.get(&id.as_u128()) {
            None => Ok(false),
            Some(named) if named.handle == handle => Ok(true),
            Some(_) => Err(SessionError::TargetIdInUse(id)),
        }
    }

    /// A target was made. Beyond `named_max` the oldest that `is_deleted` says of is forgotten.
    pub(super) fn made(
        &mut self,
        id: Uuid,
        handle: Uuid,
        target: TargetId,
        named_max: u64,
        is_deleted: impl Fn(TargetId) -> bool,
    ) {
        self.named.insert(id.as_u128(), Named { target, handle });
        self.order.push_back(id.as_u128());
        if self.order.len() as u64 <= named_max {
            return;
        }
        let deleted = |id: &u128| self.named.get(id).is_none_or(|named| is_deleted(named.target));
        if let Some(oldest) = self.order.iter().position(deleted)
            && let Some(id) = self.order.remove(oldest)
        {
            self.named.remove(&id);
        }
    }
}

#[cfg(test)]
mod tests;
