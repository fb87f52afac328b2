//! Connected sockets as handles: TCP and UDP, and Unix sockets of the runtime directory.
//!
//! Laws: where a socket may lead is decided by the [`SocketPolicy`] before anything is sent; the end of a stream is a read
//! of nothing that succeeds, as on Win32; a datagram that does not fit is cut, with `ERROR_MORE_DATA`, and its rest is
//! lost. Of control codes there is `FIONREAD` (0x4004667F): the bytes that wait, in four bytes of little endian.

use std::net::SocketAddr;
use std::os::fd::OwnedFd;

use bytes::Bytes;
use lowerdeck_framework::status::HResult;
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, SocketAddrUnix, SocketFlags, SocketType, addr::SocketAddrArg, bind, connect, socket_with,
};

use crate::handle::{Ending, SocketAddress};
use crate::operation::{Operation, Outcome};
use crate::pipe::{PipeDirectory, PipeName};
use crate::transport::{Boundaries, Received, Transport};
use crate::win32::Win32Error;

/// Bytes that wait to be read, as Windows Sockets number it.
pub const FIONREAD: u32 = 0x4004_667F;

/// Where a socket may lead. Unix sockets are reached in the runtime directory alone, whatever this says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SocketPolicy {
    /// Nowhere: an owner must not reach the host's network through us unless somebody wanted that.
    #[default]
    Refused,
    /// To addresses of the loopback.
    Loopback,
    /// Anywhere.
    Any,
}

impl SocketPolicy {
    fn admits(self, address: &SocketAddr) -> bool {
        match self {
            SocketPolicy::Refused => false,
            SocketPolicy::Loopback => address.ip().to_canonical().is_loopback(),
            SocketPolicy::Any => true,
        }
    }
}

/// See the module.
#[derive(Debug)]
pub struct Socket {
    transport: Transport,
    boundaries: Boundaries,
}

impl Socket {
    /// Connects, waiting for the peer's host. Needs the context of a runtime.
    ///
    /// # Errors
    /// `ERROR_ACCESS_DENIED` for where the policy does not lead, or a Unix socket without a runtime directory, and what
    /// the host says (`ERROR_CONNECTION_REFUSED`, `ERROR_FILE_NOT_FOUND`).
    pub async fn open(
        address: &SocketAddress,
        policy: SocketPolicy,
        directory: Option<&PipeDirectory>,
    ) -> Result<Socket, Win32Error> {
        let unix = |name: &str| -> Result<SocketAddrUnix, Win32Error> {
            directory.ok_or(Win32Error::ACCESS_DENIED)?.address(&PipeName::plain(name)?)
        };
        let (started, boundaries) = match address {
            SocketAddress::Tcp(address) | SocketAddress::Udp(address) if !policy.admits(address) => {
                return Err(Win32Error::ACCESS_DENIED);
            }
            SocketAddress::Tcp(address) => (start(family(address), SocketType::STREAM, address), Boundaries::Stream),
            SocketAddress::Udp(address) => (start(family(address), SocketType::DGRAM, address), Boundaries::Datagram),
            SocketAddress::UnixStream(name) => {
                (start(AddressFamily::UNIX, SocketType::STREAM, &unix(name)?), Boundaries::Stream)
            }
            SocketAddress::UnixDatagram(name) => {
                (start(AddressFamily::UNIX, SocketType::DGRAM, &unix(name)?), Boundaries::Datagram)
            }
        };
        let transport = Transport::new(started?, boundaries)?;
        transport.established().await?;
        Ok(Socket { transport, boundaries })
    }

    /// Performs one operation.
    pub async fn perform(&self, operation: Operation, ending: &Ending) -> Outcome {
        match operation {
            Operation::Read { length, .. } => self.read(length as usize, ending).await,
            Operation::Write { data, .. } => self.write(data, ending).await,
            Operation::Control { code: FIONREAD, output_length: 4.., .. } => match self.transport.peek(0) {
                Ok(peeked) => {
                    let available = u32::try_from(peeked.available).unwrap_or(u32::MAX);
                    Outcome::read(Bytes::copy_from_slice(&available.to_le_bytes()))
                }
                Err(error) => Outcome::failed(cut(error).hresult()),
            },
            Operation::Control { code: FIONREAD, .. } => Outcome::failed(HResult::ERROR_INSUFFICIENT_BUFFER),
            Operation::Control { .. } => Outcome::failed(HResult::ERROR_INVALID_FUNCTION),
        }
    }

    /// Ends the connection.
    pub fn close(&self) {
        self.transport.shut_down();
    }

    async fn read(&self, length: usize, ending: &Ending) -> Outcome {
        let received = tokio::select! {
            biased;
            received = self.transport.receive(length) => received,
            () = ending.requested() => Err(Errno::CANCELED),
        };
        match received {
            // The close of the handle looks like an end to whoever waits for data.
            Ok(Received::End) | Err(_) if ending.is_requested() => Outcome::failed(HResult::ERROR_OPERATION_ABORTED),
            Ok(Received::End) => Outcome::read(Bytes::new()),
            Ok(Received::Data { data, more: true }) => Outcome::partly_read(HResult::ERROR_MORE_DATA, data),
            Ok(Received::Data { data, .. }) => Outcome::read(data),
            Ok(Received::TooLong) => Outcome::failed(Win32Error::NO_SYSTEM_RESOURCES.hresult()),
            Err(error) => Outcome::failed(cut(error).hresult()),
        }
    }

    async fn write(&self, data: Bytes, ending: &Ending) -> Outcome {
        if data.is_empty() && self.boundaries == Boundaries::Stream {
            return Outcome::written(0);
        }
        let mut sent = 0;
        let written = tokio::select! {
            biased;
            written = self.transport.send(&data, &mut sent) => written,
            () = ending.requested() => Err(Errno::CANCELED),
        };
        let status = match written {
            Ok(()) => HResult::S_OK,
            Err(_) if ending.is_requested() => HResult::ERROR_OPERATION_ABORTED,
            Err(error) => cut(error).hresult(),
        };
        Outcome { status, information: sent as u64, data: Bytes::new() }
    }
}

/// A socket whose connect is done or under way.
fn start(family: AddressFamily, socket_type: SocketType, address: &impl SocketAddrArg) -> Result<OwnedFd, Errno> {
    let socket = socket_with(family, socket_type, SocketFlags::NONBLOCK | SocketFlags::CLOEXEC, None)?;
    if (family, socket_type) == (AddressFamily::UNIX, SocketType::DGRAM) {
        bind(&socket, &SocketAddrUnix::new_unnamed())?; // the host gives a name, to which the peer can answer
    }
    match connect(&socket, address) {
        Err(Errno::INPROGRESS) => Ok(socket),
        connected => connected.map(|()| socket),
    }
}

fn family(address: &SocketAddr) -> AddressFamily {
    if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 }
}

/// A socket that the peer has cut is no pipe: it has one code for every way to find out.
fn cut(error: Errno) -> Win32Error {
    if error == Errno::PIPE { Win32Error::NETNAME_DELETED } else { error.into() }
}
