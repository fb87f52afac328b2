//! What scripts do with received requests.

use lowerdeck_framework::ioctl::IoControlCode;
use lowerdeck_framework::rule::Rule;
use lowerdeck_framework::stack::CancelAnswer;
use lowerdeck_framework::status::HResult;
use lowerdeck_framework::verifier::VerifierMode;

use crate::scripted::MAX_REMEMBERED_REQUESTS;
use crate::testing::Lab;

const CODE: IoControlCode = IoControlCode(0x8000_2000);

fn lab(script: &str) -> Lab {
    Lab::new(&format!("scripted(script={{{script}}})"))
}

#[test]
fn without_a_rule_it_behaves_well() {
    let mut lab = lab("");
    let file = lab.create("chan");
    let read = lab.read(file, 0, 3);
    assert_eq!(lab.result(read), (HResult::S_OK, 3, vec![0, 1, 2].into()));
    let write = lab.write(file, 0, b"abcd");
    assert_eq!(lab.result(write), (HResult::S_OK, 4, Default::default()));
    let ioctl = lab.ioctl(file, CODE, 8);
    assert_eq!(lab.result(ioctl), (HResult::S_OK, 0, Default::default()));
    assert!(lab.close(file));
}

#[test]
fn complete_gives_status_information_and_data() {
    for (completion, expected) in [
        ("S_OK", (HResult::S_OK, 0, "")),
        ("0xD0000022", (HResult::STATUS_ACCESS_DENIED, 0, "")),
        ("S_OK, data=\"pong\"", (HResult::S_OK, 4, "pong")),
        ("S_OK, hex=6869", (HResult::S_OK, 2, "hi")),
        ("STATUS_BUFFER_OVERFLOW, 3, data=\"partial\"", (HResult::STATUS_BUFFER_OVERFLOW, 3, "par")),
    ] {
        let mut lab = lab(&format!("on read: complete({completion})"));
        let file = lab.create("chan");
        let read = lab.read(file, 0, 10);
        let (status, information, data) = expected;
        assert_eq!(lab.result(read), (status, information, data.into()), "{completion}");
    }
}

#[test]
fn conditions_tell_names_and_codes_apart() {
    let mut lab = lab("on ioctl name=a code=0x80002000: fail(STATUS_NOT_SUPPORTED)");
    let (a, b) = (lab.create("a"), lab.create("b"));
    let on_a = lab.ioctl(a, CODE, 0);
    let other_code = lab.ioctl(a, IoControlCode(0x8000_2004), 0);
    let on_b = lab.ioctl(b, CODE, 0);
    assert_eq!(
        [on_a, other_code, on_b].map(|number| lab.result(number).0),
        [HResult::STATUS_NOT_SUPPORTED, HResult::S_OK, HResult::S_OK]
    );
}

#[test]
fn a_held_request_is_completed_by_command() {
    let mut lab = lab("on read: hold");
    let file = lab.create("chan");
    let read = lab.read(file, 0, 4);
    assert_eq!(lab.ended(read), None);
    assert_eq!(lab.control(1, "kept").as_deref(), Ok("L0:2 read held"));
    assert_eq!(lab.control(1, "complete L0:2 S_OK 2 data=\"abcd\"").as_deref(), Ok("ok"));
    assert_eq!(lab.result(read), (HResult::S_OK, 2, "ab".into()));
    assert_eq!(lab.control(1, "kept").as_deref(), Ok(""));
}

#[test]
fn a_command_for_a_request_that_is_not_kept_says_what_is() {
    let mut lab = lab("on read: hold");
    let file = lab.create("chan");
    let refused = |lab: &mut Lab| lab.control(1, "complete L0:9 S_OK").expect_err("nothing has that number");
    assert_eq!(refused(&mut lab), "request L0:9 is not kept here; kept: nothing is");
    lab.read(file, 0, 1);
    lab.read(file, 0, 1);
    assert_eq!(refused(&mut lab), "request L0:9 is not kept here; kept: L0:2 read held, L0:3 read held");
}

#[test]
fn an_armed_request_ends_cancelled_when_it_is_cancelled() {
    let mut lab = lab("on read: arm");
    let file = lab.create("chan");
    let read = lab.read(file, 0, 4);
    assert_eq!(lab.cancel(read), CancelAnswer::Delivered);
    assert_eq!(lab.result(read).0, HResult::ERROR_OPERATION_ABORTED);
}

