//! The whole transition matrix of every machine: a changed law is seen in review.

use crate::file::FileState;
use crate::io_stop::StopNotice;
use crate::memory_object::MemoryState;
use crate::power::{PowerState, SurpriseNotice};
use crate::received::ReceivedState;
use crate::request::RequestState;
use crate::target::TargetState;

#[test]
fn transition_matrices() {
    insta::assert_snapshot!("file", FileState::matrix());
    insta::assert_snapshot!("memory", MemoryState::matrix());
    insta::assert_snapshot!("request", RequestState::matrix());
    insta::assert_snapshot!("received", ReceivedState::matrix());
    insta::assert_snapshot!("target", TargetState::matrix());
    insta::assert_snapshot!("power", PowerState::matrix());
    insta::assert_snapshot!("stop_notice", StopNotice::matrix());
    insta::assert_snapshot!("surprise_notice", SurpriseNotice::matrix());
}

/// The numbers are the header's, in both directions: a client in any language writes them.
#[test]
fn sent_io_actions_have_the_numbers_of_the_header() {
    use crate::target::SentIoAction;
    let numbered = [1, 2, 3].map(SentIoAction::from_number);
    let named = [SentIoAction::Cancel, SentIoAction::WaitForCompletion, SentIoAction::LeavePending];
    assert_eq!(numbered, named.map(Some));
    assert_eq!([0, 4, u32::MAX].map(SentIoAction::from_number), [None; 3]);
}
