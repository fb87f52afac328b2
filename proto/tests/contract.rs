//! The laws of the wire contract that no compiler holds: the checked-in descriptor set is current and complete, what
//! errors are called is written down once, and numbers that are said to be UMDF's are UMDF's.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use lowerdeck_proto::v1::{PowerState, SentIoAction, TargetState};
use lowerdeck_proto::{FILE_DESCRIPTOR_SET, reason};
use prost_reflect::DescriptorPool;
use prost_reflect::prost_types::FileDescriptorProto;

const REFRESH: &str = "if the contract was changed on purpose, run \
    `cargo run -p lowerdeck-proto --example descriptor` and commit proto/lowerdeck.binpb";

/// The gRPC codes that the contract uses, as its comments spell them.
const CODES: [&str; 10] = [
    "INVALID_ARGUMENT",
    "UNAUTHENTICATED",
    "PERMISSION_DENIED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "FAILED_PRECONDITION",
    "RESOURCE_EXHAUSTED",
    "UNAVAILABLE",
    "DEADLINE_EXCEEDED",
    "INTERNAL",
];

fn pool() -> DescriptorPool {
    DescriptorPool::decode(FILE_DESCRIPTOR_SET).expect("the set was encoded by our own build script")
}

/// The files of the contract itself, without what they import from google.protobuf.
fn own_files() -> Vec<FileDescriptorProto> {
    pool().file_descriptor_protos().filter(|file| file.package() == "lowerdeck.v1").cloned().collect()
}

/// Every comment before a declaration, with line breaks and indentation made single spaces.
fn comments() -> Vec<String> {
    let mut comments = Vec::new();
    for file in own_files() {
        for location in file.source_code_info.unwrap_or_default().location {
            let text = location.leading_comments().split_whitespace();
            comments.push(text.collect::<Vec<_>>().join(" "));
        }
    }
    comments
}

/// The (code, reason) pairs that a comment states as `CODE (REASON, REASON)` or `CODE, reason REASON`.
fn stated_reasons(comment: &str) -> Vec<(&'static str, String)> {
    let mut pairs = Vec::new();
    for code in CODES {
        for (at, _) in comment.match_indices(code) {
            let rest = &comment[at + code.len()..];
            // What belongs to this code ends with its own clause.
            let clause = rest.split([';', ')']).next().unwrap_or_default();
            let names = match (clause.strip_prefix(", reason "), clause.split_once('(')) {
                (Some(named), _) => named.split([',', ' ', '.']).next().unwrap_or_default(),
                (None, Some((before, names))) if !before.contains(". ") => names,
                _ => continue,
            };
            for name in names.split(", ") {
                let is_constant = |c: char| c.is_ascii_uppercase() || c == '_';
                if !name.is_empty() && name.chars().all(is_constant) {
                    pairs.push((code, name.to_owned()));
                }
            }
        }
    }
    pairs
}

#[test]
fn checked_in_descriptor_set_is_current() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("lowerdeck.binpb");
    let golden = fs::read(golden).unwrap_or_default();
    assert!(
        golden == FILE_DESCRIPTOR_SET,
        "proto/lowerdeck.binpb ({} bytes) is not what the .proto files compile to ({} bytes); {REFRESH}",
        golden.len(),
        FILE_DESCRIPTOR_SET.len(),
    );
}

#[test]
fn descriptor_set_names_no_path_outside_the_contract() {
    for file in pool().file_descriptor_protos() {
        let name = file.name();
        assert!(name.starts_with("lowerdeck/v1/") || name.starts_with("google/protobuf/"), "{name}");
    }
}

#[test]
fn every_call_keeps_its_comment_for_reflection() {
    const SERVICE: i32 = 6; // FileDescriptorProto.service
    const METHOD: i32 = 2; // ServiceDescriptorProto.method
    for file in own_files() {
        let info = file.source_code_info.clone().unwrap_or_default();
        for (s, service) in file.service.iter().enumerate() {
            for (m, method) in service.method.iter().enumerate() {
                let path = [SERVICE, s as i32, METHOD, m as i32];
                let explained =
                    info.location.iter().any(|location| location.path == path && location.leading_comments().len() > 1);
                assert!(explained, "{}.{}", service.name(), method.name());
            }
        }
    }
}

#[test]
fn every_reason_is_stated_in_the_contract() {
    let stated: BTreeSet<String> =
        comments().iter().flat_map(|comment| stated_reasons(comment)).map(|(_, reason)| reason).collect();
    for reason in reason::ALL {
        assert!(stated.contains(*reason), "no .proto comment states when {reason} is answered");
    }
}

#[test]
fn every_reason_stated_in_the_contract_is_a_constant() {
    for comment in comments() {
        for (code, reason) in stated_reasons(&comment) {
            assert!(reason::ALL.contains(&reason.as_str()), "{code} ({reason}) in `{comment}`");
        }
    }
}

#[test]
fn a_reason_comes_with_one_code() {
    let mut codes: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for comment in comments() {
        for (code, reason) in stated_reasons(&comment) {
            codes.entry(reason).or_default().insert(code);
        }
    }
    for (reason, codes) in codes {
        assert!(codes.len() == 1, "{reason} is stated with {codes:?}");
    }
}

#[test]
fn reasons_are_distinct() {
    let distinct: BTreeSet<_> = reason::ALL.iter().collect();
    assert_eq!(distinct.len(), reason::ALL.len());
}

#[test]
fn numbers_said_to_be_umdfs_are_those_of_its_header() {
    // Source: wudfddi_types.h, as listed in the rule book (section 4.3, PNP-16).
    assert_eq!(TargetState::Started as i32, 1);
    assert_eq!(TargetState::Stopped as i32, 2);
    assert_eq!(TargetState::ClosedForQueryRemove as i32, 3);
    assert_eq!(TargetState::Closed as i32, 4);
    assert_eq!(TargetState::Deleted as i32, 5);
    assert_eq!(SentIoAction::CancelSentIo as i32, 1);
    assert_eq!(SentIoAction::WaitForSentIoToComplete as i32, 2);
    assert_eq!(SentIoAction::LeaveSentIoPending as i32, 3);
    assert_eq!(PowerState::D0 as i32, 1);
    assert_eq!(PowerState::D3Final as i32, 5);
    assert_eq!(PowerState::PrepareForHibernation as i32, 6);
}
