//! Win32 error codes, and the one table by which an error of the host's system becomes one.
//!
//! A handle answers as Win32 would: `errno` -> Win32 code -> `HRESULT_FROM_WIN32` (FHT-10). [`ERRNO_TO_WIN32`] is the only
//! place where the first step is decided; an error that it does not list is [`Win32Error::GEN_FAILURE`], never a success
//! and never a guess. Codes that belong to the state of an object (a listening pipe, the end of a file) are given by that
//! object and not by the table. It knows no object and no operation.

use std::io;

use lowerdeck_framework::status::HResult;
use rustix::io::Errno;

/// A Win32 error code. Zero is success and is never made here.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Win32Error(pub u32);

/// Declares the codes once, for the constants and their names.
macro_rules! named {
    ($($(#[$doc:meta])* $name:ident = $value:expr;)*) => {
        impl Win32Error {
            $($(#[$doc])* pub const $name: Win32Error = Win32Error($value);)*
        }
        /// Every code this package answers with, by its name without `ERROR_`, ascending.
        pub const NAMED: &[(Win32Error, &str)] = &[$((Win32Error::$name, stringify!($name)),)*];
    };
}

named! {
    /// A control code that means nothing here, or an operation that the object does not have.
    INVALID_FUNCTION = 1;
    /// No such file in a directory that is there.
    FILE_NOT_FOUND = 2;
    /// A directory of the path is missing.
    PATH_NOT_FOUND = 3;
    /// The process has no more descriptors.
    TOO_MANY_OPEN_FILES = 4;
    /// Refused: by rights, by the host, or because the path would leave the root.
    ACCESS_DENIED = 5;
    /// The handle is closed, foreign, or was never one (FHT-20).
    INVALID_HANDLE = 6;
    /// The host is out of memory.
    NOT_ENOUGH_MEMORY = 8;
    /// An access mode that does not exist.
    INVALID_ACCESS = 12;
    /// A rename across devices.
    NOT_SAME_DEVICE = 17;
    /// The medium is read only.
    WRITE_PROTECT = 19;
    /// The device answers, but does not work.
    NOT_READY = 21;
    /// The device reports an error of its own.
    GEN_FAILURE = 31;
    /// Another handle of this process has the file open in a way that excludes this one.
    SHARING_VIOLATION = 32;
    /// A part of the file is locked by another.
    LOCK_VIOLATION = 33;
    /// Nothing is left at the end of a file (FHT-18).
    HANDLE_EOF = 38;
    /// The medium is full.
    HANDLE_DISK_FULL = 39;
    /// Not a thing that this package does.
    NOT_SUPPORTED = 50;
    /// The network is busy or gone.
    DEV_NOT_EXIST = 55;
    /// The other side cut the connection.
    NETNAME_DELETED = 64;
    /// `CREATE_NEW` of a file that is there.
    FILE_EXISTS = 80;
    /// An argument outside its range.
    INVALID_PARAMETER = 87;
    /// The other end of a pipe is closed (FHT-18).
    BROKEN_PIPE = 109;
    /// No room on the disk, or in the quota.
    DISK_FULL = 112;
    /// A wait that ran out.
    SEM_TIMEOUT = 121;
    /// A buffer that is too small for an answer that is never given in part.
    INSUFFICIENT_BUFFER = 122;
    /// A name that Win32 does not take.
    INVALID_NAME = 123;
    /// A directory that is not empty.
    DIR_NOT_EMPTY = 145;
    /// A path of a form that is not taken.
    BAD_PATHNAME = 161;
    /// Something is in use.
    BUSY = 170;
    /// `CREATE_ALWAYS` and `OPEN_ALWAYS` of what was there; told beside success.
    ALREADY_EXISTS = 183;
    /// A name or path longer than it may be.
    FILENAME_EXCED_RANGE = 206;
    /// A file larger than it may become.
    FILE_TOO_LARGE = 223;
    /// The pipe is not in a state for that.
    BAD_PIPE = 230;
    /// All instances of a pipe are taken.
    PIPE_BUSY = 231;
    /// The pipe is being closed (FHT-18).
    NO_DATA = 232;
    /// Nobody is at the other end any more (FHT-18).
    PIPE_NOT_CONNECTED = 233;
    /// A short read of a message (FHT-15), or of a list.
    MORE_DATA = 234;
    /// The path ends or goes through something that is not a directory.
    DIRECTORY = 267;
    /// The client is there already.
    PIPE_CONNECTED = 535;
    /// The server end with no client yet (FHT-18).
    PIPE_LISTENING = 536;
    /// Cancelled (FHT-13).
    OPERATION_ABORTED = 995;
    /// The host reports an error of the medium.
    IO_DEVICE = 1117;
    /// Too many links.
    TOO_MANY_LINKS = 1142;
    /// The other side refuses.
    CONNECTION_REFUSED = 1225;
    /// The host of the other side cannot be reached.
    HOST_UNREACHABLE = 1232;
    /// The connection ended on this side.
    CONNECTION_ABORTED = 1236;
    /// The host, or a named limit of this package, has no room for this operation.
    NO_SYSTEM_RESOURCES = 1450;
    /// A path that goes through too many links, or in a circle.
    CANT_RESOLVE_FILENAME = 1921;
}

/// What each `errno` is in Win32.
pub const ERRNO_TO_WIN32: &[(Errno, Win32Error)] = &[
    (Errno::PERM, Win32Error::ACCESS_DENIED),
    (Errno::ACCESS, Win32Error::ACCESS_DENIED),
    (Errno::ISDIR, Win32Error::ACCESS_DENIED),
    (Errno::XDEV, Win32Error::NOT_SAME_DEVICE),
    (Errno::NOENT, Win32Error::FILE_NOT_FOUND),
    (Errno::NOTDIR, Win32Error::PATH_NOT_FOUND),
    (Errno::EXIST, Win32Error::FILE_EXISTS),
    (Errno::NOTEMPTY, Win32Error::DIR_NOT_EMPTY),
    (Errno::LOOP, Win32Error::CANT_RESOLVE_FILENAME),
    (Errno::NAMETOOLONG, Win32Error::FILENAME_EXCED_RANGE),
    (Errno::MLINK, Win32Error::TOO_MANY_LINKS),
    (Errno::TXTBSY, Win32Error::SHARING_VIOLATION),
    (Errno::BUSY, Win32Error::BUSY),
    (Errno::DEADLK, Win32Error::LOCK_VIOLATION),
    (Errno::NOLCK, Win32Error::LOCK_VIOLATION),
    (Errno::ROFS, Win32Error::WRITE_PROTECT),
    (Errno::NOSPC, Win32Error::DISK_FULL),
    (Errno::DQUOT, Win32Error::DISK_FULL),
    (Errno::FBIG, Win32Error::FILE_TOO_LARGE),
    (Errno::MFILE, Win32Error::TOO_MANY_OPEN_FILES),
    (Errno::NFILE, Win32Error::TOO_MANY_OPEN_FILES),
    (Errno::NOMEM, Win32Error::NOT_ENOUGH_MEMORY),
    (Errno::NOBUFS, Win32Error::NO_SYSTEM_RESOURCES),
    (Errno::AGAIN, Win32Error::NO_SYSTEM_RESOURCES),
    (Errno::IO, Win32Error::IO_DEVICE),
    (Errno::NXIO, Win32Error::NOT_READY),
    (Errno::NODEV, Win32Error::DEV_NOT_EXIST),
    (Errno::STALE, Win32Error::DEV_NOT_EXIST),
    (Errno::BADF, Win32Error::INVALID_HANDLE),
    (Errno::INVAL, Win32Error::INVALID_PARAMETER),
    (Errno::FAULT, Win32Error::INVALID_PARAMETER),
    (Errno::OVERFLOW, Win32Error::INVALID_PARAMETER),
    (Errno::SPIPE, Win32Error::INVALID_FUNCTION),
    (Errno::NOTTY, Win32Error::INVALID_FUNCTION),
    (Errno::NOSYS, Win32Error::NOT_SUPPORTED),
    (Errno::OPNOTSUPP, Win32Error::NOT_SUPPORTED),
    (Errno::CANCELED, Win32Error::OPERATION_ABORTED),
    (Errno::TIMEDOUT, Win32Error::SEM_TIMEOUT),
    (Errno::PIPE, Win32Error::NO_DATA),
    (Errno::NOTCONN, Win32Error::PIPE_NOT_CONNECTED),
    (Errno::MSGSIZE, Win32Error::INVALID_PARAMETER),
    (Errno::CONNRESET, Win32Error::NETNAME_DELETED),
    (Errno::CONNREFUSED, Win32Error::CONNECTION_REFUSED),
    (Errno::CONNABORTED, Win32Error::CONNECTION_ABORTED),
    (Errno::HOSTUNREACH, Win32Error::HOST_UNREACHABLE),
    (Errno::NETUNREACH, Win32Error::HOST_UNREACHABLE),
];

impl Win32Error {
    /// `HRESULT_FROM_WIN32` of it.
    pub const fn hresult(self) -> HResult {
        HResult::from_win32(self.0)
    }

    /// Its name without `ERROR_`; None for a code that this package never gives.
    pub fn name(self) -> Option<&'static str> {
        NAMED.iter().find(|(code, _)| *code == self).map(|(_, name)| *name)
    }

    /// By [`ERRNO_TO_WIN32`]; what is not listed is [`Win32Error::GEN_FAILURE`].
    pub fn from_errno(errno: Errno) -> Win32Error {
        ERRNO_TO_WIN32.iter().find(|(known, _)| *known == errno).map_or(Win32Error::GEN_FAILURE, |(_, code)| *code)
    }
}

impl From<Errno> for Win32Error {
    fn from(errno: Errno) -> Win32Error {
        Win32Error::from_errno(errno)
    }
}

/// An error of the library has a kind and no `errno` where the library itself refuses.
impl From<&io::Error> for Win32Error {
    fn from(error: &io::Error) -> Win32Error {
        match (Errno::from_io_error(error), error.kind()) {
            (Some(errno), _) => Win32Error::from_errno(errno),
            (None, io::ErrorKind::PermissionDenied) => Win32Error::ACCESS_DENIED, // a path that would leave its root
            (None, io::ErrorKind::InvalidInput) => Win32Error::INVALID_NAME,      // a NUL in a path
            (None, io::ErrorKind::OutOfMemory) => Win32Error::NOT_ENOUGH_MEMORY,
            (None, _) => Win32Error::GEN_FAILURE,
        }
    }
}

impl From<io::Error> for Win32Error {
    fn from(error: io::Error) -> Win32Error {
        Win32Error::from(&error)
    }
}

impl std::fmt::Debug for Win32Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.name() {
            Some(name) => write!(f, "ERROR_{name}"),
            None => write!(f, "Win32 error {}", self.0),
        }
    }
}

impl std::fmt::Display for Win32Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self:?} ({})", self.0)
    }
}

impl std::error::Error for Win32Error {}

#[cfg(test)]
mod tests;
