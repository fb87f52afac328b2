//! What each kind of test output is read as.

use super::suite::{Report, Suite};
use super::{junit, libtest};

const CARGO_TEST: &str = "\
     Running unittests src/lib.rs (target/debug/deps/lowerdeck_proto-0a1b2c)

running 3 tests
test golden::is_current ... ok
test reason::is_documented ... FAILED
test reason::slow ... ignored

failures:
    reason::is_documented

test result: FAILED. 1 passed; 1 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.25s

     Running tests/it/main.rs (target/debug/deps/it-3d4e5f)

running 2 tests
error: test failed, to rerun pass `-p lowerdeck-tests --test it`
   Doc-tests lowerdeck_client

running 2 tests
test result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.50s
";

const JUNIT: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="any" tests="4">
  <testsuite name="pytest" tests="4" errors="1" failures="1" skipped="1">
    <testcase classname="tests.test_io" name="test_write" time="0.5"/>
    <testcase classname="tests.test_io" name="test_read" time="0.25"><failure message="a &lt; b">x</failure></testcase>
    <testcase classname="tests.test_io" name="test_open" time="0.25"><error message="fixture"/></testcase>
    <testcase classname="pytest" name="test_later" time="0.0"><skipped message="why"/></testcase>
  </testsuite>
</testsuites>"#;

#[test]
fn cargo_tests_output_gives_one_suite_per_binary() {
    let suites = libtest::parse(CARGO_TEST);
    let expected = Suite {
        name: "lowerdeck_proto".to_owned(),
        passed: 1,
        failed: vec!["reason::is_documented".to_owned()],
        skipped: 1,
        seconds: 0.25,
    };
    assert_eq!(suites[0], expected);
    assert_eq!((suites[2].name.as_str(), suites[2].passed), ("lowerdeck_client (doc)", 2));
}

#[test]
fn a_test_binary_that_dies_is_a_failure() {
    let died = &libtest::parse(CARGO_TEST)[1];
    assert_eq!(died.name, "it");
    assert_eq!(died.failed.len(), 1);
}

#[test]
fn a_failure_without_a_readable_name_is_still_counted() {
    let text = "   Doc-tests x\ntest result: FAILED. 0 passed; 2 failed; 0 ignored; finished in 0.00s\n";
    assert_eq!(libtest::parse(text)[0].failed.len(), 2);
}

#[test]
fn a_junit_report_gives_names_of_failures_and_errors() {
    let suites = junit::parse(JUNIT).expect("the fixture is a report");
    let expected = Suite {
        name: "pytest".to_owned(),
        passed: 1,
        failed: vec!["tests.test_io::test_read".to_owned(), "tests.test_io::test_open".to_owned()],
        skipped: 1,
        seconds: 1.0,
    };
    assert_eq!(suites, [expected]);
}

#[test]
fn the_report_sums_up_and_names_what_failed() {
    let report = Report { suites: junit::parse(JUNIT).expect("the fixture is a report") };
    assert!(!report.passed());
    let text = report.to_string();
    assert!(text.contains("pytest: tests.test_io::test_open"), "{text}");
    assert!(text.contains("total        1       2        1      1.0"), "{text}");
}

#[test]
fn a_suite_that_could_not_run_fails_the_report() {
    let suite = Suite::could_not_run("python", &anyhow::anyhow!("no interpreter"));
    assert!(!Report { suites: vec![suite] }.passed());
}

#[test]
fn nextest_names_its_skipped_tests_in_the_summary_line_only() {
    let text = "     Summary [   0.010s] 3 tests run: 3 passed, 12 skipped\n";
    assert_eq!(super::rust::skipped(text), 12);
    assert_eq!(super::rust::skipped("     Summary [   0.010s] 3 tests run: 3 passed\n"), 0);
}
