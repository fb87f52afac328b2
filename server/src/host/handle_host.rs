//! What all handles of the server share: the places they lead to, their numbers, and the thread that performs on them.
//!
//! Laws: everything of a handle runs on one runtime, that of the server's own tasks, and never on a thread that serves
//! connections or under a stack's lock; every task is tracked, and nothing is left when [`HandleHost::finish`] returns; a
//! number is never given twice (FHT-20). Files are read and written on the blocking threads of that runtime.
//!
//! Must not know sessions, nor what a request is.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use lowerdeck_framework::handle::HandleId;
use lowerdeck_handles::disk::{DiskLimits, FileRoot};
use lowerdeck_handles::handle::{Handles, OpenRequest, Places};
use lowerdeck_handles::pipe::{PipeDirectory, PipeModes, PipeName};
pub use lowerdeck_handles::socket::SocketPolicy;
use lowerdeck_handles::win32::Win32Error;
use rustix::process::{Resource, getrlimit, setrlimit};
use tokio::runtime;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::limits::Limits;

/// Descriptors that one handle takes at most: the server end of a pipe has its listener and its connection.
const DESCRIPTORS_OF_HANDLE: u64 = 2;
/// Descriptors of everything that is neither a handle nor a connection.
const OTHER_DESCRIPTORS: u64 = 256;

/// Where handles may lead, as configured.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HandlePlaces {
    /// The directory below which files are; without one there are none.
    pub files_root: Option<PathBuf>,
    /// The directory in which named pipes are sockets; without one there are none.
    pub pipe_directory: Option<PathBuf>,
    /// Where sockets may lead.
    pub sockets: SocketPolicy,
}

/// Why there can be no handles as configured.
#[derive(Debug, thiserror::Error)]
pub enum HandleHostError {
    /// The root of files.
    #[error("files_root {path}: {source}; name a directory that is there")]
    FilesRoot {
        /// Its path.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// The directory of pipes.
    #[error("pipe_directory {path}: {source}; name a directory that only this user may write to, or one to be made")]
    PipeDirectory {
        /// Its path.
        path: String,
        /// Why.
        source: Win32Error,
    },
}

/// See the module.
pub struct HandleHost {
    places: Places,
    runtime: runtime::Handle,
    tracker: TaskTracker,
    stop: CancellationToken,
    last_number: AtomicU64,
    free: Arc<Semaphore>,
    handles_max: u64,
}

impl HandleHost {
    /// Opens the places, and lets the process have the descriptors that handles take. Needs the context of the runtime on
    /// which everything is to be performed.
    ///
    /// # Errors
    /// [`HandleHostError`].
    pub fn open(places: &HandlePlaces, limits: &Limits) -> Result<Arc<HandleHost>, HandleHostError> {
        let shown = |path: &Path| path.display().to_string();
        let files = |path: &PathBuf| {
            FileRoot::open(path, DiskLimits::default())
                .map_err(|source| HandleHostError::FilesRoot { path: shown(path), source })
        };
        let pipes = |path: &PathBuf| {
            PipeDirectory::open(path, PipeModes::default())
                .map(Arc::new)
                .map_err(|source| HandleHostError::PipeDirectory { path: shown(path), source })
        };
        let places = Places {
            files: places.files_root.as_ref().map(files).transpose()?,
            pipes: places.pipe_directory.as_ref().map(pipes).transpose()?,
            sockets: places.sockets,
        };
        let offered = places.files.is_some() || places.pipes.is_some() || places.sockets != SocketPolicy::Refused;
        let handles_max = if offered { room_for_handles(limits) } else { 0 };
        Ok(Arc::new(HandleHost {
            places,
            runtime: runtime::Handle::current(),
            tracker: TaskTracker::new(),
            stop: CancellationToken::new(),
            last_number: AtomicU64::new(0),
            free: Arc::new(Semaphore::new(
                usize::try_from(handles_max).unwrap_or(usize::MAX).min(Semaphore::MAX_PERMITS),
            )),
            handles_max,
        }))
    }

