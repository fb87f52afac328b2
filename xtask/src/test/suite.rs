//! What a test run comes down to: per suite, how many passed, which failed, how many were skipped, how long it took.

use std::fmt;

use crate::table::{self, Align};

/// One test binary, one package's doctests, or one pytest run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Suite {
    pub name: String,
    pub passed: usize,
    /// The names of the tests that failed.
    pub failed: Vec<String>,
    pub skipped: usize,
    pub seconds: f64,
}

impl Suite {
    /// A suite that did not get as far as running its tests.
    pub fn could_not_run(name: &str, error: &anyhow::Error) -> Self {
        Self { name: name.to_owned(), failed: vec![format!("(could not run) {error:#}")], ..Self::default() }
    }

    /// Whether it had any test at all.
    pub fn is_empty(&self) -> bool {
        self.passed == 0 && self.failed.is_empty() && self.skipped == 0
    }
}

/// Every suite of a run.
pub struct Report {
    pub suites: Vec<Suite>,
}

impl Report {
    /// Whether nothing failed.
    pub fn passed(&self) -> bool {
        self.failures().next().is_none()
    }

    /// `suite: test` of everything that failed.
    pub fn failures(&self) -> impl Iterator<Item = String> {
        self.suites.iter().flat_map(|suite| {
            let name = suite.name.clone();
            suite.failed.iter().map(move |test| format!("{name}: {test}"))
        })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut total = Suite { name: "total".to_owned(), ..Suite::default() };
        let mut rows = Vec::new();
        for suite in self.suites.iter().filter(|suite| !suite.is_empty()) {
            rows.push(row(suite));
            total.passed += suite.passed;
            total.failed.extend(suite.failed.iter().cloned());
            total.skipped += suite.skipped;
            total.seconds += suite.seconds;
        }
        rows.push(row(&total));
        let head = [
            ("suite", Align::Left),
            ("passed", Align::Right),
            ("failed", Align::Right),
            ("skipped", Align::Right),
            ("seconds", Align::Right),
        ];
        write!(f, "\n{}", table::render(&head, &rows))?;
        if !self.passed() {
            writeln!(f, "\nfailed:")?;
            for failure in self.failures() {
                writeln!(f, "  {failure}")?;
            }
        }
        Ok(())
    }
}

fn row(suite: &Suite) -> Vec<String> {
    vec![
        suite.name.clone(),
        suite.passed.to_string(),
        suite.failed.len().to_string(),
        suite.skipped.to_string(),
        format!("{:.1}", suite.seconds),
    ]
}
