//! What a rule says about a place: where, which rule, what to do.

use std::fmt;

/// Whether a finding fails the run. Refused sorts last, so that it stands at the end of a long log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Worth a look; does not fail.
    Note,
    /// Fails the run.
    Refused,
}

/// One sentence about one line.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    pub severity: Severity,
    /// Relative to the root, with forward slashes.
    pub path: String,
    /// From 1.
    pub line: usize,
    pub rule: &'static str,
    /// What to do about it.
    pub advice: String,
}

impl Finding {
    pub fn refused(path: &str, line: usize, rule: &'static str, advice: String) -> Self {
        Self { severity: Severity::Refused, path: path.to_owned(), line, rule, advice }
    }

    pub fn note(path: &str, line: usize, rule: &'static str, advice: String) -> Self {
        Self { severity: Severity::Note, ..Self::refused(path, line, rule, advice) }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let note = match self.severity {
            Severity::Note => "note: ",
            Severity::Refused => "",
        };
        let Self { path, line, rule, advice, .. } = self;
        write!(f, "{path}:{line}: {note}{rule}: {advice}")
    }
}
