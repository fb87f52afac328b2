//! What may be asked of a file or a target: the arguments of the FormatRequestForXxx methods, in short.
//!
//! Law: zero bytes stand for no memory. What a request is sent to is not said here.

use bytes::Bytes;
use lowerdeck_proto::v1;
use lowerdeck_proto::v1::format::Io;

/// A read of `length` bytes at `offset`, both in bytes.
pub fn read(offset: i64, length: u64) -> Io {
    Io::Read(v1::ReadFormat { device_offset: Some(offset), output_memory: memory_for_output(length) })
}

/// A write of `data` at `offset` bytes.
pub fn write(offset: i64, data: impl Into<Bytes>) -> Io {
    Io::Write(v1::WriteFormat { device_offset: Some(offset), input_memory: memory_for_input(data.into()) })
}

/// A device control request with the full 32-bit control code (IOC-1).
pub fn device_io_control(code: u32, input: impl Into<Bytes>, output_length: u64) -> Io {
    let output_memory = memory_for_output(output_length);
    Io::DeviceControl(v1::DeviceControlFormat { code, input_memory: memory_for_input(input.into()), output_memory })
}

/// A device control request whose second buffer is input as well, `METHOD_IN_DIRECT` (IOC-7): the drivers find `contents`
/// in their output buffer.
pub fn device_io_control_in_direct(code: u32, input: impl Into<Bytes>, contents: impl Into<Bytes>) -> Io {
    let contents: Bytes = contents.into();
    let output_memory = v1::OutputMemory { size: contents.len() as u64, offset: None, contents };
    let input_memory = memory_for_input(input.into());
    Io::DeviceControl(v1::DeviceControlFormat { code, input_memory, output_memory: Some(output_memory) })
}

/// A flush.
pub fn flush() -> Io {
    Io::Flush(v1::FlushFormat {})
}

/// A query for information of a raw `FILE_INFORMATION_CLASS`, of at most `length` bytes.
pub fn query_information(information_class: u32, length: u64) -> Io {
    Io::QueryInformation(v1::QueryInformationFormat { information_class, output_memory: memory_for_output(length) })
}

/// A change of information of a raw `FILE_INFORMATION_CLASS`.
pub fn set_information(information_class: u32, data: impl Into<Bytes>) -> Io {
    Io::SetInformation(v1::SetInformationFormat { information_class, input_memory: memory_for_input(data.into()) })
}

/// A memory of its own for output; none for zero bytes.
fn memory_for_output(size: u64) -> Option<v1::OutputMemory> {
    (size > 0).then(|| v1::OutputMemory { size, ..v1::OutputMemory::default() })
}

/// A memory with these contents; none for no bytes.
fn memory_for_input(data: Bytes) -> Option<v1::InputMemory> {
    (!data.is_empty()).then_some(v1::InputMemory { data, offset: None })
}
