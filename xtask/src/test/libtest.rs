//! Reads what `cargo test` prints, for machines without nextest and for doctests, which nextest does not run.

use super::suite::Suite;

/// The suites in the output of one `cargo test` run, both streams in the order they came.
///
/// A test binary that dies prints no result line; it counts as one failure.
pub fn parse(text: &str) -> Vec<Suite> {
    let mut suites = Vec::new();
    let mut open: Option<Suite> = None;
    for line in text.lines() {
        if let Some(name) = heading(line) {
            suites.extend(open.take().map(died));
            open = Some(Suite { name, ..Suite::default() });
        }
        let Some(suite) = &mut open else { continue };
        if let Some(test) = failed_test(line) {
            suite.failed.push(test.to_owned());
        } else if let Some(counts) = line.strip_prefix("test result: ") {
            suite.passed = count(counts, "passed");
            suite.skipped = count(counts, "ignored");
            suite.seconds = seconds(counts);
            // A failing test whose line was torn by its own output still counts.
            let unnamed = count(counts, "failed").saturating_sub(suite.failed.len());
            suite.failed.extend((0..unnamed).map(|_| "(see the output)".to_owned()));
            suites.extend(open.take());
        }
    }
    suites.extend(open.map(died));
    suites
}

fn died(mut suite: Suite) -> Suite {
    suite.failed.push("(ended without a result)".to_owned());
    suite
}

/// `Running tests/it/main.rs (target/debug/deps/it-0123)` and `Doc-tests lowerdeck_proto`.
fn heading(line: &str) -> Option<String> {
    let line = line.trim_start();
    if let Some(package) = line.strip_prefix("Doc-tests ") {
        return Some(format!("{package} (doc)"));
    }
    let (_, binary) = line.strip_prefix("Running ")?.rsplit_once('(')?;
    let name = binary.trim_end_matches(')').rsplit(['/', '\\']).next()?;
    let (name, _hash) = name.rsplit_once('-')?;
    Some(name.to_owned())
}

/// `test some::name ... FAILED`
fn failed_test(line: &str) -> Option<&str> {
    line.strip_prefix("test ")?.strip_suffix(" ... FAILED")
}

/// The figure before a word in `ok. 3 passed; 0 failed; 1 ignored; ...`.
fn count(counts: &str, word: &str) -> usize {
    let figure = counts.split([';', '.']).find_map(|part| part.trim().strip_suffix(word)?.trim().parse().ok());
    figure.unwrap_or(0)
}

/// `... finished in 0.25s`
fn seconds(counts: &str) -> f64 {
    let figure = counts.rsplit_once("finished in ").and_then(|(_, time)| time.split('s').next()?.parse().ok());
    figure.unwrap_or(0.0)
}
