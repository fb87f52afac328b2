//! The timeline: left what the upper driver called and got, right what each lower layer's callbacks saw, one line per
//! trace entry in the stack's total order. Pure text; 100 columns.
//!
//! A step of L0 that reached the stack shares the line of its trace entry; one that did not (CreateRequest and the
//! like) has a line of its own, without number. What the host does for a request to a handle, and what the program at the
//! other end does, stands on the right.

use std::fmt::Write;

use anstyle::{AnsiColor, Style};
use lowerdeck_client::v1;

use super::log::{Actor, Step};
use super::rules::{self, Rules};
use crate::words;

/// Columns of the left side, of the right side, and of the rule.
const LEFT: usize = 43;
const RIGHT: usize = 38;
const RULE: usize = 9;

const NUMBER: Style = Style::new().dimmed();
const CALLED: Style = AnsiColor::Cyan.on_default();
const CANCELLED: Style = AnsiColor::Yellow.on_default();
const CLOSING: Style = AnsiColor::Magenta.on_default();
/// What the host and the programs on it do.
const OUTSIDE: Style = AnsiColor::Blue.on_default();

/// Draws steps and trace.
pub(super) fn render(steps: &[Step], trace: &[v1::TraceEntry]) -> String {
    let mut text = String::new();
    line(&mut text, Style::new(), "#", "upper driver, L0", "drivers below", "rule");
    let bars = ["-".repeat(LEFT), "-".repeat(RIGHT), "-".repeat(RULE)];
    line(&mut text, Style::new(), "---", &bars[0], &bars[1], &bars[2]);
    let begun = begin(steps);
    let rules = Rules::new(trace);
    let mut waiting = steps.iter().peekable();
    if begun > 0 {
        let before = "the stack starts, lowest driver first";
        line(&mut text, NUMBER, "", "", before, rules::START);
    }
    for entry in trace.iter().filter(|entry| entry.sequence > begun) {
        while let Some(step) = waiting.next_if(|step| step.after < entry.sequence) {
            if !shares_a_line(step, trace) {
                local(&mut text, step);
            }
        }
        let number = entry.sequence.to_string();
        let rule = rules.of(entry).unwrap_or_default();
        if words::is_of_host(entry) {
            let right = format!("host {}", words::of_host(entry));
            line(&mut text, OUTSIDE, &number, "", &right, rule);
        } else if entry.layer == 0 {
            let left = said_of(entry, steps, trace);
            line(&mut text, style_of(entry), &number, &left, "", rule);
        } else {
            let indent = "  ".repeat(entry.layer.saturating_sub(1) as usize);
            let right = format!("{indent}{} {}", words::layer(entry), words::entry(entry));
            line(&mut text, style_of(entry), &number, "", &right, rule);
        }
    }
    for step in waiting {
        local(&mut text, step);
    }
    text
}

/// What the numbers and marks mean, in `head`, and the rules that the timeline shows, each in a sentence.
pub(super) fn legend(head: &str, steps: &[Step], trace: &[v1::TraceEntry]) -> String {
    let begun = begin(steps);
    let rules = Rules::new(trace);
    let shown = trace.iter().filter(|entry| entry.sequence > begun);
    let start = (begun > 0).then_some(rules::START);
    let local = steps.iter().map(|step| step.act.rule);
    let shown: Vec<_> = start.into_iter().chain(shown.filter_map(|entry| rules.of(entry))).chain(local).collect();
    format!("{head}\n{}", rules::sentences(&shown))
}

/// The last trace entry before L0 did anything.
fn begin(steps: &[Step]) -> u64 {
    let first = steps.iter().find(|step| step.act.actor == Actor::L0);
    first.map_or(0, |step| step.after)
}

