//! What scripts create towards the lower driver.

use lowerdeck_framework::rule::Rule;
use lowerdeck_framework::stack::StackState;
use lowerdeck_framework::status::HResult;

use crate::scripted::{MAX_OWN_FILES, MAX_OWN_REQUESTS};
use crate::testing::Lab;

/// A filter that forwards creates, with rules of its own, above a terminator that holds I/O.
fn lab(script: &str) -> Lab {
    Lab::new(&format!("scripted(role=filter, script={{on create: forward; {script}}}) / terminator(io=hold)"))
}

#[test]
fn a_request_of_its_own_travels_on_the_file_of_the_received_one() {
    let mut lab = lab("on read: send(write, number=50, length=8), hold");
    let file = lab.create("chan");
    lab.read(file, 0, 1);
    assert_eq!(lab.control(2, "kept").as_deref(), Ok("L1:50 write held"));
    assert_eq!(lab.control(1, "kept").as_deref(), Ok("L0:2 read held"));
}

#[test]
fn the_received_request_may_wait_for_the_own_one() {
    let mut lab = lab("on read: send(read, number=50, length=4, then=complete)");
    let file = lab.create("chan");
    let read = lab.read(file, 0, 4);
    assert_eq!(lab.ended(read), None);
    lab.control(2, "complete L1:50 S_OK data=\"from\"").expect("it is held there");
    assert_eq!(lab.result(read), (HResult::S_OK, 4, "from".into()));
    // Deleted once completed: nothing refers to the file.
    lab.close(file);
    assert!(lab.stack.outstanding(Default::default()).files.is_empty());
}

#[test]
fn of_several_packets_with_one_label_the_latest_is_meant() {
    let mut lab = lab("on read: send(read, number=50, length=4, then=complete)");
    let file = lab.create("chan");
    let (first, second) = (lab.read(file, 0, 4), lab.read(file, 0, 4));
    lab.control(2, "complete L1:50 S_OK").expect("both are held there");
    assert_eq!((lab.ended(first).is_some(), lab.ended(second).is_some()), (false, true));
}

#[test]
fn a_refused_own_send_ends_the_waiting_request() {
    let mut lab = Lab::new("scripted(script={on read: send(read, number=5, then=complete)}) / null");
    let file = lab.create("chan");
    let read = lab.read(file, 0, 4);
    // The layer below never saw the session's create (OBJ-19).
    assert_eq!(lab.result(read).0, HResult::STATUS_INVALID_DEVICE_REQUEST);
}

#[test]
fn an_own_request_is_cancelled_by_number() {
    let mut lab = lab("on read: send(read, number=50), hold");
    let file = lab.create("chan");
    lab.control(2, "on read: arm").expect("a rule");
    lab.read(file, 0, 1);
    assert_eq!(lab.control(1, "cancel-own 50").as_deref(), Ok("TRUE"));
    assert!(lab.happened_at(2).contains(&"OnCancel".to_owned()));
    assert_eq!(lab.control(1, "cancel-own 50"), Err("the driver has no request of its own with number 50".to_owned()));
}

#[test]
fn an_own_request_held_in_its_completion_pins_the_file_until_deleted() {
    let mut lab = lab("on read: send(read, number=50), complete(S_OK); on completion request=L1:50: hold");
    let file = lab.create("chan");
    lab.read(file, 0, 1);
    lab.control(2, "complete L1:50 S_OK").expect("it is held there");
    assert!(lab.close(file));
    let gone = |lab: &Lab| lab.happened_at(0).contains(&"FileGone".to_owned());
    let closed = |lab: &Lab| lab.happened_at(1).contains(&"CloseLeave".to_owned());
    assert_eq!((closed(&lab), gone(&lab)), (true, false));
    assert_eq!(lab.control(1, "delete-own 50").as_deref(), Ok("S_OK"));
    assert!(gone(&lab));
}

