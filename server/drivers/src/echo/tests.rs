//! `echo` through a stack, and its stream against a plain queue of bytes.

use std::collections::VecDeque;

use lowerdeck_framework::ioctl::IoControlCode;
use lowerdeck_framework::stack::CancelAnswer;
use lowerdeck_framework::status::HResult;
use proptest::prelude::*;

use super::*;
use crate::testing::Lab;

#[test]
fn what_is_written_is_read_back_in_order() {
    let mut lab = Lab::new("echo");
    let file = lab.create("loop");
    for part in ["ab", "cdef", "g"] {
        let write = lab.write(file, 0, part.as_bytes());
        assert_eq!(lab.result(write).1, part.len() as u64);
    }
    let read = lab.read(file, 0, 5);
    assert_eq!(lab.result(read).2, "abcde");
    let rest = lab.read(file, 0, 100);
    assert_eq!(lab.result(rest), (HResult::S_OK, 2, "fg".into()));
}

#[test]
fn a_read_waits_for_data_and_reads_are_served_in_order() {
    let mut lab = Lab::new("echo");
    let file = lab.create("loop");
    let (first, second) = (lab.read(file, 0, 2), lab.read(file, 0, 10));
    assert_eq!((lab.ended(first), lab.ended(second)), (None, None));
    lab.write(file, 0, b"xyz");
    assert_eq!((lab.result(first).2, lab.result(second).2), ("xy".into(), "z".into()));
}

#[test]
fn the_stream_belongs_to_the_device() {
    let mut lab = Lab::new("echo");
    let (one, other) = (lab.create("one"), lab.create("other"));
    lab.write(one, 0, b"shared");
    let read = lab.read(other, 0, 6);
    assert_eq!(lab.result(read).2, "shared");
}

#[test]
fn the_delay_runs_on_the_stack_clock() {
    let mut lab = Lab::new("echo(delay=5ms)");
    let file = lab.create("loop");
    let write = lab.write(file, 0, b"later");
    lab.advance_ms(4);
    assert_eq!(lab.ended(write), None);
    lab.advance_ms(1);
    assert_eq!(lab.result(write), (HResult::S_OK, 5, Default::default()));
    let read = lab.read(file, 0, 5);
    assert_eq!(lab.ended(read), None);
    lab.advance_ms(5);
    assert_eq!(lab.result(read).2, "later");
}

#[test]
fn a_delayed_read_that_finds_nothing_waits_on() {
    let mut lab = Lab::new("echo(delay=5ms)");
    let file = lab.create("loop");
    let read = lab.read(file, 0, 1);
    lab.advance_ms(50);
    assert_eq!(lab.ended(read), None);
    lab.write(file, 0, b"!");
    lab.advance_ms(5);
    assert_eq!(lab.result(read).2, "!");
}

#[test]
fn a_zero_length_read_never_waits_for_data() {
    for (delay, wait) in [("0ms", 0), ("5ms", 5)] {
        let mut lab = Lab::new(&format!("echo(delay={delay})"));
        let file = lab.create("loop");
        let read = lab.read(file, 0, 0);
        lab.advance_ms(wait);
        assert_eq!(lab.result(read), (HResult::S_OK, 0, Default::default()), "{delay}");
    }
}

#[test]
fn a_waiting_read_can_be_cancelled() {
    let mut lab = Lab::new("echo");
    let file = lab.create("loop");
    let read = lab.read(file, 0, 1);
    assert_eq!(lab.cancel(read), CancelAnswer::Delivered);
    assert_eq!(lab.result(read).0, HResult::ERROR_OPERATION_ABORTED);
    lab.write(file, 0, b"a");
    let next = lab.read(file, 0, 1);
    assert_eq!(lab.result(next).2, "a");
}