    /// The setting without which `request` can not be opened; None if it can.
    pub fn missing_place(&self, request: &OpenRequest) -> Option<&'static str> {
        match request {
            OpenRequest::Pipe(_) => self.places.pipes.is_none().then_some("pipe_directory"),
            OpenRequest::File(file) if PipeName::is_pipe(&file.name) => {
                self.places.pipes.is_none().then_some("pipe_directory")
            }
            OpenRequest::File(_) => self.places.files.is_none().then_some("files_root"),
            OpenRequest::Socket(socket) if socket.address.is_of_directory() => {
                self.places.pipes.is_none().then_some("pipe_directory")
            }
            OpenRequest::Socket(_) => (self.places.sockets == SocketPolicy::Refused).then_some("sockets"),
        }
    }

    /// An empty table for one owner's handles; `handles_max` of them.
    pub fn table(&self, handles_max: u64) -> Arc<Handles> {
        Arc::new(Handles::new(self.places.clone(), usize::try_from(handles_max).unwrap_or(usize::MAX)))
    }

    /// Room for one more handle in the process, until the permit is dropped; else how many there may be.
    pub fn room(&self) -> Result<OwnedSemaphorePermit, u64> {
        Arc::clone(&self.free).try_acquire_owned().map_err(|_| self.handles_max)
    }

    /// A number that no handle has had.
    pub fn next_number(&self) -> HandleId {
        HandleId(self.last_number.fetch_add(1, Ordering::Relaxed) + 1)
    }

    /// Runs `task` where handles are performed on.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.tracker.spawn_on(task, &self.runtime);
    }

    /// Cancelled when the server ends: whoever performs stops.
    pub fn stop(&self) -> &CancellationToken {
        &self.stop
    }

    /// Ends everything, and waits until nothing of the host is held any more. The tables are closed before.
    pub async fn finish(&self) {
        self.stop.cancel();
        self.tracker.close();
        self.tracker.wait().await;
        if let Some(files) = &self.places.files {
            files.finished().await;
        }
    }
}

/// How many handles the process has descriptors for, at most what is configured. Asks the system for as many descriptors
/// as the limits may take.
fn room_for_handles(limits: &Limits) -> u64 {
    let wanted =
        limits.host_handles_max.saturating_mul(DESCRIPTORS_OF_HANDLE).saturating_add(other_descriptors(limits));
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current.is_some_and(|current| current < wanted) {
        limit.current = Some(limit.maximum.map_or(wanted, |maximum| maximum.min(wanted)));
        if let Err(error) = setrlimit(Resource::Nofile, limit) {
            tracing::warn!(%error, "the system gives no more descriptors");
            limit = getrlimit(Resource::Nofile);
        }
    }
    let granted = limit.current.map_or(wanted, |current| current.min(wanted));
    let room = handles_within(granted, limits);
    if room < limits.host_handles_max {
        tracing::warn!(
            descriptors = granted,
            wanted,
            handles = room,
            "fewer handles than host_handles_max: raise the limit of open files (ulimit -n)"
        );
    }
    room
}

/// Descriptors of everything but handles, at most.
fn other_descriptors(limits: &Limits) -> u64 {
    limits.connections_max.saturating_add(OTHER_DESCRIPTORS)
}

/// How many handles `granted` descriptors are for. Where they are scarce, a quarter of them: as many connections as may be
/// are seldom there, and a server that was given places is to open something.
fn handles_within(granted: u64, limits: &Limits) -> u64 {
    let room = granted.saturating_sub(other_descriptors(limits)).max(granted / 4);
    (room / DESCRIPTORS_OF_HANDLE).min(limits.host_handles_max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scarce_descriptors_still_give_handles() {
        let limits = Limits::default();
        let wanted = 2 * limits.host_handles_max + other_descriptors(&limits);
        assert_eq!(handles_within(wanted, &limits), limits.host_handles_max);
        assert_eq!(handles_within(wanted - 2, &limits), limits.host_handles_max - 1, "connections keep theirs");
        // The hard limit of a shell here and there, below what connections alone could take.
        for granted in [4096, 1024] {
            assert_eq!(handles_within(granted, &limits), granted / 8);
        }
        let few = Limits { host_handles_max: 2, ..Limits::default() };
        assert_eq!(handles_within(4096, &few), 2, "never more than configured");
    }
}
