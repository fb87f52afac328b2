//! Modules are nouns of the domain. A drawer for odds and ends fills up and belongs to nobody.

use super::finding::Finding;
use super::source::{Source, Tree};

const RULE: &str = "module-name";

const REFUSED: [&str; 6] = ["util", "utils", "common", "helper", "helpers", "misc"];

pub fn check(tree: &Tree) -> Vec<Finding> {
    tree.sources
        .iter()
        .filter_map(|source| {
            let name = names(source).find(|name| REFUSED.contains(name))?;
            let advice = format!("`{name}` is not a noun of the domain: name it after what it holds");
            Some(Finding::refused(&source.path, 1, RULE, advice))
        })
        .collect()
}

fn names(source: &Source) -> impl Iterator<Item = &str> {
    source.folders().chain(std::iter::once(source.stem()))
}
