//! The command line as a shell meets it, without a server: exit codes and explanations.

use std::process::{Command, Output};

fn lowerdeck(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lowerdeck"));
    command.env_remove("LOWERDECK_ENDPOINT").args(arguments);
    command.output().expect("it starts")
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A port on which nobody listens: it was free a moment ago, and is held by nobody.
fn nobody() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    format!("http://{address}")
}

#[test]
fn wrong_usage_exits_with_2() {
    for arguments in [
        &["no-such-command"][..],
        &["io", "disk", "read"],
        &["io", "disk", "erase 0"],
        &["io", "handles", "open-file"],
        &["stack", "plug", "usb", "null", "--umdf-dispatcher", "win-usb"],
        &["demo", "--server-binary", "lowerdeckd", "--scenario", "no-such-scenario"],
        &["stack", "list", "--endpoint", "127.0.0.1:50051"],
        &["stack", "advance-clock", "disk#1", "soon"],
        &["session", "get", "not-a-uuid"],
        &["bench", "no-such-load"],
        &["bench", "--seconds", "0"],
        &["bench", "--sessions", "0"],
        &["bench", "queue-pair-64", "--depth", "8", "--batch", "9"],
        &["bench", "--io", "random-read", "--length", "0"],
    ] {
        let output = lowerdeck(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", stderr(&output));
    }
}

#[test]
fn an_absent_server_exits_with_4_and_advice() {
    let output = lowerdeck(&["stack", "list", "--endpoint", &nobody()]);
    assert_eq!(output.status.code(), Some(4));
    assert!(stderr(&output).contains("lowerdeckd serve"));
    assert!(output.stdout.is_empty());
}

#[test]
fn json_output_makes_errors_json_too() {
    let output = lowerdeck(&["-o", "json", "health", "--endpoint", &nobody()]);
    let document: serde_json::Value = serde_json::from_slice(&output.stderr).expect("JSON");
    let message = document["error"]["message"].as_str();
    assert!(message.is_some_and(|message| message.contains("cannot reach")));
}

#[test]
fn a_demo_without_its_server_says_what_to_build() {
    let output = lowerdeck(&["demo", "--server-binary", "no/such/program"]);
    assert_eq!(output.status.code(), Some(5));
    assert!(stderr(&output).contains("cargo build -p lowerdeck-server"));
}

#[test]
fn a_server_that_ends_before_it_is_ready_is_explained() {
    // The test's own program knows no `serve`, says so, and ends.
    let program = env!("CARGO_BIN_EXE_lowerdeck");
    let output = lowerdeck(&["demo", "--server-binary", program]);
    assert_eq!(output.status.code(), Some(5));
    let stderr = stderr(&output);
    assert!(stderr.contains("before it was ready"), "{stderr}");
    assert!(stderr.contains("unrecognized subcommand 'serve'"), "{stderr}");
}

#[test]
fn completions_are_printed_for_a_shell() {
    let output = lowerdeck(&["completions", "bash"]);
    assert!(output.status.success());
    assert!(String::from_utf8_lossy(&output.stdout).contains("advance-clock"));
}
