//! What one request may move, the contents that drivers make up (zeros and the pattern), and what a driver without
//! a cache answers.

use bytes::Bytes;
use lowerdeck_framework::io::IoKind;
use lowerdeck_framework::status::HResult;

/// Most bytes a driver makes up for one request. The sender names the length of its buffer without sending it,
/// so this is what keeps a small message from costing gigabytes.
pub(crate) const MAX_TRANSFER_BYTES: u64 = 64 * 1024 * 1024;

/// Served without allocating, as most transfers are smaller.
static ZEROS: [u8; 64 * 1024] = [0; 64 * 1024];

/// The length of a transfer as a buffer size.
///
/// # Errors
/// `STATUS_INSUFFICIENT_RESOURCES` beyond [`MAX_TRANSFER_BYTES`].
pub(crate) fn buffer_length(length: u64) -> Result<usize, HResult> {
    match usize::try_from(length) {
        Ok(bytes) if length <= MAX_TRANSFER_BYTES => Ok(bytes),
        _ => Err(HResult::STATUS_INSUFFICIENT_RESOURCES),
    }
}

/// `length` zeros.
///
/// # Errors
/// As [`buffer_length`].
pub(crate) fn zeros(length: u64) -> Result<Bytes, HResult> {
    let length = buffer_length(length)?;
    Ok(match ZEROS.get(..length) {
        Some(zeros) => Bytes::from_static(zeros),
        None => Bytes::from(vec![0; length]),
    })
}

/// `length` bytes counting 0, 1, 2 up to 255 and again: a reader sees what is missing and what was moved.
///
/// # Errors
/// As [`buffer_length`].
pub(crate) fn pattern(length: u64) -> Result<Bytes, HResult> {
    let length = buffer_length(length)?;
    Ok((0..=u8::MAX).cycle().take(length).collect())
}

/// What a driver that keeps no writes back and has no file information answers in `OnDefaultIoHandler`: a flush has
/// nothing to do, all else is refused.
pub(crate) const fn status_of_uncached(kind: IoKind) -> HResult {
    match kind {
        IoKind::FlushBuffers => HResult::S_OK,
        _ => HResult::STATUS_INVALID_DEVICE_REQUEST,
    }
}
