//! What scripts do with files.

use lowerdeck_framework::status::HResult;

use crate::testing::Lab;

fn lab(script: &str) -> Lab {
    Lab::new(&format!("scripted(script={{{script}}})"))
}

#[test]
fn a_create_ends_as_told() {
    let mut lab = lab("on create name=no: fail(STATUS_ACCESS_DENIED); on create name=later: hold");
    let (no, later) = (lab.begin_create("no"), lab.begin_create("later"));
    assert_eq!(lab.created(no), Some(Err(HResult::STATUS_ACCESS_DENIED)));
    assert_eq!(lab.created(later), None);
    lab.control(1, "complete L0:2 S_OK").expect("it is held");
    assert!(matches!(lab.created(later), Some(Ok(_))));
}

#[test]
fn cleanup_completes_what_it_keeps_and_the_status_stays() {
    let mut lab = lab("on read nth=1: hold; on read nth=2: arm; on cleanup: complete-file(S_OK, data=\"late\")");
    let (leaving, staying) = (lab.create("leaving"), lab.create("staying"));
    let (held, armed) = (lab.read(leaving, 0, 9), lab.read(leaving, 0, 9));
    lab.control(1, "on read: hold").expect("a rule");
    let other = lab.read(staying, 0, 9);
    assert!(lab.close(leaving));
    for read in [held, armed] {
        assert_eq!(lab.result(read), (HResult::S_OK, 4, "late".into()));
    }
    assert_eq!(lab.order, [held, armed]);
    assert_eq!(lab.ended(other), None);
}

#[test]
fn cleanup_retrieves_the_requests_of_its_file_only() {
    let mut lab = lab("on read: queue; on cleanup: retrieve-file(ERROR_OPERATION_ABORTED)");
    let (leaving, staying) = (lab.create("leaving"), lab.create("staying"));
    let (gone, other) = (lab.read(leaving, 0, 1), lab.read(staying, 0, 1));
    assert!(lab.close(leaving));
    assert_eq!(lab.result(gone).0, HResult::ERROR_OPERATION_ABORTED);
    assert_eq!(lab.ended(other), None);
    assert_eq!(lab.control(1, "retrieve").as_deref(), Ok("L0:4"));
}

#[test]
fn a_blocked_cleanup_holds_the_close_back() {
    let mut lab = lab("on read: arm; on cleanup: block");
    let file = lab.create("chan");
    let read = lab.read(file, 0, 1);
    assert!(!lab.close(file));
    assert_eq!(lab.ended(read), None, "nothing is cancelled before OnCleanupFile has returned (CLS-5)");
    assert_eq!(lab.control(1, "release cleanup").as_deref(), Ok("cleanup"));
    assert_eq!(lab.result(read).0, HResult::ERROR_OPERATION_ABORTED);
    assert!(lab.happened_at(1).contains(&"FileGone".to_owned()));
}

#[test]
fn a_file_carries_one_context() {
    let mut lab = lab("on create: context(5), complete(S_OK); on read: context(6)");
    let file = lab.create("chan");
    lab.read(file, 0, 1);
    assert_eq!(lab.control(1, "notes").as_deref(), Ok("context: STATUS_INVALID_DEVICE_REQUEST"));
    assert!(lab.close(file));
    let cleanups = lab.happened_at(1).iter().filter(|text| *text == "ContextCleanup").count();
    assert_eq!(cleanups, 1);
}

#[test]
fn notes_are_listed_and_limited() {
    let mut lab = lab("on write name=chan: note(\"first\"); on write nth=2: note(\"second; with a separator\")");
    let file = lab.create("chan");
    lab.write(file, 0, b"a");
    lab.control(1, "clear").expect("there are rules");
    assert_eq!(lab.control(1, "notes").as_deref(), Ok("first"));
    lab.control(1, "on write: note(\"again\")").expect("a rule");
    for _ in 0..crate::scripted::MAX_NOTES {
        lab.write(file, 0, b"a");
    }
    let notes = lab.control(1, "notes").unwrap_or_default();
    assert_eq!(notes.lines().count(), crate::scripted::MAX_NOTES);
    assert!(!notes.contains("first"));
}

#[test]
fn unregistered_callbacks_are_not_called() {
    let mut lab = Lab::new("scripted(files=none, create=none, pnp=none)");
    let file = lab.create("chan");
    assert!(lab.close(file));
    let seen = lab.happened_at(1);
    let entered = ["Create", "CleanupEnter", "CloseEnter", "PnpEnter"];
    let called: Vec<&String> = seen.iter().filter(|text| entered.contains(&text.as_str())).collect();
    assert!(called.is_empty(), "{seen:?}");
}
