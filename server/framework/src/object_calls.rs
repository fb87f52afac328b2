//! What a hosted driver can do with objects: references on files, memory objects, `DeleteWdfObject` (section OBJ).
//!
//! The other methods of [`DriverContext`] are in `context.rs` and `queries.rs`.

use bytes::Bytes;

use crate::context::DriverContext;
use crate::ids::{BufferId, FileId, MemoryId, ReceivedId, RequestId};
use crate::memory_object::{MemoryFormat, MemoryParent, ReceivedMemory};
use crate::received::OwnedRequest;
use crate::status::HResult;

/// A reference on this layer's object of a file (OBJ-17). The object outlives its `OnCloseFile` until the reference is
/// released; one that never is counts as a leak when the driver is unloaded (OBJ-23).
#[derive(Debug, PartialEq, Eq)]
#[must_use = "a reference on a file must be released with `release_file`"]
pub struct FileReference {
    file: FileId,
}

impl FileReference {
    /// The file.
    pub fn id(&self) -> FileId {
        self.file
    }
}

/// An object that a driver names to `DeleteWdfObject`. Queues are declared with the device and have no such call here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WdfObject {
    /// `IWDFDriver`.
    Driver,
    /// `IWDFDevice`.
    Device,
    /// The default `IWDFIoTarget`.
    DefaultTarget,
    /// `IWDFFile`: this layer's object of a file, or a file it created itself.
    File(FileId),
    /// A request the driver has received.
    Received(ReceivedId),
    /// A request of its own.
    Request(RequestId),
    /// A memory.
    Memory(MemoryId),
}

