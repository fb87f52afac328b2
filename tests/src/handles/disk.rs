//! A file on a disk: read and written at an offset, never pending (FHT-10, FHT-18).

use bytes::Bytes;
use lowerdeck_framework::handle::HostIoId;
use lowerdeck_framework::status::HResult;

use super::Finished;

/// Largest file of the model, in bytes.
pub const DISK_FILE_BYTES_MAX: usize = 1 << 20;

/// See the module.
#[derive(Debug)]
pub struct Disk {
    content: Vec<u8>,
}

impl Disk {
    /// A file with `content`.
    pub fn new(content: &Bytes) -> Disk {
        Disk { content: content.to_vec() }
    }

    /// What is in it.
    pub fn content(&self) -> Bytes {
        Bytes::copy_from_slice(&self.content)
    }

    /// Reads at most `length` bytes at `offset`; nothing is left at its end.
    pub fn read(&self, io: HostIoId, offset: i64, length: usize) -> Finished {
        let Ok(start) = usize::try_from(offset) else { return Finished::with(io, HResult::E_INVALIDARG) };
        if length > 0 && start >= self.content.len() {
            return Finished::with(io, HResult::ERROR_HANDLE_EOF);
        }
        let start = start.min(self.content.len());
        let end = start.saturating_add(length).min(self.content.len());
        Finished::reading(io, HResult::S_OK, Bytes::copy_from_slice(&self.content[start..end]))
    }

    /// Writes at `offset`; a gap reads as zeros.
    pub fn write(&mut self, io: HostIoId, offset: i64, data: &Bytes) -> Finished {
        let start = usize::try_from(offset).ok();
        let end = start.and_then(|start| start.checked_add(data.len())).filter(|end| *end <= DISK_FILE_BYTES_MAX);
        let (Some(start), Some(end)) = (start, end) else { return Finished::with(io, HResult::E_INVALIDARG) };
        if self.content.len() < end {
            self.content.resize(end, 0);
        }
        self.content[start..end].copy_from_slice(data);
        Finished::writing(io, data.len())
    }
}
