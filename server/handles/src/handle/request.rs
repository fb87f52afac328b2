//! The words of Win32 with which a handle is opened: `CreateFile`, `CreateNamedPipe`, and a socket's address.
//!
//! Bit sets keep the bits they were given and answer questions about them; a value that has no meaning is refused where
//! it is parsed. Must not know what it takes to open anything.

use std::net::SocketAddr;

use crate::win32::Win32Error;

/// What to open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OpenRequest {
    /// `CreateFile`: the client end of a pipe for a name that begins with `\\.\pipe\`, else a file.
    File(CreateFile),
    /// `CreateNamedPipe`: a server end, which is not connected yet (FHT-19).
    Pipe(CreateNamedPipe),
    /// A connected socket.
    Socket(OpenSocket),
}

/// Arguments of `CreateFile`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateFile {
    /// The name of a pipe, or of a file below the configured root.
    pub name: String,
    /// `dwDesiredAccess`.
    pub access: Access,
    /// `dwShareMode`.
    pub share: ShareMode,
    /// `dwCreationDisposition`.
    pub disposition: Disposition,
    /// `dwFlagsAndAttributes`.
    pub flags: Flags,
    /// How the client end of a message pipe is read, as `SetNamedPipeHandleState` would say it. Nothing else has it.
    pub read_mode: Framing,
}

/// Arguments of `CreateNamedPipe`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateNamedPipe {
    /// `\\.\pipe\NAME`.
    pub name: String,
    /// The direction of `dwOpenMode`.
    pub direction: Direction,
    /// The flags of `dwOpenMode`.
    pub flags: Flags,
    /// `dwPipeMode`.
    pub mode: PipeMode,
    /// `nMaxInstances`, 1 to 255; 255 is `PIPE_UNLIMITED_INSTANCES`, which a limit of the directory bounds here.
    pub instances_max: u32,
    /// `nOutBufferSize` in bytes: a hint, which can enlarge what the host gives and not lessen it.
    pub out_buffer_bytes: u32,
    /// `nInBufferSize` in bytes: a hint without effect, for on a socket the sender's buffer counts.
    pub in_buffer_bytes: u32,
    /// `nDefaultTimeOut` in milliseconds, of `WaitNamedPipe`: without effect, for no open waits here.
    pub default_timeout_ms: u32,
}

/// A socket to connect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenSocket {
    /// Where the peer is.
    pub address: SocketAddress,
    /// `FILE_FLAG_OVERLAPPED` or nothing.
    pub flags: Flags,
}

/// The peer of a socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SocketAddress {
    /// A TCP listener.
    Tcp(SocketAddr),
    /// A UDP socket; each write is one datagram.
    Udp(SocketAddr),
    /// A Unix stream listener of this name in the runtime directory, the only place where one is reached.
    UnixStream(String),
    /// A Unix datagram socket of this name in the runtime directory.
    UnixDatagram(String),
}

impl SocketAddress {
    /// Whether the peer is in the runtime directory, where pipes are too.
    pub const fn is_of_directory(&self) -> bool {
        matches!(self, SocketAddress::UnixStream(_) | SocketAddress::UnixDatagram(_))
    }
}

/// Bits of `dwDesiredAccess`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Access(pub u32);

impl Access {
    /// `GENERIC_READ`.
    pub const GENERIC_READ: u32 = 0x8000_0000;
    /// `GENERIC_WRITE`.
    pub const GENERIC_WRITE: u32 = 0x4000_0000;
    /// `GENERIC_ALL`.
    pub const GENERIC_ALL: u32 = 0x1000_0000;
    /// `DELETE`.
    pub const DELETE: u32 = 0x0001_0000;
    /// `FILE_READ_DATA`.
    pub const READ_DATA: u32 = 1;
    /// `FILE_WRITE_DATA`.
    pub const WRITE_DATA: u32 = 2;
    /// `FILE_APPEND_DATA`: without `FILE_WRITE_DATA`, every write goes to the end.
    pub const APPEND_DATA: u32 = 4;

    /// May read data.
    pub const fn reads(self) -> bool {
        self.0 & (Access::GENERIC_READ | Access::GENERIC_ALL | Access::READ_DATA) != 0
    }

    /// May write data anywhere.
    pub const fn writes(self) -> bool {
        self.0 & (Access::GENERIC_WRITE | Access::GENERIC_ALL | Access::WRITE_DATA) != 0
    }

    /// May write at the end alone.
    pub const fn only_appends(self) -> bool {
        self.0 & Access::APPEND_DATA != 0 && !self.writes()
    }