#[test]
fn the_bytes_of_a_cancelled_write_are_never_read_and_its_room_is_free() {
    let mut lab = Lab::new("echo(delay=5ms, capacity=4B)");
    let file = lab.create("loop");
    let lost = lab.write(file, 0, b"lost");
    assert_eq!(lab.cancel(lost), CancelAnswer::Delivered);
    let kept = lab.write(file, 0, b"kept");
    let read = lab.read(file, 0, 8);
    lab.advance_ms(5);
    assert_eq!(lab.result(lost).0, HResult::ERROR_OPERATION_ABORTED);
    assert_eq!(lab.result(kept).0, HResult::S_OK);
    assert_eq!(lab.result(read).2, "kept");
}

#[test]
fn data_that_meets_a_cancel_under_way_goes_to_the_next_read() {
    let mut lab = Lab::new("echo");
    let file = lab.create("loop");
    let (cancelled, next) = (lab.read(file, 0, 1), lab.read(file, 0, 1));
    // OnCancel is still to be called when the write arrives.
    assert_eq!(lab.cancel_without_running(cancelled), CancelAnswer::Delivered);
    lab.write(file, 0, b"a");
    assert_eq!(lab.result(cancelled).0, HResult::ERROR_OPERATION_ABORTED);
    assert_eq!(lab.result(next).2, "a");
    assert_eq!(lab.stop(), None);
}

#[test]
fn a_write_without_room_leaves_nothing() {
    let mut lab = Lab::new("echo(capacity=4B)");
    let file = lab.create("loop");
    lab.write(file, 0, b"abc");
    let over = lab.write(file, 0, b"de");
    assert_eq!(lab.result(over), (HResult::STATUS_INSUFFICIENT_RESOURCES, 0, Default::default()));
    let fits = lab.write(file, 0, b"d");
    assert_eq!(lab.result(fits).0, HResult::S_OK);
    let read = lab.read(file, 0, 9);
    assert_eq!(lab.result(read).2, "abcd");
}

#[test]
fn cleanup_ends_the_pending_requests_of_its_file_only() {
    let mut lab = Lab::new("echo(delay=5ms)");
    let (leaving, staying) = (lab.create("leaving"), lab.create("staying"));
    let (read, write, other) = (lab.read(leaving, 0, 1), lab.write(leaving, 0, b"x"), lab.read(staying, 0, 1));
    assert!(lab.close(leaving));
    assert_eq!(lab.result(read).0, HResult::ERROR_OPERATION_ABORTED);
    assert_eq!(lab.result(write).0, HResult::ERROR_OPERATION_ABORTED);
    lab.advance_ms(5);
    assert_eq!(lab.ended(other), None);
    // The driver did it in OnCleanupFile: nothing was left for the framework to cancel (CLS-5).
    assert!(!lab.happened_at(1).contains(&"OnCancel".to_owned()));
    assert!(lab.happened_at(1).contains(&"FileGone".to_owned()));
}

#[test]
fn ioctls_are_refused() {
    let mut lab = Lab::new("echo");
    let file = lab.create("loop");
    let ioctl = lab.ioctl(file, IoControlCode(0x8000_2000), 1);
    assert_eq!(lab.result(ioctl).0, HResult::STATUS_INVALID_DEVICE_REQUEST);
}

proptest! {
    #[test]
    fn the_stream_behaves_like_a_queue_of_bytes(
        steps in prop::collection::vec((any::<bool>(), 0..12_usize), 1..60),
    ) {
        let mut stream = EchoStream::new(24);
        let mut queue: VecDeque<u8> = VecDeque::new();
        let mut next = 0_u8;
        for (write, length) in steps {
            if write {
                let data: Vec<u8> = (0..length).map(|n| next.wrapping_add(n as u8)).collect();
                let has_room = queue.len() + length <= 24;
                prop_assert_eq!(stream.reserve(length as u64).is_ok(), has_room);
                if has_room {
                    next = next.wrapping_add(length as u8);
                    queue.extend(&data);
                    stream.push(data.into());
                }
            } else {
                let expected: Vec<u8> = queue.drain(..length.min(queue.len())).collect();
                prop_assert_eq!(stream.take(length as u64), expected);
            }
            prop_assert_eq!(stream.length(), queue.len() as u64);
        }
    }
}
