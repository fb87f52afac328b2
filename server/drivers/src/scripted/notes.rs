//! What scripts write down, for `notes` to list.

use std::collections::VecDeque;

/// Most notes kept; the oldest are dropped.
pub const MAX_NOTES: usize = 256;

/// What scripts write down.
#[derive(Debug, Default)]
pub(super) struct Notes {
    lines: VecDeque<String>,
}

impl Notes {
    pub(super) fn add(&mut self, line: impl Into<String>) {
        if self.lines.len() == MAX_NOTES {
            self.lines.pop_front();
        }
        self.lines.push_back(line.into());
    }

    /// One line each, the oldest first.
    pub(super) fn listing(&self) -> String {
        self.lines.iter().map(String::as_str).collect::<Vec<_>>().join("\n")
    }
}
