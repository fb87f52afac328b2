//! What a process has of the server's places, as `/proc` tells it: files below the root and sockets of the directory.

use std::collections::BTreeSet;
use std::path::Path;

use lowerdeck_tests::wire::Server;

/// Descriptors of this process, in which the server runs, that are of the places of `server`.
pub fn held(server: &Server) -> usize {
    let (files, pipes) = (server.files_root(), server.pipe_directory());
    let sockets = sockets_below(&pipes);
    let descriptors = std::fs::read_dir("/proc/self/fd").expect("Linux tells every process its descriptors");
    let links = descriptors.filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok());
    links.filter(|link| is_below(link, &files) || sockets.contains(&*link.to_string_lossy())).count()
}

/// The root itself is no handle.
fn is_below(link: &Path, files: &Path) -> bool {
    link.starts_with(files) && link != files
}

/// Sockets that are bound below `directory`, and those that were accepted there, as descriptors call them.
fn sockets_below(directory: &Path) -> BTreeSet<String> {
    let table = std::fs::read_to_string("/proc/net/unix").expect("Linux lists Unix sockets");
    let of_line = |line: &str| {
        let mut columns = line.split_whitespace().skip(6);
        let (inode, path) = (columns.next()?, columns.next()?);
        Path::new(path).starts_with(directory).then(|| format!("socket:[{inode}]"))
    };
    table.lines().filter_map(of_line).collect()
}
