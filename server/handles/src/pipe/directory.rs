//! The runtime directory: one socket file for each name of a pipe that has an instance in this process.
//!
//! Laws: a socket exists from the first instance of its name to the close of the last; its mode is set before anybody can
//! connect; the directory is not open to the writes of everybody; a file that another process has put in the place of a
//! socket is never removed. Any process of the host that the modes admit can be the peer, and can serve names itself.
//!
//! Must not know what goes through a pipe.

use std::collections::HashMap;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::fs::{CWD, FileType, Mode, OFlags, chmod, fstat, lstat, mkdirat, open, unlink};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, bind, connect, socket_with};

use super::listener::Listener;
use super::name::{PipeName, SOCKET_PATH_BYTES_MAX};
use crate::handle::{CreateNamedPipe, Flags};
use crate::win32::Win32Error;

/// Names with instances at one time: bounded by descriptors, of which each takes one.
pub const PIPE_NAMES_MAX: usize = 4096;
/// Most instances of one name; what `PIPE_UNLIMITED_INSTANCES` (255) means here.
pub const PIPE_INSTANCES_MAX: u32 = 254;

/// Modes with which the directory and its sockets are made; the file system enforces them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PipeModes {
    /// Of the directory, when it is not there yet. Default 0700.
    pub directory: u32,
    /// Of each socket. Default 0600.
    pub socket: u32,
}

impl Default for PipeModes {
    fn default() -> PipeModes {
        PipeModes { directory: 0o700, socket: 0o600 }
    }
}

/// See the module.
#[derive(Debug)]
pub struct PipeDirectory {
    path: PathBuf,
    modes: PipeModes,
    names: Mutex<HashMap<PipeName, Arc<Listener>>>,
}

