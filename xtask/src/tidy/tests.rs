//! Each rule on small trees: what it refuses, and the nearest thing it must leave alone.

use super::finding::{Finding, Severity};
use super::ratchet::Ratchet;
use super::source::Tree;
use super::{check, file_length, imports, mentions, module_heads, module_names, sleeps, status};

fn tree(files: &[(&str, &str)]) -> Tree {
    let owned = files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
    Tree::of(owned).expect("the fixtures' manifests are valid")
}

fn ratchet(text: &str) -> Ratchet {
    Ratchet::parse(text).expect("the fixtures' ratchets are valid")
}

/// `path:line` of everything refused.
fn refused(findings: &[Finding]) -> Vec<String> {
    findings
        .iter()
        .filter(|finding| finding.severity == Severity::Refused)
        .map(|finding| format!("{}:{}", finding.path, finding.line))
        .collect()
}

/// The rules the import table refuses for one source.
fn imports_of(path: &str, text: &str) -> Vec<String> {
    refused(&imports::check(&tree(&[(path, text)])))
}

fn mentioned(text: &str, module: &[&str]) -> Vec<String> {
    let module: Vec<String> = module.iter().map(|&name| name.to_owned()).collect();
    let tokens = text.parse().expect("the fixtures are Rust");
    let mentions = mentions::of(&tokens, &module);
    mentions.iter().map(mentions::Mention::path).collect()
}

#[test]
fn a_use_tree_mentions_each_of_its_leaves() {
    let text = "use std::{sync::{self, Mutex as Lock}, time::*};";
    let expected = ["std::sync", "std::sync::Mutex", "std::time::*"];
    assert_eq!(mentioned(text, &[]), expected);
}

#[test]
fn a_bound_name_stands_for_what_it_was_bound_to() {
    let text = "use std::sync as s; fn f() { s::Mutex::new(0); }";
    assert_eq!(mentioned(text, &[]), ["std::sync", "std::sync::Mutex::new"]);
}

#[test]
fn self_and_super_are_resolved_through_inline_modules() {
    let text = "fn f() { super::a(); self::b(); } mod inner { fn g() { super::super::c(); } }";
    let expected = ["crate::session::a", "crate::session::lease::b", "crate::session::c"];
    assert_eq!(mentioned(text, &["session", "lease"]), expected);
}

#[test]
fn paths_in_attributes_and_macro_arguments_are_mentioned() {
    let text = "#[tokio::test] async fn f() { assert!(matches!(x, tonic::Code::Ok)); }";
    assert_eq!(mentioned(text, &[]), ["tokio::test", "tonic::Code::Ok"]);
}

#[test]
fn text_and_lone_words_are_no_mentions() {
    let text = "/// tonic::Status\nfn f(tonic: u8) -> impl Sized + use<> { let _ = \"tokio::spawn\"; tonic }";
    assert_eq!(mentioned(text, &[]), [""; 0]);
}

#[test]
fn the_framework_may_not_name_clocks_threads_locks_or_runtimes() {
    for text in [
        "use std::time::Instant;",
        "use std::time::{Duration, SystemTime};",
        "fn f() { std::thread::yield_now(); }",
        "use std::sync::{Arc, Mutex};",
        "use std::sync::*;",
        "use tokio::sync::mpsc;",
        "use tokio_util::sync::CancellationToken;",
        "extern crate tracing;",
        "type Lock = std::sync::RwLock<u8>;",
    ] {
        let findings = imports_of("server/framework/src/stack.rs", text);
        assert_eq!(findings, ["server/framework/src/stack.rs:1"], "{text}");
    }
}

#[test]
fn the_framework_may_name_durations_shared_values_and_its_own_modules() {
    let text = "use std::time::Duration; use std::sync::Arc; use crate::time::Instant; use log_entry::X;";
    assert_eq!(imports_of("server/framework/src/stack.rs", text), [""; 0]);
}

#[test]
fn host_may_not_look_up_to_session_or_the_wire() {
    for text in [
        "use crate::session::Registry;",
        "use super::super::grpc;",
        "fn f(s: tonic::Status) {}",
        "use lowerdeck_proto::v1;",
        "use prost_types::Duration;",
    ] {
        let findings = imports_of("server/src/host/clock.rs", text);
        assert_eq!(findings, ["server/src/host/clock.rs:1"], "{text}");
    }
    let allowed = "use lowerdeck_framework::Stack; use tokio::sync::Notify; use super::limits;";
    assert_eq!(imports_of("server/src/host/clock.rs", allowed), [""; 0]);
}

#[test]
fn a_layer_that_is_one_file_is_held_too() {
    let findings = imports_of("server/src/session.rs", "use crate::grpc::status;");
    assert_eq!(findings, ["server/src/session.rs:1"]);
}

