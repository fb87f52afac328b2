//! The status of an I/O: a raw HRESULT with names for the codes a client meets, and the classes by which codes are
//! compared (ERR-4). Never translated into anything else (MAP-2).

use std::fmt;

/// A raw 32-bit HRESULT.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct HResult(pub u32);

/// The severity bit: set in warnings and errors.
const SEVERITY_BIT: u32 = 0x8000_0000;

/// Declares the named codes once, for the constants and for their names.
macro_rules! named {
    ($($(#[$doc:meta])* $name:ident = $value:expr;)*) => {
        impl HResult {
            $($(#[$doc])* pub const $name: HResult = HResult($value);)*
        }
        const NAMED: &[(HResult, &str)] = &[$((HResult::$name, stringify!($name)),)*];
    };
}

named! {
    /// Success.
    S_OK = 0;
    /// A bad argument (FILE-3, TGT-7).
    E_INVALIDARG = 0x8007_0057;
    /// Out of memory.
    E_OUTOFMEMORY = 0x8007_000E;
    /// The object belongs to the framework (OBJ-4).
    ERROR_ACCESS_DENIED = 0x8007_0005;
    /// The end of the medium.
    ERROR_HANDLE_EOF = 0x8007_0026;
    /// Cancelled (REQ-32).
    ERROR_OPERATION_ABORTED = 0x8007_03E3;
    /// A driver's own cancellation, not of the cancelled class (REQ-25).
    ERROR_CANCELLED = 0x8007_04C7;
    /// A wait that timed out, in the Win32 spelling.
    ERROR_SEM_TIMEOUT = 0x8007_0079;
    /// A bad state, in the Win32 spelling.
    ERROR_BAD_COMMAND = 0x8007_0016;
    /// Not supported, in the Win32 spelling.
    ERROR_INVALID_FUNCTION = 0x8007_0001;
    /// Part of a message was read (FHT-15).
    ERROR_MORE_DATA = 0x8007_00EA;
    /// No such file in a directory that is there.
    ERROR_FILE_NOT_FOUND = 0x8007_0002;
    /// A directory of the path is missing.
    ERROR_PATH_NOT_FOUND = 0x8007_0003;
    /// Beyond a limit of handles, or the host has no more descriptors.
    ERROR_TOO_MANY_OPEN_FILES = 0x8007_0004;
    /// The handle is closed, foreign, or was never one (FHT-20).
    ERROR_INVALID_HANDLE = 0x8007_0006;
    /// The host is out of memory.
    ERROR_NOT_ENOUGH_MEMORY = 0x8007_0008;
    /// An access mode that does not exist.
    ERROR_INVALID_ACCESS = 0x8007_000C;
    /// A rename across devices.
    ERROR_NOT_SAME_DEVICE = 0x8007_0011;
    /// The medium is read only.
    ERROR_WRITE_PROTECT = 0x8007_0013;
    /// The device answers, but does not work.
    ERROR_NOT_READY = 0x8007_0015;
    /// The device reports an error of its own.
    ERROR_GEN_FAILURE = 0x8007_001F;
    /// Another handle has the file open in a way that excludes this one.
    ERROR_SHARING_VIOLATION = 0x8007_0020;
    /// A part of the file is locked by another.
    ERROR_LOCK_VIOLATION = 0x8007_0021;
    /// The medium is full.
    ERROR_HANDLE_DISK_FULL = 0x8007_0027;
    /// Not a thing that handles do here.
    ERROR_NOT_SUPPORTED = 0x8007_0032;
    /// The network is busy or gone.
    ERROR_DEV_NOT_EXIST = 0x8007_0037;
    /// The other side cut the connection.
    ERROR_NETNAME_DELETED = 0x8007_0040;
    /// `CREATE_NEW` of a file that is there.
    ERROR_FILE_EXISTS = 0x8007_0050;
    /// The other end of a pipe is closed (FHT-18).
    ERROR_BROKEN_PIPE = 0x8007_006D;
    /// No room on the disk, or in the quota.
    ERROR_DISK_FULL = 0x8007_0070;
    /// A buffer that is too small for an answer that is never given in part.
    ERROR_INSUFFICIENT_BUFFER = 0x8007_007A;
    /// A name that Win32 does not take.
    ERROR_INVALID_NAME = 0x8007_007B;
    /// A directory that is not empty.
    ERROR_DIR_NOT_EMPTY = 0x8007_0091;
    /// A path of a form that is not taken.
    ERROR_BAD_PATHNAME = 0x8007_00A1;
    /// Something is in use.
    ERROR_BUSY = 0x8007_00AA;
    /// What was to be made is there.
    ERROR_ALREADY_EXISTS = 0x8007_00B7;
    /// A name or path longer than it may be.
    ERROR_FILENAME_EXCED_RANGE = 0x8007_00CE;
    /// A file larger than it may become.
    ERROR_FILE_TOO_LARGE = 0x8007_00DF;
    /// The pipe is not in a state for that.
    ERROR_BAD_PIPE = 0x8007_00E6;
    /// All instances of a pipe are taken.
    ERROR_PIPE_BUSY = 0x8007_00E7;
    /// The pipe is being closed (FHT-18).
    ERROR_NO_DATA = 0x8007_00E8;
    /// Nobody is at the other end any more (FHT-18).
    ERROR_PIPE_NOT_CONNECTED = 0x8007_00E9;
    /// The path ends or goes through something that is not a directory.
    ERROR_DIRECTORY = 0x8007_010B;
    /// The client was there before the call (FHT-19).
    ERROR_PIPE_CONNECTED = 0x8007_0217;
    /// The server end with no client yet (FHT-18).
    ERROR_PIPE_LISTENING = 0x8007_0218;
    /// The host reports an error of the medium.
    ERROR_IO_DEVICE = 0x8007_045D;
    /// Too many links.
    ERROR_TOO_MANY_LINKS = 0x8007_0476;
    /// The other side refuses.
    ERROR_CONNECTION_REFUSED = 0x8007_04C9;
    /// The host of the other side cannot be reached.
    ERROR_HOST_UNREACHABLE = 0x8007_04D0;
    /// The connection ended on this side.
    ERROR_CONNECTION_ABORTED = 0x8007_04D4;
    /// The host, or a named limit, has no room for this operation.
    ERROR_NO_SYSTEM_RESOURCES = 0x8007_05AA;
    /// Not so configured: queue and dispatch, or a target without `UmdfDispatcher=FileHandle` (FHT-5).
    ERROR_BAD_CONFIGURATION = 0x8007_064A;
    /// A path that goes through too many links, or in a circle.
    ERROR_CANT_RESOLVE_FILENAME = 0x8007_0781;
    /// The driver host process died, in the Win32 spelling (STOP-4).
    ERROR_DRIVER_PROCESS_TERMINATED = 0x8007_050B;
    /// A target or device in the wrong state (TGT-18, FILE-18).
    STATUS_INVALID_DEVICE_STATE = 0xD000_0184;
    /// Nobody handles this kind of request (FWD-10).
    STATUS_INVALID_DEVICE_REQUEST = 0xD000_0010;
    /// Illegal send flags (REQ-16).
    STATUS_INVALID_PARAMETER = 0xD000_000D;
    /// A send of an unformatted request (REQ-9).
    STATUS_REQUEST_NOT_ACCEPTED = 0xD000_00D0;
    /// A memory offset outside its memory (TGT-11).
    STATUS_INTEGER_OVERFLOW = 0xD000_0095;
    /// Use of a closed file (CLS-18).
    STATUS_FILE_CLOSED = 0xD000_0128;
    /// Access denied by a driver.
    STATUS_ACCESS_DENIED = 0xD000_0022;
    /// A request that its timer cancelled (REQ-25).
    STATUS_IO_TIMEOUT = 0xD000_00B5;
    /// Cancelled, in the NT spelling (REQ-32).
    STATUS_CANCELLED = 0xD000_0120;
    /// The driver host process died (STOP-4).
    STATUS_DRIVER_PROCESS_TERMINATED = 0xD000_0450;
    /// A warning: the data that fitted is valid (REQ-37).
    STATUS_BUFFER_OVERFLOW = 0x9000_0005;
    /// A warning: the device is busy (REQ-55).
    STATUS_DEVICE_BUSY = 0x9000_0011;
    /// An internal error below (REQ-55).
    STATUS_INTERNAL_ERROR = 0xD000_00E5;
    /// Not supported by a driver.
    STATUS_NOT_SUPPORTED = 0xD000_00BB;
    /// Out of a driver's resources.
    STATUS_INSUFFICIENT_RESOURCES = 0xD000_009A;
}

/// What a code means to whoever sent the request: codes of one class are the same outcome (ERR-4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StatusClass {
    /// 0x800703E3 or 0xD0000120.
    Cancelled,
    /// 0xD00000B5 or 0x80070079.
    TimedOut,
    /// 0xD0000184 or 0x80070016.
    BadState,
    /// 0xD0000010 or 0x80070001.
    Unsupported,
    /// 0xD000000D or 0x80070057.
    BadArgument,
    /// 0xD0000450 or 0x8007050B.
    DriverStopped,
    /// Any other code: a class of its own.
    Other(HResult),
}

impl HResult {
    /// `SUCCEEDED`: neither a warning nor an error.
    pub const fn is_success(self) -> bool {
        self.0 & SEVERITY_BIT == 0
    }

    /// A warning such as 0x90000005: its data is valid (REQ-37).
    pub const fn is_warning(self) -> bool {
        self.0 >> 28 == 0x9
    }

    /// The class to compare by.
    pub const fn class(self) -> StatusClass {
        match self {
            HResult::ERROR_OPERATION_ABORTED | HResult::STATUS_CANCELLED => StatusClass::Cancelled,
            HResult::STATUS_IO_TIMEOUT | HResult::ERROR_SEM_TIMEOUT => StatusClass::TimedOut,
            HResult::STATUS_INVALID_DEVICE_STATE | HResult::ERROR_BAD_COMMAND => StatusClass::BadState,
            HResult::STATUS_INVALID_DEVICE_REQUEST | HResult::ERROR_INVALID_FUNCTION => StatusClass::Unsupported,
            HResult::STATUS_INVALID_PARAMETER | HResult::E_INVALIDARG => StatusClass::BadArgument,
            HResult::STATUS_DRIVER_PROCESS_TERMINATED | HResult::ERROR_DRIVER_PROCESS_TERMINATED => {
                StatusClass::DriverStopped
            }
            other => StatusClass::Other(other),
        }
    }

    /// Whether this is one of the two spellings of cancelled.
    pub const fn is_cancelled(self) -> bool {
        matches!(self.class(), StatusClass::Cancelled)
    }

    /// The code's name, if it is one of the common ones.
    pub fn name(self) -> Option<&'static str> {
        let entry = NAMED.iter().find(|(code, _)| *code == self);
        entry.map(|(_, name)| *name)
    }
}

impl fmt::Display for HResult {
    /// The name if there is one, otherwise `0x` and eight digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.pad(name),
            None => f.pad(&format!("0x{:08X}", self.0)),
        }
    }
}

impl fmt::Debug for HResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl From<u32> for HResult {
    fn from(raw: u32) -> HResult {
        HResult(raw)
    }
}

#[cfg(test)]
mod tests;
