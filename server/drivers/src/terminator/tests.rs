//! `terminator` under an upper driver alone: the contract of A26.

use lowerdeck_framework::ioctl::IoControlCode;
use lowerdeck_framework::status::HResult;

use crate::testing::Lab;

#[test]
fn it_accepts_creates_completes_io_and_sees_cleanup_and_close() {
    let mut lab = Lab::new("terminator(script={on ioctl code=0x9: note(\"unused\")})");
    let file = lab.create("chan");
    let (read, write) = (lab.read(file, 0, 4), lab.write(file, 0, b"abc"));
    let ioctl = lab.ioctl(file, IoControlCode(0x8000_2000), 4);
    assert_eq!(lab.result(read), (HResult::S_OK, 0, Default::default()));
    assert_eq!(lab.result(write).1, 3);
    assert_eq!(lab.result(ioctl), (HResult::S_OK, 0, Default::default()));
    assert!(lab.close(file));
    let seen = lab.happened_at(1);
    let place = |what: &str| seen.iter().position(|text| text.starts_with(what)).expect(what);
    let order = ["Create", "Io(Read)", "Io(Write)", "Io(DeviceControl)", "CleanupEnter", "CloseEnter", "FileGone"];
    assert!(order.map(place).is_sorted(), "{seen:?}");
}

#[test]
fn its_create_status_comes_back() {
    let mut lab = Lab::new("terminator(create=fail(STATUS_ACCESS_DENIED))");
    let call = lab.begin_create("chan");
    assert_eq!(lab.created(call), Some(Err(HResult::STATUS_ACCESS_DENIED)));
}

#[test]
fn a_held_create_is_answered_by_command() {
    let mut lab = Lab::new("terminator(create=hold)");
    let call = lab.begin_create("chan");
    assert_eq!(lab.created(call), None);
    assert_eq!(lab.control(1, "complete L0:1 S_OK").as_deref(), Ok("ok"));
    assert!(matches!(lab.created(call), Some(Ok(_))));
}

#[test]
fn io_is_held_or_failed_as_told() {
    let mut lab = Lab::new("terminator(io=hold)");
    let file = lab.create("chan");
    let read = lab.read(file, 0, 4);
    assert_eq!(lab.control(1, "kept").as_deref(), Ok("L0:2 read held"));
    assert_eq!(lab.ended(read), None);
    for (io, status) in
        [("fail", HResult::STATUS_INVALID_DEVICE_REQUEST), ("fail(0xD00000BB)", HResult::STATUS_NOT_SUPPORTED)]
    {
        let mut lab = Lab::new(&format!("terminator(io={io})"));
        let file = lab.create("chan");
        let write = lab.write(file, 0, b"abc");
        assert_eq!(lab.result(write), (status, 0, Default::default()));
    }
}

#[test]
fn a_rule_comes_before_the_options() {
    let mut lab = Lab::new("terminator(io=fail, script={on read: complete(S_OK, data=\"rule\")})");
    let file = lab.create("chan");
    let read = lab.read(file, 0, 4);
    assert_eq!(lab.result(read).2, "rule");
}
