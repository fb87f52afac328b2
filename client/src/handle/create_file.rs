//! The arguments of `CreateFile`: a file below the server's root, or the client end of a named pipe.
//!
//! Law: what is not said is as a zero there, but for the disposition, which is `OPEN_EXISTING`.

use lowerdeck_proto::v1;
use lowerdeck_proto::v1::open_handle_request::Object;

use super::{FILE_FLAG_OVERLAPPED, FILE_FLAG_WRITE_THROUGH};

/// `CreateFile`.
///
/// ```
/// use lowerdeck_client::CreateFile;
/// let file = CreateFile::new(r"data\x.bin").read().write().share_read().open_always().overlapped();
/// let client_end = CreateFile::new(r"\\.\pipe\name").read().write().message_read_mode().overlapped();
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "it opens nothing by itself; pass it to `Session::open_handle`"]
pub struct CreateFile {
    arguments: v1::CreateFile,
}

impl CreateFile {
    /// `GENERIC_READ`.
    pub const GENERIC_READ: u32 = 0x8000_0000;
    /// `GENERIC_WRITE`.
    pub const GENERIC_WRITE: u32 = 0x4000_0000;
    /// `DELETE`.
    pub const DELETE: u32 = 0x0001_0000;
    /// `FILE_APPEND_DATA`.
    pub const FILE_APPEND_DATA: u32 = 0x4;
    /// `FILE_SHARE_READ`.
    pub const FILE_SHARE_READ: u32 = 0x1;
    /// `FILE_SHARE_WRITE`.
    pub const FILE_SHARE_WRITE: u32 = 0x2;
    /// `FILE_SHARE_DELETE`.
    pub const FILE_SHARE_DELETE: u32 = 0x4;
    /// `CREATE_NEW`.
    pub const CREATE_NEW: u32 = 1;
    /// `CREATE_ALWAYS`.
    pub const CREATE_ALWAYS: u32 = 2;
    /// `OPEN_EXISTING`.
    pub const OPEN_EXISTING: u32 = 3;
    /// `OPEN_ALWAYS`.
    pub const OPEN_ALWAYS: u32 = 4;
    /// `TRUNCATE_EXISTING`.
    pub const TRUNCATE_EXISTING: u32 = 5;
    /// `PIPE_READMODE_MESSAGE`, as `SetNamedPipeHandleState` would set it.
    pub const PIPE_READMODE_MESSAGE: u32 = 0x2;

    /// `lpFileName`: `\\.\pipe\NAME` for the client end of a pipe, else a file below the server's root.
    pub fn new(name: impl Into<String>) -> CreateFile {
        let creation_disposition = CreateFile::OPEN_EXISTING;
        let arguments = v1::CreateFile { name: name.into(), creation_disposition, ..v1::CreateFile::default() };
        CreateFile { arguments }
    }

    /// `GENERIC_READ`.
    pub fn read(self) -> CreateFile {
        self.desired_access(CreateFile::GENERIC_READ)
    }

    /// `GENERIC_WRITE`.
    pub fn write(self) -> CreateFile {
        self.desired_access(CreateFile::GENERIC_WRITE)
    }

    /// `FILE_APPEND_DATA`: writes go to the end.
    pub fn append(self) -> CreateFile {
        self.desired_access(CreateFile::FILE_APPEND_DATA)
    }

    /// These bits of `dwDesiredAccess` too.
    pub fn desired_access(mut self, bits: u32) -> CreateFile {
        self.arguments.desired_access |= bits;
        self
    }

    /// `FILE_SHARE_READ`.
    pub fn share_read(self) -> CreateFile {
        self.share_mode(CreateFile::FILE_SHARE_READ)
    }

    /// `FILE_SHARE_WRITE`.
    pub fn share_write(self) -> CreateFile {
        self.share_mode(CreateFile::FILE_SHARE_WRITE)
    }

    /// `FILE_SHARE_DELETE`.
    pub fn share_delete(self) -> CreateFile {
        self.share_mode(CreateFile::FILE_SHARE_DELETE)
    }

    /// These bits of `dwShareMode` too.
    pub fn share_mode(mut self, bits: u32) -> CreateFile {
        self.arguments.share_mode |= bits;
        self
    }

    /// `CREATE_NEW`: a file that is there is `ERROR_FILE_EXISTS`.
    pub fn create_new(self) -> CreateFile {
        self.creation_disposition(CreateFile::CREATE_NEW)
    }

    /// `CREATE_ALWAYS`: a file that is there loses its contents.
    pub fn create_always(self) -> CreateFile {
        self.creation_disposition(CreateFile::CREATE_ALWAYS)
    }

    /// `OPEN_EXISTING`, which it is without a word.
    pub fn open_existing(self) -> CreateFile {
        self.creation_disposition(CreateFile::OPEN_EXISTING)
    }

    /// `OPEN_ALWAYS`: a file that is not there is made.
    pub fn open_always(self) -> CreateFile {
        self.creation_disposition(CreateFile::OPEN_ALWAYS)
    }

    /// `TRUNCATE_EXISTING`.
    pub fn truncate_existing(self) -> CreateFile {
        self.creation_disposition(CreateFile::TRUNCATE_EXISTING)
    }

    /// `dwCreationDisposition`, raw.
    pub fn creation_disposition(mut self, number: u32) -> CreateFile {
        self.arguments.creation_disposition = number;
        self
    }

    /// `FILE_FLAG_OVERLAPPED`.
    pub fn overlapped(self) -> CreateFile {
        self.flags_and_attributes(FILE_FLAG_OVERLAPPED)
    }

    /// `FILE_FLAG_WRITE_THROUGH`.
    pub fn write_through(self) -> CreateFile {
        self.flags_and_attributes(FILE_FLAG_WRITE_THROUGH)
    }

    /// These bits of `dwFlagsAndAttributes` too.
    pub fn flags_and_attributes(mut self, bits: u32) -> CreateFile {
        self.arguments.flags_and_attributes |= bits;
        self
    }

    /// `PIPE_READMODE_MESSAGE` for the client end of a pipe; otherwise it reads bytes.
    pub fn message_read_mode(mut self) -> CreateFile {
        self.arguments.pipe_read_mode = CreateFile::PIPE_READMODE_MESSAGE;
        self
    }
}

impl From<CreateFile> for Object {
    fn from(file: CreateFile) -> Object {
        Object::CreateFile(file.arguments)
    }
}
