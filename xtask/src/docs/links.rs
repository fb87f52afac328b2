//! Every link of a document to another one leads somewhere: to a file of the repository, and to a heading of it.

use std::collections::HashMap;
use std::fs;
use std::path::{Component, Path, PathBuf};

use super::markdown::{self, Document};

/// The documents of the repository, by their paths below its root.
pub type Documents = HashMap<PathBuf, Document>;

/// What is wrong with the links of all `documents`, and how many there are that stay in the repository.
pub fn check(root: &Path, documents: &Documents) -> (usize, Vec<String>) {
    let mut checked = 0;
    let mut wrong = Vec::new();
    for (path, document) in documents {
        for link in document.links.iter().filter(|link| !is_elsewhere(&link.target)) {
            checked += 1;
            if let Some(why) = refusal(root, documents, path, &link.target) {
                wrong.push(format!("{}:{}: `{}` {why}", path.display(), link.line, link.target));
            }
        }
    }
    wrong.sort();
    (checked, wrong)
}

/// Whether a link leaves the repository; whether the world is there is not for us to test.
fn is_elsewhere(target: &str) -> bool {
    target.contains("://") || target.starts_with("mailto:")
}

fn refusal(root: &Path, documents: &Documents, from: &Path, target: &str) -> Option<String> {
    let (file, anchor) = target.split_once('#').map_or((target, None), |(file, anchor)| (file, Some(anchor)));
    let path = if file.is_empty() {
        from.to_owned()
    } else {
        let Some(path) = beside(from, file) else { return Some("leads out of the repository".to_owned()) };
        path
    };
    if !root.join(&path).exists() {
        return Some(format!("leads to {}, which does not exist", path.display()));
    }
    let anchor = anchor?;
    match documents.get(&path) {
        Some(document) if document.anchors.iter().any(|known| known == anchor) => None,
        Some(_) => Some(format!("names no heading of {}", path.display())),
        None => Some(format!("names an anchor, and {} has none", path.display())),
    }
}

/// The path of `file` as seen from the document `from`; none above the root.
fn beside(from: &Path, file: &str) -> Option<PathBuf> {
    let mut path = from.parent()?.to_owned();
    for part in Path::new(file).components() {
        match part {
            Component::Normal(name) => path.push(name),
            Component::ParentDir if path.pop() => {}
            Component::CurDir => {}
            _ => return None,
        }
    }
    Some(path)
}

/// Reads `paths`, which are below `root`. A path that git knows and that was deleted is no document any more.
pub fn read(root: &Path, paths: impl IntoIterator<Item = PathBuf>) -> Documents {
    let read = |path: PathBuf| fs::read_to_string(root.join(&path)).ok().map(|text| (path, markdown::read(&text)));
    paths.into_iter().filter_map(read).collect()
}
