//! The timeline as people see it.

use super::super::named_pipe;
use super::super::recording;
use super::{legend, render};

fn plain(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

#[test]
fn both_sides_stand_beside_each_other() {
    let played = recording::played();
    insta::assert_snapshot!(plain(&render(&played.steps, &played.trace)));
}

#[test]
fn what_happens_on_the_host_stands_on_the_right() {
    let played = named_pipe::recorded();
    let text = plain(&render(&played.steps, &played.trace));
    let beginning: Vec<_> = text.lines().take(10).collect();
    insta::assert_snapshot!(beginning.join("\n"));
}

#[test]
fn every_entry_since_the_first_call_has_one_line() {
    let played = recording::played();
    let text = plain(&render(&played.steps, &played.trace));
    for entry in &played.trace[1..] {
        let start = format!("{:>3} ", entry.sequence);
        let lines = text.lines().filter(|line| line.starts_with(&start));
        assert_eq!(lines.count(), 1, "entry {}", entry.sequence);
    }
}

#[test]
fn no_line_is_wider_than_100_columns() {
    let mut played = recording::played();
    played.trace[9].text = "long ".repeat(40);
    played.steps[1].act.call = "CreateWdfFile(\"a name that is far too long for its column\")".to_owned();
    for shown in [played.into(), named_pipe::recorded()] {
        let text = plain(&render(&shown.steps, &shown.trace));
        let legend = legend(shown.head, &shown.steps, &shown.trace);
        for line in text.lines().chain(legend.lines()) {
            assert!(line.chars().count() <= 100, "{line}");
        }
    }
}

#[test]
fn the_legend_explains_the_rules_that_are_shown_and_no_others() {
    let played = recording::played();
    let legend = legend("head", &played.steps, &played.trace);
    assert!(legend.contains("CLS-13") && legend.contains("REQ-27"));
    assert!(!legend.contains("FWD-10"));
}
