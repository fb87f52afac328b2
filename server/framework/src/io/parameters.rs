//! What a driver sees of a request: resolved once from the Format call, and shared by all hops that carry it.
//!
//! Law: parameters that somebody else has are never changed; who changes them makes others.

use std::sync::Arc;

use bytes::Bytes;

use super::{CompletionParams, FormatIo, IoKind};
use crate::ioctl::{IoControlCode, TransferMethod};
use crate::memory::{InputMemory, OutputMemory, Window};
use crate::status::HResult;

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
