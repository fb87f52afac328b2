//! What an I/O request asks for: as its sender formats it, and as the driver below sees it.

use std::sync::Arc;

use bytes::Bytes;

use crate::ids::FileId;
use crate::ioctl::{IoControlCode, TransferMethod};
use crate::memory::{InputMemory, OutputMemory, Window};
use crate::status::HResult;

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

/// What the driver below sees: effective lengths and data (TGT-12). Two separate buffers, always (IOC-5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IoParameters {
    /// Which request type.
    pub kind: IoKind,
    /// The control code; 0 for other kinds.
    pub code: IoControlCode,
    /// `FILE_INFORMATION_CLASS` of a query or set; 0 for other kinds.
    pub information_class: u32,
    /// `DeviceOffset` of reads and writes in bytes; may be negative, which drivers must refuse themselves.
    pub device_offset: i64,
    /// Input bytes: data of a write or set, input of a device control. Shared, never modified (IOC-5).
    pub input: Bytes,
    /// Where in the sender's memory the input begins; echoed in the completion parameters (REQ-36).
    pub input_start: u64,
    /// Bytes the sender has room for.
    pub output_length: u64,
    /// Where in the sender's memory the output goes; echoed in the completion parameters (REQ-36).
    pub output_start: u64,
    /// What the output buffer begins with, zeros after its end: of a `METHOD_IN_DIRECT` code (IOC-7), or what a layer
    /// above wrote before it sent the request on. Boxed: it is rare, and these parameters travel with every request.
    pub output_contents: Option<Box<Bytes>>,
}

impl IoParameters {
    /// A create request: no buffers.
    pub fn create() -> IoParameters {
        IoParameters {
            kind: IoKind::Create,
            code: IoControlCode(0),
            information_class: 0,
            device_offset: 0,
            input: Bytes::new(),
            input_start: 0,
            output_length: 0,
            output_start: 0,
            output_contents: None,
        }
    }

    /// The completion parameters of a request that asked for it (REQ-36).
    pub(crate) fn completion(&self, status: HResult, information: u64, output: Bytes) -> CompletionParams {
        CompletionParams {
            kind: self.kind,
            status,
            information,
            output,
            output_start: self.output_start,
            input_start: self.input_start,
            code: self.code,
            device_offset: self.device_offset,
        }
    }

    /// The limit of Information on success (REQ-39): bytes transferred can not exceed the buffer. A device
    /// control without output may report anything up to its input.
    pub fn information_limit(&self) -> u64 {
        match self.kind {
            IoKind::Create | IoKind::FlushBuffers | IoKind::SetInformation => u64::MAX, // nothing is transferred up
            IoKind::Read | IoKind::QueryInformation => self.output_length,
            IoKind::Write => self.input.len() as u64,
            IoKind::DeviceControl => self.output_length.max(self.input.len() as u64),
        }
    }

    /// Length as the handler's argument shows it: of the input for writes and sets, of the output otherwise.
    pub fn length(&self) -> u64 {
        match self.kind {
            IoKind::Write | IoKind::SetInformation => self.input.len() as u64,
            _ => self.output_length,
        }
    }

    /// Whether a queue that forbids zero-length requests ends it by itself (QUE-11): ioctls are not affected.
    pub fn is_zero_length_transfer(&self) -> bool {
        matches!(self.kind, IoKind::Read | IoKind::Write) && self.length() == 0
    }
}

impl IoParameters {
    /// The Format call that asks for the same again: type, code, offset, data and lengths. None for a create,
    /// which has no Format call of its own (TGT-15).
    pub fn to_format(&self) -> Option<FormatIo> {
        let input = (!self.input.is_empty()).then(|| InputMemory { data: self.input.clone(), window: None });
        let memory = || OutputMemory { size: self.output_length, window: None, contents: self.output_contents.clone() };
        let output = (self.output_length > 0).then(memory);
        let device_offset = Some(self.device_offset);
        let class = self.information_class;
        match self.kind {
            IoKind::Create => None,
            IoKind::Read => Some(FormatIo::Read { output, device_offset }),
            IoKind::Write => Some(FormatIo::Write { input, device_offset }),
            IoKind::DeviceControl => Some(FormatIo::DeviceControl { code: self.code, input, output }),
            IoKind::FlushBuffers => Some(FormatIo::FlushBuffers),
            IoKind::QueryInformation => Some(FormatIo::QueryInformation { class, output }),
            IoKind::SetInformation => Some(FormatIo::SetInformation { class, input }),
        }
    }
}

