//! What scripts ask, and what they must not do to requests of their own.

use lowerdeck_framework::ioctl::IoControlCode;
use lowerdeck_framework::rule::Rule;
use lowerdeck_framework::status::HResult;
use lowerdeck_framework::verifier::VerifierMode;

use crate::testing::Lab;

const CODE: IoControlCode = IoControlCode(0x8000_2000);

#[test]
fn a_question_about_what_is_not_here_is_refused() {
    let mut lab = Lab::new("scripted");
    lab.create("chan");
    for (question, problem) in [
        ("parameters L0:9", "request L0:9 is not kept here; kept: nothing is"),
        ("origin L0:9", "request L0:9 is not kept here; kept: nothing is"),
        ("file-name other", "no file `other` was created here"),
        ("file-device other", "no file `other` was created here"),
        ("complete-own 5", "the driver has no request of its own with number 5"),
        ("format-own 5", "the driver has no request of its own with number 5"),
    ] {
        assert_eq!(lab.control(1, question), Err(problem.to_owned()), "{question}");
    }
}

#[test]
fn parameters_show_everything_a_handler_can_know() {
    let mut lab = Lab::new("scripted(script={on read: hold; on write: hold; on ioctl: hold})");
    let file = lab.create("chan");
    let read = lab.read(file, -1, 3);
    let write = lab.write(file, 7, b"abc");
    let ioctl = lab.ioctl(file, CODE, 8);
    for (number, expected) in [
        (read, "read code=0x0 in=0 out=3 offset=-1 data="),
        (write, "write code=0x0 in=3 out=0 offset=7 data=616263"),
        (ioctl, "ioctl code=0x80002000 in=0 out=8 offset=0 data="),
    ] {
        assert_eq!(lab.control(1, &format!("parameters L0:{number}")).as_deref(), Ok(expected));
    }
}

#[test]
fn a_closed_file_has_no_name_here() {
    let mut lab = Lab::new("scripted");
    let file = lab.create("chan");
    assert_eq!(lab.control(1, "file-name chan").as_deref(), Ok("S_OK 5"));
    assert!(lab.close(file));
    assert!(lab.control(1, "file-name chan").is_err());
}

#[test]
fn a_create_is_not_formatted_again() {
    let mut lab = Lab::new("scripted(role=filter, script={on create: forward(file=chan)}) / scripted");
    let call = lab.begin_create("chan");
    assert_eq!(lab.created(call), Some(Err(HResult::STATUS_INVALID_DEVICE_REQUEST)));
    assert_eq!(lab.happened_at(2).iter().filter(|moment| moment.contains("Create")).count(), 0);
}

#[test]
fn a_request_of_its_own_is_not_completed_here() {
    for (command, rule) in [("complete-own 50", Rule::Req3), ("format-own 50", Rule::Tgt15)] {
        let stack = "scripted(role=filter, script={on create: forward}) / scripted(script={on read: hold})";
        let mut lab = Lab::with_mode(stack, VerifierMode::Lenient);
        lab.create("chan");
        lab.control(1, "send read number=50 file=chan").expect("it is sent");
        assert_eq!(lab.control(1, command).as_deref(), Ok("ok"));
        assert_eq!(lab.findings(), [rule]);
        assert_eq!(lab.control(2, "kept").as_deref(), Ok("L1:50 read held"));
    }
}