#[test]
fn a_send_by_command_names_its_file() {
    let mut lab = lab("");
    lab.create("chan");
    assert_eq!(lab.control(1, "send write number=7 length=3 file=\"chan\"").as_deref(), Ok("S_OK"));
    assert_eq!(lab.control(2, "kept").as_deref(), Ok("L1:7 write held"));
    assert_eq!(lab.control(1, "send read number=8 file=nobody").as_deref(), Ok("E_INVALIDARG"));
}

#[test]
fn a_file_of_its_own_goes_to_the_next_lower_driver() {
    let mut lab = lab("");
    assert_eq!(lab.control(1, "create-file \"own\"").as_deref(), Ok("S_OK"));
    let creates = |lab: &Lab, level| lab.happened_at(level).iter().filter(|text| *text == "Create").count();
    assert_eq!((creates(&lab, 1), creates(&lab, 2)), (0, 1));
    assert_eq!(lab.control(1, "send read number=3 file=own").as_deref(), Ok("S_OK"));
    lab.control(2, "complete L1:3 S_OK").expect("it is held there");
    assert_eq!(lab.control(1, "close-own own").as_deref(), Ok("S_OK"));
    assert!(lab.happened_at(2).contains(&"FileGone".to_owned()));
    assert_eq!(lab.control(1, "close-own own"), Err("the driver has no open file `own` of its own".to_owned()));
}

#[test]
fn a_create_may_be_answered_with_a_substitute() {
    let script = "on create: create-file(\"sub\", then=complete); on cleanup: close-own(\"sub\")";
    let mut lab = Lab::new(&format!("scripted(script={{{script}}}) / terminator(create=hold)"));
    let call = lab.begin_create("chan");
    assert_eq!(lab.created(call), None);
    let kept = lab.control(2, "kept").unwrap_or_default();
    let label = kept.split(' ').next().unwrap_or_default();
    lab.control(2, &format!("complete {label} STATUS_ACCESS_DENIED")).expect("it is held there");
    assert_eq!(lab.created(call), Some(Err(HResult::STATUS_ACCESS_DENIED)));
    assert_eq!(lab.control(1, "notes").as_deref(), Ok("create-file sub: STATUS_ACCESS_DENIED"));
}

#[test]
fn a_file_of_its_own_left_open_is_found_at_removal() {
    let mut lab = lab("on prepare-hardware: note(\"started\")");
    lab.control(1, "create-file own").expect("there is room");
    lab.remove();
    assert_eq!(lab.stop(), Some(Rule::Stop1));
}

#[test]
fn a_file_closed_before_the_last_removal_callback_returns_is_no_leak() {
    let mut lab = Lab::new("scripted(script={on self-managed-io-cleanup: close-own(own), block}) / terminator");
    lab.control(1, "create-file own").expect("there is room");
    lab.remove();
    assert!(lab.happened_at(2).contains(&"FileGone".to_owned()));
    assert_eq!(lab.control(1, "release").as_deref(), Ok("self-managed-io-cleanup"));
    assert_eq!((lab.stop(), lab.stack.state()), (None, StackState::Removed));
}

#[test]
fn of_several_files_with_one_name_the_latest_is_meant() {
    let mut lab = lab("");
    for _ in 0..2 {
        lab.control(1, "create-file own").expect("there is room");
    }
    lab.control(1, "send read number=3 file=own").expect("the file is open");
    let files = lab.stack.outstanding(Default::default()).files;
    assert_eq!(files.iter().map(|file| file.requests.len()).collect::<Vec<_>>(), [0, 1]);
}

#[test]
fn what_it_creates_is_limited() {
    let mut lab = lab("");
    for _ in 0..MAX_OWN_FILES {
        assert_eq!(lab.control(1, "create-file own").as_deref(), Ok("S_OK"));
    }
    assert_eq!(lab.control(1, "create-file own").as_deref(), Ok("STATUS_INSUFFICIENT_RESOURCES"));
    for _ in 0..MAX_OWN_REQUESTS {
        assert_eq!(lab.control(1, "send read number=3 file=own").as_deref(), Ok("S_OK"));
    }
    assert_eq!(lab.control(1, "send read number=3 file=own").as_deref(), Ok("STATUS_INSUFFICIENT_RESOURCES"));
}
