//! The host of handles for the in-process back end: performs what the stack submits, when it is told to.
//!
//! Nothing happens by itself. What the stack asked for waits in order, what has ended waits to be told, and each is one
//! thing the back end may choose to do next ([`ScriptedHost::ready`], [`ScriptedHost::go_on`]). So a cancel can overtake
//! the data, and the data a cancel.
//!
//! It holds the stack to its side: an operation is submitted once, on a handle that was open when it was submitted.

use std::collections::{BTreeMap, HashSet, VecDeque};

use bytes::Bytes;
use lowerdeck_framework::handle::{HandleId, HostIoId};
use lowerdeck_framework::io::{IoKind, IoParameters};
use lowerdeck_framework::status::HResult;

use super::disk::Disk;
use super::pipe::Pipe;
use super::{Finished, Opened, PeerAct};

#[derive(Debug)]
enum Object {
    Pipe(Pipe),
    Disk(Disk),
}

#[derive(Debug)]
enum Errand {
    Perform { io: HostIoId, handle: HandleId, parameters: IoParameters },
    Cancel(HostIoId),
}

/// See the module.
#[derive(Debug, Default)]
pub struct ScriptedHost {
    /// Open objects by the system's number, which is used again; the generation tells who has it now.
    objects: BTreeMap<u32, (u32, Object)>,
    generations: u32,
    used: bool,
    errands: VecDeque<Errand>,
    finished: Vec<Finished>,
    /// Operations that were submitted and of whose end the stack was not told.
    open: HashSet<HostIoId>,
}

impl ScriptedHost {
    /// Opens a handle. Its lower half is the system's number: the lowest that is free.
    pub fn open(&mut self, opened: Opened) -> HandleId {
        let object = match opened {
            Opened::Pipe => Object::Pipe(Pipe::new(true)),
            Opened::ListeningPipe => Object::Pipe(Pipe::new(false)),
            Opened::Disk(content) => Object::Disk(Disk::new(&content)),
        };
        let number = (1..).find(|number| !self.objects.contains_key(number)).unwrap_or(u32::MAX);
        self.generations += 1;
        self.used = true;
        self.objects.insert(number, (self.generations, object));
        HandleId(u64::from(self.generations) << 32 | u64::from(number))
    }

    /// The system's number of a handle.
    pub fn system_number(handle: HandleId) -> u32 {
        (handle.0 & u64::from(u32::MAX)) as u32
    }

    /// Closes a handle.
    pub fn close(&mut self, handle: HandleId) {
        assert!(self.object(handle).is_some(), "the script closes a handle twice");
        if let Some((_, Object::Pipe(mut pipe))) = self.objects.remove(&Self::system_number(handle)) {
            pipe.close(&mut self.finished);
        }
    }

    /// The other end of a pipe acts.
    pub fn peer(&mut self, handle: HandleId, act: PeerAct) {
        let mut finished = Vec::new();
        match self.object_mut(handle) {
            Some(Object::Pipe(pipe)) => pipe.peer(act, &mut finished),
            other => panic!("{other:?} has no other end"),
        }
        self.finished.append(&mut finished);
    }

    /// What has come out at the other end of a pipe and was not taken yet, or what is in a file.
    pub fn written(&mut self, handle: HandleId) -> Vec<Bytes> {
        let mut finished = Vec::new();
        let written = match self.object_mut(handle) {
            Some(Object::Pipe(pipe)) => pipe.take_outbound(&mut finished),
            Some(Object::Disk(disk)) => vec![disk.content()],
            None => panic!("the script looks at a closed handle"),
        };
        self.finished.append(&mut finished);
        written
    }

    /// The stack submits an operation.
    pub fn submitted(&mut self, io: HostIoId, handle: HandleId, parameters: IoParameters) {
        assert!(self.open.insert(io), "{io:?} was submitted twice");
        self.errands.push_back(Errand::Perform { io, handle, parameters });
    }

    /// The stack asks to cancel an operation.
    pub fn cancel_asked(&mut self, io: HostIoId) {
        self.errands.push_back(Errand::Cancel(io));
    }

    /// Whether it has ever opened a handle: else it needs no attention.
    pub fn is_used(&self) -> bool {
        self.used
    }

    /// How many things it could do next.
    pub fn ready(&self) -> usize {
        usize::from(!self.errands.is_empty()) + self.finished.len()
    }

    /// Does the n-th of them: performs the oldest errand, or gives an end to be told.
    pub fn go_on(&mut self, n: usize) -> Option<Finished> {
        let index = match self.errands.is_empty() {
            false if n == 0 => {
                self.perform();
                return None;
            }
            false => n - 1,
            true => n,
        };
        let finished = self.finished.remove(index);
        assert!(self.open.remove(&finished.io), "{:?} ended twice", finished.io);
        Some(finished)
    }

    fn perform(&mut self) {
        let mut finished = Vec::new();
        match self.errands.pop_front() {
            Some(Errand::Perform { io, handle, parameters }) => match self.object_mut(handle) {
                Some(object) => object.perform(io, parameters, &mut finished),
                None => finished.push(Finished::with(io, HResult::ERROR_INVALID_HANDLE)),
            },
            Some(Errand::Cancel(io)) => {
                for (_, object) in self.objects.values_mut() {
                    if let Object::Pipe(pipe) = object {
                        pipe.cancel(io, &mut finished);
                    }
                }
            }
            None => {}
        }
        self.finished.append(&mut finished);
    }

    fn object(&self, handle: HandleId) -> Option<&Object> {
        let entry = self.objects.get(&Self::system_number(handle));
        entry.filter(|(generation, _)| u64::from(*generation) == handle.0 >> 32).map(|(_, object)| object)
    }

    fn object_mut(&mut self, handle: HandleId) -> Option<&mut Object> {
        let entry = self.objects.get_mut(&Self::system_number(handle));
        entry.filter(|(generation, _)| u64::from(*generation) == handle.0 >> 32).map(|(_, object)| object)
    }
}

impl Object {
    fn perform(&mut self, io: HostIoId, parameters: IoParameters, finished: &mut Vec<Finished>) {
        let IoParameters { kind, device_offset, input, output_length, .. } = parameters;
        let length = usize::try_from(output_length).unwrap_or(usize::MAX);
        match (self, kind) {
            (Object::Pipe(pipe), IoKind::Read) => pipe.read(io, length, finished),
            (Object::Pipe(pipe), IoKind::Write) => pipe.write(io, input, finished),
            (Object::Disk(disk), IoKind::Read) => finished.push(disk.read(io, device_offset, length)),
            (Object::Disk(disk), IoKind::Write) => finished.push(disk.write(io, device_offset, &input)),
            (Object::Disk(_), IoKind::FlushBuffers) => finished.push(Finished::with(io, HResult::S_OK)),
            _ => finished.push(Finished::with(io, HResult::ERROR_INVALID_FUNCTION)),
        }
    }
}