impl DriverContext<'_> {
    /// `DeleteWdfObject` (OBJ-4).
    ///
    /// `ERROR_ACCESS_DENIED` for what belongs to the framework, and for a file, which is ended with `Close` (CLS-16);
    /// `E_INVALIDARG` for an id that is stale or not this driver's; else as the calls for requests and memories.
    pub fn delete_wdf_object(&mut self, object: WdfObject) -> HResult {
        self.core.delete_wdf_object(self.device, object)
    }

    /// `GetFileObject` with its reference, which the driver must release (OBJ-17); None as
    /// [`DriverContext::file_of`], which is for drivers that only look.
    pub fn get_file_object(&mut self, request: &OwnedRequest) -> Option<FileReference> {
        let file = self.file_of(request)?;
        self.core.refer_to_file(self.device, file).then_some(FileReference { file })
    }

    /// Releases a reference on a file; gives how many are left.
    #[expect(clippy::needless_pass_by_value, reason = "a reference is used up by its release")]
    pub fn release_file(&mut self, reference: FileReference) -> u32 {
        self.core.release_file(self.device, reference.file)
    }

    /// References that this driver holds on its object of a file.
    pub fn file_references(&self, file: FileId) -> u32 {
        self.core.file_references(self.device, file)
    }

    /// `CreateWdfMemory` of `size` bytes, all zero.
    ///
    /// # Errors
    /// `E_INVALIDARG` for size 0 (OBJ-14) and for a parent that is not there.
    pub fn create_wdf_memory(&mut self, size: usize, parent: MemoryParent) -> Result<MemoryId, HResult> {
        self.core.create_memory(self.device, size, parent)
    }

    /// Puts bytes aside as a buffer of the driver's own, for [`DriverContext::create_preallocated_wdf_memory`]. It stays
    /// until the driver frees it or is unloaded, whatever memory objects wrap it.
    pub fn allocate_buffer(&mut self, bytes: Bytes) -> BufferId {
        self.core.allocate_buffer(self.device, bytes)
    }

    /// What is in a buffer of the driver's own; None when it was freed.
    pub fn buffer(&self, buffer: BufferId) -> Option<&Bytes> {
        self.core.buffer(self.device, buffer)
    }

    /// Frees a buffer of the driver's own; a memory object around it is empty then.
    pub fn free_buffer(&mut self, buffer: BufferId) {
        self.core.free_buffer(self.device, buffer);
    }

    /// `CreatePreallocatedWdfMemory` around a buffer of the driver's own, which the object does not own (OBJ-15).
    ///
    /// # Errors
    /// `E_INVALIDARG` for an empty or freed buffer and for a parent that is not there.
    pub fn create_preallocated_wdf_memory(
        &mut self,
        buffer: BufferId,
        parent: MemoryParent,
    ) -> Result<MemoryId, HResult> {
        self.core.create_preallocated_memory(self.device, buffer, parent)
    }

    /// `SetBuffer`: the memory has this buffer from now on (OBJ-15).
    ///
    /// # Errors
    /// `E_INVALIDARG` for an empty or freed buffer, `STATUS_INVALID_DEVICE_REQUEST` for a memory that is not
    /// preallocated; those of [`DriverContext::memory_contents`].
    pub fn set_memory_buffer(&mut self, memory: MemoryId, buffer: BufferId) -> Result<(), HResult> {
        self.core.set_memory_buffer(self.device, memory, buffer)
    }

    /// `GetInputMemory`, `GetOutputMemory`: a reference that the driver must release before it completes the request
    /// (OBJ-13). None when the request has no such buffer. The bytes are those that
    /// [`DriverContext::retrieve_input_buffer`] and its kin show in place, and the same drivers may ask (IOC-13).
    pub fn received_memory(&mut self, request: &OwnedRequest, which: ReceivedMemory) -> Option<MemoryId> {
        self.must_not_be_deferred(request);
        self.core.received_memory(self.device, request.id(), which)
    }

    /// `GetDataBuffer`, to read: the bytes as they are now.
    ///
    /// # Errors
    /// `E_INVALIDARG` for a memory that is gone or not this driver's, `STATUS_INVALID_DEVICE_STATE` for one that was
    /// deleted and is only referred to (OBJ-3).
    pub fn memory_contents(&self, memory: MemoryId) -> Result<Bytes, HResult> {
        self.core.memory_contents(self.device, memory)
    }

    /// `CopyFromBuffer`: lays `data` over the memory from `offset` on.
    ///
    /// # Errors
    /// `STATUS_INTEGER_OVERFLOW` when it does not fit; those of [`DriverContext::memory_contents`].
    pub fn copy_to_memory(&mut self, memory: MemoryId, offset: u64, data: &[u8]) -> Result<(), HResult> {
        self.core.copy_to_memory(self.device, memory, offset, data)
    }

    /// `AddRef`; gives how many references the driver has now. A zombie can be referred to as well (OBJ-3).
    ///
    /// # Errors
    /// `E_INVALIDARG` for a memory that is gone or not this driver's.
    pub fn add_memory_reference(&mut self, memory: MemoryId) -> Result<u32, HResult> {
        self.core.add_memory_reference(self.device, memory)
    }

    /// `Release`; gives how many references the driver has left.
    ///
    /// # Errors
    /// `E_INVALIDARG` as there, and when the driver has no reference to release.
    pub fn release_memory(&mut self, memory: MemoryId) -> Result<u32, HResult> {
        self.core.release_memory(self.device, memory)
    }

    /// All references on a memory besides that of the tree: the driver's, and one for each use by a formatted request
    /// (OBJ-16). None when it is gone or not this driver's.
    pub fn memory_references(&self, memory: MemoryId) -> Option<u32> {
        self.core.memory_references(self.device, memory)
    }

    /// `FormatRequestForRead`, `…Write`, `…Ioctl` on the default target with memory objects. Takes a reference on each,
    /// until the request is formatted again, reused or deleted (OBJ-16); what the request brings is in its output
    /// memory when it completes.
    pub fn format_request_with_memory(
        &mut self,
        request: RequestId,
        file: Option<FileId>,
        io: MemoryFormat,
    ) -> HResult {
        self.core.format_with_memory(self.device, request, file, io)
    }
}