#[test]
fn a_cancelled_request_may_be_kept_and_completed_otherwise() {
    let mut lab = lab("on read: arm\n on cancel: hold");
    let file = lab.create("chan");
    let read = lab.read(file, 0, 4);
    assert_eq!(lab.cancel(read), CancelAnswer::Delivered);
    assert_eq!(lab.control(1, "kept").as_deref(), Ok("L0:2 read cancelled"));
    lab.control(1, "complete L0:2 S_OK data=\"ok\"").expect("it is kept");
    assert_eq!(lab.result(read), (HResult::S_OK, 2, "ok".into()));
    assert_eq!(lab.stop(), None);
}

#[test]
fn a_remembered_cancel_shows_and_fires_at_arming() {
    let mut lab = lab("on read: hold");
    let file = lab.create("chan");
    let read = lab.read(file, 0, 4);
    assert_eq!(lab.control(1, "is-canceled L0:2").as_deref(), Ok("FALSE"));
    assert_eq!(lab.cancel(read), CancelAnswer::Remembered);
    assert_eq!(lab.control(1, "is-canceled L0:2").as_deref(), Ok("TRUE"));
    assert_eq!(lab.control(1, "arm L0:2").as_deref(), Ok("ok"));
    assert_eq!(lab.result(read).0, HResult::ERROR_OPERATION_ABORTED);
}

#[test]
fn unmark_answers_as_the_framework_does() {
    let mut lab = lab("on read: arm");
    let file = lab.create("chan");
    let read = lab.read(file, 0, 4);
    assert_eq!(lab.control(1, "unmark L0:2").as_deref(), Ok("S_OK"));
    assert_eq!(lab.control(1, "unmark L0:2").as_deref(), Ok("STATUS_INVALID_PARAMETER"));
    assert_eq!(lab.control(1, "arm L0:2").as_deref(), Ok("ok"));
    assert_eq!(lab.control(1, "arm L0:2"), Err("request L0:2 is armed, only a held one can be armed".to_owned()));
    lab.cancel_without_running(read);
    assert_eq!(lab.control(1, "unmark-complete L0:2 S_OK").as_deref(), Ok("ERROR_OPERATION_ABORTED"));
    assert_eq!(lab.result(read).0, HResult::ERROR_OPERATION_ABORTED);
    assert_eq!(lab.stop(), None);
}

#[test]
fn completing_an_armed_request_is_for_the_verifier() {
    let mut lab = lab("on read: arm");
    let file = lab.create("chan");
    lab.read(file, 0, 4);
    lab.control(1, "complete L0:2 S_OK").expect("the command is legal");
    assert_eq!(lab.stop(), Some(Rule::Req54));
}

#[test]
fn the_loser_against_a_cancel_must_not_complete() {
    let mut lab = lab("on read: arm");
    let file = lab.create("chan");
    let read = lab.read(file, 0, 4);
    lab.cancel_without_running(read);
    lab.control(1, "complete L0:2 S_OK").expect("the command is legal");
    assert_eq!(lab.stop(), Some(Rule::Req50));
}

#[test]
fn the_second_completion_is_found_and_never_arrives() {
    for again in ["", "complete-again L0:2 STATUS_NOT_SUPPORTED"] {
        let script = if again.is_empty() { "on read: complete-twice(S_OK)" } else { "" };
        let mut lab = Lab::with_mode(&format!("scripted(script={{{script}}})"), VerifierMode::Lenient);
        let file = lab.create("chan");
        let read = lab.read(file, 0, 0);
        if !again.is_empty() {
            lab.control(1, again).expect("the command is legal");
        }
        assert_eq!(lab.result(read).0, HResult::S_OK);
        assert_eq!(lab.findings(), [Rule::Req54], "{again}");
    }
}

#[test]
fn arm_and_unmark_complete_in_one_rule() {
    let mut lab = lab("on read: arm, unmark-complete(S_OK, data=\"now\")");
    let file = lab.create("chan");
    let read = lab.read(file, 0, 4);
    assert_eq!(lab.result(read).2, "now");
}

