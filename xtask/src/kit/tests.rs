//! What a runner's report is read as.

use super::tap::{Report, turned};

const PRINTED: &str = "\
TAP version 13
# Python 3.11.7 (sync), grpcio 1.85.1, road unary
1..4
ok 1 - happy_path # 21 ms
not ok 2 - e01_cancel_of_an_armed_request
  ---
  failed: step 4 (call Cancel): not ok at all
  fix: wait
  ...
ok 3 - g01_a_target_on_a_named_pipe # SKIP the server has no pipes
";

#[test]
fn passed_failed_and_skipped_cases_are_told_apart() {
    let report = Report::parse(&format!("{PRINTED}ok 4 - last\n"));
    assert_eq!(report.title, "Python 3.11.7 (sync), grpcio 1.85.1");
    assert_eq!((report.passed, report.skipped), (2, 1));
    assert_eq!(report.failed, ["e01_cancel_of_an_armed_request"]);
}

#[test]
fn a_run_that_ends_early_has_failed() {
    assert_eq!(Report::parse(PRINTED).failed[1], "(ended after 3 of 4 cases)");
}

#[test]
fn a_runner_that_prints_nothing_has_failed() {
    assert_eq!(Report::parse("Traceback: no such module\n").failed, ["(ended without a plan)"]);
}

#[test]
fn what_was_skipped_is_not_counted_as_passed() {
    let report = Report::skipped("no compiler".to_owned());
    assert_eq!((report.passed, report.skipped, report.failed.len()), (0, 1, 0));
}

#[test]
fn of_cases_that_must_fail_those_that_pass_have_failed() {
    let report = Report::parse(&turned(&format!("{PRINTED}ok 4 - last\n")));
    assert_eq!(report.passed, 1);
    assert_eq!(report.failed, ["happy_path", "g01_a_target_on_a_named_pipe", "last"]);
    assert_eq!(Report::parse(&turned("1..1\n")).failed, ["(ended after 0 of 1 cases)"]);
}
