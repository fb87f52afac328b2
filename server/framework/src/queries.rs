//! What a hosted driver can ask about requests and files: UMDF's queries, which change nothing.
//!
//! The other methods of [`DriverContext`] are in `context.rs`.

use crate::context::DriverContext;
use crate::ids::{FileId, Level};
use crate::io::{IoKind, IoParameters};
use crate::received::OwnedRequest;
use crate::status::HResult;

/// `WDF_KPROCESSOR_MODE`: on whose behalf a request was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RequestorMode {
    /// `WdfKernelMode`, 0. Nobody here is in the kernel.
    Kernel,
    /// `WdfUserMode`, 1.
    User,
}

/// `WDF_DEVICE_IO_TYPE`: how a request's data came to its driver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DeviceIoType {
    /// `WdfDeviceIoBuffered`, 2. Nothing here shares its memory with its sender.
    Buffered,
}

impl DeviceIoType {
    /// The number.
    pub const fn number(self) -> u32 {
        match self {
            DeviceIoType::Buffered => 2,
        }
    }
}

impl DriverContext<'_> {
    /// `GetReadParameters`: length in bytes and `DeviceOffset`. None is a NULL out pointer.
    ///
    /// # Errors
    /// `E_INVALIDARG` without any out pointer, `STATUS_INVALID_DEVICE_REQUEST` for another type (REQ-46).
    pub fn get_read_parameters(
        &self,
        request: &OwnedRequest,
        length: Option<&mut u64>,
        device_offset: Option<&mut i64>,
    ) -> Result<(), HResult> {
        self.transfer_parameters(request, IoKind::Read, length, device_offset)
    }

    /// `GetWriteParameters`, as [`DriverContext::get_read_parameters`].
    ///
    /// # Errors
    /// As there.
    pub fn get_write_parameters(
        &self,
        request: &OwnedRequest,
        length: Option<&mut u64>,
        device_offset: Option<&mut i64>,
    ) -> Result<(), HResult> {
        self.transfer_parameters(request, IoKind::Write, length, device_offset)
    }

    fn transfer_parameters(
        &self,
        request: &OwnedRequest,
        kind: IoKind,
        length: Option<&mut u64>,
        device_offset: Option<&mut i64>,
    ) -> Result<(), HResult> {
        let parameters = self.parameters_of(request, kind, length.is_some() || device_offset.is_some())?;
        give(length, parameters.length());
        give(device_offset, parameters.device_offset);
        Ok(())
    }

    /// `GetDeviceIoControlParameters`: code, and the lengths of both buffers in bytes. None is a NULL out pointer.
    ///
    /// # Errors
    /// As [`DriverContext::get_read_parameters`].
    pub fn get_device_io_control_parameters(
        &self,
        request: &OwnedRequest,
        code: Option<&mut u32>,
        input_length: Option<&mut u64>,
        output_length: Option<&mut u64>,
    ) -> Result<(), HResult> {
        let wanted = code.is_some() || input_length.is_some() || output_length.is_some();
        let parameters = self.parameters_of(request, IoKind::DeviceControl, wanted)?;
        give(code, parameters.code.0);
        give(input_length, parameters.input.len() as u64);
        give(output_length, parameters.output_length);
        Ok(())
    }

    /// `GetQueryInformationParameters`: information class, and the length of the buffer in bytes. None is a NULL out
    /// pointer.
    ///
    /// # Errors
    /// As [`DriverContext::get_read_parameters`].
    pub fn get_query_information_parameters(
        &self,
        request: &OwnedRequest,
        class: Option<&mut u32>,
        length: Option<&mut u64>,
    ) -> Result<(), HResult> {
        self.information_parameters(request, IoKind::QueryInformation, class, length)
    }

    /// `GetSetInformationParameters`, as [`DriverContext::get_query_information_parameters`].
    ///
    /// # Errors
    /// As there.
    pub fn get_set_information_parameters(
        &self,
        request: &OwnedRequest,
        class: Option<&mut u32>,
        length: Option<&mut u64>,
    ) -> Result<(), HResult> {
        self.information_parameters(request, IoKind::SetInformation, class, length)
    }

    fn information_parameters(
        &self,
        request: &OwnedRequest,
        kind: IoKind,
        class: Option<&mut u32>,
        length: Option<&mut u64>,
    ) -> Result<(), HResult> {
        let parameters = self.parameters_of(request, kind, class.is_some() || length.is_some())?;
        give(class, parameters.information_class);
        give(length, parameters.length());
        Ok(())
    }

    /// `GetEffectiveIoType`: this host copies every buffer, whatever the control code and the driver prefer (IOC-6).
    pub fn effective_io_type(&self, _request: &OwnedRequest) -> DeviceIoType {
        DeviceIoType::Buffered
    }

    /// REQ-46.
    fn parameters_of(&self, request: &OwnedRequest, kind: IoKind, wanted: bool) -> Result<&IoParameters, HResult> {
        let parameters = self.parameters(request);
        if !wanted {
            Err(HResult::E_INVALIDARG)
        } else if parameters.kind != kind {
            Err(HResult::STATUS_INVALID_DEVICE_REQUEST)
        } else {
            Ok(parameters)
        }
    }

    /// `IsFromUserModeDriver`: whether a driver made the request, an upper or a hosted one, and no application
    /// (REQ-45).
    pub fn is_from_user_mode_driver(&self, request: &OwnedRequest) -> bool {
        let packet = self.core.received.get(request.id()).and_then(|received| self.core.requests.get(received.request));
        let creator = packet.and_then(|packet| self.core.devices.get(packet.creator));
        creator.is_some_and(|creator| creator.upper().is_none_or(|upper| !upper.is_application))
    }

    /// `GetRequestorMode`: drivers and applications here are all in user mode (REQ-45).
    pub fn requestor_mode(&self, _request: &OwnedRequest) -> RequestorMode {
        RequestorMode::User
    }

    /// `GetInitiatorProcessId`: 0, nobody is on record for a driver-created file (OBJ-22).
    pub fn initiator_process_id(&self, _file: FileId) -> u32 {
        0
    }

    /// `RetrieveFileName` of a file of which this layer holds an object: the name given to `CreateWdfFile`, empty for
    /// none (OBJ-21), and its size in UTF-16 units with the terminator. `capacity` is that of the buffer in the same
    /// units; None is a NULL buffer, which asks for the size alone and gets no name (OBJ-20). Close changes nothing
    /// as long as the object is there (CLS-18).
    ///
    /// # Errors
    /// With the size: `ERROR_INSUFFICIENT_BUFFER` for a buffer that is too small; with 0:
    /// `STATUS_INVALID_DEVICE_REQUEST` when this layer has no such object.
    pub fn retrieve_file_name(
        &self,
        file: FileId,
        capacity: Option<usize>,
    ) -> Result<(Option<&str>, usize), (HResult, usize)> {
        if self.device_of_file(file).is_none() {
            return Err((HResult::STATUS_INVALID_DEVICE_REQUEST, 0));
        }
        let name = self.file_name(file);
        let size = name.encode_utf16().count() + 1;
        match capacity {
            None => Ok((None, size)),
            Some(capacity) if capacity < size => Err((HResult::ERROR_INSUFFICIENT_BUFFER, size)),
            Some(_) => Ok((Some(name), size)),
        }
    }

    /// `IWDFFile::GetDevice`: the layer this driver's object of the file belongs to, its own; None when it has none.
    pub fn device_of_file(&self, file: FileId) -> Option<Level> {
        let entry = self.core.files.get(file)?;
        let holds = entry.creator == self.device || entry.layers.iter().any(|layer| layer.device == self.device);
        holds.then(|| self.level())
    }
}

/// Writes through an out pointer, if there is one.
fn give<T>(place: Option<&mut T>, value: T) {
    if let Some(place) = place {
        *place = value;
    }
}
