//! One end of a duplex pipe: message type, message read mode, wait mode (FHT-14).
//!
//! Messages are neither merged nor split by who writes them; a short read takes a part and leaves the rest (FHT-15). A
//! read of an empty pipe pends, a write to a full one too (FHT-17). Offsets mean nothing (FHT-10).

use std::collections::VecDeque;

use bytes::Bytes;
use lowerdeck_framework::handle::HostIoId;
use lowerdeck_framework::status::HResult;

use super::{Finished, PeerAct};

/// Bytes that a pipe holds in each direction before writes pend; a message is taken whole when there is any room.
pub const PIPE_QUOTA_BYTES: usize = 4096;

/// Where a pipe is in its life (FHT-18).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Connection {
    Listening,
    Connected,
    PeerClosed,
}

/// See the module.
#[derive(Debug)]
pub struct Pipe {
    connection: Connection,
    /// What the peer has written; of the first message a part may be gone.
    inbound: VecDeque<Bytes>,
    outbound: VecDeque<Bytes>,
    /// Reads that wait for a message, with their lengths.
    reads: VecDeque<(HostIoId, usize)>,
    /// Writes that wait for room.
    writes: VecDeque<(HostIoId, Bytes)>,
}

impl Pipe {
    /// A pipe whose peer is there, or is awaited.
    pub fn new(connected: bool) -> Pipe {
        let connection = if connected { Connection::Connected } else { Connection::Listening };
        Pipe {
            connection,
            inbound: VecDeque::new(),
            outbound: VecDeque::new(),
            reads: VecDeque::new(),
            writes: VecDeque::new(),
        }
    }

    /// A read of at most `length` bytes.
    pub fn read(&mut self, io: HostIoId, length: usize, finished: &mut Vec<Finished>) {
        match self.connection {
            Connection::Listening => finished.push(Finished::with(io, HResult::ERROR_PIPE_LISTENING)),
            Connection::Connected | Connection::PeerClosed => {
                self.reads.push_back((io, length));
                self.serve(finished);
            }
        }
    }

    /// A write of one message.
    pub fn write(&mut self, io: HostIoId, data: Bytes, finished: &mut Vec<Finished>) {
        match self.connection {
            Connection::Listening => finished.push(Finished::with(io, HResult::ERROR_PIPE_LISTENING)),
            Connection::PeerClosed => finished.push(Finished::with(io, HResult::ERROR_NO_DATA)),
            Connection::Connected => {
                self.writes.push_back((io, data));
                self.serve(finished);
            }
        }
    }

    /// Takes a pending operation back; one that has ended is left alone (FHT-13).
    pub fn cancel(&mut self, io: HostIoId, finished: &mut Vec<Finished>) {
        let pending = self.reads.len() + self.writes.len();
        self.reads.retain(|(pending, _)| *pending != io);
        self.writes.retain(|(pending, _)| *pending != io);
        if self.reads.len() + self.writes.len() < pending {
            finished.push(Finished::with(io, HResult::ERROR_OPERATION_ABORTED));
        }
    }

    /// The other end acts.
    pub fn peer(&mut self, act: PeerAct, finished: &mut Vec<Finished>) {
        match (act, self.connection) {
            (PeerAct::Connect, Connection::Listening) => self.connection = Connection::Connected,
            (PeerAct::Write(message), Connection::Connected) => self.inbound.push_back(message),
            (PeerAct::Close, Connection::Connected) => self.connection = Connection::PeerClosed,
            (act, connection) => panic!("the peer cannot {act:?} a pipe that is {connection:?}"),
        }
        self.serve(finished);
    }

    /// The peer takes what has come out.
    pub fn take_outbound(&mut self, finished: &mut Vec<Finished>) -> Vec<Bytes> {
        let mut taken = Vec::new();
        while !self.outbound.is_empty() {
            taken.extend(self.outbound.drain(..));
            self.serve(finished); // there is room again
        }
        taken
    }

    /// The handle is closed: what pends is aborted (FHT-20).
    pub fn close(&mut self, finished: &mut Vec<Finished>) {
        let reads = self.reads.drain(..).map(|(io, _)| io);
        let writes = self.writes.drain(..).map(|(io, _)| io);
        finished.extend(reads.chain(writes).map(|io| Finished::with(io, HResult::ERROR_OPERATION_ABORTED)));
    }

    /// Ends whatever can end now, oldest first.
    fn serve(&mut self, finished: &mut Vec<Finished>) {
        while let Some((io, length)) = self.reads.front().copied() {
            let Some(message) = self.inbound.front_mut() else { break };
            self.reads.pop_front();
            if message.len() > length {
                let part = message.split_to(length);
                finished.push(Finished::reading(io, HResult::ERROR_MORE_DATA, part));
            } else if let Some(message) = self.inbound.pop_front() {
                finished.push(Finished::reading(io, HResult::S_OK, message));
            }
        }
        let has_room = |held: &VecDeque<Bytes>| held.iter().map(Bytes::len).sum::<usize>() < PIPE_QUOTA_BYTES;
        while self.connection == Connection::Connected && has_room(&self.outbound) {
            let Some((io, message)) = self.writes.pop_front() else { break };
            finished.push(Finished::writing(io, message.len()));
            self.outbound.push_back(message);
        }
        if self.connection == Connection::PeerClosed {
            let reads = self.reads.drain(..).map(|(io, _)| Finished::with(io, HResult::ERROR_BROKEN_PIPE));
            finished.extend(reads);
            let writes = self.writes.drain(..).map(|(io, _)| Finished::with(io, HResult::ERROR_NO_DATA));
            finished.extend(writes);
        }
    }
}
