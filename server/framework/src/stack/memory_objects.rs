//! Memory objects: who may use one, what they are formatted into, what is left when they go (OBJ-13 to OBJ-16).
//!
//! A received request's memories leave the tree when its driver completes it, because completion frees what is under
//! them (OBJ-13). A reference that is left then is a violation; whoever holds it holds a zombie, and the result of a
//! request that was formatted with it goes nowhere.

use bytes::Bytes;

use crate::handle::Aim;
use crate::ids::{BufferId, DeviceId, FileId, MemoryId, ReceivedId, RequestId};
use crate::io::{FormatIo, IoParameters};
use crate::memory::{InputMemory, OutputMemory};
use crate::memory_object::{
    Backing, Buffer, Memory, MemoryEvent, MemoryFormat, MemoryParent, MemoryPart, MemoryState, ReceivedMemory,
    RequestMemories, overlaid, overlay,
};
use crate::rule::Rule;
use crate::status::HResult;

use super::core::Core;

impl Core {
    // Buffers of drivers.

    pub(crate) fn allocate_buffer(&mut self, owner: DeviceId, bytes: Bytes) -> BufferId {
        self.buffers.insert(Buffer { owner, bytes })
    }

    pub(crate) fn buffer(&self, owner: DeviceId, buffer: BufferId) -> Option<&Bytes> {
        self.buffers.get(buffer).filter(|entry| entry.owner == owner).map(|entry| &entry.bytes)
    }

    pub(crate) fn free_buffer(&mut self, owner: DeviceId, buffer: BufferId) {
        if self.buffer(owner, buffer).is_some() {
            self.buffers.remove(buffer);
        }
    }

    // Creating.

    pub(crate) fn create_memory(
        &mut self,
        owner: DeviceId,
        size: usize,
        parent: MemoryParent,
    ) -> Result<MemoryId, HResult> {
        if size == 0 {
            return Err(HResult::E_INVALIDARG); // OBJ-14
        }
        self.insert_memory(owner, parent, Backing::Created(Bytes::from(vec![0; size])))
    }

    pub(crate) fn create_preallocated_memory(
        &mut self,
        owner: DeviceId,
        buffer: BufferId,
        parent: MemoryParent,
    ) -> Result<MemoryId, HResult> {
        self.check_buffer(owner, buffer)?;
        self.insert_memory(owner, parent, Backing::Preallocated(buffer))
    }

    /// OBJ-15: a buffer that is there and not empty.
    fn check_buffer(&self, owner: DeviceId, buffer: BufferId) -> Result<(), HResult> {
        let usable = self.buffer(owner, buffer).is_some_and(|bytes| !bytes.is_empty());
        if usable { Ok(()) } else { Err(HResult::E_INVALIDARG) }
    }

    fn insert_memory(&mut self, owner: DeviceId, parent: MemoryParent, backing: Backing) -> Result<MemoryId, HResult> {
        let absent = HResult::E_INVALIDARG;
        match parent {
            MemoryParent::Driver => Ok(self.memories.insert(Memory::new(owner, parent, backing))),
            MemoryParent::Request(request) => {
                self.own_request(owner, request).ok_or(absent)?;
                let id = self.memories.insert(Memory::new(owner, parent, backing));
                self.requests[request].memories.get_or_insert_default().children.push(id);
                Ok(id)
            }
            MemoryParent::Received(received) => {
                self.received.get(received).filter(|received| received.receiver == owner).ok_or(absent)?;
                let id = self.memories.insert(Memory::new(owner, parent, backing));
                self.received[received].memories.get_or_insert_default().children.push(id);
                Ok(id)
            }
        }
    }

    /// `GetInputMemory`, `GetOutputMemory`: one object each, however often it is asked for.
    pub(crate) fn received_memory(
        &mut self,
        owner: DeviceId,
        id: ReceivedId,
        which: ReceivedMemory,
    ) -> Option<MemoryId> {
        self.received.get(id).filter(|received| received.receiver == owner)?;
        let is_there = match which {
            ReceivedMemory::Input => !self.received[id].parameters.input.is_empty(),
            ReceivedMemory::Output => self.output_buffer(id).ok().flatten().is_some(),
        };
        if !is_there {
            return None; // a zero-length transfer has a NULL memory (OBJ-14)
        }
        let memories = self.received[id].memories.get_or_insert_default();
        let place = match which {
            ReceivedMemory::Input => &mut memories.input,
            ReceivedMemory::Output => &mut memories.output,
        };
        let memory = *place.get_or_insert_with(|| {
            self.memories.insert(Memory::new(owner, MemoryParent::Received(id), Backing::Received(id, which)))
        });
        self.memories[memory].references += 1;
        Some(memory)
    }

    // Using.

    /// A memory that is there and `owner`'s, zombie or not.
    fn known_memory(&self, owner: DeviceId, memory: MemoryId) -> Result<&Memory, HResult> {
        self.memories.get(memory).filter(|entry| entry.owner == owner).ok_or(HResult::E_INVALIDARG)
    }

