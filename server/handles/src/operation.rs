//! One operation on a handle, as the I/O that leaves a stack asks for it (FHT-10), and its outcome.
//!
//! Laws: an operation has exactly one outcome; cancelling it is a wish with three legal outcomes (FHT-13); data that
//! came with a warning is valid (FHT-15). Must not know what the handle is of.

use bytes::Bytes;
use lowerdeck_framework::status::HResult;

/// Most bytes that one operation moves in either direction: 16 MiB, so that one request can not take the memory of all.
pub const TRANSFER_BYTES_MAX: u32 = 16 << 20;

/// What is asked of a handle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operation {
    /// `ReadFile` with an OVERLAPPED structure.
    Read {
        /// Most bytes to read, at most [`TRANSFER_BYTES_MAX`].
        length: u32,
        /// Offset of the OVERLAPPED structure in bytes; pipes and sockets ignore it (FHT-10).
        offset: u64,
    },
    /// `WriteFile` with an OVERLAPPED structure.
    Write {
        /// The bytes to write, at most [`TRANSFER_BYTES_MAX`].
        data: Bytes,
        /// Offset of the OVERLAPPED structure in bytes; pipes and sockets ignore it (FHT-10).
        offset: u64,
    },
    /// `DeviceIoControl`.
    Control {
        /// The full 32-bit code; one that the handle does not know is `ERROR_INVALID_FUNCTION`.
        code: u32,
        /// The input buffer.
        input: Bytes,
        /// Size of the output buffer in bytes, at most [`TRANSFER_BYTES_MAX`].
        output_length: u32,
    },
}

/// How an operation ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// `HRESULT_FROM_WIN32` of the error, `S_OK` without one.
    pub status: HResult,
    /// Bytes transferred.
    pub information: u64,
    /// What was read; the output of a control. Empty for a write.
    pub data: Bytes,
}

impl Outcome {
    /// Failed, with nothing transferred.
    pub const fn failed(status: HResult) -> Outcome {
        Outcome { status, information: 0, data: Bytes::new() }
    }

    /// Read, or put out by a control: all of `data` was transferred.
    pub fn read(data: Bytes) -> Outcome {
        Outcome::partly_read(HResult::S_OK, data)
    }

    /// Read with a warning, such as `ERROR_MORE_DATA`: what is there is valid (REQ-37).
    pub fn partly_read(status: HResult, data: Bytes) -> Outcome {
        Outcome { status, information: data.len() as u64, data }
    }

    /// Written.
    pub const fn written(bytes: u64) -> Outcome {
        Outcome { status: HResult::S_OK, information: bytes, data: Bytes::new() }
    }
}
