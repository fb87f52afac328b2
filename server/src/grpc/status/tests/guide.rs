//! The guides for people say what the server says: the error table of `proto/PROTOCOL.md` is this table, and
//! `client/TROUBLESHOOTING.md` has a section for each reason and for each rule, and no other.

use std::collections::{BTreeMap, BTreeSet};

use lowerdeck_framework::rule::Rule;

use super::*;

const PROTOCOL: &str = include_str!("../../../../../proto/PROTOCOL.md");
const TROUBLESHOOTING: &str = include_str!("../../../../../client/TROUBLESHOOTING.md");

/// A reason with its code as the contract spells it, and every metadata key that comes with it.
type Answers = BTreeMap<String, (String, BTreeSet<String>)>;

fn spelled(code: Code) -> String {
    let mut name = String::new();
    for letter in format!("{code:?}").chars() {
        if letter.is_ascii_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.push(letter.to_ascii_uppercase());
    }
    name
}

fn answered() -> Answers {
    let mut answers = Answers::new();
    for row in every_refusal().iter().map(row_of) {
        let (_, keys) = answers.entry(row.reason.to_owned()).or_insert_with(|| (spelled(row.code), BTreeSet::new()));
        keys.extend(row.metadata.into_iter().map(|(key, _)| key.to_owned()));
    }
    answers
}

/// The rows of the guide's table: `| [REASON](section) | CODE | keys | means | do |`.
fn guided() -> Vec<(String, (String, BTreeSet<String>))> {
    let rows = PROTOCOL.lines().filter(|line| line.starts_with("| [`"));
    rows.map(|line| {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        assert!(cells.len() == 5 && cells.iter().skip(3).all(|cell| !cell.is_empty()), "{line}");
        let reason = cells[0].split('`').nth(1).expect("the filter saw a backtick").to_owned();
        let anchor = format!("(../client/TROUBLESHOOTING.md#{})", reason.to_lowercase());
        assert!(cells[0].ends_with(&anchor), "{line}");
        let keys = cells[2].split(", ").map(|key| key.trim_matches('`').to_owned());
        (reason, (cells[1].to_owned(), keys.filter(|key| !key.is_empty()).collect()))
    })
    .collect()
}

/// The sections of the page: name, and what is quoted first in it, unwrapped.
fn sections() -> Vec<(&'static str, String)> {
    let of_headings = TROUBLESHOOTING.split("\n#### ").skip(1);
    of_headings
        .map(|section| {
            let (name, body) = section.split_once('\n').expect("a heading has a line of its own");
            let quoted = body.lines().skip_while(|line| line.is_empty()).map_while(|line| line.strip_prefix("> "));
            (name, quoted.collect::<Vec<_>>().join(" "))
        })
        .collect()
}

#[test]
fn the_error_table_of_the_guide_is_the_servers() {
    let guided = guided();
    let distinct: Answers = guided.iter().cloned().collect();
    assert_eq!(distinct.len(), guided.len(), "a reason has two rows");
    let answered = answered();
    let differing: Vec<_> = answered.iter().filter(|(reason, answer)| distinct.get(*reason) != Some(*answer)).collect();
    assert!(differing.is_empty(), "the server answers {differing:#?}, and the guide has other rows or none");
    assert_eq!(distinct.len(), answered.len(), "the guide has a row for a reason that is never answered");
}

#[test]
fn each_reason_and_each_rule_has_its_section_and_nothing_else_has_one() {
    let mut expected: Vec<&str> = reason::ALL.to_vec();
    expected.extend(Rule::ALL.iter().map(|rule| rule.id()));
    expected.sort_unstable();
    let mut found: Vec<&str> = sections().into_iter().map(|(name, _)| name).collect();
    found.sort_unstable();
    assert_eq!(found, expected);
}

#[test]
fn a_section_quotes_what_is_said() {
    let mut said: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for refusal in every_refusal() {
        said.entry(row_of(&refusal).reason).or_default().push(refusal.to_string());
    }
    for rule in Rule::ALL {
        said.entry(rule.id()).or_default().push(format!("{}: {}", rule.sentence(), rule.advice()));
    }
    for (name, quoted) in sections() {
        let sayings = said.get(name).map(Vec::as_slice).unwrap_or_default();
        assert!(sayings.contains(&quoted), "section {name} quotes `{quoted}`; what is said is {sayings:#?}");
    }
}
