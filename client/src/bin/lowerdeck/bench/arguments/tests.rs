//! What words on the command line come to.

use clap::Parser;

use super::*;

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    bench: BenchArguments,
}

fn plan(words: &[&str]) -> Plan {
    let line = Line::try_parse_from(["bench"].iter().chain(words)).expect("the words are arguments");
    line.bench.plan().expect("the name is known")
}

#[test]
fn a_name_gives_every_part_of_a_load() {
    for named in NamedLoad::ALL {
        let plan = plan(&[named.name, "--seconds", "2"]);
        assert_eq!(plan.load, Load { duration: Duration::from_secs(2), ..named.load }, "{}", named.name);
        assert_eq!((plan.stack.as_str(), plan.sessions), (named.stack, 1), "{}", named.name);
    }
}

#[test]
fn each_part_can_be_said_otherwise() {
    let words = ["read-4k", "--stack", "common", "--depth", "8", "--batch", "2", "--length", "512", "--span", "65536"];
    let plan = plan(&[&words[..], &["--sessions", "3"]].concat());
    assert_eq!((plan.stack.as_str(), plan.sessions, plan.load.depth), ("common", 3, 8));
    assert_eq!(plan.load.path, LoadPath::QueuePair { batch: 2 });
    assert_eq!(plan.load.io, LoadIo::RandomRead { length: 512, span: 65536 });
}

#[test]
fn another_kind_of_io_brings_its_own_length_and_stack() {
    let plan = plan(&["queue-pair-64", "--io", "sequential-read"]);
    assert_eq!(plan.load.io, LoadIo::SequentialRead { length: READ_BYTES, span: DISK_BYTES });
    assert_eq!(plan.stack, "disk");
}

#[test]
fn a_named_batch_is_no_larger_than_the_depth() {
    assert_eq!(plan(&["queue-pair-64", "--depth", "8"]).load.path, LoadPath::QueuePair { batch: 8 });
    assert_eq!(plan(&["unary-64", "--path", "queue-pair"]).load.path, LoadPath::QueuePair { batch: 64 });
}

#[test]
fn seconds_are_a_number_above_zero() {
    assert_eq!(seconds("0.5"), Ok(Duration::from_millis(500)));
    for text in ["0", "-1", "soon", "inf", "NaN"] {
        assert!(seconds(text).is_err(), "{text}");
    }
}