    /// A memory that can be used (OBJ-3).
    fn usable_memory(&self, owner: DeviceId, memory: MemoryId) -> Result<&Memory, HResult> {
        let entry = self.known_memory(owner, memory)?;
        if entry.state == MemoryState::Alive { Ok(entry) } else { Err(HResult::STATUS_INVALID_DEVICE_STATE) }
    }

    pub(crate) fn memory_contents(&self, owner: DeviceId, memory: MemoryId) -> Result<Bytes, HResult> {
        Ok(match self.usable_memory(owner, memory)?.backing {
            Backing::Created(ref bytes) => bytes.clone(),
            Backing::Received(id, which) => {
                self.received.get(id).map(|received| received.buffer(which)).unwrap_or_default()
            }
            Backing::Preallocated(buffer) => self.buffer(owner, buffer).cloned().unwrap_or_default(),
            Backing::Withdrawn => Bytes::new(),
        })
    }

    pub(crate) fn copy_to_memory(
        &mut self,
        owner: DeviceId,
        memory: MemoryId,
        offset: u64,
        data: &[u8],
    ) -> Result<(), HResult> {
        let size = self.memory_contents(owner, memory)?.len() as u64;
        if offset.checked_add(data.len() as u64).is_none_or(|end| end > size) {
            return Err(HResult::STATUS_INTEGER_OVERFLOW);
        }
        self.overlay(memory, offset, data);
        Ok(())
    }

    /// Lays data over whatever bytes the memory has now.
    fn overlay(&mut self, memory: MemoryId, start: u64, data: &[u8]) {
        match &mut self.memories[memory].backing {
            Backing::Created(bytes) => *bytes = overlaid(bytes, start, data),
            Backing::Preallocated(buffer) => {
                if let Some(Buffer { bytes, .. }) = self.buffers.get_mut(*buffer) {
                    *bytes = overlaid(bytes, start, data);
                }
            }
            Backing::Received(id, which) => {
                let (id, which) = (*id, *which);
                let buffer = match which {
                    ReceivedMemory::Input => self.input_buffer(id),
                    ReceivedMemory::Output => self.output_buffer(id),
                };
                if let Ok(Some(buffer)) = buffer {
                    overlay(buffer, start, data);
                }
            }
            Backing::Withdrawn => {}
        }
    }

    pub(crate) fn set_memory_buffer(
        &mut self,
        owner: DeviceId,
        memory: MemoryId,
        buffer: BufferId,
    ) -> Result<(), HResult> {
        let is_preallocated = matches!(self.usable_memory(owner, memory)?.backing, Backing::Preallocated(_));
        if !is_preallocated {
            return Err(HResult::STATUS_INVALID_DEVICE_REQUEST);
        }
        self.check_buffer(owner, buffer)?;
        self.memories[memory].backing = Backing::Preallocated(buffer);
        Ok(())
    }

    pub(crate) fn memory_references(&self, owner: DeviceId, memory: MemoryId) -> Option<u32> {
        self.known_memory(owner, memory).ok().map(|entry| entry.references + entry.formatted)
    }

    pub(crate) fn add_memory_reference(&mut self, owner: DeviceId, memory: MemoryId) -> Result<u32, HResult> {
        self.known_memory(owner, memory)?;
        let entry = &mut self.memories[memory];
        entry.references += 1;
        Ok(entry.references)
    }

    pub(crate) fn release_memory(&mut self, owner: DeviceId, memory: MemoryId) -> Result<u32, HResult> {
        let left = self.known_memory(owner, memory)?.references.checked_sub(1).ok_or(HResult::E_INVALIDARG)?;
        self.memories[memory].references = left;
        self.free_if_unreferenced(memory);
        Ok(left)
    }

    // Formatting (OBJ-16).

    pub(crate) fn format_with_memory(
        &mut self,
        creator: DeviceId,
        request: RequestId,
        file: Option<FileId>,
        io: MemoryFormat,
    ) -> HResult {
        let checked = self.resolve_memories(creator, io).and_then(|io| {
            self.check_format(creator, file)?;
            Ok((IoParameters::try_from(io)?, Aim::Lower))
        });
        let status = self.formatted(creator, request, file, checked);
        if status.is_success() {
            let (input, output) = io.parts();
            let memories = self.requests[request].memories.get_or_insert_default();
            (memories.input, memories.output) = (input.map(|part| part.memory), output.map(|part| part.memory));
            for part in [input, output].into_iter().flatten() {
                self.memories[part.memory].formatted += 1;
            }
        }
        status
    }

    /// The Format call that means the same without objects.
    fn resolve_memories(&self, owner: DeviceId, io: MemoryFormat) -> Result<FormatIo, HResult> {
        let (input, output) = io.parts();
        let bytes = |part: MemoryPart| Ok((self.memory_contents(owner, part.memory)?, part.window.map(Box::new)));
        let input = input.map(bytes).transpose()?.map(|(data, window)| InputMemory { data, window });
        let output = output.map(bytes).transpose()?;
        let output = output.map(|(contents, window)| OutputMemory {
            size: contents.len() as u64,
            window,
            contents: Some(Box::new(contents)),
        });
        Ok(match io {
            MemoryFormat::Read { device_offset, .. } => FormatIo::Read { output, device_offset },
            MemoryFormat::Write { device_offset, .. } => FormatIo::Write { input, device_offset },
            MemoryFormat::DeviceControl { code, .. } => FormatIo::DeviceControl { code, input, output },
        })
    }

