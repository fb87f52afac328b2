//! Reads the JUnit reports that nextest and pytest both write.

use std::path::Path;
use std::{fs, io};

use anyhow::{Context, Result};
use roxmltree::{Document, Node};

use super::suite::Suite;

/// Removes the report of an earlier run, so that a run that dies early is not taken for that one.
pub fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", path.display()))
        }
        _ => Ok(()),
    }
}

/// The suites of a report; none when the run wrote no report.
pub fn read(path: &Path) -> Result<Vec<Suite>> {
    match fs::read_to_string(path) {
        Ok(text) => parse(&text).with_context(|| format!("cannot read {}", path.display())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

/// The suites in the text of a report.
pub fn parse(text: &str) -> Result<Vec<Suite>> {
    let document = Document::parse(text).context("not a JUnit report")?;
    let suites = document.descendants().filter(|node| node.has_tag_name("testsuite"));
    Ok(suites.map(suite).collect())
}

fn suite(node: Node<'_, '_>) -> Suite {
    let mut suite = Suite { name: node.attribute("name").unwrap_or("unnamed").to_owned(), ..Suite::default() };
    for case in node.children().filter(|node| node.has_tag_name("testcase")) {
        let has = |tag: &str| case.children().any(|node| node.has_tag_name(tag));
        if has("failure") || has("error") {
            suite.failed.push(case_name(case, &suite.name));
        } else if has("skipped") {
            suite.skipped += 1;
        } else {
            suite.passed += 1;
        }
        let seconds = case.attribute("time").and_then(|time| time.parse().ok());
        suite.seconds += seconds.unwrap_or(0.0);
    }
    suite
}

/// pytest puts the file and class of a test beside its name; nextest repeats the suite there.
fn case_name(case: Node<'_, '_>, suite: &str) -> String {
    let name = case.attribute("name").unwrap_or("unnamed");
    match case.attribute("classname") {
        Some(class) if !class.is_empty() && class != suite => format!("{class}::{name}"),
        _ => name.to_owned(),
    }
}
