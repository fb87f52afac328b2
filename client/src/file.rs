//! A driver-created file: `IWDFDriverCreatedFile`, with the I/O that most callers want.
//!
//! Laws: only `close` closes (CLS-16); a file that is dropped open is warned of and counted, and is closed with its
//! session. The `read`, `write` and `device_io_control` of this module are CreateRequest, Format and Send in one call;
//! what they answer is a request under way.

use std::sync::Arc;

use bytes::Bytes;
use lowerdeck_proto::v1;
use lowerdeck_proto::v1::format::Io;
use tokio::sync::oneshot;

use crate::completion::PendingIo;
use crate::error::Error;
use crate::format;
use crate::hresult::HResult;
use crate::request::SendOptions;
use crate::session::{Core, Repeat};

/// An open file on the stack below.
#[derive(Debug)]
#[must_use = "a file that is dropped stays open until its session ends; close it"]
pub struct DriverCreatedFile {
    core: Arc<Core>,
    id: String,
    gone: Option<oneshot::Receiver<()>>,
}

/// A file after `close`, which may still be waiting for its I/O (CLS-13).
#[derive(Debug)]
pub struct ClosedFile {
    core: Arc<Core>,
    id: String,
    gone: oneshot::Receiver<()>,
}

impl DriverCreatedFile {
    pub(crate) fn new(core: Arc<Core>, id: String) -> DriverCreatedFile {
        let gone = core.watch_file(&id);
        DriverCreatedFile { core, id, gone: Some(gone) }
    }

    /// The file's id: a random UUID, never used again.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Sends a read of `length` bytes at `offset`, both in bytes.
    ///
    /// # Errors
    /// [`Error::Umdf`] if Format or Send refused; how the read ends is in its completion.
    pub async fn read(&self, offset: i64, length: u64) -> Result<PendingIo, Error> {
        self.send("read", format::read(offset, length), SendOptions::default()).await
    }

    /// Sends a write of `data` at `offset` bytes.
    ///
    /// # Errors
    /// [`Error::Umdf`] if Format or Send refused; how the write ends is in its completion.
    pub async fn write(&self, offset: i64, data: impl Into<Bytes>) -> Result<PendingIo, Error> {
        self.send("write", format::write(offset, data), SendOptions::default()).await
    }

    /// Sends a device control request with the full 32-bit control code (IOC-1); empty `input` and zero
    /// `output_length` stand for no memory.
    ///
    /// # Errors
    /// [`Error::Umdf`] if Format or Send refused; how the request ends is in its completion.
    pub async fn device_io_control(
        &self,
        code: u32,
        input: impl Into<Bytes>,
        output_length: u64,
    ) -> Result<PendingIo, Error> {
        let io = format::device_io_control(code, input, output_length);
        self.send("device control", io, SendOptions::default()).await
    }

    /// Sends a device control request whose second buffer is input as well, `METHOD_IN_DIRECT` (IOC-7): the drivers
    /// find `contents` in their output buffer.
    ///
    /// # Errors
    /// [`Error::Umdf`] if Format or Send refused; how the request ends is in its completion.
    pub async fn device_io_control_in_direct(
        &self,
        code: u32,
        input: impl Into<Bytes>,
        contents: impl Into<Bytes>,
    ) -> Result<PendingIo, Error> {
        let io = format::device_io_control_in_direct(code, input, contents);
        self.send("device control", io, SendOptions::default()).await
    }

    /// Sends a flush.
    ///
    /// # Errors
    /// [`Error::Umdf`] if Format or Send refused; how the flush ends is in its completion.
    pub async fn flush(&self) -> Result<PendingIo, Error> {
        self.send("flush", format::flush(), SendOptions::default()).await
    }

    /// Sends a query for information of a raw `FILE_INFORMATION_CLASS`, of at most `length` bytes.
    ///
    /// # Errors
    /// [`Error::Umdf`] if Format or Send refused; how the query ends is in its completion.
    pub async fn query_information(&self, information_class: u32, length: u64) -> Result<PendingIo, Error> {
        let io = format::query_information(information_class, length);
        self.send("query of information", io, SendOptions::default()).await
    }

    /// Sends a change of information of a raw `FILE_INFORMATION_CLASS`.
    ///
    /// # Errors
    /// [`Error::Umdf`] if Format or Send refused; how the change ends is in its completion.
    pub async fn set_information(&self, information_class: u32, data: impl Into<Bytes>) -> Result<PendingIo, Error> {
        let io = format::set_information(information_class, data);
        self.send("change of information", io, SendOptions::default()).await
    }

    /// Sends I/O of any format with any options; `call` names it in errors.
    ///
    /// # Errors
    /// [`Error::Umdf`] if Format or Send refused, or as every call.
    pub async fn send(&self, call: &'static str, io: Io, options: SendOptions) -> Result<PendingIo, Error> {
        let format = v1::Format { file_id: self.id.clone(), target_id: String::new(), io: Some(io) };
        self.core.format_and_send(call, format, options).await
    }

    /// `DeleteWdfObject` on the file, which refuses with `ERROR_ACCESS_DENIED` and leaves the file as it is: only `close`
    /// ends a file (OBJ-4, CLS-16).
    ///
    /// # Errors
    /// As every call.
    pub async fn delete_wdf_object(&self) -> Result<HResult, Error> {
        let message = v1::DeleteFileRequest { file_id: self.id.clone() };
        let deleted = self
            .core
            .call("DeleteFile", Repeat::Safe, |mut device| {
                let message = message.clone();
                async move { device.delete_file(message).await }
            })
            .await?;
        Ok(HResult(deleted.hresult))
    }

    /// Closes the file: `Close`. Answers when cleanup has been done below and the file's requests have been asked to
    /// cancel; it does not wait for them (CLS-13).
    ///
    /// # Errors
    /// [`Error::Interrupted`] if the connection was lost meanwhile: a Close may not be repeated blindly (CLS-17). The
    /// file is then closed at the latest with its session.
    pub async fn close(mut self) -> Result<ClosedFile, Error> {
        let gone = self.gone.take().expect("only close takes it, and consumes");
        self.core.close_file(v1::CloseRequest { file_id: self.id.clone() }).await?;
        Ok(ClosedFile { core: self.core.clone(), id: std::mem::take(&mut self.id), gone })
    }
}

impl Drop for DriverCreatedFile {
    fn drop(&mut self) {
        if self.gone.is_some() {
            self.core.file_leaked();
            tracing::warn!(file = %self.id, "a file was dropped without close (CLS-16)");
        }
    }
}

impl ClosedFile {
    /// The file's id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Waits until the file is gone: after its last completion and its last request (phase P7 of CLS-3, CLS-20).
    ///
    /// # Errors
    /// [`Error::SessionEnded`] if the session ended first.
    pub async fn gone(self) -> Result<(), Error> {
        self.gone.await.map_err(|_| self.core.ended_error())
    }
}
