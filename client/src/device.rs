//! The device of layer L0: `IWDFDevice` as far as an upper driver needs it.

use std::sync::Arc;

use lowerdeck_proto::v1;

use crate::error::Error;
use crate::file::DriverCreatedFile;
use crate::hresult::HResult;
use crate::request::IoRequest;
use crate::session::{Core, Repeat};
use crate::target::IoTarget;

/// The upper driver's device on its stack. Cheap to clone; all clones are one device.
#[derive(Debug, Clone)]
pub struct Device {
    core: Arc<Core>,
}

impl Device {
    pub(crate) fn new(core: Arc<Core>) -> Device {
        Device { core }
    }

    /// The default I/O target, which leads to the next lower driver: `GetDefaultIoTarget`.
    pub fn get_default_io_target(&self) -> IoTarget {
        IoTarget::default_of(self.core.clone())
    }

    /// Creates a file by sending a create to the next lower driver: `CreateWdfFile` (FILE-4). Waits for as long as the
    /// drivers below take, and cannot be cancelled (FILE-10): a create whose future is dropped may still make a file,
    /// which is then closed with the session.
    ///
    /// # Errors
    /// [`Error::Umdf`] with the failing status from below (FILE-11), or as every call.
    pub async fn create_wdf_file(&self, name: Option<&str>) -> Result<DriverCreatedFile, Error> {
        let message =
            v1::CreateWdfFileRequest { request_id: self.core.next_request_id(), file_name: name.map(str::to_owned) };
        let created = self
            .core
            .call("CreateWdfFile", Repeat::Safe, |mut device| {
                let message = message.clone();
                async move { device.create_wdf_file(message).await }
            })
            .await?;
        let hresult = HResult(created.hresult);
        if !hresult.is_success() {
            return Err(Error::Umdf { call: "CreateWdfFile", hresult });
        }
        Ok(DriverCreatedFile::new(self.core.clone(), created.file_id))
    }

    /// Creates an unformatted request whose completion will be told of: `CreateRequest` (REQ-1).
    ///
    /// # Errors
    /// [`Error::Umdf`] with the failure of `CreateRequest`, or as every call.
    pub async fn create_request(&self) -> Result<IoRequest, Error> {
        IoRequest::create(&self.core, false).await
    }

    /// Creates an unformatted request without completion callback, to be polled with [`IoRequest::get`] (REQ-15).
    ///
    /// # Errors
    /// [`Error::Umdf`] with the failure of `CreateRequest`, or as every call.
    pub async fn create_request_without_completion_callback(&self) -> Result<IoRequest, Error> {
        IoRequest::create(&self.core, true).await
    }
}
