//! Every module under a `src` folder opens with `//!`: what it holds, its laws, what it must not know.

use super::finding::Finding;
use super::source::Tree;

const RULE: &str = "module-head";

pub fn check(tree: &Tree) -> Vec<Finding> {
    tree.rust()
        .filter(|(source, _)| source.folders().any(|folder| folder == "src"))
        .filter(|(source, _)| !source.text.trim_start().starts_with("//!"))
        .map(|(source, _)| {
            let advice = "open with `//!`: what the module holds, its laws, what it must not know";
            Finding::refused(&source.path, 1, RULE, advice.to_owned())
        })
        .collect()
}
