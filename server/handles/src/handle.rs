//! Handles: the words with which one is opened, their numbers, and the table of one owner's handles.
//!
//! Must not know who owns the table.

mod ending;
mod request;

pub use ending::Ending;
pub use request::{
    Access, CreateFile, CreateNamedPipe, Direction, Disposition, Flags, Framing, OpenRequest, OpenSocket, PipeMode,
    ShareMode, SocketAddress,
};
