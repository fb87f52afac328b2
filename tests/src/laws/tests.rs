//! The laws on made-up traces: each finds its own fault and lets pass what is lawful.

use super::*;

/// Moments from `L1.Io(read, r)` and the like.
fn moments(text: &str) -> Vec<Moment> {
    let parse = |moment: &str| {
        let (head, arguments) = moment.trim().trim_end_matches(')').split_once('(').expect("a moment has arguments");
        let (layer, name) = head.split_once('.').expect("a moment has a layer");
        Moment {
            layer: layer[1..].parse().expect("a layer is a number"),
            name: name.to_owned(),
            arguments: arguments.split(',').map(|argument| argument.trim().to_owned()).collect(),
        }
    };
    text.split('<').map(parse).collect()
}

#[test]
fn one_owner_allows_every_way_down_and_up() {
    for lawful in [
        "L0.Send(r, S_OK) < L1.Io(read, r) < L1.Done(r, S_OK) < L0.OnCompletion(r, S_OK)",
        "L0.Send(r, S_OK) < L1.Io(read, r) < L2.Io(read, r) < L2.Done(r) < L1.OnCompletion(r) < L1.Done(r) < L0.OnCompletion(r)",
        "L0.Send(r, S_OK) < L1.Done(r) < L0.OnCompletion(r) < L0.Send(r, S_OK) < L1.Io(read, r)",
        "L1.Io(read, r) < L2.Io(read, r) < L2.Done(r) < L1.OnCompletion(r) < L2.Io(read, r)",
        "L1.Io(read, r) < L1.Io(read, r) < L1.OnCancel(r) < L1.Done(r)",
        "L1.Io(read, r) < L2.Io(read, other) < L1.Done(r)",
    ] {
        assert_eq!(one_owner::broken(&moments(lawful), "r"), None, "{lawful}");
    }
}

#[test]
fn one_owner_finds_two() {
    for broken in [
        "L1.Io(read, r) < L2.Io(read, r) < L1.Done(r)",
        "L1.Io(read, r) < L2.Io(read, r) < L1.OnCancel(r)",
        "L1.Io(read, r) < L1.Done(r) < L1.Done(r)",
        "L1.Io(read, r) < L1.Done(r) < L1.OnCancel(r)",
        "L1.Io(read, r) < L1.Done(r) < L2.Io(read, r)",
        "L1.Io(read, r) < L0.OnCompletion(r)",
        "L2.Io(read, r) < L1.Io(read, r)",
    ] {
        assert!(one_owner::broken(&moments(broken), "r").is_some(), "{broken}");
    }
}

#[test]
fn late_io_is_io_of_the_file_after_its_close_at_the_same_layer() {
    let tied = [("f".to_owned(), "r".to_owned())];
    assert_eq!(late_io(&moments("L1.Close+(f) < L1.Close-(f) < L1.Io(read, r)"), &tied).len(), 1);
    for lawful in [
        "L1.Io(read, r) < L1.Close+(f)",
        "L1.Close+(f) < L2.Io(read, r)",
        "L1.Close+(other) < L1.Io(read, r)",
        "L1.Close+(f) < L1.Io(read, other)",
    ] {
        assert_eq!(late_io(&moments(lawful), &tied), Vec::<String>::new(), "{lawful}");
    }
}

#[test]
fn a_misuse_without_a_verdict_is_silent() {
    let finding = moments("L0.Finding(REQ-11)");
    assert_eq!(silent_misuse(&finding, &["REQ-11"]), None);
    assert!(silent_misuse(&finding, &["REQ-4"]).is_some());
    assert!(silent_misuse(&finding, &["REQ-11", "REQ-11"]).is_some(), "one finding each");
    let stop = moments("L0.DriverStop(REQ-4)");
    assert_eq!(silent_misuse(&stop, &["REQ-4", "REQ-11"]), None, "after a driver stop there is nobody to misuse");
    assert!(silent_misuse(&stop, &["REQ-11"]).is_some());
}
