//! Named pipes on sockets: message pipes over `SOCK_SEQPACKET`, byte pipes over stream sockets (FHT-14 to FHT-19).
//!
//! `\\.\pipe\NAME` is the socket `NAME` of the runtime [`PipeDirectory`]: any process of the host that its mode admits
//! connects to it with nothing but its own socket calls, or serves a name there itself. [`ServerEnd`] is one instance,
//! [`ClientEnd`] the other side; [`control`] has the table of codes that both know.
//!
//! Different from Win32, because the host is: a disconnect leaves the client what it has not read; the number of messages
//! in a peek is 0 or 1; the names are of plain characters and fit a socket's path; `PIPE_NOWAIT` is refused.

mod client;
mod connection;
pub mod control;
mod directory;
mod listener;
mod name;
mod server;

pub use client::ClientEnd;
pub use directory::{PIPE_INSTANCES_MAX, PIPE_NAMES_MAX, PipeDirectory, PipeModes};
pub use name::{PipeName, SOCKET_PATH_BYTES_MAX};
pub use server::ServerEnd;
