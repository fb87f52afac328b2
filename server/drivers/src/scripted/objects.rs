//! Commands about objects: references on files, memory objects, `DeleteWdfObject`. And the memory of a `send`.
//!
//! Memories and buffers are known by the script's numbers; a number that is given again means the latest.

use std::collections::BTreeMap;

use bytes::Bytes;
use lowerdeck_framework::context::DriverContext;
use lowerdeck_framework::ids::{BufferId, FileId, MemoryId, ReceivedId, RequestId, RequestLabel};
use lowerdeck_framework::memory::MemoryOffset;
use lowerdeck_framework::memory_object::{MemoryFormat, MemoryParent, MemoryPart, ReceivedMemory};
use lowerdeck_framework::object_calls::{FileReference, WdfObject};
use lowerdeck_framework::status::HResult;

use super::action::{OwnIo, OwnSend};
use super::arguments::Arguments;
use super::driver::ScriptedDriver;
use super::inquiry::hex;
use crate::syntax::SyntaxError;
use crate::transfer::MAX_TRANSFER_BYTES;

/// Most references on files, most memories and most buffers that a script keeps, each: it names them one by one.
pub const MAX_OBJECTS: usize = 1024;

/// A command about objects. See the list in the module of the driver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ObjectCommand {
    GetFile(RequestLabel),
    ReleaseFile(String),
    Delete(Deleted),
    Buffer(u64, Bytes),
    BufferRead(u64),
    MemoryCreate { number: u64, size: usize, parent: Option<Parent> },
    MemoryWrap { number: u64, buffer: u64 },
    MemorySet { number: u64, buffer: u64 },
    MemoryGet { number: u64, request: RequestLabel, which: ReceivedMemory },
    MemoryRead(u64),
    MemoryWrite { number: u64, start: u64, data: Bytes },
    MemoryAddRef(u64),
    MemoryRelease(u64),
    MemoryReferences(u64),
    MemoryDelete(u64),
}

/// What `delete-object` names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Deleted {
    Fixed(WdfObject),
    File(String),
    Received(RequestLabel),
}

/// Under what a memory is created: a request of its own by number, or a kept one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Parent {
    Own(u64),
    Kept(RequestLabel),
}

/// The memory that a request of its own is formatted with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct OwnMemory {
    pub(super) source: MemorySource,
    pub(super) window: Option<MemoryOffset>,
}

/// Whose memory it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MemorySource {
    /// Its own, by number.
    Numbered(u64),
    /// That of the received request the callback is about.
    Received,
    /// That of a kept request.
    Kept(RequestLabel),
}

/// What scripts keep.
#[derive(Debug, Default)]
pub(super) struct KnownObjects {
    references: Vec<FileReference>,
    memories: BTreeMap<u64, MemoryId>,
    buffers: BTreeMap<u64, BufferId>,
}

impl ObjectCommand {
    /// Reads the rest of the command `word`; None when that is no command about objects.
    pub(super) fn read(word: &str, arguments: &mut Arguments<'_>) -> Result<Option<ObjectCommand>, SyntaxError> {
        let memory = "the number of a memory";
        Ok(Some(match word {
            "get-file" => ObjectCommand::GetFile(arguments.label()?),
            "release-file" => ObjectCommand::ReleaseFile(arguments.name("the name of a file, \"\" for none")?),
            "delete-object" => ObjectCommand::Delete(deleted(arguments)?),
            "buffer" => {
                let number = arguments.number("the number of a buffer")?;
                ObjectCommand::Buffer(number, arguments.data()?.unwrap_or_default())
            }
            "buffer-read" => ObjectCommand::BufferRead(arguments.number("the number of a buffer")?),
            "memory-create" => {
                let number = arguments.number(memory)?;
                let size = arguments.bounded("size", MAX_TRANSFER_BYTES)?;
                let parent = match (arguments.keyed_number("parent")?, arguments.keyed_label("under")?) {
                    (Some(own), _) => Some(Parent::Own(own)),
                    (None, kept) => kept.map(Parent::Kept),
                };
                ObjectCommand::MemoryCreate { number, size: usize::try_from(size).unwrap_or(0), parent }
            }
            "memory-wrap" | "memory-set" => {
                let number = arguments.number(memory)?;
                let buffer = arguments.bounded("buffer", u64::MAX)?;
                if word == "memory-wrap" {
                    ObjectCommand::MemoryWrap { number, buffer }
                } else {
                    ObjectCommand::MemorySet { number, buffer }
                }
            }
            "memory-get" => {
                let which = if arguments.flag("output") { ReceivedMemory::Output } else { ReceivedMemory::Input };
                let _ = arguments.flag("input");
                let number = arguments.number(memory)?;
                ObjectCommand::MemoryGet { number, request: arguments.label()?, which }
            }
            "memory-read" => ObjectCommand::MemoryRead(arguments.number(memory)?),
            "memory-write" => {
                let number = arguments.number(memory)?;
                let start = arguments.keyed_number("start")?.unwrap_or(0);
                ObjectCommand::MemoryWrite { number, start, data: arguments.data()?.unwrap_or_default() }
            }
            "memory-add-ref" => ObjectCommand::MemoryAddRef(arguments.number(memory)?),
            "memory-release" => ObjectCommand::MemoryRelease(arguments.number(memory)?),
            "memory-references" => ObjectCommand::MemoryReferences(arguments.number(memory)?),
            "memory-delete" => ObjectCommand::MemoryDelete(arguments.number(memory)?),
            _ => return Ok(None),
        }))
    }
}

