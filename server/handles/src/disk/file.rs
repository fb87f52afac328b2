//! An open file: reads and writes at offsets, cancel, and the end of its descriptor.
//!
//! Laws: what is read goes from the host into the buffer that is handed on, and what is written from the caller's buffer
//! to the host: no copy between. An operation that has begun ends by itself; one that waits for its turn ends when it is
//! cancelled or its handle is closed (FHT-13, FHT-20). The descriptor lives as long as the [`DiskFile`] and the calls that
//! have begun. Knows neither names nor other handles.

use std::io::IoSlice;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use cap_std::fs::File;
use rustix::buffer::spare_capacity;
use rustix::fs::fstat;
use rustix::io::{Errno, ReadWriteFlags, pread, pwritev2};

use super::control;
use super::pool::BlockingPool;
use super::rights::Rights;
use super::sharing::Share;
use crate::handle::Ending;
use crate::operation::{Operation, Outcome};
use crate::win32::Win32Error;

/// Both halves of an OVERLAPPED offset all ones: the write goes to the end of the file.
pub const WRITE_TO_END_OF_FILE: u64 = u64::MAX;

/// A handle on a file.
#[derive(Debug)]
pub struct DiskFile {
    file: Arc<HostFile>,
    pool: BlockingPool,
}

impl DiskFile {
    pub(super) fn new(file: HostFile, pool: BlockingPool) -> DiskFile {
        DiskFile { file: Arc::new(file), pool }
    }

    /// Performs one operation, which pends only for its turn among the calls of the host. Several are under way at once and
    /// end in any order, as overlapped I/O on a file does. One whose future is dropped after its turn has come is done.
    ///
    /// `ERROR_ACCESS_DENIED` without the right; `ERROR_HANDLE_EOF` for a read at or beyond the end; `ERROR_INVALID_PARAMETER`
    /// for an offset that no file has; `ERROR_FILE_TOO_LARGE` and `ERROR_DISK_FULL` for a write that finds no room, with the
    /// bytes that did as `information`; `ERROR_NO_SYSTEM_RESOURCES` when too many calls of the root wait. For controls see
    /// [`control::CODES`].
    pub async fn perform(&self, operation: Operation, ending: &Ending) -> Outcome {
        let file = Arc::clone(&self.file);
        let ended = self.pool.call(ending.requested(), move || file.perform(&operation)).await;
        ended.unwrap_or_else(|code| Outcome::failed(code.hresult()))
    }

    /// The handle is closed: it excludes nobody any more, even while a call that has begun goes on.
    pub fn close(&self) {
        let share = self.file.share.lock().unwrap_or_else(PoisonError::into_inner).take();
        drop(share);
    }
}

/// The descriptor, and what may be done with it.
#[derive(Debug)]
pub(super) struct HostFile {
    /// None once the handle is closed. Given back before the descriptor is closed, or with it: fields go in this order.
    pub share: Mutex<Option<Share>>,
    pub file: File,
    pub rights: Rights,
    pub write_through: bool,
    pub file_bytes_max: u64,
}

impl HostFile {
    fn perform(&self, operation: &Operation) -> Outcome {
        let ended = match operation {
            Operation::Read { length, offset } => self.read(*length, *offset),
            Operation::Write { data, offset } => self.write(data, *offset),
            Operation::Control { code, input, output_length } => control::perform(self, *code, input, *output_length),
        };
        ended.unwrap_or_else(|code| Outcome::failed(code.hresult()))
    }

    /// Its size in bytes.
    pub fn size(&self) -> Result<u64, Win32Error> {
        u64::try_from(fstat(&self.file)?.st_size).map_err(|_| Win32Error::INVALID_PARAMETER)
    }

    fn read(&self, length: u32, offset: u64) -> Result<Outcome, Win32Error> {
        if !self.rights.read() {
            return Err(Win32Error::ACCESS_DENIED);
        }
        check_end(offset, u64::from(length))?;
        if length == 0 {
            return Ok(Outcome::read(Bytes::new()));
        }
        // The buffer is as long as there is to read, and not as somebody asks for.
        let there = self.size()?.saturating_sub(offset).min(u64::from(length));
        let there = usize::try_from(there).map_err(|_| Win32Error::NO_SYSTEM_RESOURCES)?;
        let mut data = Vec::new();
        data.try_reserve_exact(there).map_err(|_| Win32Error::NOT_ENOUGH_MEMORY)?;
        while data.len() < there {
            let from = offset + data.len() as u64;
            match pread(&self.file, spare_capacity(&mut data), from) {
                Ok(0) => break, // it has become shorter
                Ok(_) | Err(Errno::INTR) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
        data.truncate(there); // an allocator may give more room than it was asked for
        if data.is_empty() { Err(Win32Error::HANDLE_EOF) } else { Ok(Outcome::read(Bytes::from(data))) }
    }

    fn write(&self, data: &Bytes, offset: u64) -> Result<Outcome, Win32Error> {
        if !self.rights.write() {
            return Err(Win32Error::ACCESS_DENIED);
        }
        let appends = self.rights.only_append() || offset == WRITE_TO_END_OF_FILE;
        let start = if appends { self.size()? } else { offset };
        let end = check_end(start, data.len() as u64)?;
        if end > self.file_bytes_max {
            return Err(Win32Error::FILE_TOO_LARGE);
        }
        let mut flags = ReadWriteFlags::empty();
        flags.set(ReadWriteFlags::APPEND, appends); // the host finds the end, which may have moved
        flags.set(ReadWriteFlags::DSYNC, self.write_through);
        let mut written = 0;
        while written < data.len() {
            match pwritev2(&self.file, &[IoSlice::new(&data[written..])], start + written as u64, flags) {
                Ok(count) => written += count,
                Err(Errno::INTR) => {}
                Err(errno) => {
                    let status = Win32Error::from_errno(errno).hresult();
                    return Ok(Outcome { status, information: written as u64, data: Bytes::new() });
                }
            }
        }
        Ok(Outcome::written(written as u64))
    }
}

/// Where a transfer ends; offsets are signed on both systems.
pub(super) fn check_end(offset: u64, length: u64) -> Result<u64, Win32Error> {
    let end = offset.checked_add(length).filter(|end| i64::try_from(*end).is_ok());
    end.ok_or(Win32Error::INVALID_PARAMETER)
}
