//! A connected socket: bytes or messages in and out, waiting for readiness and for nothing else.
//!
//! Laws: operations of one direction take turns in the order in which they were first polled; a future that is dropped
//! has taken nothing from the socket that it did not return; of a message that was read in part the rest is read next.
//! Must not know pipes, handles or Win32: what an end or an error means is decided by who holds the transport.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use rustix::io::{Errno, ioctl_fionread};
use rustix::net::{
    RecvAncillaryBuffer, RecvFlags, ReturnFlags, SendFlags, Shutdown, recv, recvmsg, send, shutdown, sockopt,
};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::sync::{AcquireError, Semaphore, SemaphorePermit};

/// Largest message in either direction: 128 KiB, which the host's default socket buffers hold, so that a peer needs no
/// special setting to send it. A longer one from a peer is discarded, and costs no memory.
pub const MESSAGE_BYTES_MAX: usize = 128 << 10;

/// How the socket keeps boundaries, and how its end is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Boundaries {
    /// None; a read of nothing is the end.
    Stream,
    /// `SOCK_SEQPACKET`: messages, of which an empty one is not the end.
    Seqpacket,
    /// `SOCK_DGRAM`: messages without an end.
    Datagram,
}

/// What one receive found.
#[derive(Debug, PartialEq, Eq)]
pub enum Received {
    /// Bytes of a stream, or of one message; `more` when the message goes on.
    Data { data: Bytes, more: bool },
    /// The peer sends no more.
    End,
    /// A message above [`MESSAGE_BYTES_MAX`], which is gone.
    TooLong,
}

/// What could be received now, without taking it.
#[derive(Debug, PartialEq, Eq)]
pub struct Peeked {
    /// The beginning of it.
    pub data: Bytes,
    /// Bytes that wait, of all messages.
    pub available: usize,
    /// Bytes of the first message; 0 for a stream.
    pub message: usize,
    /// Whether a message (or a byte) waits; an empty message is one.
    pub any: bool,
    /// The peer sends no more, and nothing waits.
    pub ended: bool,
}

/// See the module.
#[derive(Debug)]
pub struct Transport {
    socket: AsyncFd<OwnedFd>,
    boundaries: Boundaries,
    reading: Semaphore,
    writing: Semaphore,
    /// The rest of a message that was read in part. Held for system calls that do not wait, never across an await.
    rest: Mutex<Bytes>,
}

impl Transport {
    /// Takes a connected socket that does not block. Needs the context of a runtime.
    ///
    /// # Errors
    /// What the host says to its registration.
    pub fn new(socket: OwnedFd, boundaries: Boundaries) -> Result<Transport, Errno> {
        if boundaries == Boundaries::Seqpacket {
            // A message carries its sender's credentials from now on and the end does not: see `peek_message`.
            sockopt::set_socket_passcred(&socket, true)?;
        }
        Ok(Transport {
            socket: watched(socket)?,
            boundaries,
            reading: Semaphore::new(1),
            writing: Semaphore::new(1),
            rest: Mutex::default(),
        })
    }

    /// Waits until a connect that is under way has ended.
    pub async fn established(&self) -> Result<(), Errno> {
        self.socket.writable().await.map_err(|error| errno_of(&error))?.retain_ready();
        sockopt::socket_error(&self.socket)?
    }

    /// At most `length` bytes, when there are some: in turn, waiting for them.
    pub async fn receive(&self, length: usize) -> Result<Received, Errno> {
        let _turn = turn(self.reading.acquire().await);
        match self.try_receive(length) {
            Err(Errno::AGAIN) => {}
            received => return received,
        }
        let received = self.socket.async_io(Interest::READABLE, |_| Ok(self.try_receive(length)?)).await;
        received.map_err(|error| errno_of(&error))
    }

    /// Sends all of `data`, counting in `sent` what is gone already should the future be dropped.
    pub async fn send(&self, data: &[u8], sent: &mut usize) -> Result<(), Errno> {
        let _turn = turn(self.writing.acquire().await);
        loop {
            match send(&self.socket, &data[*sent..], SendFlags::NOSIGNAL) {
                Ok(count) => *sent += count,
                Err(Errno::INTR) => continue,
                Err(Errno::AGAIN) => {
                    let attempt = |socket: &OwnedFd| Ok(send(socket, &data[*sent..], SendFlags::NOSIGNAL)?);
                    let written = self.socket.async_io(Interest::WRITABLE, attempt).await;
                    *sent += written.map_err(|error| errno_of(&error))?;
                }
                Err(error) => return Err(error),
            }
            if *sent >= data.len() {
                return Ok(());
            }
        }
    }

