//! The status vocabulary (ERR-1 to ERR-6): HRESULTs as UMDF 1 drivers use them.
//!
//! A status is carried raw from driver to client and never translated; only comparisons go by class
//! (ERR-4). Knows nothing of gRPC codes: a UMDF result is not an RPC failure (MAP-2).

/// A 32-bit HRESULT.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct HResult(pub u32);

/// `FACILITY_NT_BIT`: marks an HRESULT that wraps an NTSTATUS (ERR-1).
const NT_BIT: u32 = 0x1000_0000;
/// Severity bit of an HRESULT and the upper severity bit of an NTSTATUS.
const SEVERITY_BIT: u32 = 0x8000_0000;
/// Facility of HRESULTs made from Win32 codes, in place.
const WIN32: u32 = 0x8007_0000;
/// Facility 0x20 of an NTSTATUS: the framework's own codes (REQ-55).
const FRAMEWORK_FACILITY: u32 = 0x20;

/// NTSTATUS codes and what applications see of them as Win32 codes (ERR-6).
const WIN32_OF_NT: [(u32, u32); 20] = [
    (0xC000_0010, 1),
    (0xC000_0184, 22),
    (0xC000_000D, 87),
    (0xC000_0120, 995),
    (0xC000_00B5, 121),
    (0xC000_00D0, 71),
    (0xC000_009A, 1450),
    (0xC000_0128, 6),
    (0xC000_0056, 5),
    (0xC000_0095, 534),
    (0x8000_0005, 234),
    (0xC000_0011, 38),
    (0xC000_014B, 109),
    (0xC000_00B0, 233),
    (0xC000_00B1, 232),
    (0xC000_00B3, 536),
    (0xC000_00AC, 231),
    (0xC000_0023, 122),
    (0xC000_00BB, 50),
    (0xC000_0450, 1291),
];

