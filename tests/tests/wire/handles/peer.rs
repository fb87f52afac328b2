//! The other end of a pipe: a socket of the test's own, as a plain program of the host would use it.
//!
//! It blocks, which holds up nobody: the server has threads of its own. It does not wait for ever.

use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::Duration;

use rustix::io::Errno;
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketAddrUnix, SocketType, bind, connect, listen, recv, send, socket,
};

/// As long as the harness waits for anything.
const PATIENCE: Duration = Duration::from_secs(60);

/// See the module.
pub struct Peer(OwnedFd);

impl Peer {
    /// Connects to the pipe of messages called `name` in `directory`.
    pub fn of(directory: &Path, name: &str) -> Peer {
        Peer::try_of(directory, name).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// As [`Peer::of`], if somebody listens.
    pub fn try_of(directory: &Path, name: &str) -> Result<Peer, Errno> {
        let socket = socket(AddressFamily::UNIX, SocketType::SEQPACKET, None)?;
        connect(&socket, &SocketAddrUnix::new(directory.join(name.to_ascii_lowercase()))?)?;
        set_socket_timeout(&socket, Timeout::Recv, Some(PATIENCE))?;
        set_socket_timeout(&socket, Timeout::Send, Some(PATIENCE))?;
        Ok(Peer(socket))
    }

    /// Sends one message.
    pub fn send(&self, message: &[u8]) {
        let sent = send(&self.0, message, SendFlags::NOSIGNAL).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(sent, message.len(), "a message goes whole");
    }

    /// Sends one message if there is room for it now.
    pub fn try_send(&self, message: &[u8]) -> Result<(), Errno> {
        send(&self.0, message, SendFlags::NOSIGNAL | SendFlags::DONTWAIT).map(|_| ())
    }

    /// The next message; empty at the end too.
    pub fn receive(&self) -> Vec<u8> {
        let mut data = vec![0; 256 << 10];
        let received = recv(&self.0, &mut data[..], RecvFlags::empty()).unwrap_or_else(|error| panic!("{error}"));
        data.truncate(received.1);
        data
    }

    /// Whether a message waits now.
    pub fn has_message(&self) -> bool {
        recv(&self.0, &mut [0_u8; 1][..], RecvFlags::PEEK | RecvFlags::DONTWAIT).is_ok_and(|received| received.1 > 0)
    }
}

/// A socket of `socket_type` that listens under `name`, as a program has it that serves the name itself.
pub fn listener(directory: &Path, name: &str, socket_type: SocketType) -> OwnedFd {
    let made = socket(AddressFamily::UNIX, socket_type, None).and_then(|socket| {
        bind(&socket, &SocketAddrUnix::new(directory.join(name))?)?;
        if socket_type != SocketType::DGRAM {
            listen(&socket, 1)?;
        }
        Ok(socket)
    });
    made.unwrap_or_else(|error| panic!("{name}: {error}"))
}
