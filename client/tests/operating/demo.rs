//! `lowerdeck demo`, each scenario on a server that it starts itself.

use std::process::Command;

use serde_json::Value;

use crate::server;

/// The rules whose checks do not hold, the number of checks, and the calls of the steps.
fn play(scenario: &str) -> (Vec<String>, usize, Vec<String>) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lowerdeck"));
    command.args(["-o", "json", "demo", "--scenario", scenario, "--server-binary"]).arg(server::program());
    let output = command.output().expect("it starts");
    let document: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert!(output.status.success(), "{document}");
    let texts = |list: &Value, key: &str| {
        let items = list.as_array().expect("a list").iter();
        items.filter_map(|item| Some(item[key].as_str()?.to_owned())).collect::<Vec<_>>()
    };
    let deviations = texts(&document["checks"], "deviation");
    let total = document["checks"].as_array().map_or(0, Vec::len);
    (deviations, total, texts(&document["steps"], "call"))
}

#[test]
fn the_life_of_a_file_goes_as_the_rules_say() {
    let (deviations, total, calls) = play("file");
    assert_eq!((deviations, total), (Vec::new(), 11));
    assert!(calls.contains(&"Close()".to_owned()), "{calls:?}");
}

#[test]
fn a_named_pipe_with_a_python_program_at_its_other_end_goes_as_the_rules_say() {
    let (deviations, total, calls) = play("named-pipe");
    assert_eq!((deviations, total), (Vec::new(), 14));
    let mut calls = calls.iter().map(String::as_str);
    for step in ["CreateNamedPipe(NP_NAME)", "CreateFileHandleTarget(handle)", "connect", "CloseHandle(handle)"] {
        assert!(calls.any(|call| call == step), "{step}, in this order");
    }
}
