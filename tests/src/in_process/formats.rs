//! What a script asks a Format call for, as the framework takes it.

use bytes::Bytes;
use lowerdeck_framework::io::FormatIo;
use lowerdeck_framework::ioctl::IoControlCode;
use lowerdeck_framework::memory::{InputMemory, MemoryOffset, OutputMemory};

use crate::backend::{Io, Window};

pub(super) fn format_io(io: Io) -> FormatIo {
    match io {
        Io::Read { size, window, offset: device_offset } => {
            FormatIo::Read { output: output(size, window), device_offset }
        }
        Io::Write { data, window, offset: device_offset } => {
            FormatIo::Write { input: data.map(|data| InputMemory { data, window: offset(window) }), device_offset }
        }
        Io::DeviceControl { code, input: data, output: size } => FormatIo::DeviceControl {
            code: IoControlCode(code),
            input: input(data),
            output: size.map(OutputMemory::empty),
        },
        Io::InDirect { code, input: data, contents } => FormatIo::DeviceControl {
            code: IoControlCode(code),
            input: input(data),
            output: Some(OutputMemory {
                size: contents.len() as u64,
                window: None,
                contents: Some(Box::new(contents)),
            }),
        },
        Io::InternalDeviceControl { code } => FormatIo::InternalDeviceControl { code: IoControlCode(code) },
        Io::FlushBuffers => FormatIo::FlushBuffers,
        Io::QueryInformation { class, size } => FormatIo::QueryInformation { class, output: output(size, None) },
        Io::SetInformation { class, data } => FormatIo::SetInformation { class, input: input(data) },
    }
}

fn offset(window: Option<Window>) -> Option<Box<MemoryOffset>> {
    window.map(|(buffer_offset, buffer_length)| Box::new(MemoryOffset { buffer_offset, buffer_length }))
}

fn input(data: Option<Bytes>) -> Option<InputMemory> {
    data.map(|data| InputMemory { data, window: None })
}

fn output(size: Option<u64>, window: Option<Window>) -> Option<OutputMemory> {
    size.map(|size| OutputMemory { window: offset(window), ..OutputMemory::empty(size) })
}
