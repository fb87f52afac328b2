//! Rules beside entries.

use lowerdeck_client::v1::TraceKind;

use super::super::named_pipe;
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
fn what_the_host_answers_names_its_rule() {
    let played = named_pipe::recorded();
    let rules = Rules::new(&played.trace);
    let of_host =
        played.trace.iter().filter(|entry| entry.kind() == TraceKind::Return && !entry.request_label.is_empty());
    let found: Vec<_> = of_host.filter_map(|entry| rules.of(entry)).collect();
    let messages = ["FHT-14", "FHT-14", "FHT-14", "FHT-15", "FHT-14", "FHT-16"];
    assert_eq!(found, [&["FHT-18"][..], &messages, &["FHT-13", "FHT-18"]].concat());
}

#[test]
fn every_rule_shown_has_a_sentence() {
    let (file, pipe) = (recording::played(), named_pipe::recorded());
    let mut shown = Vec::new();
    for (trace, steps) in [(&file.trace, &file.steps), (&pipe.trace, &pipe.steps)] {
        let rules = Rules::new(trace);
        shown.extend(trace.iter().filter_map(|entry| rules.of(entry)).map(str::to_owned));
        shown.extend(steps.iter().map(|step| step.act.rule.to_owned()).filter(|rule| !rule.is_empty()));
    }
    for rule in shown {
        let id = rule.split(' ').next().expect("split gives at least one");
        assert!(SENTENCES.iter().any(|(known, _)| *known == id), "{rule}");
    }
}
