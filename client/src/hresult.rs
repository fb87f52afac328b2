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
