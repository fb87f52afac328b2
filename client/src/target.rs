//! I/O targets: `IWDFIoTarget` and `IWDFIoTargetStateManagement`. Formatting goes through the target, as in UMDF.
//!
//! There is the default I/O target, which leads to the next lower driver, and there are those on handles of the host
//! ([`crate::Handle::create_target`]). What a target is asked to do in one call is in `one_call`, the files that a request
//! may name in `p_file`.

mod one_call;
mod p_file;

use std::sync::Arc;

use lowerdeck_proto::v1;
use lowerdeck_proto::v1::format::Io;

use crate::error::Error;
use crate::hresult::HResult;
use crate::request::IoRequest;
use crate::session::{Core, Repeat};

pub use self::p_file::{PFile, TargetFile};

/// Where requests are sent. Cheap to clone; all clones are one target.
#[derive(Debug, Clone)]
pub struct IoTarget {
    core: Arc<Core>,
    /// Empty for the default I/O target.
    id: String,
}

impl IoTarget {
    pub(crate) fn default_of(core: Arc<Core>) -> IoTarget {
        IoTarget { core, id: String::new() }
    }

    /// The file-handle target of this id.
    pub(crate) fn on_handle(core: Arc<Core>, id: String) -> IoTarget {
        IoTarget { core, id }
    }

    /// The target's id; empty for the default I/O target.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// `FormatRequestForRead`. Without memory: a read of zero length; without offset: the lower driver sees 0.
    ///
    /// # Errors
    /// As every call. A failing result of Format is the value, and leaves the request unformatted (TGT-14).
    pub async fn format_request_for_read(
        &self,
        request: &IoRequest,
        file: impl Into<PFile<'_>>,
        output_memory: Option<v1::OutputMemory>,
        device_offset: Option<i64>,
    ) -> Result<HResult, Error> {
        let io = Io::Read(v1::ReadFormat { device_offset, output_memory });
        self.format(request, file.into(), io).await
    }

    /// `FormatRequestForWrite`. Without memory: a write of zero length; without offset: the lower driver sees 0.
    ///
    /// # Errors
    /// As [`IoTarget::format_request_for_read`].
    pub async fn format_request_for_write(
        &self,
        request: &IoRequest,
        file: impl Into<PFile<'_>>,
        input_memory: Option<v1::InputMemory>,
        device_offset: Option<i64>,
    ) -> Result<HResult, Error> {
        let io = Io::Write(v1::WriteFormat { device_offset, input_memory });
        self.format(request, file.into(), io).await
    }

    /// `FormatRequestForIoctl`, with the full 32-bit control code (IOC-1).
    ///
    /// # Errors
    /// As [`IoTarget::format_request_for_read`].
    pub async fn format_request_for_ioctl(
        &self,
        request: &IoRequest,
        file: impl Into<PFile<'_>>,
        code: u32,
        input_memory: Option<v1::InputMemory>,
        output_memory: Option<v1::OutputMemory>,
    ) -> Result<HResult, Error> {
        let io = Io::DeviceControl(v1::DeviceControlFormat { code, input_memory, output_memory });
        self.format(request, file.into(), io).await
    }

    /// `FormatRequestForFlush` (TGT-16).
    ///
    /// # Errors
    /// As [`IoTarget::format_request_for_read`].
    pub async fn format_request_for_flush(
        &self,
        request: &IoRequest,
        file: impl Into<PFile<'_>>,
    ) -> Result<HResult, Error> {
        self.format(request, file.into(), Io::Flush(v1::FlushFormat {})).await
    }

    /// `FormatRequestForQueryInformation`, with a raw `FILE_INFORMATION_CLASS` (TGT-16).
    ///
    /// # Errors
    /// As [`IoTarget::format_request_for_read`].
    pub async fn format_request_for_query_information(
        &self,
        request: &IoRequest,
        file: impl Into<PFile<'_>>,
        information_class: u32,
        output_memory: Option<v1::OutputMemory>,
    ) -> Result<HResult, Error> {
        let io = Io::QueryInformation(v1::QueryInformationFormat { information_class, output_memory });
        self.format(request, file.into(), io).await
    }

    /// `FormatRequestForSetInformation`, with a raw `FILE_INFORMATION_CLASS` (TGT-16).
    ///
    /// # Errors
    /// As [`IoTarget::format_request_for_read`].
    pub async fn format_request_for_set_information(
        &self,
        request: &IoRequest,
        file: impl Into<PFile<'_>>,
        information_class: u32,
        input_memory: Option<v1::InputMemory>,
    ) -> Result<HResult, Error> {
        let io = Io::SetInformation(v1::SetInformationFormat { information_class, input_memory });
        self.format(request, file.into(), io).await
    }