/// Declares the named codes once, for the constants, their names and the parser.
macro_rules! named {
    ($($(#[$doc:meta])* $name:ident = $value:expr;)*) => {
        impl HResult {
            $($(#[$doc])* pub const $name: HResult = HResult($value);)*
        }
        /// Every named code with its name, in declaration order.
        pub const NAMED: &[(HResult, &str)] = &[$((HResult::$name, stringify!($name)),)*];
    };
}

named! {
    /// Success everywhere; the only success code the framework makes.
    S_OK = 0;
    /// Out of memory.
    E_OUTOFMEMORY = 0x8007_000E;
    /// A bad argument (FILE-3, TGT-7).
    E_INVALIDARG = 0x8007_0057;
    /// Delete of an object the framework owns (OBJ-4).
    ERROR_ACCESS_DENIED = 0x8007_0005;
    /// A dead Win32 handle.
    ERROR_INVALID_HANDLE = 0x8007_0006;
    /// A buffer smaller than asked for.
    ERROR_INSUFFICIENT_BUFFER = 0x8007_007A;
    /// Retrieve from an empty queue (QUE-6).
    ERROR_NO_MORE_ITEMS = 0x8007_0103;
    /// Cancelled (REQ-32).
    ERROR_OPERATION_ABORTED = 0x8007_03E3;
    /// Another Win32 code; not of the cancelled class (REQ-25).
    ERROR_CANCELLED = 0x8007_04C7;
    /// The driver host process died with the I/O outstanding (STOP-4).
    ERROR_DRIVER_PROCESS_TERMINATED = 0x8007_050B;
    /// A queue whose callbacks do not fit its dispatch type (QUE-1).
    ERROR_BAD_CONFIGURATION = 0x8007_064A;
    /// Requeue misuse (QUE-7).
    ERROR_INVALID_OPERATION = 0x8007_10DD;
    /// End of the medium.
    ERROR_HANDLE_EOF = 0x8007_0026;
    /// The peer of a pipe has closed it (FHT-18).
    ERROR_BROKEN_PIPE = 0x8007_006D;
    /// The server end of a pipe with no client yet (FHT-18).
    ERROR_PIPE_LISTENING = 0x8007_0218;
    /// A pipe after its disconnect (FHT-18).
    ERROR_PIPE_NOT_CONNECTED = 0x8007_00E9;
    /// A write to a closing pipe (FHT-18).
    ERROR_NO_DATA = 0x8007_00E8;
    /// Short read of a message (FHT-15).
    ERROR_MORE_DATA = 0x8007_00EA;
    /// A wait that timed out, Win32 view.
    ERROR_SEM_TIMEOUT = 0x8007_0079;
    /// Bad state, Win32 view.
    ERROR_BAD_COMMAND = 0x8007_0016;
    /// Unsupported, Win32 view.
    ERROR_INVALID_FUNCTION = 0x8007_0001;
    /// A target or device in the wrong state (TGT-18, FILE-18).
    STATUS_INVALID_DEVICE_STATE = 0xD000_0184;
    /// No handler for the type; formatting a sent request (TGT-13).
    STATUS_INVALID_DEVICE_REQUEST = 0xD000_0010;
    /// Illegal send flags; unmark of an unmarked request (REQ-16, REQ-51).
    STATUS_INVALID_PARAMETER = 0xD000_000D;
    /// Send of an unformatted request (REQ-9).
    STATUS_REQUEST_NOT_ACCEPTED = 0xD000_00D0;
    /// A memory window outside its memory (TGT-11).
    STATUS_INTEGER_OVERFLOW = 0xD000_0095;
    /// Use after Close (CLS-18).
    STATUS_FILE_CLOSED = 0xD000_0128;
    /// Access denied, as a driver spells it.
    STATUS_ACCESS_DENIED = 0xD000_0022;
    /// A request that its timer cancelled (REQ-25).
    STATUS_IO_TIMEOUT = 0xD000_00B5;
    /// Cancelled, NT spelling (REQ-32).
    STATUS_CANCELLED = 0xD000_0120;
    /// The driver host process died, NT spelling (STOP-4).
    STATUS_DRIVER_PROCESS_TERMINATED = 0xD000_0450;
    /// Retrieve from a queue that does not dispatch (QUE-6).
    STATUS_WDF_PAUSED = 0xD020_0203;
    /// Forward to a queue that does not accept (QUE-9).
    STATUS_WDF_BUSY = 0xD020_0204;
    /// Internal error of the framework facility (REQ-55).
    STATUS_WDF_INTERNAL_ERROR = 0xD020_0200;
    /// Alternative for pended requests swept at removal (TGT-30).
    STATUS_WDF_DEVICE_REMOVED_NOT_SENT = 0xD020_0206;
    /// What the busy and paused codes become at completion (REQ-55).
    STATUS_DEVICE_BUSY = 0x9000_0011;
    /// What the framework's internal error becomes at completion (REQ-55).
    STATUS_INTERNAL_ERROR = 0xD000_00E5;
    /// A warning: the data that fitted is valid (REQ-37).
    STATUS_BUFFER_OVERFLOW = 0x9000_0005;
    /// Not supported.
    STATUS_NOT_SUPPORTED = 0xD000_00BB;
    /// Later-framework spelling of out of memory.
    STATUS_INSUFFICIENT_RESOURCES = 0xD000_009A;
}

/// Codes that mean the same thing to a caller (ERR-4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StatusClass {
    /// 0x800703E3, 0xD0000120.
    Cancelled,
    /// 0xD00000B5, 0x80070079.
    TimedOut,
    /// 0xD0000184, 0x80070016.
    BadState,
    /// 0xD0000010, 0x80070001.
    Unsupported,
    /// 0xD000000D, 0x80070057.
    BadArgument,
    /// 0xD0000450, 0x8007050B.
    DriverStopped,
    /// Everything else: equal only to itself.
    Other(HResult),
}

impl HResult {
    /// `HRESULT_FROM_NT` (ERR-1). Success (0) stays `S_OK`.
    pub const fn from_nt(status: u32) -> HResult {
        if status == 0 { HResult::S_OK } else { HResult(status | NT_BIT) }
    }

    /// `HRESULT_FROM_WIN32` (ERR-1). Codes that are already HRESULTs (negative as i32) and 0 stay as they are.
    pub const fn from_win32(code: u32) -> HResult {
        if code == 0 || code & SEVERITY_BIT != 0 { HResult(code) } else { HResult(WIN32 | (code & 0xFFFF)) }
    }

    /// `SUCCEEDED`: the severity bit is clear. A warning such as 0x90000005 is not a success.
    pub const fn is_success(self) -> bool {
        self.0 & SEVERITY_BIT == 0
    }

    /// The wrapped NTSTATUS, when the NT bit is set (ERR-3).
    pub const fn nt_status(self) -> Option<u32> {
        if self.0 & NT_BIT != 0 { Some(self.0 & !NT_BIT) } else { None }
    }

    /// The Win32 code an application would see: of facility 7 the low half (ERR-3), of a wrapped NTSTATUS the
    /// system's translation (ERR-6), 0 for success. None for codes without a Win32 view.
    pub fn win32_code(self) -> Option<u32> {
        match self.nt_status() {
            Some(nt) => WIN32_OF_NT.iter().find(|(status, _)| *status == nt).map(|(_, code)| *code),
            None if self.0 & 0xFFFF_0000 == WIN32 => Some(self.0 & 0xFFFF),
            None => (self == HResult::S_OK).then_some(0),
        }
    }

    /// The class to compare by (ERR-4).
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

    /// Whether this is one of the two spellings of cancelled; 1223 (`ERROR_CANCELLED`) is not (REQ-25).
    pub const fn is_cancelled(self) -> bool {
        matches!(self.class(), StatusClass::Cancelled)
    }

    /// What a completion turns a framework-facility code into (REQ-55); every other code is verbatim.
    pub const fn at_completion(self) -> HResult {
        match self.nt_status() {
            Some(nt) if (nt >> 16) & 0xFFF == FRAMEWORK_FACILITY => match self {
                HResult::STATUS_WDF_PAUSED | HResult::STATUS_WDF_BUSY => HResult::STATUS_DEVICE_BUSY,
                HResult::STATUS_WDF_INTERNAL_ERROR => HResult::STATUS_INTERNAL_ERROR,
                _ => HResult::STATUS_INVALID_DEVICE_REQUEST,
            },
            _ => self,
        }
    }

    /// The code's name, when it has one here.
    pub fn name(self) -> Option<&'static str> {
        NAMED.iter().find(|(code, _)| *code == self).map(|(_, name)| *name)
    }
}

impl std::fmt::Display for HResult {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "{:#010x}", self.0),
        }
    }
}

impl std::fmt::Debug for HResult {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

/// A status that is neither a name nor a number.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no status: give a name such as S_OK or a hexadecimal HRESULT such as 0x800703E3")]
pub struct ParseStatusError(String);

impl std::str::FromStr for HResult {
    type Err = ParseStatusError;

    /// Reads a name of [`NAMED`] or a number with `0x`.
    fn from_str(text: &str) -> Result<HResult, ParseStatusError> {
        let number = || {
            let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"))?;
            u32::from_str_radix(digits, 16).ok().map(HResult)
        };
        NAMED
            .iter()
            .find(|(_, name)| *name == text)
            .map(|(code, _)| *code)
            .or_else(number)
            .ok_or_else(|| ParseStatusError(text.to_owned()))
    }
}

#[cfg(test)]
mod tests;
