//! What scripts do in PnP callbacks.

use lowerdeck_framework::stack::StackState;

use crate::testing::Lab;

#[test]
fn query_remove_is_a_veto_when_it_fails() {
    let mut lab = Lab::new("scripted(script={on query-remove: fail(STATUS_ACCESS_DENIED)})");
    lab.remove();
    assert_eq!(lab.stack.state(), StackState::Started);
    lab.control(1, "clear").expect("there are rules");
    lab.remove();
    assert_eq!(lab.stack.state(), StackState::Removed);
}

#[test]
fn a_failed_start_callback_ends_the_stack() {
    let lab = Lab::new("scripted(script={on d0-entry: fail(STATUS_INSUFFICIENT_RESOURCES)})");
    assert_eq!(lab.stack.state(), StackState::Removed);
}

#[test]
fn a_blocked_start_callback_goes_on_when_released() {
    let mut lab = Lab::new("scripted(script={on prepare-hardware: note(\"waiting\"), block})");
    assert_eq!(lab.stack.state(), StackState::Starting);
    assert_eq!(lab.control(1, "notes").as_deref(), Ok("waiting"));
    assert_eq!(lab.control(1, "release prepare-hardware").as_deref(), Ok("prepare-hardware"));
    assert_eq!(lab.stack.state(), StackState::Started);
}
