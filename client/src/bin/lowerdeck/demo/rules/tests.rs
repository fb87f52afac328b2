//! Rules beside entries.

use lowerdeck_client::v1::TraceKind;

use super::super::recording;
use super::{Rules, SENTENCES};

fn rule(kind: TraceKind, layer: u32, request: &str) -> String {
    let played = recording::played();
    let mut entries = played.trace.iter();
    let found = entries.find(|entry| entry.kind() == kind && entry.layer == layer && entry.request_label == request);
    let found = found.expect("the recording has it");
    Rules::new(&played.trace).of(found).unwrap_or_default().to_owned()
}

#[test]
fn a_recorded_rule_comes_before_that_of_the_kind() {
    assert_eq!(rule(TraceKind::CancelCreatorsRequests, 0, ""), "CLS-5");
}

#[test]
fn only_the_request_that_outlives_close_was_left_alone() {
    assert_eq!(rule(TraceKind::Done, 2, "L0:4"), "CLS-7 P5");
    assert_eq!(rule(TraceKind::Done, 2, "L0:3"), "REQ-32");
    assert_eq!(rule(TraceKind::Done, 2, "L0:2"), "");
}

#[test]
fn every_rule_shown_has_a_sentence() {
    let played = recording::played();
    let rules = Rules::new(&played.trace);
    for rule in played.trace.iter().filter_map(|entry| rules.of(entry)) {
        let id = rule.split(' ').next().expect("split gives at least one");
        assert!(SENTENCES.iter().any(|(known, _)| *known == id), "{rule}");
    }
}
