//! How listed tests become held scenarios, and which names are refused.

use super::listing::{Listing, parse};
use super::scenario::{GROUPS, Group, Scenario};
use super::survey::Survey;

fn listing(tests: &[&str], ignored: &[&str]) -> Listing {
    let owned = |paths: &[&str]| paths.iter().map(|&path| path.to_owned()).collect();
    Listing { tests: owned(tests), ignored: owned(ignored) }
}

fn faults(tests: &[&str], ignored: &[&str]) -> Vec<String> {
    Survey::of(&listing(tests, ignored)).err().unwrap_or_default()
}

#[test]
fn the_specification_has_278_scenarios() {
    assert_eq!(GROUPS.iter().flat_map(Group::scenarios).count(), 278);
}

#[test]
fn a_test_holds_the_scenario_its_name_begins_with() {
    let survey = Survey::of(&listing(
        &[
            "conformance::close::b09_only_the_creators_requests_are_cancelled::wire",
            "conformance::close::b09_only_the_creators_requests_are_cancelled::framework",
            "conformance::create::a01_create_reaches_next_lower_only::framework",
            "ownership::every_rpc_refuses_foreign_ids",
        ],
        &[],
    ))
    .expect("no name is at fault");
    assert_eq!(survey.counts(), "all: 278 scenarios: 2 on framework, 1 on wire, 276 not yet");
}

#[test]
fn missing_lists_only_what_no_test_holds() {
    let survey = Survey::of(&listing(&["conformance::l05_x::wire"], &[])).expect("no name is at fault");
    let table = survey.table(true);
    assert!(table.contains("L04  not yet"), "{table}");
    assert!(!table.contains("L05"), "{table}");
}

#[test]
fn json_names_the_tests_of_each_scenario() {
    let survey = Survey::of(&listing(&["c::l05_x::wire"], &[])).expect("no name is at fault");
    let json = serde_json::to_value(survey.json(false)).expect("it is plain data");
    assert_eq!(json["scenarios"], 278);
    let last = &json["list"][277];
    assert_eq!(last["id"], "L05");
    assert_eq!(last["wire"][0], "c::l05_x::wire");
}

#[test]
fn an_unknown_id_is_a_fault() {
    for name in ["b34_x", "b00_x", "m01_x"] {
        assert_eq!(faults(&[&format!("close::{name}::wire")], &[]).len(), 1, "{name}");
    }
}

#[test]
fn a_conformance_test_without_id_or_back_end_is_a_fault() {
    for path in [
        "conformance::close::b9_x::wire",
        "conformance::close::cleanup_first::framework",
        "conformance::close::b09_x::grpc",
        "close::b09_x",
        "wire",
    ] {
        assert_eq!(faults(&[path], &[]).len(), 1, "{path}");
    }
    assert_eq!(faults(&["harness::wire_is_up", "pnp::d00_x", "ownership::every_rpc"], &[]), [""; 0]);
}

#[test]
fn an_ignored_test_holds_nothing() {
    let path = "conformance::b09_x::wire";
    assert_eq!(faults(&[path], &[path]).len(), 1);
}

#[test]
fn an_id_is_one_letter_and_two_digits() {
    let b09 = Scenario { letter: 'B', number: 9 };
    assert_eq!(Scenario::named_by("b09_law"), Some(b09));
    for name in ["b09", "b09_", "b9_law", "b009_law", "bb9_law", "B09_law", "b+9_law", "close"] {
        assert_eq!(Scenario::named_by(name), None, "{name}");
    }
}

#[test]
fn only_test_lines_are_read_from_a_listing() {
    let listed = parse("a::b: test\nc::d: benchmark\n\n2 tests, 0 benchmarks\n");
    assert_eq!(listed.into_iter().collect::<Vec<_>>(), ["a::b"]);
}
