//! Handles as their users see them: Win32 on one side, plain sockets of other processes on the other.

mod byte_pipes;
mod cancel;
mod controls;
mod endings;
mod files;
mod instances;
mod messages;
mod runtime_directory;
mod sockets;
mod stage;
mod table;
