//! The root: a directory of the host, and the open of what is below it.
//!
//! The root is a capability: every look-up starts at its descriptor, and the system itself refuses one that leaves it by
//! `..`, a link or a magic link, whatever is renamed meanwhile. Names are checked before ([`super::name`]), but that is
//! courtesy and not what holds.
//!
//! Order of an open, which is the law: look up or make; only a regular file is kept; claim the share; only then cut. So a
//! refused open has changed nothing, save that a file it made stays.

use std::io::{self, ErrorKind};
use std::path::Path;
use std::sync::{Arc, Mutex};

use cap_std::ambient_authority;
use cap_std::fs::{Dir, File, OpenOptions, OpenOptionsExt};
use rustix::fs::{FileType, OFlags};

use super::file::{DiskFile, HostFile};
use super::pool::{BLOCKING_CALLS_MAX, BlockingPool, WAITING_CALLS_MAX};
use super::rights::{FileOpening, Uses};
use super::sharing::ShareTable;
use crate::handle::CreateFile;
use crate::win32::Win32Error;

/// Looks at a name, of an open that would make what is not there and take what is: 8. A file may appear or go between
/// two looks, and somebody who keeps doing that shall not hold the open for ever.
const LOOKS_MAX: usize = 8;

/// Limits of a root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DiskLimits {
    /// Largest size that a write or a control gives a file, in bytes; 64 GiB. Beyond is `ERROR_FILE_TOO_LARGE`.
    pub file_bytes_max: u64,
    /// Calls of the host at a time.
    pub blocking_calls_max: usize,
    /// Calls of the host at a time and waiting for their turn. Beyond is `ERROR_NO_SYSTEM_RESOURCES`.
    pub waiting_calls_max: usize,
}

impl Default for DiskLimits {
    fn default() -> DiskLimits {
        DiskLimits {
            file_bytes_max: 64 << 30,
            blocking_calls_max: BLOCKING_CALLS_MAX,
            waiting_calls_max: WAITING_CALLS_MAX,
        }
    }
}

/// The configured root. Clones are the same root; a process has one, since files are shared within one only.
#[derive(Debug, Clone)]
pub struct FileRoot {
    directory: Arc<Dir>,
    table: Arc<ShareTable>,
    pub(super) pool: BlockingPool,
    limits: DiskLimits,
}

/// A file that was opened.
#[derive(Debug)]
pub struct OpenedFile {
    /// Its handle.
    pub file: DiskFile,
    /// It was there before. For `CREATE_ALWAYS` and `OPEN_ALWAYS` Win32 tells `ERROR_ALREADY_EXISTS` beside success.
    pub existed: bool,
}

impl FileRoot {
    /// The directory at `path`, which must be there. It blocks: for a server's start.
    pub fn open(path: &Path, limits: DiskLimits) -> io::Result<FileRoot> {
        let directory = Dir::open_ambient_dir(path, ambient_authority())?;
        Ok(FileRoot {
            directory: Arc::new(directory),
            table: Arc::default(),
            pool: BlockingPool::new(limits.blocking_calls_max, limits.waiting_calls_max),
            limits,
        })
    }

    /// `CreateFile`. Its words are checked before the host is asked: see [`FLAGS_TAKEN`](super::rights::FLAGS_TAKEN) and
    /// [`FileName::parse`](super::name::FileName::parse).
    ///
    /// `ERROR_SHARING_VIOLATION`: another handle of this root excludes it. `ERROR_ACCESS_DENIED`: the host refuses, the way
    /// leaves the root, or it is no regular file. `ERROR_PATH_NOT_FOUND`, `ERROR_FILE_NOT_FOUND`, `ERROR_FILE_EXISTS`: the
    /// disposition wants it otherwise.
    pub async fn create_file(&self, request: &CreateFile) -> Result<OpenedFile, Win32Error> {
        let opening = FileOpening::check(request)?;
        let (directory, table) = (Arc::clone(&self.directory), Arc::clone(&self.table));
        let file_bytes_max = self.limits.file_bytes_max;
        let open = move || open(&directory, &table, &opening, file_bytes_max);
        let (file, existed) = self.pool.call(std::future::pending(), open).await??;
        Ok(OpenedFile { file: DiskFile::new(file, self.pool.clone()), existed })
    }

    /// Handles that are open.
    pub fn open_handles(&self) -> usize {
        self.table.handles()
    }

    /// Waits until every call of the host has ended, those included that nobody awaits any more. For the end of a server,
    /// after the handles were closed.
    pub async fn finished(&self) {
        self.pool.finished().await;
    }
}

fn open(
    directory: &Dir,
    table: &Arc<ShareTable>,
    opening: &FileOpening,
    file_bytes_max: u64,
) -> Result<(HostFile, bool), Win32Error> {
    let (file, existed) = look_up(directory, opening)?;
    let facts = rustix::fs::fstat(&file)?;
    if FileType::from_raw_mode(facts.st_mode) != FileType::RegularFile {
        return Err(Win32Error::ACCESS_DENIED);
    }
    let is_cut = existed && opening.disposition.cuts();
    let uses = opening.rights.uses();
    let uses_now = Uses { write: uses.write || is_cut, ..uses }; // to cut is to write
    let mut share = table.enter((facts.st_dev, facts.st_ino), uses_now, opening.shares)?;
    if is_cut {
        file.set_len(0)?;
        share.narrow_to(uses);
    }
    let (rights, write_through) = (opening.rights, opening.write_through);
    Ok((HostFile { share: Mutex::new(Some(share)), file, rights, write_through, file_bytes_max }, existed))
}

/// The file, and whether it was there.
fn look_up(directory: &Dir, opening: &FileOpening) -> Result<(File, bool), Win32Error> {
    let path = opening.name.as_path();
    let disposition = opening.disposition;
    let cuts_or_writes = opening.rights.write() || disposition.cuts();
    for _ in 0..LOOKS_MAX {
        if disposition.makes() {
            match directory.open_with(path, options(opening.rights.read(), true).create_new(true)) {
                Ok(file) => return Ok((file, false)),
                Err(error) if error.kind() == ErrorKind::AlreadyExists && disposition.takes() => {}
                Err(error) => return Err(refusal(directory, path, &error)),
            }
        }
        match directory.open_with(path, &options(opening.rights.read(), cuts_or_writes)) {
            Ok(file) => return Ok((file, true)),
            Err(error) if error.kind() == ErrorKind::NotFound && disposition.makes() => {} // gone since, or a link to nothing
            Err(error) => return Err(refusal(directory, path, &error)),
        }
    }
    Err(Win32Error::FILE_NOT_FOUND)
}

/// Neither a pipe that nobody reads nor a terminal may hold or take the open; it is refused once it is seen to be one.
fn options(read: bool, write: bool) -> OpenOptions {
    let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
    let mut options = OpenOptions::new();
    options.read(read || !write).write(write).custom_flags(flags.bits().cast_signed());
    options
}

/// What the host's refusal is in Win32, which tells a missing directory from a missing file.
fn refusal(directory: &Dir, path: &Path, error: &io::Error) -> Win32Error {
    let code = Win32Error::from(error);
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    match parent {
        Some(parent) if code == Win32Error::FILE_NOT_FOUND && !directory.is_dir(parent) => Win32Error::PATH_NOT_FOUND,
        _ => code,
    }
}
