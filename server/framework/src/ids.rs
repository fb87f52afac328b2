//! Names of the things inside one stack.
//!
//! Every key is generation-checked: the key of a destroyed object never hits a newer one (MAP-3). Keys
//! mean something only to the stack that made them; what leaves the server are names of the session's
//! making, never these.

use slotmap::new_key_type;

new_key_type! {
    /// One device: a hosted layer or an attached upper driver (L0). Lives until the layer or upper is removed.
    pub struct DeviceId;
    /// One intra-stack file, that is one session on the layers below its creator. Each layer's own
    /// `IWDFFile` is the pair of its device and this id (OBJ-8). Lives from `CreateWdfFile` to P7 (CLS-3).
    pub struct FileId;
    /// One driver-created request (`IWDFDevice::CreateRequest`). Lives until it is deleted.
    pub struct RequestId;
    /// One received request: the packet as one layer sees it (OBJ-11). Stable from receipt through Send to
    /// `OnCompletion`; gone when that layer has completed it.
    pub struct ReceivedId;
    /// One file-handle target (FHT-2), a child of its device. Lives until it is deleted or its device is removed. The
    /// default target of a device has no id of its own: where a target is named, None is the default one.
    pub struct TargetId;
    /// One callback invocation that has not returned (SYN-1).
    pub struct CallbackId;
    /// One memory object (`IWDFMemory`). Lives until it has left the object tree and nobody refers to it (OBJ-3).
    pub struct MemoryId;
    /// One buffer of a driver's own, as a memory object can wrap it (OBJ-15). Lives until its driver frees it.
    pub struct BufferId;
}

/// Position in the stack: 0 is the upper driver (L0), 1 the next lower driver, the largest the terminator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Level(pub u8);

impl std::fmt::Display for Level {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "L{}", self.0)
    }
}

/// One queue of one device, in the order in which the driver declared them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QueueId(pub u8);

/// A blocking call of an upper or hosted driver (`CreateWdfFile`, `Close`, `Stop`), named by its caller.
/// The stack gives it back unchanged when the call returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId(pub u64);

/// How people recognise a request: the layer that created it and that layer's own number for it (for an
/// upper driver, the client's request id).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestLabel {
    /// The creator's layer.
    pub creator: Level,
    /// The creator's number for it.
    pub number: u64,
}

impl std::fmt::Display for RequestLabel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.creator, self.number)
    }
}

/// How people recognise a file: its ordinal in the stack, from 1, never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileLabel(pub u64);

impl std::fmt::Display for FileLabel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "file#{}", self.0)
    }
}
