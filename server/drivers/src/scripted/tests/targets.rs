//! What a script says about targets, and what it cannot do here: the laboratory of these tests has no handles.

use crate::testing::Lab;

#[test]
fn the_default_target_stops_and_starts_by_command() {
    let mut lab = Lab::new("scripted / scripted");
    assert_eq!(lab.control(1, "target-state \"\""), Ok("state=1 file=none".to_owned()));
    assert_eq!(lab.control(1, "stop-target \"\" leave"), Ok("S_OK".to_owned()));
    assert_eq!(lab.control(1, "target-state \"\""), Ok("state=2 file=none".to_owned()));
    assert_eq!(lab.control(1, "start-target \"\""), Ok("S_OK".to_owned()));
    assert_eq!(lab.control(1, "delete-target \"\""), Ok("S_OK".to_owned()));
    let notes = "stop-target : S_OK\nstart-target : S_OK\ndelete-target : ERROR_ACCESS_DENIED";
    assert_eq!(lab.control(1, "notes"), Ok(notes.to_owned()));
    assert_eq!(lab.control(1, "target-state \"\""), Ok("state=1 file=none".to_owned()));
}

#[test]
fn a_target_on_a_handle_needs_the_dispatcher() {
    let mut lab = Lab::new("scripted");
    assert_eq!(lab.control(1, "create-target pipe handle=7"), Ok("ERROR_BAD_CONFIGURATION".to_owned()));
    assert_eq!(lab.control(1, "stop-target pipe cancel"), Ok("E_INVALIDARG".to_owned()));
    let sent = lab.control(1, "send read number=900 length=4 target=pipe");
    assert_eq!(sent, Ok("E_INVALIDARG".to_owned()));
    let unknown = lab.control(1, "target-state pipe").expect_err("there is none");
    assert!(unknown.contains("no target `pipe`"), "{unknown}");
}

#[test]
fn words_about_targets_say_what_they_miss() {
    let mut lab = Lab::new("scripted");
    for (command, expected) in [
        ("create-target pipe", "handle="),
        ("stop-target pipe", "cancel, wait or leave"),
        ("start-target", "the name of a target"),
    ] {
        let error = lab.control(1, command).expect_err("it is not complete");
        assert!(error.contains(expected), "{command}: {error}");
    }
}
