//! The device without a driver: a sparse array of bytes with an end and a budget.
//!
//! Laws: it reads like a flat array of zeros that only writes change; a refused access changes nothing; a read
//! within one page copies its bytes once, one within a page never written not at all.

use std::collections::HashMap;

use bytes::{Bytes, BytesMut};

/// Bytes of one page: large enough that the table stays small, small enough for sparse use.
pub const PAGE_BYTES: u64 = 64 * 1024;

type Page = [u8; PAGE_BYTES as usize];

/// What every page reads as before it is written.
static EMPTY_PAGE: Page = [0; PAGE_BYTES as usize];

/// Why an access was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AccessError {
    /// The offset is negative, or offset and length overflow.
    #[error("offset or length is out of range")]
    OutOfRange,
    /// A read begins at or after the end, or a write reaches over it.
    #[error("the end of the device is in the way")]
    EndOfDevice,
    /// A write would need more memory than the budget.
    #[error("the memory budget of the device is used up")]
    OverBudget,
}

/// A sparse array of bytes.
#[derive(Debug)]
pub struct SparseStore {
    size: u64,
    pages_max: u64,
    pages: HashMap<u64, Box<Page>>,
}

impl SparseStore {
    /// `size` zeros. At most `resident_max` bytes, rounded up to whole pages, will be kept.
    pub fn new(size: u64, resident_max: u64) -> SparseStore {
        SparseStore { size, pages_max: resident_max.div_ceil(PAGE_BYTES), pages: HashMap::new() }
    }

    /// Size in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Bytes kept in memory.
    pub fn resident(&self) -> u64 {
        self.pages.len() as u64 * PAGE_BYTES
    }

    /// How many of `length` bytes from `offset` there are to read.
    ///
    /// # Errors
    /// [`AccessError::OutOfRange`]; [`AccessError::EndOfDevice`] when the first byte is not there.
    pub fn readable(&self, offset: i64, length: u64) -> Result<u64, AccessError> {
        let (start, _) = range(offset, length)?;
        match self.size.checked_sub(start) {
            None | Some(0) => Err(AccessError::EndOfDevice),
            Some(rest) => Ok(length.min(rest)),
        }
    }

    /// Reads up to `length` bytes from `offset`: fewer when the end comes first.
    ///
    /// # Errors
    /// As [`SparseStore::readable`].
    pub fn read(&self, offset: i64, length: u64) -> Result<Bytes, AccessError> {
        let length = self.readable(offset, length)?;
        let start = offset.unsigned_abs();
        let mut pieces = pieces(start, length).peekable();
        if let Some(only) = pieces.next_if(|piece| piece.length() as u64 == length) {
            return Ok(match self.pages.get(&only.page) {
                Some(page) => Bytes::copy_from_slice(&page[only.from..only.to]),
                None => Bytes::from_static(&EMPTY_PAGE[only.from..only.to]),
            });
        }
        // Within the size of a buffer: the caller has limited the length.
        let mut data = BytesMut::with_capacity(length as usize);
        for piece in pieces {
            let page = self.pages.get(&piece.page).map_or(&EMPTY_PAGE, |page| page);
            data.extend_from_slice(&page[piece.from..piece.to]);
        }
        Ok(data.freeze())
    }

    /// Writes all of `data` at `offset`, or nothing.
    ///
    /// # Errors
    /// See [`AccessError`].
    pub fn write(&mut self, offset: i64, data: &[u8]) -> Result<(), AccessError> {
        let (start, end) = range(offset, data.len() as u64)?;
        if end > self.size {
            return Err(AccessError::EndOfDevice);
        }
        let pieces = || pieces(start, data.len() as u64);
        let missing = pieces().filter(|piece| !self.pages.contains_key(&piece.page)).count() as u64;
        if self.pages.len() as u64 + missing > self.pages_max {
            return Err(AccessError::OverBudget);
        }
        let mut rest = data;
        for piece in pieces() {
            let (now, later) = rest.split_at(piece.length());
            let page = self.pages.entry(piece.page).or_insert_with(|| Box::new(EMPTY_PAGE));
            page[piece.from..piece.to].copy_from_slice(now);
            rest = later;
        }
        Ok(())
    }
}

/// First byte and the byte after the last one; both fit a signed 64-bit offset.
fn range(offset: i64, length: u64) -> Result<(u64, u64), AccessError> {
    let start = u64::try_from(offset).map_err(|_| AccessError::OutOfRange)?;
    let end = start.checked_add(length).filter(|end| i64::try_from(*end).is_ok());
    end.map(|end| (start, end)).ok_or(AccessError::OutOfRange)
}

/// The part of an access that lies in one page.
struct Piece {
    page: u64,
    from: usize,
    to: usize,
}

impl Piece {
    fn length(&self) -> usize {
        self.to - self.from
    }
}

/// The pieces of an access, in order; none for a length of 0.
fn pieces(start: u64, length: u64) -> impl Iterator<Item = Piece> {
    let end = start + length;
    let mut at = start;
    std::iter::from_fn(move || {
        let page = at / PAGE_BYTES;
        let page_start = page * PAGE_BYTES;
        let to = end.min(page_start + PAGE_BYTES);
        // Both are within one page, so they fit.
        let piece = Piece { page, from: (at - page_start) as usize, to: (to.max(at) - page_start) as usize };
        (at < end).then(|| {
            at = to;
            piece
        })
    })
}
