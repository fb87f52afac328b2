//! Handles: the words with which one is opened, their numbers, and the table of one owner's handles.
//!
//! Laws: a number is never given twice, so that the number of a closed handle hits nothing (FHT-20); closing a handle
//! ends every operation on it; the table closes what is left when it is dropped. Must not know who owns the table.

mod ending;
mod object;
mod request;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use lowerdeck_framework::status::HResult;
use slotmap::{Key, KeyData, SlotMap, new_key_type};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

pub use ending::Ending;
use object::{Object, Open};
pub use request::{
    Access, CreateFile, CreateNamedPipe, Direction, Disposition, Flags, Framing, OpenRequest, OpenSocket, PipeMode,
    ShareMode, SocketAddress,
};

use crate::disk::FileRoot;
use crate::operation::{Operation, Outcome};
use crate::pipe::PipeDirectory;
use crate::pipe::control::{FSCTL_PIPE_DISCONNECT, FSCTL_PIPE_LISTEN};
use crate::socket::SocketPolicy;
use crate::win32::Win32Error;

pub use object::OPERATIONS_MAX;

/// Default for the most handles of one table: 1,000, about what a process may have open by default; one takes a
/// descriptor or two.
pub const HANDLES_MAX: usize = 1000;

new_key_type! {
    struct HandleKey;
}

/// The number of a handle, with its generation in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HandleNumber(pub u64);

/// Where handles lead. What is None can not be opened (`ERROR_ACCESS_DENIED`).
#[derive(Debug, Clone, Default)]
pub struct Places {
    /// Files: one root for all tables of a process, since files are shared within a root.
    pub files: Option<FileRoot>,
    /// Named pipes and Unix sockets.
    pub pipes: Option<Arc<PipeDirectory>>,
    /// The network.
    pub sockets: SocketPolicy,
}

/// The handles of one owner.
#[derive(Debug)]
pub struct Handles {
    places: Places,
    /// Handles that can still be opened.
    free: Arc<Semaphore>,
    handles_max: u32,
    /// Everything was closed.
    is_over: CancellationToken,
    table: Mutex<SlotMap<HandleKey, Arc<Open>>>,
}

impl Handles {
    /// An empty table for at most `handles_max` handles.
    pub fn new(places: Places, handles_max: usize) -> Handles {
        let handles_max = u32::try_from(handles_max).unwrap_or(u32::MAX);
        let free = Arc::new(Semaphore::new(handles_max as usize));
        Handles { places, free, handles_max, is_over: CancellationToken::new(), table: Mutex::default() }
    }

    /// Opens a handle. Needs the context of a runtime.
    ///
    /// # Errors
    /// `ERROR_TOO_MANY_OPEN_FILES` beyond the limit of the table, `ERROR_OPERATION_ABORTED` if everything was closed
    /// meanwhile, and what the kind of object says.
    pub async fn open(&self, request: &OpenRequest) -> Result<HandleNumber, Win32Error> {
        // Taken before anything is made or cut on the host, and given back with the last descriptor of the handle.
        let place = Arc::clone(&self.free).try_acquire_owned().map_err(|_| Win32Error::TOO_MANY_OPEN_FILES)?;
        let flags = match request {
            OpenRequest::File(file) => file.flags,
            OpenRequest::Pipe(pipe) => pipe.flags,
            OpenRequest::Socket(socket) => socket.flags,
        };
        let object = tokio::select! {
            biased;
            () = self.is_over.cancelled() => return Err(Win32Error::OPERATION_ABORTED),
            object = Object::open(request, &self.places) => object?,
        };
        let open = Arc::new(Open::new(object, flags.has(Flags::OVERLAPPED), place));
        let mut table = self.table();
        if self.is_over.is_cancelled() {
            open.close();
            return Err(Win32Error::OPERATION_ABORTED);
        }
        Ok(HandleNumber(table.insert(open).data().as_ffi()))
    }

    /// `CloseHandle`: ends every operation on it with `ERROR_OPERATION_ABORTED`, unless it has come to another end. What it
    /// gives is cancelled when the object of the host is free: when the last of them has ended.
    ///
    /// # Errors
    /// `ERROR_INVALID_HANDLE`.
    pub fn close(&self, handle: HandleNumber) -> Result<CancellationToken, Win32Error> {
        let open = self.table().remove(key(handle)).ok_or(Win32Error::INVALID_HANDLE)?;
        open.close();
        Ok(open.freed())
    }

    /// [`Handles::close`] of every handle: their owner is gone. Nothing is opened any more, and an open that waits ends.
    pub fn close_all(&self) {
        self.is_over.cancel(); // before the table is emptied: see `open`
        for (_, open) in self.table().drain() {
            open.close();
        }
    }

    /// Waits until the objects of all handles are free, after [`Handles::close_all`].
    pub async fn finished(&self) {
        // Every handle has a place until its object is gone. An error would say that the semaphore is closed; nobody does.
        let _ = self.free.acquire_many(self.handles_max).await;
    }

    /// Whether a handle was opened for overlapped I/O (FHT-3).
    ///
    /// # Errors
    /// `ERROR_INVALID_HANDLE`.
    pub fn is_overlapped(&self, handle: HandleNumber) -> Result<bool, Win32Error> {
        self.table().get(key(handle)).map(|open| open.is_overlapped).ok_or(Win32Error::INVALID_HANDLE)
    }

    /// Performs one operation on the handle that has the number now, and on no other one. It makes progress while the
    /// future is polled, and operations of one direction keep the order in which their futures were first polled, save on files, where an
    /// offset says where each belongs.
    /// `cancelled` asks it to end (FHT-13); dropping the future ends it too, without an outcome.
    pub fn perform(
        &self,
        handle: HandleNumber,
        operation: Operation,
        cancelled: CancellationToken,
    ) -> impl Future<Output = Outcome> + Send + use<> {
        let open = self.table().get(key(handle)).cloned();
        async move {
            match open {
                Some(open) => open.perform(operation, cancelled).await,
                None => Outcome::failed(HResult::ERROR_INVALID_HANDLE),
            }
        }
    }

    /// `ConnectNamedPipe`, which `cancelled` ends. `ERROR_PIPE_CONNECTED` when a client was there before.
    pub async fn connect_pipe(&self, handle: HandleNumber, cancelled: CancellationToken) -> HResult {
        self.perform(handle, control(FSCTL_PIPE_LISTEN), cancelled).await.status
    }

    /// `DisconnectNamedPipe`.
    pub async fn disconnect_pipe(&self, handle: HandleNumber) -> HResult {
        self.perform(handle, control(FSCTL_PIPE_DISCONNECT), CancellationToken::new()).await.status
    }

    /// Handles that are open.
    pub fn len(&self) -> usize {
        self.table().len()
    }

    /// Whether none is open.
    pub fn is_empty(&self) -> bool {
        self.table().is_empty()
    }

    fn table(&self) -> MutexGuard<'_, SlotMap<HandleKey, Arc<Open>>> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Handles {
    fn drop(&mut self) {
        self.close_all();
    }
}

/// The key that was given with this number; the null key for a number that none was given with, which the map would
/// otherwise round to a key that exists.
fn key(handle: HandleNumber) -> HandleKey {
    let data = KeyData::from_ffi(handle.0);
    if data.as_ffi() == handle.0 { data.into() } else { HandleKey::null() }
}

fn control(code: u32) -> Operation {
    Operation::Control { code, input: Bytes::new(), output_length: 0 }
}
