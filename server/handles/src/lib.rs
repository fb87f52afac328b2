//! Handles of the host: real objects of the operating system behind Win32 semantics (section FHT, design 5).
//!
//! - [`operation`]: what is asked of a handle and what comes of it.
//! - [`handle`]: the table of one owner's handles, their numbers, and how one is opened and closed.
//! - `pipe`: both ends of named pipes, on sockets in a runtime directory; `socket`: connected sockets as handles;
//!   [`disk`]: files under the configured root; [`win32`]: the table from the host's errors to Win32 codes.
//!
//! Must not know sessions, gRPC or stacks. Of the framework it names the statuses and the kinds of I/O alone.

pub mod disk;
pub mod handle;
pub mod operation;
pub mod pipe;
pub mod socket;
mod transport;
pub mod win32;

pub use transport::MESSAGE_BYTES_MAX;
