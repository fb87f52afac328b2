//! What a session does with handles: open, close, connect, and targets on them.
//!
//! Laws: an open goes on when its call is dropped, and whoever sends the message again finds it (MAP-5); a session that has
//! ended holds no object of the host, whatever was under way. What the host does is done on its own thread, never here.

use std::sync::Arc;

use lowerdeck_framework::handle::{HandleFacts, HandleId};
use lowerdeck_framework::status::HResult;
use lowerdeck_handles::handle::{HandleNumber, Handles, OpenRequest};
use lowerdeck_handles::win32::Win32Error;
use tokio::sync::{OwnedSemaphorePermit, oneshot};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::error::SessionError;
use super::handles::{OpenHandle, OpenOutcome};
use super::live::Session;
use super::quota;
use super::state::Phase;
use crate::host::handle_io::HandleQueue;

impl Session {
    /// CreateFile or CreateNamedPipe, under an id of the client's choice; `asked` may be words that Win32 refuses. A message
    /// that comes again finds the handle.
    ///
    /// # Errors
    /// [`SessionError::HandlesNotConfigured`], [`SessionError::HandleIdInUse`], [`SessionError::LimitReached`], and those of
    /// every call.
    pub async fn open_handle(
        self: &Arc<Self>,
        id: Uuid,
        asked: Result<OpenRequest, HResult>,
    ) -> Result<OpenOutcome, SessionError> {
        let _permit = self.blocking_permit()?;
        let request = match asked {
            Ok(request) => request,
            Err(status) => return self.operate(|_| Ok(Err(status))),
        };
        let (opened, room) = self.operate(|op| {
            if let Some(setting) = self.handle_host.missing_place(&request) {
                return Err(SessionError::HandlesNotConfigured { setting });
            }
            if let Some(opened) = op.state.handles.asked_before(id, &request)? {
                return Ok((opened, None));
            }
            let open = op.state.handles.count() as u64;
            quota::check("handles_max", open, 1, op.limits.handles_max, "close handles")?;
            let room = self.handle_host.room().map_err(|value| SessionError::LimitReached {
                name: "host_handles_max",
                value,
                advice: "close handles in any session of this server",
            })?;
            Ok((op.state.handles.opening(id, request.clone()), Some(room)))
        })?;
        if let Some(room) = room {
            let session = Arc::clone(self);
            self.handle_host.spawn(async move { session.perform_open(id, &request, room).await });
        }
        opened.await.map_err(|_| self.abandoned())
    }

    /// CloseHandle: answers when the object of the host is free. `ERROR_INVALID_HANDLE` for a handle that is closed.
    ///
    /// # Errors
    /// [`SessionError::HandleNotOwned`], [`SessionError::LimitReached`], [`SessionError::SessionEnded`].
    pub async fn close_handle(self: &Arc<Self>, handle: &str) -> Result<HResult, SessionError> {
        let _permit = self.blocking_permit()?;
        let taken = self.of_handles(|state, limits| state.handles.close(handle, limits.gone_handles_max))?;
        let Some(OpenHandle { id, number, ended }) = taken else { return Ok(HResult::ERROR_INVALID_HANDLE) };
        let attachment = self.attachment()?;
        // First the stack, so that it submits nothing more (FHT-20).
        attachment.instance.handle_closed(attachment.upper, id);
        let closed = self.handles.get().map(|table| table.close(number));
        ended.cancelled().await;
        // A ConnectNamedPipe may have it a moment longer. An error says that the end of the session was quicker.
        if let Some(Ok(freed)) = closed {
            freed.cancelled().await;
        }
        Ok(HResult::S_OK)
    }

    /// ConnectNamedPipe: answers when a client is there (FHT-19).
    ///
    /// # Errors
    /// [`SessionError::HandleNotOwned`], [`SessionError::LimitReached`], [`SessionError::SessionEnded`].
    pub async fn connect_named_pipe(self: &Arc<Self>, handle: &str) -> Result<HResult, SessionError> {
        let _permit = self.blocking_permit()?;
        let Some((table, number)) = self.open_number(handle)? else { return Ok(HResult::ERROR_INVALID_HANDLE) };
        // On the handles' thread: the connection that comes is watched by the runtime that accepts it.
        let cancelled = CancellationToken::new();
        let _ends_with_the_call = cancelled.clone().drop_guard();
        let (sender, connected) = oneshot::channel();
        self.handle_host.spawn(async move {
            let _ = sender.send(table.connect_pipe(number, cancelled).await); // whoever stopped waiting may ask again
        });
        connected.await.map_err(|_| self.abandoned())
    }

