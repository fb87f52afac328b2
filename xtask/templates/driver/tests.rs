//! `{{name}}` through a stack.

use lowerdeck_framework::status::HResult;

use super::MAX_READ_BYTES;
use crate::definition::{DefinitionError, LayerError, StackDefinition};
use crate::testing::Lab;

#[test]
fn a_read_up_to_the_limit_gives_what_was_asked_for() {
    let mut lab = Lab::new("{{name}}(read_max=8)");
    let file = lab.create("device");
    let read = lab.read(file, 0, 8);
    assert_eq!(lab.result(read), (HResult::S_OK, 8, vec![0; 8].into()));
}

#[test]
fn a_read_over_the_limit_fails_and_moves_nothing() {
    let mut lab = Lab::new("{{name}}(read_max=8)");
    let file = lab.create("device");
    let read = lab.read(file, 0, 9);
    assert_eq!(lab.result(read), (HResult::STATUS_INVALID_PARAMETER, 0, Default::default()));
}

#[test]
fn a_read_max_outside_its_range_is_refused() {
    for bytes in [0, MAX_READ_BYTES + 1] {
        let parsed = format!("{{name}}(read_max={bytes})").parse::<StackDefinition>();
        let Err(DefinitionError::Layer { error: LayerError::BadOption { key, .. }, .. }) = parsed else {
            panic!("{bytes} gave {parsed:?}");
        };
        assert_eq!(key, "read_max");
    }
}