impl TryFrom<FormatIo> for IoParameters {
    type Error = HResult;

    /// Resolves the memory windows.
    ///
    /// # Errors
    /// `STATUS_INTEGER_OVERFLOW` for a window outside its memory (TGT-11); `STATUS_INVALID_DEVICE_REQUEST` for an
    /// internal device control (IOC-14).
    fn try_from(format: FormatIo) -> Result<IoParameters, HResult> {
        let source = |memory: Option<InputMemory>| memory.map_or(Ok(Default::default()), InputMemory::effective);
        let room = |memory: &Option<OutputMemory>| {
            let window = |memory: &OutputMemory| Window::resolve(memory.size, memory.window.as_deref());
            memory.as_ref().map_or(Ok(Window::default()), window)
        };
        let mut parameters = IoParameters::create();
        match format {
            FormatIo::Read { output, device_offset } => {
                let window = room(&output)?;
                parameters.kind = IoKind::Read;
                parameters.device_offset = device_offset.unwrap_or(0);
                (parameters.output_start, parameters.output_length) = (window.start, window.length);
            }
            FormatIo::Write { input, device_offset } => {
                parameters.kind = IoKind::Write;
                parameters.device_offset = device_offset.unwrap_or(0);
                (parameters.input_start, parameters.input) = source(input)?;
            }
            FormatIo::DeviceControl { code, input, output } => {
                let window = room(&output)?;
                parameters.kind = IoKind::DeviceControl;
                parameters.code = code;
                (parameters.input_start, parameters.input) = source(input)?;
                (parameters.output_start, parameters.output_length) = (window.start, window.length);
                if code.method() == TransferMethod::InDirect {
                    parameters.output_contents = output.and_then(|memory| memory.contents_of(window)).map(Box::new);
                }
            }
            FormatIo::InternalDeviceControl { .. } => return Err(HResult::STATUS_INVALID_DEVICE_REQUEST),
            FormatIo::FlushBuffers => parameters.kind = IoKind::FlushBuffers,
            FormatIo::QueryInformation { class, output } => {
                let window = room(&output)?;
                (parameters.kind, parameters.information_class) = (IoKind::QueryInformation, class);
                (parameters.output_start, parameters.output_length) = (window.start, window.length);
            }
            FormatIo::SetInformation { class, input } => {
                (parameters.kind, parameters.information_class) = (IoKind::SetInformation, class);
                (parameters.input_start, parameters.input) = source(input)?;
            }
        }
        Ok(parameters)
    }
}

/// Parameters of requests that are gone, to be used for new ones: an allocation that one thread makes and another frees
/// costs more than what is put into it.
#[derive(Debug, Default)]
pub(crate) struct Spares(Vec<Arc<IoParameters>>);

/// Most parameters that wait to be used again: some batches' worth, about 100 KiB.
const SPARES_MAX: usize = 1024;

impl Spares {
    pub(crate) fn share(&mut self, parameters: IoParameters) -> Arc<IoParameters> {
        let Some(mut spare) = self.0.pop() else { return Arc::new(parameters) };
        match Arc::get_mut(&mut spare) {
            Some(slot) => {
                *slot = parameters;
                spare
            }
            None => Arc::new(parameters),
        }
    }

    /// Keeps what nobody else has; its data goes at once.
    pub(crate) fn keep(&mut self, mut spare: Arc<IoParameters>) {
        if self.0.len() < SPARES_MAX
            && let Some(slot) = Arc::get_mut(&mut spare)
        {
            (slot.input, slot.output_contents) = (Bytes::new(), None);
            self.0.push(spare);
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
