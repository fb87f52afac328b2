//! The other end of a pipe: a program of the server's host that knows nothing but the socket in the pipe directory.

use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketAddrUnix, SocketFlags, SocketType, connect, recv, send, socket_with,
};

/// Longest message that a script writes to a pipe.
const MESSAGE_BYTES_MAX: usize = 4096;

/// See the module.
#[derive(Debug, Clone)]
pub(super) struct Peer(Arc<OwnedFd>);

impl Peer {
    /// Connects to the pipe of messages that is the socket `path`.
    pub(super) fn connect(path: &Path) -> Peer {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK; // a script that waits for ever is no test
        let socket = socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None);
        let socket = socket.expect("the machine gives sockets");
        let address = SocketAddrUnix::new(path).expect("a scratch directory has a short path");
        connect(&socket, &address).expect("a pipe whose server end is open is a socket that listens");
        Peer(Arc::new(socket))
    }

    /// Writes one message.
    pub(super) fn write(&self, message: &[u8]) {
        let sent = send(&*self.0, message, SendFlags::NOSIGNAL);
        assert_eq!(sent, Ok(message.len()), "the pipe has room for what a script writes");
    }

    /// Messages that have come out, up to the end of the pipe.
    pub(super) fn take(&self) -> Vec<Bytes> {
        let mut messages = Vec::new();
        loop {
            let mut room = vec![0; MESSAGE_BYTES_MAX];
            match recv(&*self.0, &mut room[..], RecvFlags::TRUNC) {
                Err(Errno::AGAIN) | Ok((_, 0)) => return messages, // no script writes an empty message to its peer
                Ok((_, length)) => {
                    assert!(length <= MESSAGE_BYTES_MAX, "a message of {length} bytes");
                    room.truncate(length);
                    messages.push(Bytes::from(room));
                }
                Err(error) => panic!("the peer reads: {error}"),
            }
        }
    }
}
