//! `null` through a stack.

use lowerdeck_framework::io::FormatIo;
use lowerdeck_framework::ioctl::IoControlCode;
use lowerdeck_framework::status::HResult;

use crate::testing::Lab;
use crate::transfer::MAX_TRANSFER_BYTES;

#[test]
fn writes_complete_with_their_length_and_leave_nothing() {
    let mut lab = Lab::new("null");
    let file = lab.create("sink");
    let write = lab.write(file, 0, b"gone");
    assert_eq!(lab.result(write), (HResult::S_OK, 4, Default::default()));
    let read = lab.read(file, 0, 4);
    assert_eq!(lab.result(read), (HResult::S_OK, 4, vec![0; 4].into()));
}

#[test]
fn reads_of_any_size_up_to_the_limit_are_zeros() {
    let mut lab = Lab::new("null");
    let file = lab.create("sink");
    for length in [0, 1, 65_536, 65_537] {
        let read = lab.read(file, 0, length);
        assert_eq!(lab.result(read), (HResult::S_OK, length, vec![0; length as usize].into()));
    }
    let beyond = lab.read(file, 0, MAX_TRANSFER_BYTES + 1);
    assert_eq!(lab.result(beyond).0, HResult::STATUS_INSUFFICIENT_RESOURCES);
}

#[test]
fn ioctls_succeed_without_output() {
    let mut lab = Lab::new("null");
    let file = lab.create("sink");
    let ioctl = lab.ioctl(file, IoControlCode(0x8000_2000), 8);
    assert_eq!(lab.result(ioctl), (HResult::S_OK, 0, Default::default()));
}

#[test]
fn a_flush_succeeds_and_information_is_refused() {
    let mut lab = Lab::new("null");
    let file = lab.create("disk");
    let flush = lab.send(file, FormatIo::FlushBuffers);
    assert_eq!(lab.result(flush), (HResult::S_OK, 0, Default::default()));
    let query = lab.send(file, FormatIo::QueryInformation { class: 5, output: None });
    assert_eq!(lab.result(query).0, HResult::STATUS_INVALID_DEVICE_REQUEST);
}
