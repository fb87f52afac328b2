//! The report of short runs. Figures are not judged: machines differ, and a test is no place for them.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::server::lowerdeckd;

/// Runs the rows whose id contains `only`, and gives them.
fn rows(only: &str) -> Vec<Value> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(only);
    let mut bench = Command::new(env!("CARGO_BIN_EXE_lowerdeck-bench"));
    bench.args(["run", "--rounds", "2", "--milliseconds", "50", "--file-mib", "8", "--only", only]);
    let output = bench.arg("--server").arg(lowerdeckd()).arg("--out").arg(&folder).output().expect("it starts");
    assert!(output.status.success(), "{only}: {output:?}");
    let text = std::fs::read_to_string(folder.join("report.json")).expect("a report");
    let report: Value = serde_json::from_str(&text).expect("JSON");
    report["rows"].as_array().expect("rows").clone()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

#[test]
fn a_load_is_reported_with_its_reference_and_who_was_busy() {
    let rows = rows("queue-pair-64");
    let [row] = &rows[..] else { panic!("{rows:?}") };
    for side in ["lowerdeck", "reference", "ratio"] {
        assert!(number(&row[side]["median"]) > 0.0, "{side} of {row}");
        assert_eq!(row[side]["rounds"].as_array().map(Vec::len), Some(2), "{side} of {row}");
    }
    assert!(row["details"]["generator_cpu"].is_number() && row["details"]["reference_server_cpu"].is_number(), "{row}");
    assert_eq!(row["valid"], row["problem"].is_null(), "{row}");
}

#[test]
fn sessions_are_reported_in_total_and_each() {
    let rows = rows("10-sessions");
    let row = rows.iter().find(|row| row["id"] == "10-sessions").expect("the row");
    let (total, each) = (number(&row["lowerdeck"]["median"]), number(&row["details"]["per_session_per_second"]));
    assert!((total / each - 10.0).abs() < 1e-6, "{row}");
}

#[test]
fn the_memory_beside_a_slow_reader_is_reported_over_time_and_against_the_limits() {
    let rows = rows("slow-reader-stops-ioctl");
    let memory = rows.iter().find(|row| row["unit"] == "B").expect("a row of memory");
    assert!(memory["series"].as_array().is_some_and(|series| !series.is_empty()), "{memory}");
    // Two limits of 64 MiB at the least.
    assert!(number(&memory["reference"]["median"]) > 128e6, "{memory}");
    assert!(rows.iter().any(|row| row["unit"] == "/s"), "the others have a row: {rows:?}");
}

#[test]
fn a_start_is_reported_at_both_moments() {
    let rows = rows("start-");
    assert_eq!(rows.len(), 2, "{rows:?}");
    let [accepts, serving] = ["start-accepts", "start-serving"].map(|id| {
        let row = rows.iter().find(|row| row["id"] == id).expect("the row");
        number(&row["lowerdeck"]["median"])
    });
    assert!(accepts > 0.0 && accepts <= serving, "{accepts} and {serving} ms");
}

#[test]
fn one_row_can_be_picked_from_those_that_are_measured_together() {
    for id in ["start-serving", "slow-reader-stops-ioctl-memory"] {
        let rows = rows(id);
        assert!(rows.len() == 1 && rows[0]["id"] == id, "{id}: {rows:?}");
    }
}

#[test]
fn a_file_is_read_through_a_handle_and_beside_it_on_a_stream() {
    let rows = rows("handle-read");
    let [read, memory] = ["handle-read", "handle-read-memory"]
        .map(|id| rows.iter().find(|row| row["id"] == id).unwrap_or_else(|| panic!("no {id}: {rows:?}")));
    assert!(number(&read["lowerdeck"]["median"]) > 0.0 && number(&read["reference"]["median"]) > 0.0, "{read}");
    assert_eq!(read["details"]["peak_resident_bytes"], memory["lowerdeck"]["median"]);
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("handle-read");
    let left: Vec<_> = std::fs::read_dir(folder)
        .expect("the report is there")
        .filter(|entry| entry.as_ref().is_ok_and(|entry| entry.path().is_dir()))
        .collect();
    assert!(left.is_empty(), "the file goes with the run: {left:?}");
}
