//! The language of rules and commands, without a stack.

use lowerdeck_framework::ids::{Level, RequestLabel};
use proptest::prelude::*;

use crate::scripted::MAX_RULES;
use crate::scripted::action::Action;
use crate::scripted::command::Command;
use crate::scripted::grammar::{CommandText, command};
use crate::scripted::rule::{Event, Rule, RuleBook, Trigger};

fn rule(text: &str) -> Rule {
    match command(text) {
        Ok(CommandText::Rule(parsed)) => Rule::read(text, parsed).unwrap_or_else(|error| panic!("{error}")),
        other => panic!("{text}: {other:?}"),
    }
}

fn book(rules: &[&str]) -> RuleBook {
    let mut book = RuleBook::default();
    for text in rules {
        book.add(rule(text)).unwrap_or_else(|error| panic!("{error}"));
    }
    book
}

fn read_of(name: &str) -> Event<'_> {
    let request = Some(RequestLabel { creator: Level(0), number: 7 });
    Event { trigger: Trigger::Read, name, code: 0, request }
}

/// The note that the deciding rule takes.
fn decision(book: &mut RuleBook, event: &Event<'_>) -> Option<String> {
    match &*book.decide(event)? {
        [Action::Note(text)] => Some(text.clone()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_first_rule_that_matches_decides() {
    let mut book = book(&["on read name=a: note(first)", "on read request=L0:7: note(second)"]);
    assert_eq!(decision(&mut book, &read_of("a")).as_deref(), Some("first"));
    assert_eq!(decision(&mut book, &read_of("b")).as_deref(), Some("second"));
    assert_eq!(decision(&mut book, &Event { trigger: Trigger::Write, ..read_of("a") }), None);
}

#[test]
fn a_rule_without_conditions_is_tried_last() {
    let mut book = book(&["on read: note(any)", "on read name=a: note(a)"]);
    assert_eq!(decision(&mut book, &read_of("a")).as_deref(), Some("a"));
    assert_eq!(decision(&mut book, &read_of("b")).as_deref(), Some("any"));
}

#[test]
fn a_rule_replaces_the_one_with_the_same_conditions() {
    let mut book = book(&["on read name=a nth=1: note(old)", "on read name=a nth=1: note(new)"]);
    assert_eq!(book.listing(), "on read name=a nth=1: note(new)");
    assert_eq!(decision(&mut book, &read_of("a")).as_deref(), Some("new"));
}

#[test]
fn nth_counts_every_event_that_meets_the_other_conditions() {
    let mut book = book(&["on read nth=1: note(one)", "on read name=a nth=2: note(two)"]);
    let decisions = ["a", "b", "a", "a"].map(|name| decision(&mut book, &read_of(name)));
    assert_eq!(decisions, [Some("one".to_owned()), None, Some("two".to_owned()), None]);
}

#[test]
fn the_number_of_rules_is_limited() {
    let mut book = RuleBook::default();
    for n in 0..MAX_RULES {
        assert_eq!(book.add(rule(&format!("on read nth={n}: hold"))), Ok(()));
    }
    let full = "the driver has 256 rules, which is the limit; `clear` them first";
    assert_eq!(book.add(rule("on write: hold")), Err(full.to_owned()));
    assert_eq!(book.add(rule("on read nth=0: arm")), Ok(()), "replacing needs no room");
}

#[test]
fn a_script_is_rules_between_separators_and_comments() {
    let script = "# all of it\n on read: hold ; on write:\n  arm,\n  note(\"a;b\") # why\n\n;; on pnp_is_no_callback";
    let error = Rule::read_script(script).expect_err("the last one is wrong").to_string();
    assert_eq!(error, "6:25: expected a condition such as name=chan, or `:` and the actions, found the end");
    let rules = Rule::read_script(script.rsplit_once(";;").expect("there are two").0);
    assert_eq!(rules.map(|rules| rules.len()), Ok(2));
}

#[test]
fn errors_say_where_and_what_was_expected() {
    for (text, expected) in [
        ("", "1:1: expected a command or a rule, found the end"),
        ("on read", "1:8: expected a condition such as name=chan, or `:` and the actions, found the end"),
        ("on read: ", "1:10: expected an action such as hold or complete(S_OK), found the end"),
        ("on read: complete", "1:18: expected a status such as S_OK or 0x800703E3, found the end"),
        ("on read: complete()", "1:19: expected a status such as S_OK or 0x800703E3, found `)`"),
        ("on read: complete(NOPE)", "1:19: expected a status such as S_OK or 0x800703E3, found `NOPE`"),
        ("on read: complete(S_OK, 1, 2)", "1:28: expected no further argument, found `2`"),
        ("on read: complete(S_OK, hex=abc)", "1:25: expected hex=pairs of hexadecimal digits, found `hex`"),
        ("on read: hold arm", "1:15: expected the end of the command, found `arm`"),
        ("on read: block, hold", "1:10: expected `block` as the last action, found `block`"),
        ("on read: forward(sync), hold", "1:10: expected `forward` with sync as the last action, found `forward`"),
        ("on read: arm(object=4294967296)", "1:10: expected a callback object of 32 bits, found `arm`"),
        ("on read: forward(timeout=18446744073709551615)", "1:10: expected a timeout in milliseconds, found `forward`"),
        ("on read nth=two: hold", "1:9: expected nth=a number, found `nth`"),
        ("on cleanup: arm", "1:13: expected an action with a meaning in `on cleanup`, found `arm`"),
        ("on d0-entry: send(read, number=1)", "1:14: expected an action with a meaning in `on d0-entry`, found `send`"),
        ("on read: send(ioctl, number=1)", "1:10: expected an ioctl with code=…, found `send`"),
        ("on read: send(read)", "1:10: expected a send with number=…, from 1, found `send`"),
        ("complete 7 S_OK", "1:10: expected a request such as L0:7, found `7`"),
        ("arm", "1:4: expected a request such as L0:7, found the end"),
        (
            "send read number=1",
            "1:1: expected a command with file=\"name\" or target=\"name\" for a send, and without then=complete or \
             memory=received, found `send`",
        ),
        ("memory-create 1", "1:16: expected size=, a number of at most 67108864, found the end"),
        ("memory-wrap 1", "1:14: expected buffer=, a number of at most 18446744073709551615, found the end"),
        (
            "on close: send(write, number=1, memory=received)",
            "1:11: expected an action with a meaning in `on close`, found `send`",
        ),
    ] {
        let error = Command::read(text).expect_err(text);
        assert_eq!(error.to_string(), expected, "{text}");
    }
}

#[test]
fn unknown_words_are_answered_with_the_known_ones() {
    for (text, start) in [
        ("on read: hodl", "1:10: expected an action: complete, hold, arm, "),
        ("on reed: hold", "1:4: expected a callback: create read write "),
        ("halt", "1:1: expected a rule (on …: …) or a command: clear, rules, "),
    ] {
        let error = Command::read(text).expect_err(text).to_string();
        assert!(error.starts_with(start), "{error}");
    }
}

proptest! {
    #[test]
    fn no_text_is_a_panic(text in "(on |read|complete|L0:7|send|[a-z0-9=:(),;#\"\\\\ \n{}é-]){0,24}") {
        let _ = Command::read(&text);
        let _ = Rule::read_script(&text);
    }
}
