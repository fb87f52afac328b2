//! A place of the demo's own for the sockets of pipes.
//!
//! Law: nothing of it is left behind.

use std::path::{Path, PathBuf};

use anyhow::Context;
use uuid::Uuid;

/// A directory that does not exist yet: the server makes it, for its own user alone.
pub(in super::super) struct PipeDirectory {
    path: PathBuf,
}

impl PipeDirectory {
    pub(in super::super) fn new() -> PipeDirectory {
        // A short name: the path of a socket has at most 107 bytes.
        let name = format!("lowerdeck-{}", Uuid::new_v4().simple());
        PipeDirectory { path: std::env::temp_dir().join(name) }
    }

    pub(in super::super) fn path(&self) -> &Path {
        &self.path
    }

    /// Removes it after the server has ended.
    ///
    /// # Errors
    /// What the server has left in it.
    pub(in super::super) fn remove(&self) -> anyhow::Result<()> {
        let left = std::fs::read_dir(&self.path).context("the directory of pipes is gone")?;
        let left: Vec<_> = left.filter_map(|entry| Some(entry.ok()?.file_name())).collect();
        if !left.is_empty() {
            anyhow::bail!("the server left {left:?}");
        }
        std::fs::remove_dir(&self.path).context("the directory of pipes cannot be removed")
    }
}

impl Drop for PipeDirectory {
    fn drop(&mut self) {
        // Usually it is gone; where a demo failed, what is left is nobody's any more.
        let _ = std::fs::remove_dir_all(&self.path);
    }
}
