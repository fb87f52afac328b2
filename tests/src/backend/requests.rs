//! Requests: what a Format call says, what a completion gives back, and what L0 does with a request.

use bytes::Bytes;
use lowerdeck_framework::stack::CancelAnswer;
use lowerdeck_framework::status::HResult;

use super::Call;

/// A window of a memory: offset and length in bytes (TGT-9).
pub type Window = (u64, u64);

/// The kind-specific part of a Format call.
#[derive(Debug, Clone)]
pub enum Io {
    /// `FormatRequestForRead`.
    Read {
        /// Size of the memory in bytes; None is a NULL memory.
        size: Option<u64>,
        /// Which part of it.
        window: Option<Window>,
        /// `DeviceOffset` in bytes.
        offset: Option<i64>,
    },
    /// `FormatRequestForWrite`.
    Write {
        /// The memory; None is a NULL memory.
        data: Option<Bytes>,
        /// Which part of it.
        window: Option<Window>,
        /// `DeviceOffset` in bytes.
        offset: Option<i64>,
    },
    /// `FormatRequestForIoctl`.
    DeviceControl {
        /// The full 32-bit code.
        code: u32,
        /// The input memory.
        input: Option<Bytes>,
        /// Size of the output memory in bytes.
        output: Option<u64>,
    },
    /// `FormatRequestForIoctl` with something in the output memory, for `METHOD_IN_DIRECT` (IOC-7).
    InDirect {
        /// The full 32-bit code.
        code: u32,
        /// The input memory.
        input: Option<Bytes>,
        /// What fills the output memory.
        contents: Bytes,
    },
    /// An internal device control, for which there is no Format call (IOC-14).
    InternalDeviceControl {
        /// The full 32-bit code.
        code: u32,
    },
    /// `FormatRequestForFlush`.
    FlushBuffers,
    /// `FormatRequestForQueryInformation`.
    QueryInformation {
        /// The information class.
        class: u32,
        /// Size of the memory in bytes; None is a NULL memory.
        size: Option<u64>,
    },
    /// `FormatRequestForSetInformation`.
    SetInformation {
        /// The information class.
        class: u32,
        /// The memory; None is a NULL memory.
        data: Option<Bytes>,
    },
}

/// One `OnCompletion` that reached L0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completion {
    /// Which request.
    pub request: u64,
    /// How it ended.
    pub status: HResult,
    /// Normally bytes transferred.
    pub information: u64,
    /// Output data.
    pub data: Bytes,
    /// What was asked for.
    pub echo: Echo,
}

/// What completion parameters repeat of the Format call (REQ-36). What was not given is 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Echo {
    /// `GetCompletedRequestType`, as `read`, `write`, `ioctl`, `flush` and so on.
    pub kind: String,
    /// The control code.
    pub code: u32,
    /// `DeviceOffset` in bytes.
    pub device_offset: i64,
    /// Where in its memory the input began.
    pub input_start: u64,
    /// Where in its memory the output goes.
    pub output_start: u64,
}

/// What `GetRequest` shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// `Unformatted`, `Formatted`, `Pended`, `InFlight`, `Completed`.
    pub state: String,
    /// `GetStatus`.
    pub status: HResult,
    /// `GetType` as `read`, `write`, `ioctl`; empty when unformatted.
    pub kind: String,
    /// What the request's output memory has received.
    pub data: Bytes,
}

/// What L0 does with its requests.
pub trait Requests {
    /// `CreateRequest`, with or without `OnCompletion`.
    fn create_request(&mut self, request: u64, callback: bool);
    /// `FormatRequestFor…`; no file is a NULL `pFile`.
    ///
    /// # Errors
    /// The question itself was refused, for this reason: on the wire, before UMDF was asked.
    fn format(&mut self, request: u64, file: Option<u64>, io: Io) -> Result<HResult, String>;
    /// `CreateRequest` with `OnCompletion`, `FormatRequestFor…` and `Send`; gives what the last of them gave.
    ///
    /// # Errors
    /// As [`Requests::format`].
    fn start(&mut self, request: u64, file: u64, io: Io, flags: u32, timeout: i64) -> Result<HResult, String> {
        self.start_in_steps(request, file, io, flags, timeout)
    }
    /// [`Requests::start`], one call after the other.
    ///
    /// # Errors
    /// As [`Requests::format`].
    fn start_in_steps(&mut self, request: u64, file: u64, io: Io, flags: u32, timeout: i64) -> Result<HResult, String> {
        self.create_request(request, true);
        match self.format(request, Some(file), io)? {
            HResult::S_OK => Ok(self.send(request, flags, timeout)),
            failed => Ok(failed),
        }
    }
    /// `Send`, never synchronous here.
    fn send(&mut self, request: u64, flags: u32, timeout: i64) -> HResult;
    /// Begins a `Send` whose answer is looked at later; a synchronous one returns when the request has completed.
    fn begin_send(&mut self, request: u64, flags: u32, timeout: i64) -> Call;
    /// `CancelSentRequest`.
    fn cancel(&mut self, request: u64) -> CancelAnswer;
    /// `Reuse`, and `SetCompletionCallback` when `callback`.
    fn reuse(&mut self, request: u64, status: HResult, callback: bool);
    /// `DeleteWdfObject`.
    fn delete(&mut self, request: u64) -> HResult;
    /// State and `GetStatus`.
    fn view(&mut self, request: u64) -> Option<View>;
    /// Completions that reached L0 since the last call, in order.
    fn take_completions(&mut self) -> Vec<Completion>;
}
