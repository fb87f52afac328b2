//! The buffers of a received request as its driver looks at them and writes into them in place.
//!
//! Laws: input and output are two buffers, whatever the control code (IOC-5). What is written into the input belongs
//! to the packet below its sender, whose own memory nobody can write. The output starts as zeros, or with what its
//! sender put there for `METHOD_IN_DIRECT` (IOC-7); what is written into it is delivered by the completion, up to its
//! Information (REQ-38). A layer that sends the request on as it is passes both on as it left them, and finds in the
//! output what the layers below have written. Nothing is copied before a driver asks: who does not, pays nothing.

use std::sync::Arc;

use bytes::Bytes;

use crate::context::DriverContext;
use crate::driver::BufferRetrieval;
use crate::ids::ReceivedId;
use crate::io::{IoKind, IoParameters};
use crate::memory_object::ReceivedMemory;
use crate::received::{OwnedRequest, Received};
use crate::rule::Rule;
use crate::stack::core::Core;
use crate::status::HResult;

/// Most bytes of one buffer that a driver can look at in place: a copy is made for it, and a driver's own request can
/// name any length.
pub const IN_PLACE_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// What one driver has looked at of one request.
#[derive(Debug, Default)]
pub(crate) struct Buffers {
    input: Option<Vec<u8>>,
    output: Option<Vec<u8>>,
}

impl Buffers {
    /// The output of a completion that gives `given` besides: written over the beginning of what is there.
    pub(crate) fn into_output(self, given: Bytes) -> Bytes {
        match self.output {
            Some(mut written) if given.len() < written.len() => {
                overlay(&mut written, &given);
                Bytes::from(written)
            }
            _ => given,
        }
    }

    /// The layers below have completed the request with this output.
    pub(crate) fn receive(&mut self, output: &[u8]) {
        if let Some(written) = &mut self.output {
            overlay(written, output);
        }
    }
}

/// Writes `bytes` over the beginning of `buffer`, as far as they fit.
fn overlay(buffer: &mut [u8], bytes: &[u8]) {
    let common = buffer.len().min(bytes.len());
    buffer[..common].copy_from_slice(&bytes[..common]);
}

/// `length` zeros.
fn zeros(length: u64) -> Result<Vec<u8>, HResult> {
    match usize::try_from(length) {
        Ok(bytes) if length <= IN_PLACE_BYTES_MAX => Ok(vec![0; bytes]),
        _ => Err(HResult::E_OUTOFMEMORY),
    }
}

impl Received {
    /// What its driver was asked, with the buffers as the driver has left them (TGT-15).
    pub(crate) fn parameters_as_left(&self) -> Arc<IoParameters> {
        let Some(buffers) = &self.buffers else { return Arc::clone(&self.parameters) };
        let mut parameters = IoParameters::clone(&self.parameters);
        if let Some(input) = &buffers.input {
            parameters.input = Bytes::copy_from_slice(input);
        }
        parameters.output_contents = buffers.output.as_deref().map(|output| Box::new(Bytes::copy_from_slice(output)));
        Arc::new(parameters)
    }
}

impl Received {
    /// The bytes of a buffer as its driver has left them; not copied where it has not looked yet.
    pub(crate) fn buffer(&self, which: ReceivedMemory) -> Bytes {
        let buffers = self.buffers.as_deref();
        let written = match which {
            ReceivedMemory::Input => buffers.and_then(|buffers| buffers.input.as_deref()),
            ReceivedMemory::Output => buffers.and_then(|buffers| buffers.output.as_deref()),
        };
        match (written, which) {
            (Some(written), _) => Bytes::copy_from_slice(written),
            (None, ReceivedMemory::Input) => self.parameters.input.clone(),
            (None, ReceivedMemory::Output) => Bytes::new(),
        }
    }
}

impl Core {
    /// The input in place; None is a NULL memory.
    pub(crate) fn input_buffer(&mut self, id: ReceivedId) -> Result<Option<&mut [u8]>, HResult> {
        let Some(Received { parameters, buffers, .. }) = self.received.get_mut(id) else { return Ok(None) };
        if parameters.input.is_empty() {
            return Ok(None);
        }
        let place = &mut buffers.get_or_insert_default().input;
        if place.is_none() {
            let mut copy = zeros(parameters.input.len() as u64)?;
            overlay(&mut copy, &parameters.input);
            *place = Some(copy);
        }
        Ok(place.as_deref_mut())
    }

