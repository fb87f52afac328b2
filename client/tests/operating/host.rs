//! A server with places for handles: a root for files and a directory for pipes, both the test's own.

use std::path::PathBuf;

use tempfile::TempDir;

use crate::server::Server;

/// The places, and the server that has them. The server ends first.
pub struct Host {
    pub server: Server,
    place: TempDir,
}

impl Host {
    pub fn start() -> Host {
        let place = tempfile::tempdir().expect("a place for files");
        let files = place.path().join("files");
        std::fs::create_dir(&files).expect("a directory");
        let pipes = place.path().join("pipes");
        let arguments = ["--files-root".as_ref(), files.as_os_str(), "--pipe-directory".as_ref(), pipes.as_os_str()];
        Host { server: Server::with(&arguments), place }
    }

    /// Where a file of this name is on the host.
    pub fn file(&self, name: &str) -> PathBuf {
        self.place.path().join("files").join(name)
    }

    /// Where the pipe of this name is on the host.
    pub fn pipe(&self, name: &str) -> PathBuf {
        self.place.path().join("pipes").join(name)
    }
}