    /// DisconnectNamedPipe.
    ///
    /// # Errors
    /// [`SessionError::HandleNotOwned`], [`SessionError::SessionEnded`].
    pub async fn disconnect_named_pipe(&self, handle: &str) -> Result<HResult, SessionError> {
        match self.open_number(handle)? {
            Some((table, number)) => Ok(table.disconnect_pipe(number).await),
            None => Ok(HResult::ERROR_INVALID_HANDLE),
        }
    }

    /// CreateFileHandleTarget (FHT-2), under an id of the client's choice. A message that comes again finds the target.
    ///
    /// # Errors
    /// [`SessionError::HandleNotOwned`], [`SessionError::TargetIdInUse`], and those of every call.
    pub fn create_file_handle_target(&self, id: Uuid, handle: &str) -> Result<HResult, SessionError> {
        self.operate(|op| {
            let on = op.state.handles.own(handle)?.map_or(HandleId(0), |open| open.id); // 0 is no handle of any stack
            let named = Uuid::try_parse(handle).map_err(|_| SessionError::HandleNotOwned(handle.to_owned()))?;
            if op.state.targets.made_before(id, named)? {
                return Ok(HResult::S_OK);
            }
            let created = op.stack.handle_target_requested(op.now, op.upper, on);
            let target = match created {
                Ok(target) => target,
                Err(status) => return Ok(status),
            };
            let (stack, upper) = (&*op.stack, op.upper);
            op.state.targets.made(id, named, target, op.limits.gone_handles_max, |target| {
                stack.target_file(upper, Some(target)).is_none()
            });
            Ok(HResult::S_OK)
        })
    }

    /// Opens what was asked for and makes it known, unless the session has ended meanwhile.
    async fn perform_open(self: Arc<Self>, id: Uuid, request: &OpenRequest, room: OwnedSemaphorePermit) {
        let table = Arc::clone(self.handles.get_or_init(|| self.handle_host.table(self.limits.handles_max)));
        let opened = table.open(request).await; // which the end of the session ends
        let opened = match opened {
            Ok(number) => self.admit(&table, number, room),
            Err(error) => Err(error.hresult()),
        };
        let mut state = self.lock();
        if matches!(state.phase, Phase::Ended(_)) {
            drop(state);
            table.close_all(); // the end of the session may not have seen this one
            return;
        }
        state.handles.opened(id, opened);
    }

    /// Makes an open handle known to the stack.
    fn admit(
        &self,
        table: &Arc<Handles>,
        number: HandleNumber,
        room: OwnedSemaphorePermit,
    ) -> Result<OpenHandle, HResult> {
        let id = self.handle_host.next_number();
        let gone = |_| HResult::ERROR_OPERATION_ABORTED;
        let admitted = self.attachment().map_err(gone).and_then(|attachment| {
            let instance = Arc::downgrade(&attachment.instance);
            let facts = HandleFacts { overlapped: table.is_overlapped(number).map_err(Win32Error::hresult)? };
            let queue = HandleQueue::start(&self.handle_host, table, number, room, &instance, attachment.upper);
            let ended = queue.ended();
            let is_there = attachment.instance.handle_opened(id, facts, queue);
            is_there.then_some(OpenHandle { id, number, ended }).ok_or(HResult::ERROR_OPERATION_ABORTED)
        });
        if admitted.is_err() {
            let _ = table.close(number); // an error would say that it is closed
        }
        admitted
    }

    /// The table and number of an own handle; None for one that is closed.
    fn open_number(&self, handle: &str) -> Result<Option<(Arc<Handles>, HandleNumber)>, SessionError> {
        let number = self.of_handles(|state, _| state.handles.own(handle).map(|open| open.map(|open| open.number)))?;
        Ok(self.handles.get().cloned().zip(number))
    }

    /// Closes every handle: the session has ended. Called under locks, so it only sees to it that it happens.
    pub(super) fn close_handles(&self) {
        if let Some(table) = self.handles.get().cloned() {
            self.handle_host.spawn(async move {
                table.close_all();
                table.finished().await;
            });
        }
    }

    /// Waits until nothing of the host is held for the session any more. For one that has ended.
    pub(super) async fn handles_closed(&self) {
        if let Some(table) = self.handles.get() {
            table.finished().await;
        }
    }
}