    /// May delete.
    pub const fn deletes(self) -> bool {
        self.0 & (Access::DELETE | Access::GENERIC_ALL) != 0
    }
}

/// Bits of `dwShareMode`: what the handle lets others have beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ShareMode(pub u32);

impl ShareMode {
    /// `FILE_SHARE_READ`.
    pub const READ: u32 = 1;
    /// `FILE_SHARE_WRITE`.
    pub const WRITE: u32 = 2;
    /// `FILE_SHARE_DELETE`.
    pub const DELETE: u32 = 4;

    /// Whether all of these bits are there.
    pub const fn has(self, bits: u32) -> bool {
        self.0 & bits == bits
    }
}

/// `dwCreationDisposition`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disposition {
    /// 1: fails when it is there.
    CreateNew,
    /// 2: replaces what is there.
    CreateAlways,
    /// 3: fails when it is not there; the only one for pipes.
    OpenExisting,
    /// 4: makes it when it is not there.
    OpenAlways,
    /// 5: empties what is there.
    TruncateExisting,
}

impl TryFrom<u32> for Disposition {
    type Error = Win32Error;

    fn try_from(number: u32) -> Result<Disposition, Win32Error> {
        Ok(match number {
            1 => Disposition::CreateNew,
            2 => Disposition::CreateAlways,
            3 => Disposition::OpenExisting,
            4 => Disposition::OpenAlways,
            5 => Disposition::TruncateExisting,
            _ => return Err(Win32Error::INVALID_PARAMETER),
        })
    }
}

/// Bits of `dwFlagsAndAttributes` and of the upper half of `dwOpenMode`. What has no meaning here is ignored, as the
/// attributes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Flags(pub u32);

impl Flags {
    /// `FILE_FLAG_OVERLAPPED`, without which no target can be on the handle (FHT-3).
    pub const OVERLAPPED: u32 = 0x4000_0000;
    /// `FILE_FLAG_WRITE_THROUGH`; a write to a message pipe always is (FHT-14).
    pub const WRITE_THROUGH: u32 = 0x8000_0000;
    /// `FILE_FLAG_DELETE_ON_CLOSE`.
    pub const DELETE_ON_CLOSE: u32 = 0x0400_0000;
    /// `FILE_FLAG_FIRST_PIPE_INSTANCE`.
    pub const FIRST_PIPE_INSTANCE: u32 = 0x0008_0000;

    /// Whether all of these bits are there.
    pub const fn has(self, bits: u32) -> bool {
        self.0 & bits == bits
    }
}

/// Which way data goes, seen from the server (`PIPE_ACCESS_…`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// 1: client to server.
    Inbound,
    /// 2: server to client.
    Outbound,
    /// 3: both.
    Duplex,
}

impl TryFrom<u32> for Direction {
    type Error = Win32Error;

    /// From `dwOpenMode`, of which the lowest two bits say it.
    fn try_from(open_mode: u32) -> Result<Direction, Win32Error> {
        match open_mode & 3 {
            1 => Ok(Direction::Inbound),
            2 => Ok(Direction::Outbound),
            3 => Ok(Direction::Duplex),
            _ => Err(Win32Error::INVALID_PARAMETER),
        }
    }
}

/// Whether data has boundaries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Framing {
    /// It has none.
    #[default]
    Byte,
    /// Each write is one message.
    Message,
}

/// `dwPipeMode`. The wait mode is always `PIPE_WAIT`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PipeMode {
    /// `PIPE_TYPE_…`: how the pipe is written.
    pub pipe_type: Framing,
    /// `PIPE_READMODE_…`: how this end is read.
    pub read_mode: Framing,
}

impl TryFrom<u32> for PipeMode {
    type Error = Win32Error;

    /// `PIPE_NOWAIT` (1) is refused: it is for programs that poll, and an overlapped handle has no use for it.
    /// `PIPE_REJECT_REMOTE_CLIENTS` (8) is what every pipe here does anyway.
    fn try_from(bits: u32) -> Result<PipeMode, Win32Error> {
        let framing = |bit: u32| if bits & bit != 0 { Framing::Message } else { Framing::Byte };
        let mode = PipeMode { pipe_type: framing(4), read_mode: framing(2) };
        let messages_of_bytes = mode.pipe_type == Framing::Byte && mode.read_mode == Framing::Message;
        if bits & !(4 | 2 | 8) != 0 || messages_of_bytes {
            return Err(Win32Error::INVALID_PARAMETER);
        }
        Ok(mode)
    }
}
