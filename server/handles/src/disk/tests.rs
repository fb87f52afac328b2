//! Files against the host's own: every test has a root of its own, beside a folder that nobody may touch.

mod closing;
mod controls;
mod hostile_names;
mod opening;
mod outside;
mod races;
mod sharing;
mod transfers;

use std::path::{Path, PathBuf};

use bytes::Bytes;
use lowerdeck_framework::status::HResult;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use super::{DiskFile, DiskLimits, FileRoot};
use crate::handle::{Access, CreateFile, Disposition, Ending, Flags, Framing, ShareMode};
use crate::operation::{Operation, Outcome};
use crate::win32::Win32Error;

const READ: u32 = Access::GENERIC_READ;
const WRITE: u32 = Access::GENERIC_WRITE;
const SHARE_ALL: u32 = ShareMode::READ | ShareMode::WRITE | ShareMode::DELETE;

/// A root, and the folder it is in.
struct Place {
    folder: TempDir,
    root: FileRoot,
}

impl Place {
    fn new() -> Place {
        Place::with(DiskLimits::default())
    }

    fn with(limits: DiskLimits) -> Place {
        let folder = tempfile::tempdir().expect("a folder for the test");
        std::fs::create_dir(folder.path().join("root")).expect("a root in it");
        let root = FileRoot::open(&folder.path().join("root"), limits).expect("the root opens");
        Place { folder, root }
    }

    fn inside(&self, name: &str) -> PathBuf {
        self.folder.path().join("root").join(name)
    }

    fn put(&self, name: &str, content: &[u8]) {
        std::fs::write(self.inside(name), content).expect("a file of the test's own making");
    }

    fn content(&self, name: &str) -> Vec<u8> {
        read(&self.inside(name))
    }

    async fn open(&self, name: &str, disposition: Disposition) -> Result<DiskFile, Win32Error> {
        Ok(self.root.create_file(&request(name, READ | WRITE, SHARE_ALL, disposition)).await?.file)
    }

    /// A file that is there, for reading and writing.
    async fn opened(&self, name: &str) -> DiskFile {
        self.open(name, Disposition::OpenExisting).await.expect("the file opens")
    }
}

fn read(path: &Path) -> Vec<u8> {
    std::fs::read(path).expect("a file that is there")
}

fn request(name: &str, access: u32, share: u32, disposition: Disposition) -> CreateFile {
    CreateFile {
        name: name.to_owned(),
        access: Access(access),
        share: ShareMode(share),
        disposition,
        flags: Flags(Flags::OVERLAPPED),
        read_mode: Framing::Byte,
    }
}

/// An operation that nobody ends.
fn unended() -> Ending {
    Ending { cancelled: CancellationToken::new(), closed: CancellationToken::new() }
}

async fn read_at(file: &DiskFile, offset: u64, length: u32) -> Outcome {
    file.perform(Operation::Read { length, offset }, &unended()).await
}

async fn write_at(file: &DiskFile, offset: u64, data: &[u8]) -> Outcome {
    file.perform(Operation::Write { data: Bytes::copy_from_slice(data), offset }, &unended()).await
}

async fn control(file: &DiskFile, code: u32, input: &[u8], output_length: u32) -> Outcome {
    let operation = Operation::Control { code, input: Bytes::copy_from_slice(input), output_length };
    file.perform(operation, &unended()).await
}

fn failed(code: Win32Error) -> Outcome {
    Outcome::failed(code.hresult())
}

fn done(bytes: &'static [u8]) -> Outcome {
    Outcome { status: HResult::S_OK, information: bytes.len() as u64, data: Bytes::from_static(bytes) }
}