#[test]
fn grpc_may_name_of_host_only_errors_and_limits() {
    let path = "server/src/grpc/device_service.rs";
    let allowed = "use crate::host::{error::HostError, limits::Limits}; use crate::session::Session;";
    assert_eq!(imports_of(path, allowed), [""; 0]);
    for text in [
        "use crate::host::StackHandle;",
        "use crate::host::*;",
        "use crate::host::error_log::X;",
        "use lowerdeck_drivers::Registry;",
    ] {
        assert_eq!(imports_of(path, text), [format!("{path}:1")], "{text}");
    }
}

#[test]
fn a_manifest_may_name_only_what_its_layer_may() {
    let manifest = "[dependencies]\nbytes.workspace = true\ntokio = { workspace = true }\n\
                    [dev-dependencies]\ninsta = \"1\"\ntonic.workspace = true\n";
    let findings = imports::check(&tree(&[("server/framework/Cargo.toml", manifest)]));
    let expected = ["server/framework/Cargo.toml:3", "server/framework/Cargo.toml:6"];
    assert_eq!(refused(&findings), expected);
}

#[test]
fn a_renamed_or_per_target_dependency_is_still_seen() {
    let root = "[workspace.dependencies]\nserver = { package = \"lowerdeck-server\", path = \"server\" }\n";
    let client = "[target.'cfg(unix)'.dependencies]\nserver.workspace = true\n";
    let findings = imports::check(&tree(&[("Cargo.toml", root), ("client/Cargo.toml", client)]));
    assert_eq!(refused(&findings), ["client/Cargo.toml:2"]);
}

#[test]
fn a_file_is_refused_from_601_lines_and_noted_from_401() {
    let lines = |count: usize| "//\n".repeat(count);
    let texts = [lines(400), lines(401), lines(600), lines(601)];
    let files = [
        ("a/400.py", texts[0].as_str()),
        ("a/401.rs", texts[1].as_str()),
        ("a/600.rs", texts[2].as_str()),
        ("a/601.rs", texts[3].as_str()),
    ];
    let findings = file_length::check(&tree(&files), &Ratchet::default());
    let seen: Vec<_> = findings.iter().map(|finding| (finding.path.as_str(), finding.severity)).collect();
    let expected = [("a/401.rs", Severity::Note), ("a/600.rs", Severity::Note), ("a/601.rs", Severity::Refused)];
    assert_eq!(seen, expected);
}

/// A method whose signature to closing brace takes `lines` lines, under documentation that does not count.
fn function_of(lines: usize) -> String {
    let body = "();\n".repeat(lines - 2);
    format!("//! Head.\nimpl X {{\n/// Doc.\n/// Doc.\n#[must_use]\nfn f() {{\n{body}}}\n}}\n")
}

#[test]
fn a_function_is_refused_from_71_lines_without_its_documentation() {
    let (fits, long) = (function_of(70), function_of(71));
    let files = [("a/src/fits.rs", fits.as_str()), ("a/src/long.rs", long.as_str())];
    let findings = check(&tree(&files), &Ratchet::default());
    assert_eq!(refused(&findings), ["a/src/long.rs:6"]);
}

#[test]
fn the_ratchet_allows_its_figure_and_no_more() {
    let long = function_of(80);
    let files = tree(&[("a/src/long.rs", long.as_str())]);
    let allowing = |figure: usize| ratchet(&format!("[function-length]\n\"a/src/long.rs\" = {figure}\n"));
    assert_eq!(check(&files, &allowing(80)), []);
    assert_eq!(refused(&check(&files, &allowing(79))), ["a/src/long.rs:6"]);
    let notes = check(&files, &allowing(90));
    assert_eq!(refused(&notes), [""; 0]);
    assert!(notes[0].advice.contains("tighten"), "{}", notes[0].advice);
}

#[test]
fn the_ratchet_may_not_grow() {
    let before = ratchet("[file-length]\n\"a.rs\" = 700\n\"b.rs\" = 700\n");
    let after = ratchet("[file-length]\n\"a.rs\" = 650\n\"b.rs\" = 701\n\"c.rs\" = 610\n");
    let grown = after.grown_since(&before);
    let named: Vec<_> = grown.iter().filter_map(|finding| finding.advice.split(' ').next()).collect();
    assert_eq!(named, ["b.rs", "c.rs"]);
}

#[test]
fn an_entry_of_a_file_that_is_gone_is_refused() {
    let ratchet = ratchet("[file-length]\n\"gone.rs\" = 700\n");
    assert_eq!(check(&tree(&[]), &ratchet).len(), 1);
}