fn style_of(entry: &v1::TraceEntry) -> Style {
    use v1::TraceKind as Kind;
    match entry.kind() {
        Kind::Call | Kind::Return => CALLED,
        Kind::OnCancel => CANCELLED,
        Kind::Done | Kind::OnCompletion if words::is_cancelled(entry) => CANCELLED,
        Kind::CleanupEnter | Kind::CleanupLeave | Kind::CloseEnter | Kind::CloseLeave | Kind::FileGone => CLOSING,
        _ => Style::new(),
    }
}

/// L0's entry for the call of a step, if the call reached the stack.
fn call_entry<'a>(step: &Step, trace: &'a [v1::TraceEntry]) -> Option<&'a v1::TraceEntry> {
    trace.iter().find(|entry| {
        is_within(step, entry)
            && matches!(entry.kind(), v1::TraceKind::Call | v1::TraceKind::Send)
            && method(&entry.text) == method(&step.act.call)
    })
}

/// L0's entry for the return of a step's call, if there is one.
fn return_entry<'a>(step: &Step, trace: &'a [v1::TraceEntry]) -> Option<&'a v1::TraceEntry> {
    trace.iter().find(|entry| {
        is_within(step, entry) && entry.kind() == v1::TraceKind::Return && method(&entry.text) == method(&step.act.call)
    })
}

fn is_within(step: &Step, entry: &v1::TraceEntry) -> bool {
    step.act.actor == Actor::L0 && entry.layer == 0 && step.after < entry.sequence && entry.sequence <= step.through
}

/// The method's name without its arguments.
fn method(text: &str) -> &str {
    let end = text.find(|character: char| !character.is_alphanumeric());
    &text[..end.unwrap_or(text.len())]
}

fn shares_a_line(step: &Step, trace: &[v1::TraceEntry]) -> bool {
    call_entry(step, trace).is_some()
}

/// What L0 called or got with this entry.
fn said_of(entry: &v1::TraceEntry, steps: &[Step], trace: &[v1::TraceEntry]) -> String {
    for step in steps {
        let returned = return_entry(step, trace);
        if call_entry(step, trace).is_some_and(|call| call.sequence == entry.sequence) {
            let label =
                if entry.request_label.is_empty() { String::new() } else { format!(" {}", entry.request_label) };
            return match returned {
                Some(_) => numbered(step, &step.act.call),
                None => numbered(step, &format!("{}{label} -> {}", step.act.call, step.outcome)),
            };
        }
        if returned.is_some_and(|returned| returned.sequence == entry.sequence) {
            return format!("  {} -> {}", method(&step.act.call), step.outcome);
        }
    }
    format!("  {}", words::entry(entry))
}

fn numbered(step: &Step, text: &str) -> String {
    match step.act.number {
        Some(number) => format!("{number} {text}"),
        None => format!("  {text}"),
    }
}

/// A step that is not in the trace.
fn local(text: &mut String, step: &Step) {
    match step.act.actor {
        Actor::L0 => {
            let left = numbered(step, &format!("{} -> {}", step.act.call, step.outcome));
            line(text, CALLED, "", &left, "", step.act.rule);
        }
        Actor::Lab => line(text, NUMBER, "", "", &format!("lab {}", step.act.call), step.act.rule),
        Actor::Peer => {
            let right = format!("peer {} -> {}", step.act.call, step.outcome);
            line(text, OUTSIDE, "", "", &right, step.act.rule);
        }
    }
}

fn line(text: &mut String, style: Style, number: &str, left: &str, right: &str, rule: &str) {
    let (left, right) = (fit(left, LEFT), fit(right, RIGHT));
    let row = format!("{number:>3} {left:<LEFT$} | {right:<RIGHT$} | {rule}");
    // Writing into a string cannot fail.
    let _ = writeln!(text, "{style}{}{style:#}", row.trim_end());
}

/// The text, cut to a width, with an ellipsis where it was cut.
fn fit(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let kept: String = text.chars().take(width.saturating_sub(2)).collect();
    kept + ".."
}

#[cfg(test)]
mod tests;
