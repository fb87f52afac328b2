//! What an I/O request asks for: as its sender formats it, and as the driver below sees it.

mod parameters;

use bytes::Bytes;

use crate::ids::FileId;
use crate::ioctl::IoControlCode;
use crate::memory::{InputMemory, OutputMemory};
use crate::status::HResult;

pub use self::parameters::IoParameters;
pub(crate) use self::parameters::Spares;

/// `WDF_REQUEST_TYPE` for the types a driver can meet here (REQ-2 has the numbers).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum IoKind {
    /// `WdfRequestCreate`, 1.
    Create,
    /// `WdfRequestRead`, 3.
    Read,
    /// `WdfRequestWrite`, 4.
    Write,
    /// `WdfRequestDeviceIoControl`, 5.
    DeviceControl,
    /// `WdfRequestFlushBuffers`, 11.
    FlushBuffers,
    /// `WdfRequestQueryInformation`, 12.
    QueryInformation,
    /// `WdfRequestSetInformation`, 13.
    SetInformation,
}

impl IoKind {
    /// All kinds, in the order of their numbers.
    pub const ALL: [IoKind; 7] = [
        IoKind::Create,
        IoKind::Read,
        IoKind::Write,
        IoKind::DeviceControl,
        IoKind::FlushBuffers,
        IoKind::QueryInformation,
        IoKind::SetInformation,
    ];

    /// `WDF_REQUEST_TYPE` as a number.
    pub const fn number(self) -> u32 {
        match self {
            IoKind::Create => 1,
            IoKind::Read => 3,
            IoKind::Write => 4,
            IoKind::DeviceControl => 5,
            IoKind::FlushBuffers => 11,
            IoKind::QueryInformation => 12,
            IoKind::SetInformation => 13,
        }
    }

    /// Whether `ConfigureRequestDispatching` takes it; the others go to the default queue and have no handler of
    /// their own (QUE-2).
    pub const fn is_routable(self) -> bool {
        matches!(self, IoKind::Create | IoKind::Read | IoKind::Write | IoKind::DeviceControl)
    }
}

impl std::fmt::Display for IoKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            IoKind::Create => "create",
            IoKind::Read => "read",
            IoKind::Write => "write",
            IoKind::DeviceControl => "ioctl",
            IoKind::FlushBuffers => "flush",
            IoKind::QueryInformation => "query-information",
            IoKind::SetInformation => "set-information",
        })
    }
}

/// Arguments of a `FormatRequestForXxx` method (TGT-6, TGT-16).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Format {
    /// `pFile`; must not be None for the default target (TGT-7).
    pub file: Option<FileId>,
    /// Which Format call, with its memories.
    pub io: FormatIo,
}

/// The kind-specific part of a Format call. A missing memory is a NULL pointer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FormatIo {
    /// `FormatRequestForRead`.
    Read {
        /// Receives the data.
        output: Option<OutputMemory>,
        /// `DeviceOffset` in bytes; None is seen below as 0.
        device_offset: Option<i64>,
    },
    /// `FormatRequestForWrite`.
    Write {
        /// Supplies the data.
        input: Option<InputMemory>,
        /// `DeviceOffset` in bytes; None is seen below as 0.
        device_offset: Option<i64>,
    },
    /// `FormatRequestForIoctl`.
    DeviceControl {
        /// The full 32-bit code.
        code: IoControlCode,
        /// Supplies the input.
        input: Option<InputMemory>,
        /// Receives the output; for `METHOD_IN_DIRECT` its contents are input as well (IOC-7).
        output: Option<OutputMemory>,
    },
    /// What no UMDF target can format: always refused, for a driver can not be given one (IOC-14).
    InternalDeviceControl {
        /// The full 32-bit code.
        code: IoControlCode,
    },
    /// `IWDFIoTarget2::FormatRequestForFlush` (TGT-16).
    FlushBuffers,
    /// `IWDFIoTarget2::FormatRequestForQueryInformation` (TGT-16).
    QueryInformation {
        /// `FILE_INFORMATION_CLASS`, raw.
        class: u32,
        /// Receives the information.
        output: Option<OutputMemory>,
    },
    /// `IWDFIoTarget2::FormatRequestForSetInformation` (TGT-16).
    SetInformation {
        /// `FILE_INFORMATION_CLASS`, raw.
        class: u32,
        /// Supplies the information.
        input: Option<InputMemory>,
    },
}

impl FormatIo {
    /// Whether all memories are transferred whole and nothing is in the output before: [`IoParameters`] then say
    /// everything that this says, but for a `DeviceOffset` of 0 and a memory of no bytes.
    pub fn is_whole(&self) -> bool {
        let input = |memory: &Option<InputMemory>| memory.as_ref().is_none_or(|memory| memory.window.is_none());
        let output = |memory: &Option<OutputMemory>| {
            memory.as_ref().is_none_or(|memory| memory.window.is_none() && memory.contents.is_none())
        };
        match self {
            FormatIo::Read { output: memory, .. } | FormatIo::QueryInformation { output: memory, .. } => output(memory),
            FormatIo::Write { input: memory, .. } | FormatIo::SetInformation { input: memory, .. } => input(memory),
            FormatIo::DeviceControl { input: given, output: room, .. } => input(given) && output(room),
            FormatIo::InternalDeviceControl { .. } | FormatIo::FlushBuffers => true,
        }
    }
}

