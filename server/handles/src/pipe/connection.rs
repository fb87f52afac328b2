//! One connection of a pipe, seen from one of its ends: what its operations come to (FHT-14 to FHT-18).
//!
//! Must not know how the connection came about, nor which end it is.

use bytes::Bytes;
use lowerdeck_framework::status::HResult;
use rustix::io::Errno;
use tokio_util::sync::CancellationToken;

use super::control::{PipeState, peek_buffer};
use crate::handle::{Ending, Framing};
use crate::operation::Outcome;
use crate::transport::{MESSAGE_BYTES_MAX, Received, Transport};
use crate::win32::Win32Error;

/// See the module.
#[derive(Debug)]
pub struct Connection {
    transport: Transport,
    pipe_type: Framing,
    read_mode: Framing,
    /// This end has disconnected or closed.
    ended: CancellationToken,
}

impl Connection {
    pub fn new(transport: Transport, pipe_type: Framing, read_mode: Framing) -> Connection {
        Connection { transport, pipe_type, read_mode, ended: CancellationToken::new() }
    }

    /// Reads what is there, or waits for it (FHT-17).
    pub async fn read(&self, length: usize, ending: &Ending) -> Outcome {
        let received = tokio::select! {
            biased;
            () = self.ended.cancelled() => return self.after_end(ending),
            received = self.transport.receive(length) => received,
            () = ending.requested() => return aborted(),
        };
        match received {
            Ok(Received::Data { data, more: true }) if self.read_mode == Framing::Message => {
                Outcome::partly_read(HResult::ERROR_MORE_DATA, data)
            }
            Ok(Received::Data { data, .. }) => Outcome::read(data),
            // A limit of ours, which the peer overstepped; the message is gone, the pipe stays.
            Ok(Received::TooLong) => failed(Win32Error::NO_SYSTEM_RESOURCES),
            _ if self.ended.is_cancelled() => self.after_end(ending),
            Ok(Received::End) | Err(Errno::CONNRESET | Errno::PIPE | Errno::NOTCONN) => failed(Win32Error::BROKEN_PIPE),
            Err(error) => failed(error.into()),
        }
    }

    /// Writes one message or all bytes, waiting for room (FHT-17).
    pub async fn write(&self, data: Bytes, ending: &Ending) -> Outcome {
        if self.pipe_type == Framing::Message && data.len() > MESSAGE_BYTES_MAX {
            return failed(Win32Error::NO_SYSTEM_RESOURCES);
        }
        if self.pipe_type == Framing::Byte && data.is_empty() {
            return Outcome::written(0);
        }
        let mut sent = 0;
        let written = tokio::select! {
            biased;
            () = self.ended.cancelled() => None,
            written = self.transport.send(&data, &mut sent) => Some(written),
            () = ending.requested() => Some(Err(Errno::CANCELED)),
        };
        let status = match written {
            None => self.after_end(ending).status,
            Some(Ok(())) => HResult::S_OK,
            Some(Err(Errno::CANCELED)) => HResult::ERROR_OPERATION_ABORTED,
            Some(Err(_)) if self.ended.is_cancelled() => self.after_end(ending).status,
            Some(Err(Errno::PIPE | Errno::CONNRESET | Errno::NOTCONN)) => HResult::ERROR_NO_DATA,
            Some(Err(error)) => Win32Error::from(error).hresult(),
        };
        // Bytes that are gone are counted, however the rest ended.
        Outcome { status, information: sent as u64, data: Bytes::new() }
    }

    /// `FSCTL_PIPE_PEEK` (see [`super::control`]).
    pub fn peek(&self, output_length: usize) -> Outcome {
        peek_buffer(output_length, |room| match self.transport.peek(room) {
            Ok(peeked) => {
                let state = if peeked.ended { PipeState::Closing } else { PipeState::Connected };
                Ok((state, Some(peeked)))
            }
            Err(Errno::CONNRESET | Errno::PIPE | Errno::NOTCONN) => Ok((PipeState::Closing, None)),
            Err(error) => Err(error.into()),
        })
    }

    /// Whether the peer has closed and nothing of it is left to read.
    pub fn is_drained(&self) -> bool {
        self.transport.peek(0).map_or(true, |peeked| peeked.ended)
    }

    /// Ends the connection from this side; what waits on it ends with it.
    pub fn end(&self) {
        // In this order: who wakes up because of the shutdown shall know whose doing it was.
        self.ended.cancel();
        self.transport.shut_down();
    }

    fn after_end(&self, ending: &Ending) -> Outcome {
        if ending.is_requested() { aborted() } else { failed(Win32Error::PIPE_NOT_CONNECTED) }
    }
}

fn aborted() -> Outcome {
    Outcome::failed(HResult::ERROR_OPERATION_ABORTED)
}

fn failed(error: Win32Error) -> Outcome {
    Outcome::failed(error.hresult())
}
