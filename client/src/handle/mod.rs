//! Handles of the server's host: what a driver opens with `CreateFile` or `CreateNamedPipe`, and makes a file-handle target
//! on. What is asked for is in `create_file`, `create_named_pipe` and `open_socket`, in the words of Win32.
//!
//! ```no_run
//! # async fn example(session: lowerdeck_client::Session) -> Result<(), lowerdeck_client::Error> {
//! use lowerdeck_client::CreateNamedPipe;
//!
//! let pipe = CreateNamedPipe::new(r"\\.\pipe\chat").duplex().overlapped().message().instances(2);
//! let handle = session.open_handle(pipe).await?;
//! let target = handle.create_target().await?;
//! handle.connect_named_pipe().await?;
//! target.write(0, "hello, peer").await?.await?.ok()?;
//! target.delete_wdf_object().await?;
//! handle.close().await?;
//! # Ok(())
//! # }
//! ```
//!
//! Laws: only `close` closes; a handle that is dropped open is warned of and counted, and is closed with its session. A
//! target takes no reference on its handle (FHT-6), so that closing it underneath is possible: a driver's bug, which the
//! server records (FHT-20).

mod create_file;
mod create_named_pipe;
mod open_socket;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use lowerdeck_proto::v1;
use lowerdeck_proto::v1::open_handle_request::Object;
use uuid::Uuid;

use crate::error::Error;
use crate::hresult::HResult;
use crate::session::{Core, Repeat};
use crate::target::IoTarget;

pub use self::create_file::CreateFile;
pub use self::create_named_pipe::CreateNamedPipe;
pub use self::open_socket::OpenSocket;

/// Of `dwFlagsAndAttributes` and `dwOpenMode`: overlapped I/O, without which there is no target on the handle (FHT-3).
pub const FILE_FLAG_OVERLAPPED: u32 = 0x4000_0000;

/// Of `dwFlagsAndAttributes` and `dwOpenMode`: a write ends when its data has left the host's cache.
pub const FILE_FLAG_WRITE_THROUGH: u32 = 0x8000_0000;

/// An open handle.
#[derive(Debug)]
#[must_use = "a handle that is dropped stays open until its session ends; close it"]
pub struct Handle {
    core: Arc<Core>,
    id: String,
    number: u64,
    is_closed: AtomicBool,
}

impl Handle {
    pub(crate) async fn open(core: &Arc<Core>, object: Object) -> Result<Handle, Error> {
        let call = function(&object);
        let message = v1::OpenHandleRequest { handle_id: Uuid::new_v4().to_string(), object: Some(object) };
        let opened = core
            .call("OpenHandle", Repeat::Safe, |mut device| {
                let message = message.clone();
                async move { device.open_handle(message).await }
            })
            .await?;
        let hresult = HResult(opened.hresult);
        if !hresult.is_success() {
            return Err(Error::Umdf { call, hresult });
        }
        let (id, number) = (message.handle_id, opened.handle_number);
        Ok(Handle { core: core.clone(), id, number, is_closed: AtomicBool::new(false) })
    }

    /// The handle's id: a random UUID, never used again.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The number by which the stack and its reports know the handle.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Makes an I/O target on the handle, which is started:
    /// `IWDFFileHandleTargetFactory::CreateFileHandleTarget` (FHT-2). Delete it before the handle is closed (FHT-21).
    ///
    /// # Errors
    /// [`Error::Umdf`]: on a stack without `UmdfDispatcher=FileHandle` (FHT-5), on a synchronous or closed handle (FHT-3),
    /// beyond the session's limit; or as every call.
    pub async fn create_target(&self) -> Result<IoTarget, Error> {
        let (target_id, handle_id) = (Uuid::new_v4().to_string(), self.id.clone());
        let message = v1::CreateFileHandleTargetRequest { target_id, handle_id };
        let created = self
            .core
            .call("CreateFileHandleTarget", Repeat::Safe, |mut device| {
                let message = message.clone();
                async move { device.create_file_handle_target(message).await }
            })
            .await?;
        let hresult = HResult(created.hresult);
        if !hresult.is_success() {
            return Err(Error::Umdf { call: "CreateFileHandleTarget", hresult });
        }
        Ok(IoTarget::on_handle(self.core.clone(), message.target_id))
    }

    /// `ConnectNamedPipe`: waits until a client is connected to this server end (FHT-19). A client that came before the
    /// call, or under one whose reply was lost, is `ERROR_PIPE_CONNECTED`, which is no failure of the connection.
    ///
    /// # Errors
    /// As every call. The failures of `ConnectNamedPipe` are the value.
    pub async fn connect_named_pipe(&self) -> Result<HResult, Error> {
        let handle_id = self.id.clone();
        let connected = self
            .core
            .call("ConnectNamedPipe", Repeat::Safe, |mut device| {
                let message = v1::ConnectNamedPipeRequest { handle_id: handle_id.clone() };
                async move { device.connect_named_pipe(message).await }
            })
            .await?;
        Ok(HResult(connected.hresult))
    }

    /// `DisconnectNamedPipe`: takes the client off this server end.
    ///
    /// # Errors
    /// [`Error::Interrupted`] if the connection was lost meanwhile: repeated, it could take off the next client. The
    /// failures of `DisconnectNamedPipe` are the value.
    pub async fn disconnect_named_pipe(&self) -> Result<HResult, Error> {
        let handle_id = self.id.clone();
        let disconnected = self
            .core
            .call("DisconnectNamedPipe", Repeat::Never, |mut device| {
                let message = v1::DisconnectNamedPipeRequest { handle_id: handle_id.clone() };
                async move { device.disconnect_named_pipe(message).await }
            })
            .await?;
        Ok(HResult(disconnected.hresult))
    }

    /// `CloseHandle`: answers when the object of the host is free again. A handle that is closed already is
    /// `ERROR_INVALID_HANDLE`; so may be one whose first reply was lost, for the call is repeated.
    ///
    /// # Errors
    /// As every call.
    pub async fn close(&self) -> Result<HResult, Error> {
        self.is_closed.store(true, Ordering::Relaxed);
        let handle_id = self.id.clone();
        let closed = self
            .core
            .call("CloseHandle", Repeat::Safe, |mut device| {
                let message = v1::CloseHandleRequest { handle_id: handle_id.clone() };
                async move { device.close_handle(message).await }
            })
            .await?;
        Ok(HResult(closed.hresult))
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        if !self.is_closed.load(Ordering::Relaxed) {
            self.core.handle_leaked();
            tracing::warn!(handle = %self.id, number = self.number, "a handle was dropped without close");
        }
    }
}

/// The function of Win32 that opens it.
fn function(object: &Object) -> &'static str {
    match object {
        Object::CreateFile(_) => "CreateFile",
        Object::CreateNamedPipe(_) => "CreateNamedPipe",
        Object::OpenSocket(_) => "connect",
    }
}
