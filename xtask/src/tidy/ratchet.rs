//! The ratchet: figures that are over their limit today, per rule and file. They may only shrink.

use std::collections::BTreeMap;

use anyhow::Result;

use super::RATCHET;
use super::finding::Finding;
use super::source::Tree;

const RULE: &str = "ratchet";

/// Rule, then path, then the figure allowed there.
#[derive(Default)]
pub struct Ratchet {
    rules: BTreeMap<String, BTreeMap<String, usize>>,
}

/// One figure of one file against its limit.
pub struct Figure<'a> {
    pub rule: &'static str,
    pub path: &'a str,
    pub line: usize,
    pub figure: usize,
    pub limit: usize,
    /// What to do when it is over.
    pub advice: String,
}

impl Ratchet {
    pub fn parse(text: &str) -> Result<Self> {
        Ok(Self { rules: toml::from_str(text)? })
    }

    /// Nothing within the limit; a refusal above what the ratchet allows, or above the limit when it has no entry.
    pub fn judge(&self, figure: Figure<'_>) -> Option<Finding> {
        let entry = self.entry(figure.rule, figure.path);
        if figure.figure <= entry.unwrap_or(0).max(figure.limit) {
            return None;
        }
        let advice = match entry {
            None => figure.advice,
            Some(allowed) => format!("{} ({RATCHET} allows {allowed})", figure.advice),
        };
        Some(Finding::refused(figure.path, figure.line, figure.rule, advice))
    }

    /// Says when the entry of a file can be tightened to its largest figure, or go.
    pub fn tighten(&self, rule: &'static str, path: &str, largest: usize, limit: usize) -> Option<Finding> {
        let allowed = self.entry(rule, path)?;
        let advice = if largest <= limit {
            format!("{path} is within the {rule} limit of {limit}: remove its entry ({allowed})")
        } else if largest < allowed {
            format!("{path} is down to {largest}: tighten its {rule} entry from {allowed}")
        } else {
            return None;
        };
        Some(Finding::note(RATCHET, 1, RULE, advice))
    }

    /// Entries of files that are gone.
    pub fn stale(&self, tree: &Tree) -> Vec<Finding> {
        let exists = |path: &str| tree.sources.iter().any(|source| source.path == path);
        self.entries()
            .filter(|(_, path, _)| !exists(path))
            .map(|(rule, path, _)| {
                let advice = format!("{path} is gone: remove its {rule} entry");
                Finding::refused(RATCHET, 1, RULE, advice)
            })
            .collect()
    }

    /// Entries that are new or larger than in an earlier state.
    pub fn grown_since(&self, before: &Self) -> Vec<Finding> {
        self.entries()
            .filter_map(|(rule, path, allowed)| {
                let advice = match before.entry(rule, path) {
                    Some(earlier) if allowed <= earlier => return None,
                    Some(earlier) => {
                        format!("{path} went from {earlier} to {allowed} for {rule}: entries may only shrink")
                    }
                    None => format!("{path} is a new entry for {rule}: bring the file within the limit instead"),
                };
                Some(Finding::refused(RATCHET, 1, RULE, advice))
            })
            .collect()
    }

    fn entry(&self, rule: &str, path: &str) -> Option<usize> {
        self.rules.get(rule)?.get(path).copied()
    }

    fn entries(&self) -> impl Iterator<Item = (&str, &str, usize)> {
        self.rules
            .iter()
            .flat_map(|(rule, paths)| paths.iter().map(move |(path, allowed)| (rule.as_str(), path.as_str(), *allowed)))
    }
}
