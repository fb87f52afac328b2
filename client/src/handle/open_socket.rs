//! A socket that is connected, as a handle.

use lowerdeck_proto::v1;
use lowerdeck_proto::v1::open_handle_request::Object;
use lowerdeck_proto::v1::open_socket::Peer;

use super::FILE_FLAG_OVERLAPPED;

/// `socket` and `connect`.
///
/// ```
/// use lowerdeck_client::OpenSocket;
/// let socket = OpenSocket::tcp("127.0.0.1:7000").overlapped();
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "it opens nothing by itself; pass it to `Session::open_handle`"]
pub struct OpenSocket {
    arguments: v1::OpenSocket,
}

impl OpenSocket {
    /// To a TCP listener, for example `127.0.0.1:7000` or `[::1]:7000`.
    pub fn tcp(address: impl Into<String>) -> OpenSocket {
        OpenSocket::to(Peer::Tcp(address.into()))
    }

    /// To a UDP socket; each write is one datagram.
    pub fn udp(address: impl Into<String>) -> OpenSocket {
        OpenSocket::to(Peer::Udp(address.into()))
    }

    /// To a listening Unix stream socket of this name in the server's pipe directory.
    pub fn unix_stream(name: impl Into<String>) -> OpenSocket {
        OpenSocket::to(Peer::UnixStream(name.into()))
    }

    /// To a Unix datagram socket of this name in the server's pipe directory.
    pub fn unix_datagram(name: impl Into<String>) -> OpenSocket {
        OpenSocket::to(Peer::UnixDatagram(name.into()))
    }

    fn to(peer: Peer) -> OpenSocket {
        OpenSocket { arguments: v1::OpenSocket { peer: Some(peer), flags_and_attributes: 0 } }
    }

    /// `FILE_FLAG_OVERLAPPED`.
    pub fn overlapped(mut self) -> OpenSocket {
        self.arguments.flags_and_attributes |= FILE_FLAG_OVERLAPPED;
        self
    }
}

impl From<OpenSocket> for Object {
    fn from(socket: OpenSocket) -> Object {
        Object::OpenSocket(socket.arguments)
    }
}
