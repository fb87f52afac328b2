//! `lowerdeck bench` as a shell meets it.

use std::process::Output;

use serde_json::Value;

use crate::server::Server;

/// Runs a short load with `arguments`; gives its exit code, what it printed, and what it said beside.
fn bench(server: &Server, arguments: &[&str]) -> (Option<i32>, String, String) {
    let words = [&["bench", "--seconds", "0.05"], arguments].concat();
    let Output { status, stdout, stderr } = server.lowerdeck(&words);
    let text = |bytes| String::from_utf8(bytes).expect("text");
    (status.code(), text(stdout), text(stderr))
}

#[test]
fn each_way_and_each_io_of_a_load_comes_to_a_document() {
    let server = Server::start();
    for load in ["queue-pair-64", "one-at-a-time", "unary-64", "read-4k", "read-1m"] {
        let (code, printed, said) = bench(&server, &[load, "-o", "json", "--sessions", "2"]);
        assert_eq!(code, Some(0), "{load}: {said}");
        let document: Value = serde_json::from_str(&printed).expect("JSON");
        let number = |value: &Value| value.as_f64().expect("a number");
        assert!(number(&document["completed"]) > 0.0, "{load}: {document}");
        assert_eq!(document["failed"], 0, "{load}");
        assert_eq!(document["session_completed_per_second"].as_array().map(Vec::len), Some(2), "{load}");
        let latency = &document["latency_us"];
        assert!(number(&latency["p50"]) > 0.0 && number(&latency["p50"]) <= number(&latency["p99.9"]), "{latency}");
    }
}

#[test]
fn a_device_is_filled_on_request_and_its_reads_find_the_data() {
    let server = Server::start();
    let plugged = server.lowerdeck(&["stack", "plug", "common-disk", "ram(size=1MiB)", "--shared"]);
    assert!(plugged.status.success(), "{plugged:?}");
    let load = ["read-4k", "--stack", "common-disk", "--span", "524288"];
    let around_the_end = || server.lowerdeck(&["-o", "json", "io", "common-disk", "read 523776 1024"]).stdout;
    let (code, _, said) = bench(&server, &load);
    assert_eq!(code, Some(0), "{said}");
    assert!(String::from_utf8_lossy(&around_the_end()).contains("0000"), "nothing is written unasked");
    let (code, _, said) = bench(&server, &[&load[..], &["--fill"]].concat());
    assert_eq!(code, Some(0), "{said}");
    let found = around_the_end();
    assert!(String::from_utf8_lossy(&found).contains("a500"), "{}", String::from_utf8_lossy(&found));
}

#[test]
fn people_are_told_rate_and_latency() {
    let (code, printed, said) = bench(&Server::start(), &[]);
    assert_eq!(code, Some(0), "{said}");
    for part in ["ioctl of 64 bytes", "depth 64, 1 session on null", "rate ", "latency    p50 "] {
        assert!(printed.contains(part), "{part} in {printed}");
    }
}

#[test]
fn requests_that_fail_under_way_make_the_answer_no() {
    let server = Server::start();
    let plugged = server.lowerdeck(&["stack", "plug", "tiny", "ram(size=8KiB)"]);
    assert!(plugged.status.success(), "{plugged:?}");
    // The third read is beyond the device; the first one is not.
    let (code, printed, said) = bench(&server, &["read-1m", "--stack", "tiny", "--length", "4096", "-o", "json"]);
    assert_eq!(code, Some(1), "{said}");
    let document: Value = serde_json::from_str(&printed).expect("JSON");
    assert!(document["failed"].as_u64().is_some_and(|failed| failed > 0), "{document}");
    assert!(said.contains("requests failed, the first with "), "{said}");
}

#[test]
fn a_stack_that_fails_the_io_is_named_before_the_load_runs() {
    let (code, printed, said) = bench(&Server::start(), &["queue-pair-64", "--stack", "echo"]);
    assert_eq!((code, printed.as_str()), (Some(1), ""), "{said}");
    assert!(said.contains("the stack fails a device control") && said.contains("such as `null`"), "{said}");
}

#[test]
fn a_stack_that_keeps_the_io_is_named_and_its_session_ends() {
    let server = Server::start();
    let (code, _, said) = bench(&server, &["read-4k", "--stack", "echo"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("has not completed a read"), "{said}");
    let listed = server.lowerdeck(&["stack", "list"]);
    let text = String::from_utf8_lossy(&listed.stdout);
    let instance = text.lines().find(|line| line.starts_with("echo#1 "));
    assert!(instance.is_some_and(|line| line.contains("removed")), "{text}");
}

#[test]
fn what_the_server_does_not_allow_or_know_is_told_apart() {
    let server = Server::start();
    let (code, _, said) = bench(&server, &["queue-pair-64", "--depth", "70000"]);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("requests_max (65536)"), "{said}");
    let (code, _, said) = bench(&server, &["queue-pair-64", "--stack", "nowhere"]);
    assert_eq!(code, Some(3), "{said}");
}
