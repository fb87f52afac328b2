//! The folder beside the root: what is in it, and the proof that nobody has touched it.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::Place;

pub const SECRET: &[u8] = b"what is outside stays outside";

/// Everything about a file that an open, a write or a cut would change.
#[derive(Debug, PartialEq, Eq)]
struct Facts {
    inode: u64,
    mode: u32,
    links: u64,
    modified: (i64, i64),
    changed: (i64, i64),
    content: Vec<u8>,
}

/// A folder `outside` with a file `secret` and a folder `deep` with another one.
pub struct Outside {
    path: PathBuf,
    before: BTreeMap<PathBuf, Facts>,
}

impl Outside {
    pub fn beside(place: &Place) -> Outside {
        let path = place.folder.path().join("outside");
        std::fs::create_dir_all(path.join("deep")).expect("a folder outside");
        for name in ["secret", "deep/file"] {
            std::fs::write(path.join(name), SECRET).expect("a file outside");
        }
        let before = look(&path);
        assert_eq!(before.len(), 4, "the folder, the folder in it, and a file in each");
        Outside { path, before }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Nothing is new, gone, written, cut, linked or given other rights.
    pub fn assert_untouched(&self) {
        assert_eq!(look(&self.path), self.before);
    }
}

fn look(path: &Path) -> BTreeMap<PathBuf, Facts> {
    let mut found = BTreeMap::new();
    let mut unseen = vec![path.to_owned()];
    while let Some(path) = unseen.pop() {
        let metadata = path.symlink_metadata().expect("it is there");
        let mut content = Vec::new();
        if metadata.is_dir() {
            let entries = std::fs::read_dir(&path).expect("a folder");
            unseen.extend(entries.map(|entry| entry.expect("an entry").path()));
        } else if metadata.is_file() {
            content = std::fs::read(&path).expect("a file");
        }
        let facts = Facts {
            inode: metadata.ino(),
            mode: metadata.mode(),
            links: metadata.nlink(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
            content,
        };
        found.insert(path, facts);
    }
    found
}

/// The proof can fail: each thing that could happen outside is seen.
#[test]
fn whatever_is_done_outside_is_seen() {
    let acts: [fn(&Path); 4] = [
        |path| std::fs::write(path.join("secret"), SECRET).expect("written, with the same bytes"),
        |path| std::fs::write(path.join("new"), b"").expect("made"),
        |path| std::fs::remove_file(path.join("deep/file")).expect("removed"),
        |path| std::fs::hard_link(path.join("secret"), path.join("../root/link")).expect("linked"),
    ];
    for (number, act) in acts.into_iter().enumerate() {
        let place = Place::new();
        let outside = Outside::beside(&place);
        outside.assert_untouched();
        act(outside.path());
        assert_ne!(look(outside.path()), outside.before, "act {number} goes unseen");
    }
}
