//! The device without a driver: a stream of bytes with a capacity, room for which is reserved first.
//!
//! Laws: bytes come out in the order in which they went in, each once; content and reservations together never
//! exceed the capacity. What is written is shared, not copied.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};

/// The stream has no room for a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the stream has no room for {needed} bytes, {free} are free; read some first")]
pub struct NoRoom {
    /// Bytes asked for.
    pub needed: u64,
    /// Bytes free.
    pub free: u64,
}

/// A FIFO stream of bytes.
#[derive(Debug)]
pub struct EchoStream {
    capacity: u64,
    /// Bytes promised to writes that have not entered.
    reserved: u64,
    length: u64,
    pieces: VecDeque<Bytes>,
}

impl EchoStream {
    /// An empty stream for at most `capacity` bytes.
    pub fn new(capacity: u64) -> EchoStream {
        EchoStream { capacity, reserved: 0, length: 0, pieces: VecDeque::new() }
    }

    /// Bytes that can be taken.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Whether there is nothing to take.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Sets `needed` bytes aside for a write.
    ///
    /// # Errors
    /// [`NoRoom`]; nothing is set aside.
    pub fn reserve(&mut self, needed: u64) -> Result<(), NoRoom> {
        let free = self.capacity - self.length - self.reserved;
        if needed > free {
            return Err(NoRoom { needed, free });
        }
        self.reserved += needed;
        Ok(())
    }

    /// Gives a reservation up: the write was cancelled.
    pub fn release(&mut self, reserved: u64) {
        self.reserved = self.reserved.saturating_sub(reserved);
    }

    /// Appends `data`, for which its length was reserved.
    pub fn push(&mut self, data: Bytes) {
        let length = data.len() as u64;
        self.release(length);
        self.length += length;
        if !data.is_empty() {
            self.pieces.push_back(data);
        }
    }

    /// Takes up to `length` of the oldest bytes. Copies only when they were written in several pieces.
    pub fn take(&mut self, length: u64) -> Bytes {
        let wanted = length.min(self.length);
        let first = self.take_piece(wanted);
        if first.len() as u64 == wanted {
            return first;
        }
        // Within the capacity, which fits a buffer.
        let mut taken = BytesMut::with_capacity(wanted as usize);
        taken.extend_from_slice(&first);
        while (taken.len() as u64) < wanted {
            let piece = self.take_piece(wanted - taken.len() as u64);
            taken.extend_from_slice(&piece);
        }
        taken.freeze()
    }

    /// Takes up to `length` bytes of the oldest piece.
    fn take_piece(&mut self, length: u64) -> Bytes {
        let Some(piece) = self.pieces.front_mut() else { return Bytes::new() };
        let split = piece.len().min(usize::try_from(length).unwrap_or(usize::MAX));
        let taken = piece.split_to(split);
        if piece.is_empty() {
            self.pieces.pop_front();
        }
        self.length -= taken.len() as u64;
        taken
    }
}
