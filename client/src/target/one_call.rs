//! I/O on a target in one call: CreateRequest, Format with a NULL `pFile`, and Send. Of a file-handle target that is its own
//! handle (FHT-7); the default I/O target refuses it (TGT-7), so that its I/O is asked of a file.
//!
//! Law: what these answer is a request under way; how it ended is in its completion.

use bytes::Bytes;
use lowerdeck_proto::v1;
use lowerdeck_proto::v1::format::Io;

use super::{IoTarget, PFile};
use crate::completion::PendingIo;
use crate::error::Error;
use crate::format;
use crate::request::SendOptions;

impl IoTarget {
    /// Sends a read of `length` bytes at `offset`, both in bytes; pipes and sockets ignore the offset (FHT-10).
    ///
    /// # Errors
    /// [`Error::Umdf`] if Format or Send refused; how the read ends is in its completion.
    pub async fn read(&self, offset: i64, length: u64) -> Result<PendingIo, Error> {
        self.format_and_send("read", PFile::Null, format::read(offset, length), SendOptions::default()).await
    }

    /// Sends a write of `data` at `offset` bytes; pipes and sockets ignore the offset (FHT-10).
    ///
    /// # Errors
    /// As [`IoTarget::read`].
    pub async fn write(&self, offset: i64, data: impl Into<Bytes>) -> Result<PendingIo, Error> {
        self.format_and_send("write", PFile::Null, format::write(offset, data), SendOptions::default()).await
    }

    /// Sends a device control request: `DeviceIoControl` on the handle (FHT-10). A code that the handle does not know ends
    /// with `ERROR_INVALID_FUNCTION`.
    ///
    /// # Errors
    /// As [`IoTarget::read`].
    pub async fn device_io_control(
        &self,
        code: u32,
        input: impl Into<Bytes>,
        output_length: u64,
    ) -> Result<PendingIo, Error> {
        let io = format::device_io_control(code, input, output_length);
        self.format_and_send("device control", PFile::Null, io, SendOptions::default()).await
    }

    /// Sends I/O of any format on any file with any options; `call` names it in errors.
    ///
    /// # Errors
    /// [`Error::Umdf`] if Format or Send refused, or as every call.
    pub async fn format_and_send(
        &self,
        call: &'static str,
        file: impl Into<PFile<'_>>,
        io: Io,
        options: SendOptions,
    ) -> Result<PendingIo, Error> {
        self.core.format_and_send(call, self.format_of(file.into(), io), options).await
    }

    /// What a request to this target is formatted with.
    pub(super) fn format_of(&self, file: PFile<'_>, io: Io) -> v1::Format {
        v1::Format { file_id: file.id().to_owned(), target_id: self.id.clone(), io: Some(io) }
    }
}
