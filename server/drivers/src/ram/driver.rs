//! The callbacks of `ram`.

use bytes::Bytes;
use lowerdeck_framework::callback::{Callback, CallbackSet};
use lowerdeck_framework::context::DriverContext;
use lowerdeck_framework::driver::{
    BufferRetrieval, DeviceConfig, DispatchType, Driver, FileObjectPolicy, Flow, LockingConstraint, QueueConfig,
};
use lowerdeck_framework::forwarding::{DriverRole, ForwardingState};
use lowerdeck_framework::ids::QueueId;
use lowerdeck_framework::ioctl::IoControlCode;
use lowerdeck_framework::received::OwnedRequest;
use lowerdeck_framework::status::HResult;

use super::config::RamConfig;
use super::model::{AccessError, SparseStore};
use crate::transfer;

/// Asks for the size of the device: `GET_LENGTH_INFORMATION`, 8 bytes, little endian.
pub const IOCTL_DISK_GET_LENGTH_INFO: IoControlCode = IoControlCode(0x0007_405C);

/// See the module.
#[derive(Debug)]
pub struct RamDriver {
    config: RamConfig,
    store: SparseStore,
}

impl RamDriver {
    /// A device full of zeros.
    pub fn new(config: RamConfig) -> RamDriver {
        RamDriver { config, store: SparseStore::new(config.size, config.resident_max) }
    }

    /// Refuses what does not begin and end at a sector.
    fn check_sectors(&self, offset: i64, length: u64) -> Result<(), HResult> {
        let aligned = |bytes: u64| bytes.is_multiple_of(self.config.sector);
        if aligned(offset.unsigned_abs()) && aligned(length) { Ok(()) } else { Err(HResult::STATUS_INVALID_PARAMETER) }
    }

    fn read(&self, offset: i64, length: u64) -> Result<Bytes, HResult> {
        self.check_sectors(offset, length)?;
        let there = self.store.readable(offset, length).map_err(status_of)?;
        transfer::buffer_length(there)?;
        self.store.read(offset, there).map_err(status_of)
    }

    fn write(&mut self, offset: i64, data: &[u8]) -> Result<(), HResult> {
        self.check_sectors(offset, data.len() as u64)?;
        self.store.write(offset, data).map_err(status_of)
    }
}

/// What the sender is told.
fn status_of(error: AccessError) -> HResult {
    match error {
        AccessError::OutOfRange => HResult::STATUS_INVALID_PARAMETER,
        AccessError::EndOfDevice => HResult::ERROR_HANDLE_EOF,
        AccessError::OverBudget => HResult::STATUS_INSUFFICIENT_RESOURCES,
    }
}

impl Driver for RamDriver {
    fn name(&self) -> &str {
        "ram"
    }

    fn configure(&self) -> DeviceConfig {
        let handlers = CallbackSet::of(&[
            Callback::OnRead,
            Callback::OnWrite,
            Callback::OnDeviceIoControl,
            Callback::OnDefaultIoHandler,
        ]);
        DeviceConfig {
            role: DriverRole::Function,
            forwarding: ForwardingState::UseDefault,
            callbacks: CallbackSet::EMPTY,
            queues: vec![QueueConfig::default_queue(DispatchType::Parallel, handlers)],
            locking: LockingConstraint::DeviceLevel,
            file_policy: FileObjectPolicy::RejectNullAndUnknown,
            buffer_retrieval: BufferRetrieval::CopyImmediately,
        }
    }

    fn on_read(&mut self, cx: &mut DriverContext<'_>, _queue: QueueId, request: OwnedRequest, length: u64) -> Flow {
        let offset = cx.parameters(&request).device_offset;
        match self.read(offset, length) {
            Ok(data) => cx.complete_with_output(request, HResult::S_OK, data),
            Err(status) => cx.complete(request, status),
        }
        Flow::Returned
    }

    fn on_write(&mut self, cx: &mut DriverContext<'_>, _queue: QueueId, request: OwnedRequest, length: u64) -> Flow {
        let parameters = cx.parameters(&request);
        match self.write(parameters.device_offset, &parameters.input) {
            Ok(()) => cx.complete_with_information(request, HResult::S_OK, length),
            Err(status) => cx.complete(request, status),
        }
        Flow::Returned
    }

    fn on_device_io_control(&mut self, cx: &mut DriverContext<'_>, _queue: QueueId, request: OwnedRequest) -> Flow {
        let parameters = cx.parameters(&request);
        let size = self.store.size().to_le_bytes();
        if parameters.code != IOCTL_DISK_GET_LENGTH_INFO {
            cx.complete(request, HResult::STATUS_INVALID_DEVICE_REQUEST);
        } else if parameters.output_length < size.len() as u64 {
            cx.complete(request, HResult::ERROR_INSUFFICIENT_BUFFER);
        } else {
            cx.complete_with_output(request, HResult::S_OK, Bytes::copy_from_slice(&size));
        }
        Flow::Returned
    }

    /// A write is in the store when it completes, so a flush has nothing left to do.
    fn on_default_io_handler(&mut self, cx: &mut DriverContext<'_>, _queue: QueueId, request: OwnedRequest) -> Flow {
        let status = transfer::status_of_uncached(cx.parameters(&request).kind);
        cx.complete(request, status);
        Flow::Returned
    }
}