impl PipeDirectory {
    /// Uses the directory at `path`, which is made if its parent is there.
    ///
    /// # Errors
    /// `ERROR_FILENAME_EXCED_RANGE` for a path that leaves no room for names, `ERROR_ACCESS_DENIED` for a directory that
    /// everybody may write to, `ERROR_DIRECTORY` for what is none, and what the host says.
    pub fn open(path: &Path, modes: PipeModes) -> Result<PipeDirectory, Win32Error> {
        if path.as_os_str().len() + 1 >= SOCKET_PATH_BYTES_MAX {
            return Err(Win32Error::FILENAME_EXCED_RANGE);
        }
        match mkdirat(CWD, path, Mode::from_raw_mode(modes.directory)) {
            Ok(()) => chmod(path, Mode::from_raw_mode(modes.directory))?, // whatever the mask of the process is
            Err(Errno::EXIST) => {}
            Err(error) => return Err(error.into()),
        }
        let directory = open(path, OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())
            .map_err(|error| if error == Errno::NOTDIR { Win32Error::DIRECTORY } else { error.into() })?;
        if fstat(&directory)?.st_mode & 0o002 != 0 {
            return Err(Win32Error::ACCESS_DENIED);
        }
        let path = std::fs::canonicalize(path)?; // names stay reachable when the process changes its directory
        Ok(PipeDirectory { path, modes, names: Mutex::default() })
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The address of the socket of a name.
    ///
    /// # Errors
    /// `ERROR_FILENAME_EXCED_RANGE` for a name that is too long for this directory.
    pub fn address(&self, name: &PipeName) -> Result<SocketAddrUnix, Win32Error> {
        let path = self.path.join(name.as_str());
        if path.as_os_str().len() > SOCKET_PATH_BYTES_MAX {
            return Err(Win32Error::FILENAME_EXCED_RANGE);
        }
        Ok(SocketAddrUnix::new(&path)?)
    }

    /// The listener of a name that has instances in this process.
    pub(super) fn listener(&self, name: &PipeName) -> Option<Arc<Listener>> {
        self.names().get(name).cloned()
    }

    /// Adds an instance: the socket is made for the first one.
    ///
    /// # Errors
    /// `ERROR_ACCESS_DENIED` for a name that another process serves, for one that has an instance when this shall be the
    /// first, and for one that was made with another type or direction; `ERROR_PIPE_BUSY` beyond its instances.
    pub(super) fn add_instance(&self, request: &CreateNamedPipe) -> Result<Arc<Listener>, Win32Error> {
        let name = PipeName::parse(&request.name)?;
        let instances_max = match request.instances_max {
            0 | 256.. => return Err(Win32Error::INVALID_PARAMETER),
            wanted => wanted.min(PIPE_INSTANCES_MAX),
        };
        let mut names = self.names();
        if let Some(listener) = names.get(&name) {
            let is_same = listener.pipe_type == request.mode.pipe_type && listener.direction == request.direction;
            if request.flags.has(Flags::FIRST_PIPE_INSTANCE) || !is_same {
                return Err(Win32Error::ACCESS_DENIED);
            }
            listener.add_instance()?;
            return Ok(Arc::clone(listener));
        }
        if names.len() >= PIPE_NAMES_MAX {
            return Err(Win32Error::NO_SYSTEM_RESOURCES);
        }
        let socket = socket(Listener::socket_type(request.mode.pipe_type))?;
        let file = self.bind(&socket, &name)?;
        let started = self.start(socket, &name, file, request, instances_max);
        let listener = Arc::new(started.inspect_err(|_| self.remove_file(&name, file))?);
        names.insert(name, Arc::clone(&listener));
        Ok(listener)
    }

    /// Takes an instance away, and the socket with the last one.
    pub(super) fn remove_instance(&self, listener: &Arc<Listener>) {
        let mut names = self.names();
        if listener.remove_instance() {
            names.remove(&listener.name);
            self.remove_file(&listener.name, listener.file);
        }
    }

    /// The listener of a socket that is bound. The modes come first: nobody can connect before it listens.
    fn start(
        &self,
        socket: OwnedFd,
        name: &PipeName,
        file: (u64, u64),
        request: &CreateNamedPipe,
        instances_max: u32,
    ) -> Result<Listener, Win32Error> {
        chmod(self.path.join(name.as_str()), Mode::from_raw_mode(self.modes.socket))?;
        let listener = Listener::new(socket, name.clone(), file, request, instances_max)?;
        listener.add_instance()?;
        Ok(listener)
    }

    /// Binds and says which file that made.
    fn bind(&self, socket: &OwnedFd, name: &PipeName) -> Result<(u64, u64), Win32Error> {
        let address = self.address(name)?;
        let path = self.path.join(name.as_str());
        match bind(socket, &address) {
            Err(Errno::ADDRINUSE) if is_left_over(&address)? => {
                // Of a process that is no more. What has taken its place in between stays, and wins the name.
                if FileType::from_raw_mode(lstat(&path)?.st_mode) == FileType::Socket {
                    unlink(&path)?;
                }
                bind(socket, &address)
            }
            bound => bound,
        }
        .map_err(|error| if error == Errno::ADDRINUSE { Win32Error::ACCESS_DENIED } else { error.into() })?;
        let file = lstat(&path)?;
        Ok((file.st_dev, file.st_ino))
    }

    /// Removes the socket if it is still the one that was bound.
    fn remove_file(&self, name: &PipeName, bound: (u64, u64)) {
        let path = self.path.join(name.as_str());
        if lstat(&path).is_ok_and(|file| (file.st_dev, file.st_ino) == bound) {
            // The only way to fail is that somebody else has removed it.
            let _ = unlink(&path);
        }
    }

    fn names(&self) -> MutexGuard<'_, HashMap<PipeName, Arc<Listener>>> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether nobody listens at an address that is taken. Asked with a type of socket that no pipe has, so that a listener
/// that is there sees nothing of it.
fn is_left_over(address: &SocketAddrUnix) -> Result<bool, Win32Error> {
    match connect(&socket(SocketType::DGRAM)?, address) {
        Err(Errno::CONNREFUSED) => Ok(true),
        _ => Ok(false),
    }
}

/// A Unix socket that does not block.
pub(super) fn socket(socket_type: SocketType) -> Result<OwnedFd, Errno> {
    socket_with(AddressFamily::UNIX, socket_type, SocketFlags::NONBLOCK | SocketFlags::CLOEXEC, None)
}