#[test]
fn a_module_under_src_opens_with_its_doc() {
    let files = [
        ("a/src/good.rs", "//! Holds.\n"),
        ("a/src/bad.rs", "// Holds.\n//! Late.\n"),
        ("a/build.rs", "fn main() {}\n"),
    ];
    assert_eq!(refused(&module_heads::check(&tree(&files))), ["a/src/bad.rs:1"]);
}

#[test]
fn modules_are_not_drawers() {
    let files = [
        ("a/src/util.rs", ""),
        ("a/tests/common/mod.rs", ""),
        ("client/python/helpers.py", ""),
        ("a/src/utility_room.rs", ""),
    ];
    let expected = ["a/src/util.rs:1", "a/tests/common/mod.rs:1", "client/python/helpers.py:1"];
    assert_eq!(refused(&module_names::check(&tree(&files))), expected);
}

#[test]
fn a_sleep_in_a_test_is_refused_wherever_tests_stand() {
    let inline =
        "async fn heartbeat() { sleep(d).await; }\n#[cfg(test)]\nmod tests {\nfn f() { std::thread::sleep(d); }\n}\n";
    let attribute = "#[tokio::test]\nasync fn f() {\nselect! { _ = tokio::time::sleep(d) => {} }\n}\n";
    let files = [
        ("a/src/heartbeat.rs", inline),
        ("a/src/lease.rs", attribute),
        ("a/src/lease/tests.rs", "fn f() { park_timeout(d); }\n"),
        ("tests/tests/it.rs", "fn f() { sleep_until(d); }\n"),
        ("client/python/tests/test_io.py", "import time\ntime.sleep(1)\n"),
    ];
    let expected = [
        "a/src/heartbeat.rs:4",
        "a/src/lease.rs:3",
        "a/src/lease/tests.rs:1",
        "tests/tests/it.rs:1",
        "client/python/tests/test_io.py:2",
    ];
    assert_eq!(refused(&sleeps::check(&tree(&files))), expected);
}

#[test]
fn words_about_sleep_are_no_sleeps() {
    let rust = "/// sleep(1)\nfn sleep() { let _ = \"sleep(1)\"; oversleep(1); sleep; (1,); }\n";
    let python = "# sleep(1)\nawait asyncio.sleep(0)\noversleep(1)\n";
    let files = [("tests/tests/it.rs", rust), ("client/python/tests/test_io.py", python)];
    assert_eq!(refused(&sleeps::check(&tree(&files))), [""; 0]);
}

#[test]
fn only_the_mapping_makes_a_status() {
    let makes = "use tonic::Status as Refusal; fn f() { Refusal::internal(\"x\"); }\n";
    let files = [
        ("server/src/grpc/status.rs", makes),
        ("server/src/grpc/stream.rs", makes),
        ("server/src/grpc/layers/deadline.rs", "use tonic::*;\nfn f() { Status::ok(\"\"); }\n"),
        ("server/src/grpc/mod.rs", "use tonic::Status; fn f() -> Result<(), Status> { g() }\n"),
        ("server/framework/src/status.rs", "fn f() { Status::SUCCESS; }\n"),
        ("client/src/error.rs", makes),
    ];
    let expected = ["server/src/grpc/stream.rs:1", "server/src/grpc/layers/deadline.rs:2"];
    assert_eq!(refused(&status::check(&tree(&files))), expected);
}

#[test]
fn a_file_that_does_not_parse_is_refused_not_passed_over() {
    let files = tree(&[("a/build.rs", "fn main( {}\n")]);
    assert_eq!(refused(&check(&files, &Ratchet::default())), ["a/build.rs:1"]);
}

#[test]
fn the_tree_leaves_out_what_nobody_wrote() {
    let root = tempfile::tempdir().expect("a scratch folder can be made");
    for path in [
        "a/src/lib.rs",
        "a/src/build/mod.rs",
        "a/src/generated/wire.rs",
        "target/debug/build.rs",
        ".venv/lib.py",
        "client/python/build/lib.py",
        "client/python/device_pb2.py",
        "client/python/device_pb2_grpc.py",
        "client/python/setup.cfg",
    ] {
        let path = root.path().join(path);
        let folder = path.parent().expect("every path has a folder");
        std::fs::create_dir_all(folder).expect("the scratch folder is writable");
        std::fs::write(path, "").expect("the scratch folder is writable");
    }
    let tree = Tree::read(root.path()).expect("the scratch folder is readable");
    let paths: Vec<_> = tree.sources.iter().map(|source| source.path.as_str()).collect();
    assert_eq!(paths, ["a/src/build/mod.rs", "a/src/lib.rs"]);
}