    /// The output in place; None is a NULL memory.
    pub(crate) fn output_buffer(&mut self, id: ReceivedId) -> Result<Option<&mut [u8]>, HResult> {
        let Some(Received { parameters, buffers, request, .. }) = self.received.get_mut(id) else { return Ok(None) };
        if parameters.output_length == 0 {
            return Ok(None);
        }
        let place = &mut buffers.get_or_insert_default().output;
        if place.is_none() {
            let mut fresh = zeros(parameters.output_length)?;
            overlay(&mut fresh, parameters.output_contents.as_deref().map_or(&[], |contents| contents));
            overlay(&mut fresh, &self.requests[*request].output); // of a request that came back from below
            *place = Some(fresh);
        }
        Ok(place.as_deref_mut())
    }
}

impl DriverContext<'_> {
    /// `GetInputMemory`: data of a write or set, input of a device control; None is NULL, there is none (OBJ-13,
    /// IOC-11). Writing into it changes nothing for the sender (IOC-5). It is NULL, too, for a buffer beyond
    /// [`IN_PLACE_BYTES_MAX`]. A violation of a driver that declared deferred retrieval (IOC-13).
    pub fn get_input_memory(&mut self, request: &OwnedRequest) -> Option<&mut [u8]> {
        self.must_not_be_deferred(request);
        self.core.input_buffer(request.id()).ok().flatten()
    }

    /// `GetOutputMemory`: what a read, query or device control is to fill, as [`DriverContext::get_input_memory`].
    /// What is written there is delivered by completing with an Information that covers it.
    pub fn get_output_memory(&mut self, request: &OwnedRequest) -> Option<&mut [u8]> {
        self.must_not_be_deferred(request);
        self.core.output_buffer(request.id()).ok().flatten()
    }

    /// `RetrieveInputBuffer` of a write or a device control; `minimum` in bytes.
    ///
    /// # Errors
    /// `ERROR_INSUFFICIENT_BUFFER` when there is no such buffer or it is smaller; `E_OUTOFMEMORY` beyond
    /// [`IN_PLACE_BYTES_MAX`]. The request is untouched (IOC-12).
    pub fn retrieve_input_buffer(&mut self, request: &OwnedRequest, minimum: u64) -> Result<&mut [u8], HResult> {
        let parameters = self.parameters(request);
        let has = matches!(parameters.kind, IoKind::Write | IoKind::DeviceControl);
        if !has || (parameters.input.len() as u64) < minimum {
            return Err(HResult::ERROR_INSUFFICIENT_BUFFER);
        }
        self.core.input_buffer(request.id())?.ok_or(HResult::ERROR_INSUFFICIENT_BUFFER)
    }

    /// `RetrieveOutputBuffer` of a read or a device control; `minimum` in bytes.
    ///
    /// # Errors
    /// As [`DriverContext::retrieve_input_buffer`].
    pub fn retrieve_output_buffer(&mut self, request: &OwnedRequest, minimum: u64) -> Result<&mut [u8], HResult> {
        let parameters = self.parameters(request);
        let has = matches!(parameters.kind, IoKind::Read | IoKind::DeviceControl);
        if !has || parameters.output_length < minimum {
            return Err(HResult::ERROR_INSUFFICIENT_BUFFER);
        }
        self.core.output_buffer(request.id())?.ok_or(HResult::ERROR_INSUFFICIENT_BUFFER)
    }

    /// IOC-13.
    pub(crate) fn must_not_be_deferred(&mut self, request: &OwnedRequest) {
        let hosted = self.core.devices[self.device].hosted();
        if hosted.is_some_and(|hosted| hosted.config.buffer_retrieval == BufferRetrieval::Deferred)
            && let Some((file, packet)) =
                self.core.received.get(request.id()).map(|received| (received.file, received.request))
        {
            self.core.violation(self.device, Rule::Ioc13, file, Some(packet));
        }
    }
}
