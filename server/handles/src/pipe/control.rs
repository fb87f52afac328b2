//! The control codes that a pipe knows; every other is `ERROR_INVALID_FUNCTION`.
//!
//! | code | name | where | what |
//! |---|---|---|---|
//! | 0x00110004 | `FSCTL_PIPE_DISCONNECT` | server | as `DisconnectNamedPipe` |
//! | 0x00110008 | `FSCTL_PIPE_LISTEN` | server | as `ConnectNamedPipe`: pends until a client is there |
//! | 0x0011400C | `FSCTL_PIPE_PEEK` | both | the state, and what waits to be read, without taking it |
//!
//! The output of a peek is `FILE_PIPE_PEEK_BUFFER`: the state, the bytes that wait, the number of messages (1 when there
//! is one or more: the host does not count them), the length of the first message, four bytes each in little endian,
//! and then as much of the first message as there is room for, with `ERROR_MORE_DATA` when that is not all of it.

use bytes::{BufMut, BytesMut};
use lowerdeck_framework::status::HResult;

use crate::operation::Outcome;
use crate::transport::Peeked;
use crate::win32::Win32Error;

/// `FSCTL_PIPE_DISCONNECT`.
pub const FSCTL_PIPE_DISCONNECT: u32 = 0x0011_0004;
/// `FSCTL_PIPE_LISTEN`.
pub const FSCTL_PIPE_LISTEN: u32 = 0x0011_0008;
/// `FSCTL_PIPE_PEEK`.
pub const FSCTL_PIPE_PEEK: u32 = 0x0011_400C;
/// Bytes before the data in the output of a peek.
pub const PEEK_HEADER_BYTES: usize = 16;

/// The state of an end, by the numbers of `FILE_PIPE_…_STATE`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PipeState {
    /// `DisconnectNamedPipe` was the last.
    Disconnected = 1,
    /// No client yet.
    Listening = 2,
    /// Both ends are there.
    Connected = 3,
    /// The other end is closed, and all it has written is read.
    Closing = 4,
}

/// What a peek finds; None of an end without a connection.
type Found = (PipeState, Option<Peeked>);

/// The output of a peek, of which `find` looks at what fits into the room after the header.
pub fn peek_buffer(output_length: usize, find: impl FnOnce(usize) -> Result<Found, Win32Error>) -> Outcome {
    let Some(room) = output_length.checked_sub(PEEK_HEADER_BYTES) else {
        return Outcome::failed(HResult::ERROR_INSUFFICIENT_BUFFER);
    };
    let (state, peeked) = match find(room) {
        Ok(found) => found,
        Err(error) => return Outcome::failed(error.hresult()),
    };
    let mut output = BytesMut::with_capacity(PEEK_HEADER_BYTES);
    output.put_u32_le(state as u32);
    let count = |bytes: usize| u32::try_from(bytes).unwrap_or(u32::MAX);
    let Some(peeked) = peeked else {
        output.put_bytes(0, PEEK_HEADER_BYTES - output.len());
        return Outcome::read(output.freeze());
    };
    output.put_u32_le(count(peeked.available));
    output.put_u32_le(u32::from(peeked.any));
    output.put_u32_le(count(peeked.message));
    output.extend_from_slice(&peeked.data);
    let status = if peeked.message > peeked.data.len() { HResult::ERROR_MORE_DATA } else { HResult::S_OK };
    Outcome::partly_read(status, output.freeze())
}