/// `IWDFRequestCompletionParams`: how a sent request ended (REQ-35, REQ-36).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompletionParams {
    /// The completed type.
    pub kind: IoKind,
    /// Status as the layer below gave it, timeout morphing applied (REQ-25).
    pub status: HResult,
    /// Normally bytes transferred.
    pub information: u64,
    /// Output data: at most Information bytes and never more than the sender has room for (REQ-38, REQ-39).
    pub output: Bytes,
    /// Where in the sender's memory the output goes.
    pub output_start: u64,
    /// Where in the sender's memory the input began.
    pub input_start: u64,
    /// The control code; 0 for other kinds.
    pub code: IoControlCode,
    /// `DeviceOffset` of a read or write in bytes, 0 for none.
    pub device_offset: i64,
}

/// `WDF_REQUEST_SEND_OPTIONS_FLAGS` and the timeout of one Send.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SendOptions {
    /// Raw flag bits.
    pub flags: u32,
    /// Timeout in ticks; used only with [`SendOptions::TIMEOUT`] (REQ-22).
    pub timeout: i64,
}

impl SendOptions {
    /// `WDF_REQUEST_SEND_OPTION_TIMEOUT`.
    pub const TIMEOUT: u32 = 0x1;
    /// `WDF_REQUEST_SEND_OPTION_SYNCHRONOUS`.
    pub const SYNCHRONOUS: u32 = 0x2;
    /// `WDF_REQUEST_SEND_OPTION_IGNORE_TARGET_STATE`.
    pub const IGNORE_TARGET_STATE: u32 = 0x4;
    /// `WDF_REQUEST_SEND_OPTION_SEND_AND_FORGET`.
    pub const SEND_AND_FORGET: u32 = 0x8;
    /// `WDF_REQUEST_SEND_OPTION_IMPERSONATE_CLIENT`: for creates. There is no client token to fail with (REQ-20).
    pub const IMPERSONATE_CLIENT: u32 = 0x1_0000;
    /// `WDF_REQUEST_SEND_OPTION_IMPERSONATION_IGNORE_FAILURE`.
    pub const IMPERSONATION_IGNORE_FAILURE: u32 = 0x2_0000;

    /// Whether all of `bits` are set.
    pub const fn has(self, bits: u32) -> bool {
        self.flags & bits == bits
    }

    /// Refuses what a driver-created request may not be sent with.
    ///
    /// # Errors
    /// `STATUS_INVALID_PARAMETER` for unknown bits, illegal combinations and impersonation of anything but a
    /// create (REQ-16); `STATUS_INVALID_DEVICE_STATE` for SEND_AND_FORGET alone (REQ-17).
    pub fn check_for_created(self) -> Result<(), HResult> {
        let known = Self::TIMEOUT | Self::SYNCHRONOUS | Self::IGNORE_TARGET_STATE | Self::SEND_AND_FORGET;
        if self.flags & !known != 0 || (self.has(Self::SEND_AND_FORGET) && self.flags != Self::SEND_AND_FORGET) {
            return Err(HResult::STATUS_INVALID_PARAMETER);
        }
        if self.has(Self::SEND_AND_FORGET) {
            return Err(HResult::STATUS_INVALID_DEVICE_STATE);
        }
        Ok(())
    }

    /// Refuses what a received request may not be sent on with, `formatted` by a Format call of its own or as it
    /// is. A create that has a file object may not be forgotten (FWD-11).
    ///
    /// # Errors
    /// `STATUS_INVALID_PARAMETER` for unknown bits and illegal combinations (REQ-16);
    /// `STATUS_INVALID_DEVICE_REQUEST` for SEND_AND_FORGET of a formatted request (REQ-17).
    pub fn check_for_received(self, kind: IoKind, has_file: bool, formatted: bool) -> Result<(), HResult> {
        let impersonation = Self::IMPERSONATE_CLIENT | Self::IMPERSONATION_IGNORE_FAILURE;
        let known = Self::TIMEOUT
            | Self::SYNCHRONOUS
            | Self::IGNORE_TARGET_STATE
            | Self::SEND_AND_FORGET
            | Self::IMPERSONATE_CLIENT
            | Self::IMPERSONATION_IGNORE_FAILURE;
        let is_create = kind == IoKind::Create;
        let forgets = self.has(Self::SEND_AND_FORGET);
        let impersonates = self.has(Self::IMPERSONATE_CLIENT);
        let legal = self.flags & !known == 0
            && (!impersonates || is_create)
            && (impersonates || !self.has(Self::IMPERSONATION_IGNORE_FAILURE))
            && (!forgets || self.flags & !(Self::SEND_AND_FORGET | impersonation) == 0)
            && !(forgets && is_create && has_file);
        if !legal {
            Err(HResult::STATUS_INVALID_PARAMETER)
        } else if forgets && formatted {
            Err(HResult::STATUS_INVALID_DEVICE_REQUEST)
        } else {
            Ok(())
        }
    }
}
