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
