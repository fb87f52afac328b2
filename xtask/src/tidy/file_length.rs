//! Files stay readable in one sitting: above 400 lines look again, above 600 split by noun.

use super::finding::Finding;
use super::ratchet::{Figure, Ratchet};
use super::source::Tree;

const RULE: &str = "file-length";

/// Lines. Nearly every codebase we learned from has a central file that grew without limit; this is where ours stop.
const LIMIT: usize = 600;

/// Lines. About three times the median we aim for.
const LOOK_AGAIN: usize = 400;

pub fn check(tree: &Tree, ratchet: &Ratchet) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in &tree.sources {
        let path = &source.path;
        let lines = source.text.lines().count();
        let refused = ratchet.judge(Figure {
            rule: RULE,
            path,
            line: LIMIT + 1,
            figure: lines,
            limit: LIMIT,
            advice: format!("{lines} lines, over {LIMIT}: split it by noun, or move its tests to a sibling file"),
        });
        if refused.is_none() && lines > LOOK_AGAIN {
            let advice = format!("{lines} lines, over {LOOK_AGAIN}: does it still hold one noun?");
            findings.push(Finding::note(path, LOOK_AGAIN + 1, RULE, advice));
        }
        findings.extend(refused);
        findings.extend(ratchet.tighten(RULE, path, lines, LIMIT));
    }
    findings
}