    async fn format(&self, request: &IoRequest, file: PFile<'_>, io: Io) -> Result<HResult, Error> {
        let message = v1::FormatRequestRequest { request_id: request.id(), format: Some(self.format_of(file, io)) };
        let formatted = self.core.ask(message).await?;
        Ok(HResult(formatted.hresult))
    }

    /// `GetState`: a snapshot (TGT-32).
    ///
    /// # Errors
    /// As every call.
    pub async fn get_state(&self) -> Result<v1::TargetState, Error> {
        Ok(self.get_target().await?.state())
    }

    /// `GetTargetFile`: the file of a file-handle target, which stands for its handle; none of the default I/O target
    /// (TGT-4).
    ///
    /// # Errors
    /// As every call.
    pub async fn get_target_file(&self) -> Result<Option<TargetFile>, Error> {
        let target = self.get_target().await?;
        Ok(target.has_target_file.then(|| TargetFile::new(target.target_file_id)))
    }

    async fn get_target(&self) -> Result<v1::GetTargetResponse, Error> {
        let target_id = self.id.clone();
        self.core
            .call("GetTarget", Repeat::Safe, |mut device| {
                let target_id = target_id.clone();
                async move { device.get_target(v1::GetTargetRequest { target_id }).await }
            })
            .await
    }

    /// `Start`: delivers what was pended in the target, oldest first (TGT-20).
    ///
    /// # Errors
    /// As every call.
    pub async fn start(&self) -> Result<HResult, Error> {
        let target_id = self.id.clone();
        let started = self
            .core
            .call("StartTarget", Repeat::Safe, |mut device| {
                let target_id = target_id.clone();
                async move {
                    let message = v1::StartTargetRequest { target_id };
                    device.start_target(message).await
                }
            })
            .await?;
        Ok(HResult(started.hresult))
    }

    /// `Stop`: unless requests are left pending, waits until those in flight have completed (TGT-23, TGT-25).
    ///
    /// # Errors
    /// As every call.
    pub async fn stop(&self, action: v1::SentIoAction) -> Result<HResult, Error> {
        self.stop_from(action, 0).await
    }

    /// `Stop`, made in the completion callback of `request`. There, to wait for what was sent is to wait for oneself: it
    /// is a finding, and answered at once (TGT-26). The server cannot see where a client calls from, so that it has to
    /// be said.
    ///
    /// # Errors
    /// As every call.
    pub async fn stop_inside_completion_of(
        &self,
        request: &IoRequest,
        action: v1::SentIoAction,
    ) -> Result<HResult, Error> {
        self.stop_from(action, request.id()).await
    }

    async fn stop_from(&self, action: v1::SentIoAction, inside_completion_of: u64) -> Result<HResult, Error> {
        let message = v1::StopTargetRequest { target_id: self.id.clone(), action: action.into(), inside_completion_of };
        let stopped = self
            .core
            .call("StopTarget", Repeat::Safe, |mut device| {
                let message = message.clone();
                async move { device.stop_target(message).await }
            })
            .await?;
        Ok(HResult(stopped.hresult))
    }

    /// `Remove`: waits until everything sent through the target has completed (TGT-29).
    ///
    /// # Errors
    /// As every call.
    pub async fn remove(&self, surprise: bool) -> Result<HResult, Error> {
        let message = v1::RemoveTargetRequest { target_id: self.id.clone(), surprise };
        let removed = self
            .core
            .call("RemoveTarget", Repeat::Safe, |mut device| {
                let message = message.clone();
                async move { device.remove_target(message).await }
            })
            .await?;
        Ok(HResult(removed.hresult))
    }

    /// `DeleteWdfObject` on the target: waits until everything sent through it has completed, and is done before its handle
    /// is closed (FHT-21). The default I/O target refuses (OBJ-4).
    ///
    /// # Errors
    /// As every call.
    pub async fn delete_wdf_object(&self) -> Result<HResult, Error> {
        let target_id = self.id.clone();
        let deleted = self
            .core
            .call("DeleteTarget", Repeat::Never, |mut device| {
                let target_id = target_id.clone();
                async move {
                    let message = v1::DeleteTargetRequest { target_id };
                    device.delete_target(message).await
                }
            })
            .await?;
        Ok(HResult(deleted.hresult))
    }

    /// `CancelSentRequestsForFile`: asks for the cancellation of everything this session sent on the file through
    /// this target; reports nothing and does not close the file (TGT-33).
    ///
    /// # Errors
    /// As every call.
    pub async fn cancel_sent_requests_for_file(&self, file: impl Into<PFile<'_>>) -> Result<(), Error> {
        let message =
            v1::CancelSentRequestsForFileRequest { file_id: file.into().id().to_owned(), target_id: self.id.clone() };
        self.core.ask(message).await?;
        Ok(())
    }
}