#[test]
fn queued_requests_are_retrieved_in_order_and_by_file() {
    let mut lab = lab("on read: queue");
    let (a, b) = (lab.create("a"), lab.create("b"));
    let reads = [a, b, a].map(|file| lab.read(file, 0, 1));
    assert_eq!(lab.control(1, "retrieve name=b").as_deref(), Ok("L0:4"));
    assert_eq!(lab.control(1, "retrieve").as_deref(), Ok("L0:3"));
    assert_eq!(lab.control(1, "retrieve queue=1").as_deref(), Ok("L0:5"));
    assert_eq!(lab.control(1, "retrieve").as_deref(), Ok("ERROR_NO_MORE_ITEMS"));
    assert_eq!(lab.control(1, "retrieve queue=0").as_deref(), Ok("STATUS_INVALID_DEVICE_STATE"));
    assert_eq!(lab.control(1, "kept").as_deref(), Ok("L0:4 read held\nL0:3 read held\nL0:5 read held"));
    assert!(reads.iter().all(|read| lab.ended(*read).is_none()));
}

#[test]
fn an_armed_request_is_not_moved_to_a_queue() {
    let mut lab = lab("on read: arm");
    let file = lab.create("chan");
    lab.read(file, 0, 1);
    assert_eq!(lab.control(1, "queue L0:2").as_deref(), Ok("ERROR_INVALID_OPERATION"));
    assert_eq!(lab.control(1, "kept").as_deref(), Ok("L0:2 read armed"));
    lab.control(1, "unmark L0:2").expect("it is armed");
    assert_eq!(lab.control(1, "queue L0:2").as_deref(), Ok("S_OK"));
}

#[test]
fn a_forwarded_request_comes_back_with_the_lower_result() {
    let forwarding = "scripted(role=filter, script={on create: forward; on read: forward})";
    let mut lab = Lab::new(&format!("{forwarding} / ram"));
    let file = lab.create("chan");
    let read = lab.read(file, 0, 2);
    assert_eq!(lab.result(read), (HResult::S_OK, 2, vec![0, 0].into()));
    assert!(lab.happened_at(1).contains(&"OnCompletion S_OK".to_owned()));
}

#[test]
fn a_rule_may_rewrite_the_lower_result() {
    let script = "on create: forward; on write: forward; on completion request=L0:2: complete(STATUS_NOT_SUPPORTED)";
    let mut lab = Lab::new(&format!("scripted(role=filter, script={{{script}}}) / null"));
    let file = lab.create("chan");
    let write = lab.write(file, 0, b"abc");
    assert_eq!(lab.result(write), (HResult::STATUS_NOT_SUPPORTED, 0, Default::default()));
}

#[test]
fn a_refused_send_completes_the_request_with_its_error() {
    let mut lab = Lab::new("scripted(role=filter, script={on create: forward; on read: forward(no-callback)}) / null");
    let file = lab.create("chan");
    let read = lab.read(file, 0, 2);
    assert_eq!(lab.result(read).0, HResult::STATUS_INVALID_DEVICE_REQUEST);
}

#[test]
fn a_request_refused_by_command_stays_kept() {
    let mut lab = Lab::new("scripted(role=filter, script={on create: forward; on read: hold}) / null");
    let file = lab.create("chan");
    let read = lab.read(file, 0, 2);
    assert_eq!(lab.control(1, "forward L0:2 no-callback").as_deref(), Ok("STATUS_INVALID_DEVICE_REQUEST"));
    assert_eq!(lab.control(1, "kept").as_deref(), Ok("L0:2 read held"));
    assert_eq!(lab.control(1, "forward L0:2").as_deref(), Ok("S_OK"));
    assert_eq!(lab.result(read).1, 2);
}

#[test]
fn the_dispatch_type_is_as_told() {
    let delivered = |queue: &str| {
        let mut lab = Lab::new(&format!("scripted(queue={queue}, script={{on read: hold}})"));
        let file = lab.create("chan");
        lab.read(file, 0, 1);
        lab.read(file, 0, 1);
        lab.control(1, "kept").unwrap_or_default().lines().count()
    };
    assert_eq!(["parallel", "sequential", "manual"].map(delivered), [2, 1, 0]);
}

