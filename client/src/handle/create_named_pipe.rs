//! The arguments of `CreateNamedPipe`: the server end of a named pipe.
//!
//! Law: what is not said is as a zero there, but for the instances, of which there is 1.

use std::time::Duration;

use lowerdeck_proto::v1;
use lowerdeck_proto::v1::open_handle_request::Object;

use super::{FILE_FLAG_OVERLAPPED, FILE_FLAG_WRITE_THROUGH};

/// `CreateNamedPipe`.
///
/// ```
/// use lowerdeck_client::CreateNamedPipe;
/// use std::time::Duration;
/// let pipe = CreateNamedPipe::new(r"\\.\pipe\name").duplex().overlapped().message();
/// let pipe = pipe.instances(2).buffers(4096, 4096).default_timeout(Duration::from_secs(1));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "it opens nothing by itself; pass it to `Session::open_handle`"]
pub struct CreateNamedPipe {
    arguments: v1::CreateNamedPipe,
}

impl CreateNamedPipe {
    /// `PIPE_ACCESS_INBOUND`: the client writes.
    pub const PIPE_ACCESS_INBOUND: u32 = 0x1;
    /// `PIPE_ACCESS_OUTBOUND`: the client reads.
    pub const PIPE_ACCESS_OUTBOUND: u32 = 0x2;
    /// `PIPE_ACCESS_DUPLEX`.
    pub const PIPE_ACCESS_DUPLEX: u32 = 0x3;
    /// `FILE_FLAG_FIRST_PIPE_INSTANCE`.
    pub const FILE_FLAG_FIRST_PIPE_INSTANCE: u32 = 0x0008_0000;
    /// `PIPE_TYPE_MESSAGE`: what is written in one call is one message (FHT-14).
    pub const PIPE_TYPE_MESSAGE: u32 = 0x4;
    /// `PIPE_READMODE_MESSAGE`.
    pub const PIPE_READMODE_MESSAGE: u32 = 0x2;
    /// `PIPE_UNLIMITED_INSTANCES`.
    pub const PIPE_UNLIMITED_INSTANCES: u32 = 255;

    /// `lpName`: `\\.\pipe\NAME`.
    pub fn new(name: impl Into<String>) -> CreateNamedPipe {
        let arguments = v1::CreateNamedPipe { name: name.into(), max_instances: 1, ..v1::CreateNamedPipe::default() };
        CreateNamedPipe { arguments }
    }

    /// `PIPE_ACCESS_INBOUND`: this end reads.
    pub fn inbound(self) -> CreateNamedPipe {
        self.open_mode(CreateNamedPipe::PIPE_ACCESS_INBOUND)
    }

    /// `PIPE_ACCESS_OUTBOUND`: this end writes.
    pub fn outbound(self) -> CreateNamedPipe {
        self.open_mode(CreateNamedPipe::PIPE_ACCESS_OUTBOUND)
    }

    /// `PIPE_ACCESS_DUPLEX`.
    pub fn duplex(self) -> CreateNamedPipe {
        self.open_mode(CreateNamedPipe::PIPE_ACCESS_DUPLEX)
    }

    /// `FILE_FLAG_OVERLAPPED`.
    pub fn overlapped(self) -> CreateNamedPipe {
        self.open_mode(FILE_FLAG_OVERLAPPED)
    }

    /// `FILE_FLAG_WRITE_THROUGH`.
    pub fn write_through(self) -> CreateNamedPipe {
        self.open_mode(FILE_FLAG_WRITE_THROUGH)
    }

    /// `FILE_FLAG_FIRST_PIPE_INSTANCE`: a pipe of this name that is there is `ERROR_ACCESS_DENIED`.
    pub fn first_instance(self) -> CreateNamedPipe {
        self.open_mode(CreateNamedPipe::FILE_FLAG_FIRST_PIPE_INSTANCE)
    }

    /// These bits of `dwOpenMode` too.
    pub fn open_mode(mut self, bits: u32) -> CreateNamedPipe {
        self.arguments.open_mode |= bits;
        self
    }

    /// `PIPE_TYPE_MESSAGE` and `PIPE_READMODE_MESSAGE`; otherwise it is a pipe of bytes.
    pub fn message(self) -> CreateNamedPipe {
        self.pipe_mode(CreateNamedPipe::PIPE_TYPE_MESSAGE | CreateNamedPipe::PIPE_READMODE_MESSAGE)
    }

    /// These bits of `dwPipeMode` too.
    pub fn pipe_mode(mut self, bits: u32) -> CreateNamedPipe {
        self.arguments.pipe_mode |= bits;
        self
    }

    /// `nMaxInstances`: 1 to 255.
    pub fn instances(mut self, most: u32) -> CreateNamedPipe {
        self.arguments.max_instances = most;
        self
    }

    /// `nOutBufferSize` and `nInBufferSize` in bytes: hints.
    pub fn buffers(mut self, out_bytes: u32, in_bytes: u32) -> CreateNamedPipe {
        (self.arguments.out_buffer_size, self.arguments.in_buffer_size) = (out_bytes, in_bytes);
        self
    }

    /// `nDefaultTimeOut`, in whole milliseconds.
    pub fn default_timeout(mut self, timeout: Duration) -> CreateNamedPipe {
        self.arguments.default_timeout_ms = u32::try_from(timeout.as_millis()).unwrap_or(u32::MAX);
        self
    }
}

impl From<CreateNamedPipe> for Object {
    fn from(pipe: CreateNamedPipe) -> Object {
        Object::CreateNamedPipe(pipe.arguments)
    }
}