    /// The request is formatted again, reused or deleted.
    pub(crate) fn release_formatted(&mut self, request: RequestId) {
        let Some(memories) = &mut self.requests[request].memories else { return };
        for memory in [memories.input.take(), memories.output.take()].into_iter().flatten() {
            if let Some(entry) = self.memories.get_mut(memory) {
                entry.formatted -= 1;
                self.free_if_unreferenced(memory);
            }
        }
    }

    /// A completed request's data goes where its Format said (TGT-12, REQ-38).
    pub(crate) fn land(&mut self, request: RequestId) {
        let entry = &self.requests[request];
        let Some(memory) = entry.memories.as_ref().and_then(|memories| memories.output) else { return };
        let (start, data) = (entry.io.as_ref().map_or(0, |io| io.output_start), entry.output.clone());
        if self.memories.contains_key(memory) {
            self.overlay(memory, start, &data);
        }
    }

    // The end.

    pub(crate) fn delete_memory(&mut self, owner: DeviceId, memory: MemoryId) -> HResult {
        match self.usable_memory(owner, memory) {
            Err(status) => status,
            Ok(entry) if entry.is_of_framework() => HResult::ERROR_ACCESS_DENIED,
            Ok(entry) => {
                let parent = match entry.parent {
                    MemoryParent::Driver => None,
                    MemoryParent::Request(id) => self.requests.get_mut(id).and_then(|entry| entry.memories.as_mut()),
                    MemoryParent::Received(id) => self.received.get_mut(id).and_then(|entry| entry.memories.as_mut()),
                };
                if let Some(memories) = parent {
                    memories.children.retain(|child| *child != memory);
                }
                self.leave_tree(memory);
                HResult::S_OK
            }
        }
    }

    fn leave_tree(&mut self, memory: MemoryId) {
        if let Some(entry) = self.memories.get_mut(memory) {
            entry.state.step(MemoryEvent::Deleted);
            self.free_if_unreferenced(memory);
        }
    }

    fn free_if_unreferenced(&mut self, memory: MemoryId) {
        let entry = &mut self.memories[memory];
        if entry.references + entry.formatted == 0 && entry.state.step(MemoryEvent::ReferencesGone) {
            self.memories.remove(memory);
        }
    }

    /// An own request is deleted: it lets go of what it is formatted with, and what was created under it goes (OBJ-1).
    pub(crate) fn delete_memories_of(&mut self, request: RequestId) {
        self.release_formatted(request);
        let Some(memories) = self.requests[request].memories.take() else { return };
        for child in memories.children {
            self.leave_tree(child);
        }
    }

    /// A driver completes a request whose memory it had asked for, or gives it away for good: a reference that is left
    /// is a violation (OBJ-13, OBJ-16).
    pub(crate) fn end_lending(&mut self, device: DeviceId, id: ReceivedId) {
        let received = &self.received[id];
        let (file, request) = (received.file, received.request);
        let Some(memories) = &received.memories else { return };
        let lent = |memory: Option<MemoryId>| memory.and_then(|memory| self.memories.get(memory));
        let both = [lent(memories.input), lent(memories.output)];
        let is_formatted = both.iter().flatten().any(|memory| memory.formatted > 0);
        let is_referenced = both.iter().flatten().any(|memory| memory.references > 0);
        self.withdraw_memories(id);
        if is_formatted {
            self.violation(device, Rule::Obj16, file, Some(request));
        }
        if is_referenced && !self.is_dead() {
            self.violation(device, Rule::Obj13, file, Some(request));
        }
    }

    /// A received request ends at this layer: its memories and what was created under it leave the tree (OBJ-1).
    pub(crate) fn withdraw_memories(&mut self, id: ReceivedId) {
        if let Some(memories) = self.received.get_mut(id).and_then(|received| received.memories.take()) {
            self.withdraw(*memories);
        }
    }

    /// What hung on a received request leaves the tree.
    pub(crate) fn withdraw(&mut self, memories: RequestMemories) {
        for memory in [memories.input, memories.output].into_iter().flatten() {
            if let Some(entry) = self.memories.get_mut(memory) {
                entry.backing = Backing::Withdrawn;
            }
            self.leave_tree(memory);
        }
        for child in memories.children {
            self.leave_tree(child);
        }
    }

    /// The driver of `device` is unloaded: its memories go with it; those it still refers to are leaks (OBJ-23).
    pub(crate) fn unload_memories(&mut self, device: DeviceId) {
        let leaked = self.memories.values().filter(|memory| memory.owner == device && memory.references > 0).count();
        for _ in 0..leaked {
            self.finding(device, Rule::Obj23, None, None);
        }
        self.memories.retain(|_, memory| memory.owner != device);
        self.buffers.retain(|_, buffer| buffer.owner != device);
    }
}