    /// What waits, of which at most `length` bytes are copied out.
    pub fn peek(&self, length: usize) -> Result<Peeked, Errno> {
        let rest = self.rest();
        let queued = usize::try_from(ioctl_fionread(&self.socket)?).unwrap_or(usize::MAX);
        if !rest.is_empty() {
            let data = rest.slice(..rest.len().min(length));
            return Ok(Peeked { data, available: rest.len() + queued, message: rest.len(), any: true, ended: false });
        }
        let is_stream = self.boundaries == Boundaries::Stream;
        let first = if is_stream { self.peek_stream() } else { self.peek_message() };
        let message = match first {
            Ok(Some(message)) => message,
            Ok(None) => return Ok(Peeked { data: Bytes::new(), available: 0, message: 0, any: false, ended: true }),
            Err(Errno::AGAIN) => {
                return Ok(Peeked { data: Bytes::new(), available: 0, message: 0, any: false, ended: false });
            }
            Err(error) => return Err(error),
        };
        let waiting = if is_stream { queued } else { message };
        let data = self.take(waiting.min(length).min(MESSAGE_BYTES_MAX), RecvFlags::PEEK)?;
        let message = if is_stream { 0 } else { message };
        Ok(Peeked { data, available: queued, message, any: true, ended: false })
    }

    /// Ends both directions: the peer sees the end, and so does whoever waits here.
    pub fn shut_down(&self) {
        // The only errors are those of a connection that has ended by itself.
        let _ = shutdown(&self.socket, Shutdown::Both);
    }

    /// One attempt, which does not wait. Who calls it has the turn.
    fn try_receive(&self, length: usize) -> Result<Received, Errno> {
        let mut rest = self.rest();
        if !rest.is_empty() {
            let data = if rest.len() <= length { std::mem::take(&mut *rest) } else { rest.split_to(length) };
            return Ok(Received::Data { data, more: !rest.is_empty() });
        }
        if self.boundaries == Boundaries::Stream {
            if length == 0 {
                return Ok(Received::Data { data: Bytes::new(), more: false });
            }
            let queued = usize::try_from(ioctl_fionread(&self.socket)?).unwrap_or(usize::MAX);
            // Memory for what is there, not for what is asked; one byte finds out whether this is the end.
            let data = self.take(queued.clamp(1, length), RecvFlags::empty())?;
            return Ok(if data.is_empty() { Received::End } else { Received::Data { data, more: false } });
        }
        let Some(message) = self.peek_message()? else { return Ok(Received::End) };
        if message > MESSAGE_BYTES_MAX {
            self.take(0, RecvFlags::empty())?;
            return Ok(Received::TooLong);
        }
        let mut data = self.take(message, RecvFlags::empty())?;
        let more = data.len() > length;
        if more {
            let left = data.split_off(length);
            // The rest of a datagram is lost, as it is on Win32; that of a message is not (FHT-15).
            if self.boundaries == Boundaries::Seqpacket {
                *rest = left;
            }
        }
        Ok(Received::Data { data, more })
    }

    /// The length of the first message that waits, None at the end.
    ///
    /// An empty message and the end both count zero bytes. A message has credentials for which this call has no room, so
    /// that the host marks them as truncated; the end has none.
    fn peek_message(&self) -> Result<Option<usize>, Errno> {
        let mut resets = 0;
        loop {
            let mut no_room = RecvAncillaryBuffer::default();
            match recvmsg(&self.socket, &mut [], &mut no_room, RecvFlags::PEEK | RecvFlags::TRUNC) {
                Ok(found) if found.bytes > 0 => return Ok(Some(found.bytes)),
                Ok(found) => match self.boundaries {
                    Boundaries::Seqpacket if found.flags.contains(ReturnFlags::CTRUNC) => return Ok(Some(0)),
                    Boundaries::Datagram => return Ok(Some(0)),
                    _ => return Ok(None),
                },
                Err(Errno::INTR) => {}
                // The peer closed without reading all. The host tells that once, before what the peer had sent itself.
                Err(Errno::CONNRESET) if self.boundaries == Boundaries::Seqpacket && resets == 0 => resets += 1,
                Err(error) => return Err(error),
            }
        }
    }

    /// Some when a stream has a byte, None at its end.
    fn peek_stream(&self) -> Result<Option<usize>, Errno> {
        let data = self.take(1, RecvFlags::PEEK)?;
        Ok(if data.is_empty() { None } else { Some(data.len()) })
    }

    /// At most `length` bytes; never more, for what is beyond stays in a stream.
    fn take(&self, length: usize, flags: RecvFlags) -> Result<Bytes, Errno> {
        let mut data = vec![0; length];
        loop {
            match recv(&self.socket, &mut data[..], flags) {
                Err(Errno::INTR) => {}
                taken => {
                    data.truncate(taken?.1);
                    return Ok(Bytes::from(data));
                }
            }
        }
    }

    fn rest(&self) -> MutexGuard<'_, Bytes> {
        self.rest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A descriptor whose readiness the runtime watches. Needs the context of a runtime.
#[allow(
    deprecated,
    reason = "what replaces it is unsafe, for types that could give another descriptor later; an OwnedFd always gives its own"
)]
pub fn watched(socket: OwnedFd) -> Result<AsyncFd<OwnedFd>, Errno> {
    AsyncFd::new(socket).map_err(|error| errno_of(&error))
}

/// The place in the line of one direction.
fn turn(acquired: Result<SemaphorePermit<'_>, AcquireError>) -> SemaphorePermit<'_> {
    acquired.expect("the semaphores of a transport are never closed")
}

/// The number of an error that comes from a system call.
pub fn errno_of(error: &io::Error) -> Errno {
    Errno::from_io_error(error).unwrap_or(Errno::IO)
}
