//! The requests of a load, one after the other, as the contract writes them.

use bytes::Bytes;
use lowerdeck_proto::v1;

use super::LoadIo;

/// Where the next request goes.
pub(super) struct Aim {
    io: LoadIo,
    input: Bytes,
    state: u64,
}

impl Aim {
    pub(super) fn new(io: LoadIo, seed: u64) -> Aim {
        let input = match io {
            LoadIo::DeviceControl { input } => Bytes::from(vec![0x5A; input]),
            LoadIo::RandomRead { .. } | LoadIo::SequentialRead { .. } => Bytes::new(),
        };
        Aim { io, input, state: seed | 1 }
    }

    /// The next request's format, without a file.
    pub(super) fn next(&mut self) -> v1::Format {
        let io = match self.io {
            LoadIo::DeviceControl { .. } => v1::format::Io::DeviceControl(v1::DeviceControlFormat {
                code: 0x8000_2000,
                input_memory: Some(v1::InputMemory { data: self.input.clone(), offset: None }),
                ..Default::default()
            }),
            LoadIo::RandomRead { length, span } => {
                // Marsaglia's xorshift: cheap, and good enough to scatter reads.
                self.state ^= self.state << 13;
                self.state ^= self.state >> 7;
                self.state ^= self.state << 17;
                read(self.state % (span / length).max(1) * length, length)
            }
            LoadIo::SequentialRead { length, span } => {
                let offset = self.state & !1;
                self.state = if offset + 2 * length > span { 1 } else { (offset + length) | 1 };
                read(offset, length)
            }
        };
        v1::Format { io: Some(io), ..Default::default() }
    }
}

pub(super) fn read(offset: u64, length: u64) -> v1::format::Io {
    v1::format::Io::Read(v1::ReadFormat {
        device_offset: Some(offset as i64),
        output_memory: Some(v1::OutputMemory { size: length, ..Default::default() }),
    })
}
