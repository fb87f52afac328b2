//! Control codes of files: the table, and what each does.
//!
//! A code is compared whole (IOC-3); what is not in [`CODES`] is `ERROR_INVALID_FUNCTION`. The access bits of a code say which
//! right it takes, as on Windows. Numbers in buffers are little-endian. Codes whose function is 0x800 or above are ours:
//! they stand for calls that have no code of their own on Windows.

use bytes::Bytes;
use rustix::fs::{FallocateFlags, fallocate, fsync};

use super::file::{HostFile, check_end};
use crate::operation::Outcome;
use crate::win32::Win32Error;

/// `IOCTL_DISK_GET_LENGTH_INFO`: the size of the file.
pub const IOCTL_DISK_GET_LENGTH_INFO: u32 = 0x0007_405C;
/// `FSCTL_SET_SPARSE`: files of the host are sparse anyway.
pub const FSCTL_SET_SPARSE: u32 = 0x0009_00C4;
/// `FSCTL_SET_ZERO_DATA`: a range reads as zeros and takes no room.
pub const FSCTL_SET_ZERO_DATA: u32 = 0x0009_80C8;
/// Ours, for `FlushFileBuffers`: what was written is on the medium.
pub const FSCTL_FLUSH_FILE_BUFFERS: u32 = 0x0009_2000;
/// Ours, for `SetEndOfFile`: the size is set; what is new reads as zeros.
pub const FSCTL_SET_END_OF_FILE: u32 = 0x0009_A004;

/// One row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ControlCode {
    /// The full code.
    pub code: u32,
    /// Its name on Windows, or ours.
    pub name: &'static str,
    /// Bytes of input it takes; more is ignored, less is `ERROR_INVALID_PARAMETER`.
    pub input_bytes: u32,
    /// Bytes of output it gives; with less room it is `ERROR_INSUFFICIENT_BUFFER`, and nothing is done.
    pub output_bytes: u32,
    /// The buffers and the effect.
    pub meaning: &'static str,
}

/// Every code that a file knows.
pub const CODES: [ControlCode; 5] = [
    ControlCode {
        code: IOCTL_DISK_GET_LENGTH_INFO,
        name: "IOCTL_DISK_GET_LENGTH_INFO",
        input_bytes: 0,
        output_bytes: 8,
        meaning: "out: size in bytes (i64)",
    },
    ControlCode {
        code: FSCTL_SET_SPARSE,
        name: "FSCTL_SET_SPARSE",
        input_bytes: 0,
        output_bytes: 0,
        meaning: "succeeds and changes nothing",
    },
    ControlCode {
        code: FSCTL_SET_ZERO_DATA,
        name: "FSCTL_SET_ZERO_DATA",
        input_bytes: 16,
        output_bytes: 0,
        meaning: "in: first byte (i64), byte after the last (i64); the size stays",
    },
    ControlCode {
        code: FSCTL_FLUSH_FILE_BUFFERS,
        name: "FSCTL_FLUSH_FILE_BUFFERS",
        input_bytes: 0,
        output_bytes: 0,
        meaning: "ends when all that was written is on the medium",
    },
    ControlCode {
        code: FSCTL_SET_END_OF_FILE,
        name: "FSCTL_SET_END_OF_FILE",
        input_bytes: 8,
        output_bytes: 0,
        meaning: "in: new size in bytes (i64)",
    },
];

/// `FILE_READ_ACCESS` and `FILE_WRITE_ACCESS` in a code.
const READ_ACCESS: u32 = 1 << 14;
const WRITE_ACCESS: u32 = 2 << 14;

pub(super) fn perform(file: &HostFile, code: u32, input: &[u8], output_length: u32) -> Result<Outcome, Win32Error> {
    let known = CODES.iter().find(|known| known.code == code).ok_or(Win32Error::INVALID_FUNCTION)?;
    let lacks_read = code & READ_ACCESS != 0 && !file.rights.read();
    let lacks_write = code & WRITE_ACCESS != 0 && (!file.rights.write() || file.rights.only_append());
    if lacks_read || lacks_write {
        return Err(Win32Error::ACCESS_DENIED);
    }
    if output_length < known.output_bytes {
        return Err(Win32Error::INSUFFICIENT_BUFFER);
    }
    match code {
        IOCTL_DISK_GET_LENGTH_INFO => {
            return Ok(Outcome::read(Bytes::copy_from_slice(&file.size()?.to_le_bytes())));
        }
        FSCTL_SET_ZERO_DATA => set_zero_data(file, number(input, 0)?, number(input, 8)?)?,
        FSCTL_SET_END_OF_FILE => set_end_of_file(file, number(input, 0)?)?,
        FSCTL_FLUSH_FILE_BUFFERS => fsync(&file.file)?,
        _ => {} // FSCTL_SET_SPARSE
    }
    Ok(Outcome::written(0))
}

/// The i64 at `start` of the input, which may be neither short nor negative.
fn number(input: &[u8], start: usize) -> Result<u64, Win32Error> {
    let bytes = input.get(start..).and_then(|rest| rest.first_chunk()).ok_or(Win32Error::INVALID_PARAMETER)?;
    u64::try_from(i64::from_le_bytes(*bytes)).map_err(|_| Win32Error::INVALID_PARAMETER)
}

fn set_zero_data(file: &HostFile, first: u64, beyond: u64) -> Result<(), Win32Error> {
    let length = beyond.checked_sub(first).ok_or(Win32Error::INVALID_PARAMETER)?;
    check_end(first, length)?;
    if length > 0 {
        fallocate(&file.file, FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE, first, length)?;
    }
    Ok(())
}

fn set_end_of_file(file: &HostFile, size: u64) -> Result<(), Win32Error> {
    if size > file.file_bytes_max {
        return Err(Win32Error::FILE_TOO_LARGE);
    }
    Ok(file.file.set_len(size)?)
}
