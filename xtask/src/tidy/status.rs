//! One mapping to the wire: only server/src/grpc/status.rs makes a gRPC status. Everything else returns its typed error.

use super::finding::Finding;
use super::mentions::Mention;
use super::source::Tree;

const RULE: &str = "one-status-mapping";

/// The one file that may.
const MAPPING: &str = "server/src/grpc/status.rs";

/// Packages below `server/` that cannot link tonic (the import table holds that) and may have a `Status` of their own.
const WITHOUT_TONIC: [&str; 2] = ["server/framework/", "server/drivers/"];

pub fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (source, rust) in tree.rust() {
        let path = source.path.as_str();
        let exempt = path == MAPPING || WITHOUT_TONIC.iter().any(|folder| path.starts_with(folder));
        if !path.starts_with("server/") || exempt {
            continue;
        }
        for mention in rust.mentions.iter().filter(|mention| makes_status(mention)) {
            let advice = format!(
                "`{}` maps an error to the wire: return a typed error, and map it in {MAPPING}",
                mention.path()
            );
            findings.push(Finding::refused(path, mention.line, RULE, advice));
        }
    }
    findings
}

/// `Status::x` of tonic: by its full path, through a `use`, or brought in by a glob.
fn makes_status(mention: &Mention) -> bool {
    let segments: Vec<&str> = mention.segments.iter().map(String::as_str).collect();
    match segments.as_slice() {
        ["Status", _, ..] => true,
        [first, inner @ .., _] => *first == "tonic" && inner.contains(&"Status"),
        _ => false,
    }
}
