//! Handles in scenarios: what a script needs of whatever executes it, and the host that plays them in-process.
//!
//! A script opens handles, makes file-handle targets of L0 on them, and acts as the other end. What it expects of a
//! handle (message boundaries, short reads, ends) is said in scripts against [`Handles`] alone, so that real handles are
//! held to the same words as the models here: [`pipe`] and [`disk`], which know no framework object but the ids of
//! operations; [`host`] gives them out, performs and answers.
//!
//! Everything is named by the script's numbers.

pub mod disk;
pub mod host;
pub mod pipe;

use bytes::Bytes;
use lowerdeck_framework::handle::HostIoId;
use lowerdeck_framework::status::HResult;

use crate::backend::{Call, Io, SentIoAction};

/// What a handle is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Opened {
    /// Our end of a duplex message-mode pipe whose peer is there (FHT-14).
    Pipe,
    /// The server end of such a pipe, which no client has connected to (FHT-19).
    ListeningPipe,
    /// A disk file with this content.
    Disk(Bytes),
}

/// What the other end of a pipe does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PeerAct {
    /// Connects to a listening pipe.
    Connect,
    /// Writes one message.
    Write(Bytes),
    /// Closes its end.
    Close,
}

/// One operation that has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finished {
    /// Which.
    pub io: HostIoId,
    /// The HRESULT of its Win32 code.
    pub status: HResult,
    /// Bytes transferred.
    pub information: u64,
    /// What was read.
    pub data: Bytes,
}

impl Finished {
    /// An end without any bytes.
    pub fn with(io: HostIoId, status: HResult) -> Finished {
        Finished { io, status, information: 0, data: Bytes::new() }
    }

    /// `data` was read.
    pub fn reading(io: HostIoId, status: HResult, data: Bytes) -> Finished {
        Finished { io, status, information: data.len() as u64, data }
    }

    /// `count` bytes were written.
    pub fn writing(io: HostIoId, count: usize) -> Finished {
        Finished { io, status: HResult::S_OK, information: count as u64, data: Bytes::new() }
    }
}

/// A back end with handles.
pub trait Handles {
    /// Opens a handle, for overlapped I/O or not, and gives the number by which a driver names it.
    fn open_handle(&mut self, handle: u64, opened: Opened, overlapped: bool) -> u64;
    /// Closes a handle.
    fn close_handle(&mut self, handle: u64);
    /// The number that the host's system gives the handle.
    fn system_number(&self, handle: u64) -> u64;
    /// Whether that number goes to another handle when this one is closed.
    fn uses_numbers_again(&self) -> bool;
    /// The other end of a pipe acts.
    fn peer(&mut self, handle: u64, act: PeerAct);
    /// Messages that have come out at the other end of a pipe, or the content of a disk file.
    fn written(&mut self, handle: u64) -> Vec<Bytes>;
    /// `CreateFileHandleTarget`.
    fn create_target(&mut self, target: u64, handle: u64) -> HResult;
    /// Begins `DeleteWdfObject` of a file-handle target.
    fn begin_delete_target(&mut self, target: u64) -> Call;
    /// Begins `Stop` of a file-handle target, or `Start` with None.
    fn begin_change(&mut self, target: u64, action: Option<SentIoAction>) -> Call;
    /// `GetState` of a file-handle target, as a number.
    fn state(&mut self, target: u64) -> u32;
    /// Whether `GetTargetFile` of a file-handle target gives a file.
    fn has_file(&mut self, target: u64) -> bool;
    /// `FormatRequestFor…` on a file-handle target; `file` is the target whose file is `pFile`.
    fn format_for(&mut self, request: u64, target: u64, file: Option<u64>, io: Io) -> HResult;
    /// `Send` to a file-handle target, or to the default target with None.
    fn send_to(&mut self, request: u64, target: Option<u64>, flags: u32, timeout: i64) -> HResult;
    /// `CreateRequest` with `OnCompletion`, and then [`Handles::format_for`] and [`Handles::send_to`], which give S_OK.
    fn start_on(&mut self, request: u64, target: u64, file: Option<u64>, io: Io) -> HResult;
    /// Numbers, as a driver names them, of the handles that are listed as leaked.
    fn leaked(&mut self) -> Vec<u64>;
}
