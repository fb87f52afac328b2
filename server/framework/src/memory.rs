//! Memory given to a Format call and the window of it that is transferred (TGT-9 to TGT-12).
//!
//! A missing memory is a NULL memory pointer: a zero-length transfer (OBJ-14).

use bytes::Bytes;

use crate::status::HResult;

/// `WDFMEMORY_OFFSET`: which part of a memory is transferred (TGT-9).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MemoryOffset {
    /// First byte, from the start of the memory.
    pub buffer_offset: u64,
    /// Bytes to transfer; 0 means to the end of the memory, not none (TGT-10).
    pub buffer_length: u64,
}

/// Memory that supplies data (write, input of a device control).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct InputMemory {
    /// The whole memory; captured at Format, so later changes of the caller's buffer are not seen (MAP-7).
    pub data: Bytes,
    /// The window, or the whole memory. Boxed: it is rare, and memories travel with every request.
    pub window: Option<Box<MemoryOffset>>,
}

/// Memory that receives data (read, output of a device control, queried information).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OutputMemory {
    /// Size of the whole memory in bytes.
    pub size: u64,
    /// The window, or the whole memory. Boxed: it is rare, and memories travel with every request.
    pub window: Option<Box<MemoryOffset>>,
    /// What is in it before the transfer, from its start; zeros follow. Only drivers below a `METHOD_IN_DIRECT` code
    /// see it (IOC-7): any other output buffer starts empty (IOC-5). Boxed as well.
    pub contents: Option<Box<Bytes>>,
}

impl OutputMemory {
    /// A whole memory of `size` bytes with nothing in it.
    pub fn empty(size: u64) -> OutputMemory {
        OutputMemory { size, window: None, contents: None }
    }

    /// What is in the part `window` of it, up to the last byte that was given; None when that is nothing.
    pub(crate) fn contents_of(&self, window: Window) -> Option<Bytes> {
        let contents = self.contents.as_deref()?;
        let given = contents.len() as u64;
        let end = window.start.saturating_add(window.length).min(given);
        let start = window.start.min(end);
        (start < end).then(|| contents.slice(start as usize..end as usize))
    }
}

/// The effective part of a memory: where it starts and how many bytes it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Window {
    /// First byte.
    pub start: u64,
    /// Bytes; what the lower driver sees as the length (TGT-12).
    pub length: u64,
}

impl Window {
    /// Applies a memory offset to a memory of `size` bytes.
    ///
    /// # Errors
    /// `STATUS_INTEGER_OVERFLOW` when the window overflows or leaves the memory (TGT-11).
    pub fn resolve(size: u64, offset: Option<&MemoryOffset>) -> Result<Window, HResult> {
        let Some(&MemoryOffset { buffer_offset, buffer_length }) = offset else {
            return Ok(Window { start: 0, length: size });
        };
        let outside = HResult::STATUS_INTEGER_OVERFLOW;
        let rest = size.checked_sub(buffer_offset).ok_or(outside)?;
        match buffer_length {
            0 => Ok(Window { start: buffer_offset, length: rest }),
            length if length <= rest => Ok(Window { start: buffer_offset, length }),
            _ => Err(outside),
        }
    }
}

impl InputMemory {
    /// Where the window begins, and the bytes that are transferred.
    ///
    /// # Errors
    /// As [`Window::resolve`].
    pub fn effective(self) -> Result<(u64, Bytes), HResult> {
        if self.window.is_none() {
            return Ok((0, self.data));
        }
        let window = Window::resolve(self.data.len() as u64, self.window.as_deref())?;
        let start = window.start as usize;
        Ok((window.start, self.data.slice(start..start + window.length as usize)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(offset: u64, length: u64) -> Result<Window, HResult> {
        Window::resolve(16, Some(&MemoryOffset { buffer_offset: offset, buffer_length: length }))
    }

    #[test]
    fn length_zero_means_to_the_end() {
        assert_eq!(window(4, 0), Ok(Window { start: 4, length: 12 }));
        assert_eq!(window(16, 0), Ok(Window { start: 16, length: 0 }));
    }

    #[test]
    fn windows_outside_the_memory_are_refused() {
        for (offset, length) in [(17, 0), (8, 9), (u64::MAX, 2), (2, u64::MAX)] {
            assert_eq!(window(offset, length), Err(HResult::STATUS_INTEGER_OVERFLOW), "{offset},{length}");
        }
    }
}