fn deleted(arguments: &mut Arguments<'_>) -> Result<Deleted, SyntaxError> {
    let fixed = [("driver", WdfObject::Driver), ("device", WdfObject::Device), ("target", WdfObject::DefaultTarget)];
    if let Some((_, object)) = fixed.into_iter().find(|(word, _)| arguments.flag(word)) {
        return Ok(Deleted::Fixed(object));
    }
    if let Some(name) = arguments.keyed_name("file")? {
        return Ok(Deleted::File(name));
    }
    Ok(Deleted::Received(arguments.label()?))
}

fn answer<T: ToString>(result: Result<T, HResult>) -> String {
    result.map_or_else(|status| status.to_string(), |value| value.to_string())
}

impl KnownObjects {
    fn memory(&self, number: u64) -> Result<MemoryId, String> {
        self.memories.get(&number).copied().ok_or_else(|| format!("the driver has no memory with number {number}"))
    }

    fn buffer(&self, number: u64) -> Result<BufferId, String> {
        self.buffers.get(&number).copied().ok_or_else(|| format!("the driver has no buffer with number {number}"))
    }

    fn check_room(&self) -> Result<(), String> {
        let most = self.references.len().max(self.memories.len()).max(self.buffers.len());
        if most < MAX_OBJECTS { Ok(()) } else { Err(format!("the driver keeps {MAX_OBJECTS} objects, the limit")) }
    }

    fn keep_memory(&mut self, number: u64, made: Result<MemoryId, HResult>) -> String {
        made.map(|memory| self.memories.insert(number, memory)).err().unwrap_or(HResult::S_OK).to_string()
    }
}

impl ScriptedDriver {
    /// Obeys a command about objects.
    pub(super) fn handle_objects(
        &mut self,
        cx: &mut DriverContext<'_>,
        command: &ObjectCommand,
    ) -> Result<String, String> {
        match command {
            ObjectCommand::GetFile(label) => self.get_file(cx, *label),
            ObjectCommand::ReleaseFile(name) => {
                let known = |reference: &FileReference| cx.file_name(reference.id()) == name;
                let index = self.objects.references.iter().position(known);
                let index = index.ok_or_else(|| format!("the driver has no reference on a file `{name}`"))?;
                Ok(cx.release_file(self.objects.references.remove(index)).to_string())
            }
            ObjectCommand::Delete(deleted) => {
                let object = match deleted {
                    Deleted::Fixed(object) => *object,
                    Deleted::File(name) => WdfObject::File(self.file_named(cx, name).unwrap_or_default()),
                    Deleted::Received(label) => WdfObject::Received(self.labelled(*label)?),
                };
                Ok(cx.delete_wdf_object(object).to_string())
            }
            ObjectCommand::Buffer(number, bytes) => {
                self.objects.check_room()?;
                self.objects.buffers.insert(*number, cx.allocate_buffer(bytes.clone()));
                Ok(HResult::S_OK.to_string())
            }
            ObjectCommand::BufferRead(number) => {
                let buffer = self.objects.buffer(*number)?;
                Ok(cx.buffer(buffer).map_or_else(|| "freed".to_owned(), |bytes| hex(bytes)))
            }
            memory => self.handle_memory(cx, memory),
        }
    }

