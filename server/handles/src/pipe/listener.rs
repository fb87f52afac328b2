//! What the instances of one pipe name share: the listening socket, and how many of them wait for a client.
//!
//! Law: as many clients can be connected ahead of `ConnectNamedPipe` as instances listen; the host keeps the count, told
//! by the backlog of the socket. When none listens the host still lets one client of another process wait, which is as if
//! it waited in `WaitNamedPipe`; a client of this process is told `ERROR_PIPE_BUSY`.

use std::os::fd::OwnedFd;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::io::Errno;
use rustix::net::{SocketFlags, SocketType, accept_with, listen, sockopt};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use super::name::PipeName;
use crate::handle::{CreateNamedPipe, Direction, Framing};
use crate::transport::{Boundaries, MESSAGE_BYTES_MAX, Transport, errno_of, watched};
use crate::win32::Win32Error;

/// See the module.
#[derive(Debug)]
pub struct Listener {
    socket: AsyncFd<OwnedFd>,
    pub name: PipeName,
    /// Device and inode of the socket file.
    pub file: (u64, u64),
    pub pipe_type: Framing,
    pub direction: Direction,
    instances_max: u32,
    counts: Mutex<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    instances: u32,
    listening: u32,
}

impl Listener {
    /// Of a bound socket. Needs the context of a runtime.
    ///
    /// # Errors
    /// What the host says to its registration.
    pub fn new(
        socket: OwnedFd,
        name: PipeName,
        file: (u64, u64),
        request: &CreateNamedPipe,
        instances_max: u32,
    ) -> Result<Listener, Errno> {
        // A socket that does not listen polls as hung up: it listens before its readiness is watched.
        listen(&socket, 0)?;
        Ok(Listener {
            socket: watched(socket)?,
            name,
            file,
            pipe_type: request.mode.pipe_type,
            direction: request.direction,
            instances_max,
            counts: Mutex::default(),
        })
    }

    /// The type of socket for a type of pipe.
    pub const fn socket_type(pipe_type: Framing) -> SocketType {
        match pipe_type {
            Framing::Message => SocketType::SEQPACKET,
            Framing::Byte => SocketType::STREAM,
        }
    }

    /// One instance more; it does not listen yet.
    ///
    /// # Errors
    /// `ERROR_PIPE_BUSY` beyond the instances of the name.
    pub fn add_instance(&self) -> Result<(), Win32Error> {
        let mut counts = self.counts();
        if counts.instances >= self.instances_max {
            return Err(Win32Error::PIPE_BUSY);
        }
        counts.instances += 1;
        Ok(())
    }

    /// One instance less; true for the last.
    pub fn remove_instance(&self) -> bool {
        let mut counts = self.counts();
        counts.instances -= 1;
        counts.instances == 0
    }

    /// An instance begins or ceases to listen.
    pub fn count_listening(&self, begins: bool) {
        let mut counts = self.counts();
        counts.listening = if begins { counts.listening + 1 } else { counts.listening - 1 };
        let ahead = i32::try_from(counts.listening.saturating_sub(1)).unwrap_or(i32::MAX);
        // The host takes a new backlog for a socket that listens, and has no other reason to refuse it.
        let _ = listen(&self.socket, ahead);
    }

    /// Whether a client of this process can connect.
    pub fn has_listening(&self) -> bool {
        self.counts().listening > 0
    }

    /// A client that has connected, if there is one. `out_buffer_bytes` is what the instance asked for.
    pub fn try_accept(&self, out_buffer_bytes: u32) -> Result<Transport, Errno> {
        let socket = accept_with(&self.socket, SocketFlags::NONBLOCK | SocketFlags::CLOEXEC)?;
        connected(socket, self.pipe_type, out_buffer_bytes)
    }

    /// Waits until `take` finds that there is nothing to wait for: it answers `EAGAIN` to wait on.
    pub async fn wait(&self, mut take: impl FnMut() -> Result<(), Errno>) -> Result<(), Errno> {
        let taken = self.socket.async_io(Interest::READABLE, |_| Ok(take()?)).await;
        taken.map_err(|error| errno_of(&error))
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connected socket as a transport for a type of pipe, with at least room for the largest message.
pub fn connected(socket: OwnedFd, pipe_type: Framing, out_buffer_bytes: u32) -> Result<Transport, Errno> {
    let wanted = usize::try_from(out_buffer_bytes).unwrap_or(usize::MAX).max(MESSAGE_BYTES_MAX);
    if sockopt::socket_send_buffer_size(&socket)? < wanted {
        sockopt::set_socket_send_buffer_size(&socket, wanted)?;
    }
    let boundaries = match pipe_type {
        Framing::Message => Boundaries::Seqpacket,
        Framing::Byte => Boundaries::Stream,
    };
    Transport::new(socket, boundaries)
}