#[test]
fn a_manual_default_queue_is_retrieved_from() {
    let mut lab = Lab::new("scripted(queue=manual)");
    let file = lab.create("chan");
    let read = lab.read(file, 0, 1);
    assert_eq!(lab.control(1, "retrieve").as_deref(), Ok("L0:2"));
    lab.control(1, "complete L0:2 S_OK").expect("it is kept");
    assert_eq!(lab.result(read).0, HResult::S_OK);
}

#[test]
fn forbidden_zero_length_requests_are_not_delivered() {
    let mut lab = Lab::new("scripted(zero_length=forbid, script={on read: hold})");
    let file = lab.create("chan");
    let read = lab.read(file, 0, 0);
    assert_eq!(lab.result(read), (HResult::S_OK, 0, Default::default()));
}

#[test]
fn a_blocked_callback_holds_the_lock_until_released() {
    for (locking, second) in [("device", None), ("none", Some(HResult::S_OK))] {
        let mut lab = Lab::new(&format!("scripted(locking={locking}, script={{on read: block}})"));
        let file = lab.create("chan");
        let read = lab.read(file, 0, 1);
        let write = lab.write(file, 0, b"a");
        assert_eq!(lab.ended(write).map(|params| params.status), second, "locking={locking}");
        assert_eq!(lab.control(1, "release write"), Err("no such callback is blocked; blocked: read".to_owned()));
        assert_eq!(lab.control(1, "release").as_deref(), Ok("read"));
        assert_eq!(lab.result(write).0, HResult::S_OK);
        assert_eq!(lab.control(1, "complete L0:2 S_OK").as_deref(), Ok("ok"), "an undecided request was kept");
        assert_eq!(lab.result(read).0, HResult::S_OK);
    }
}

#[test]
fn rules_are_changed_at_run_time() {
    let mut lab = lab("on read: hold");
    let file = lab.create("chan");
    assert_eq!(lab.control(1, "on read: complete(S_OK, data=\"new\")").as_deref(), Ok("ok"));
    let read = lab.read(file, 0, 3);
    assert_eq!(lab.result(read).2, "new");
    assert_eq!(lab.control(1, "rules").as_deref(), Ok("on read: complete(S_OK, data=\"new\")"));
    lab.control(1, "clear").expect("there are rules");
    assert_eq!(lab.control(1, "rules").as_deref(), Ok(""));
}

#[test]
fn a_wrong_command_changes_nothing() {
    let mut lab = lab("on read: hold");
    let error = lab.control(1, "on read: complete(S_OK) extra").expect_err("`extra` is too much");
    assert_eq!(error, "1:25: expected the end of the command, found `extra`");
    assert_eq!(lab.control(1, "rules").as_deref(), Ok("on read: hold"));
}

#[test]
fn a_request_whose_cancellation_is_under_way_is_left_alone() {
    let mut lab = lab("on read: arm; on write: block; on cleanup: complete-file(S_OK)");
    let file = lab.create("chan");
    let read = lab.read(file, 0, 1);
    lab.write(file, 0, b"a");
    // The blocked callback holds the lock, so OnCancel is still to be called.
    assert_eq!(lab.cancel(read), CancelAnswer::Delivered);
    assert_eq!(lab.control(1, "unmark L0:2").as_deref(), Ok("ERROR_OPERATION_ABORTED"));
    assert_eq!(lab.control(1, "kept").as_deref(), Ok("L0:2 read cancelling\nL0:3 write held"));
    assert_eq!(lab.control(1, "release").as_deref(), Ok("write"));
    assert_eq!(lab.result(read).0, HResult::ERROR_OPERATION_ABORTED);
    assert_eq!(lab.stop(), None);
}

#[test]
fn only_recent_completions_are_remembered() {
    let mut lab = lab("");
    let file = lab.create("chan");
    for _ in 0..MAX_REMEMBERED_REQUESTS {
        lab.write(file, 0, b"");
    }
    lab.write(file, 0, b"");
    let forgotten = lab.control(1, "complete-again L0:2 S_OK");
    assert_eq!(forgotten, Err("no request L0:2 was completed here lately".to_owned()));
    assert!(lab.control(1, "complete-again L0:3 S_OK").is_ok());
    assert_eq!(lab.stop(), Some(Rule::Req54));
}