    fn handle_memory(&mut self, cx: &mut DriverContext<'_>, command: &ObjectCommand) -> Result<String, String> {
        Ok(match *command {
            ObjectCommand::MemoryCreate { number, size, parent } => {
                self.objects.check_room()?;
                let parent = self.parent(parent)?;
                let made = cx.create_wdf_memory(size, parent);
                self.objects.keep_memory(number, made)
            }
            ObjectCommand::MemoryWrap { number, buffer } => {
                self.objects.check_room()?;
                let made = cx.create_preallocated_wdf_memory(self.objects.buffer(buffer)?, MemoryParent::Driver);
                self.objects.keep_memory(number, made)
            }
            ObjectCommand::MemorySet { number, buffer } => {
                let (memory, buffer) = (self.objects.memory(number)?, self.objects.buffer(buffer)?);
                cx.set_memory_buffer(memory, buffer).err().unwrap_or(HResult::S_OK).to_string()
            }
            ObjectCommand::MemoryGet { number, request, which } => {
                self.objects.check_room()?;
                let request = self.labelled(request)?;
                match self.received_memory(cx, request, which) {
                    Some(memory) => self.objects.keep_memory(number, Ok(memory)),
                    None => "null".to_owned(),
                }
            }
            ObjectCommand::MemoryRead(number) => {
                answer(cx.memory_contents(self.objects.memory(number)?).map(|bytes| hex(&bytes)))
            }
            ObjectCommand::MemoryWrite { number, start, ref data } => {
                let written = cx.copy_to_memory(self.objects.memory(number)?, start, data);
                written.err().unwrap_or(HResult::S_OK).to_string()
            }
            ObjectCommand::MemoryAddRef(number) => answer(cx.add_memory_reference(self.objects.memory(number)?)),
            ObjectCommand::MemoryRelease(number) => answer(cx.release_memory(self.objects.memory(number)?)),
            ObjectCommand::MemoryReferences(number) => {
                let references = cx.memory_references(self.objects.memory(number)?);
                references.map_or_else(|| "gone".to_owned(), |references| references.to_string())
            }
            ObjectCommand::MemoryDelete(number) => {
                cx.delete_wdf_object(WdfObject::Memory(self.objects.memory(number)?)).to_string()
            }
            _ => unreachable!("the other commands are handled before"),
        })
    }

    fn parent(&self, parent: Option<Parent>) -> Result<MemoryParent, String> {
        Ok(match parent {
            None => MemoryParent::Driver,
            Some(Parent::Own(number)) => MemoryParent::Request(self.own_numbered(number)?),
            Some(Parent::Kept(label)) => MemoryParent::Received(self.labelled(label)?),
        })
    }

    /// `GetFileObject`; the reply is how many references the driver has on that file now.
    fn get_file(&mut self, cx: &mut DriverContext<'_>, label: RequestLabel) -> Result<String, String> {
        self.objects.check_room()?;
        let request = self.labelled(label)?;
        let reference = self.kept.get_mut(request).and_then(|kept| cx.get_file_object(&kept.request));
        Ok(reference.map_or_else(
            || "null".to_owned(),
            |reference| {
                let count = cx.file_references(reference.id());
                self.objects.references.push(reference);
                count.to_string()
            },
        ))
    }

    fn received_memory(
        &mut self,
        cx: &mut DriverContext<'_>,
        request: ReceivedId,
        which: ReceivedMemory,
    ) -> Option<MemoryId> {
        self.kept.get_mut(request).and_then(|kept| cx.received_memory(&kept.request, which))
    }

    /// Formats a request of its own with a memory object. A received request's memory is lent: once formatted, only the
    /// own request refers to it (OBJ-16).
    pub(super) fn format_own_with_memory(
        &mut self,
        cx: &mut DriverContext<'_>,
        request: RequestId,
        file: Option<FileId>,
        send: &OwnSend,
        memory: OwnMemory,
        present: Option<ReceivedId>,
    ) -> HResult {
        let which = if send.io == OwnIo::Write { ReceivedMemory::Input } else { ReceivedMemory::Output };
        let lender = match memory.source {
            MemorySource::Numbered(_) => None,
            MemorySource::Received => present,
            MemorySource::Kept(label) => self.kept.labelled(label),
        };
        let lent = lender.and_then(|lender| self.received_memory(cx, lender, which));
        let used = match memory.source {
            MemorySource::Numbered(number) => match self.objects.memories.get(&number) {
                Some(memory) => Some(*memory),
                None => return HResult::E_INVALIDARG,
            },
            MemorySource::Received | MemorySource::Kept(_) => lent,
        };
        let part = used.map(|used| MemoryPart { memory: used, window: memory.window });
        let io = match send.io {
            OwnIo::Read => MemoryFormat::Read { output: part, device_offset: None },
            OwnIo::Write => MemoryFormat::Write { input: part, device_offset: None },
            OwnIo::Ioctl(code) => MemoryFormat::DeviceControl { code, input: None, output: part },
            _ => return HResult::E_INVALIDARG,
        };
        let status = cx.format_request_with_memory(request, file, io);
        if let Some(lent) = lent {
            // It cannot fail: the reference was taken above.
            let _ = cx.release_memory(lent);
        }
        status
    }
}
