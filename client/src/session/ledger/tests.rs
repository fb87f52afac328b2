//! Balanced and unbalanced books.

use lowerdeck_proto::v1;

use super::Ledger;
use crate::hresult::HResult;

fn told(accepted: u64, results: &[HResult]) -> Ledger {
    let mut ledger = Ledger { accepted, ..Ledger::default() };
    for result in results {
        ledger.count(*result);
    }
    ledger
}

fn server(accepted: u64, completed: u64, cancelled: u64, failed: u64) -> v1::CloseSessionResponse {
    v1::CloseSessionResponse {
        balance: Some(v1::Balance { accepted, completed, cancelled, failed, ..v1::Balance::default() }),
        files_left_open: 0,
    }
}

const RESULTS: &[HResult] =
    &[HResult::S_OK, HResult::STATUS_BUFFER_OVERFLOW, HResult::STATUS_CANCELLED, HResult::STATUS_IO_TIMEOUT];

#[test]
fn books_that_agree_balance() {
    let sheet = told(4, RESULTS).check(&server(4, 2, 1, 1), 0, true);
    assert_eq!(sheet.map(|sheet| sheet.completed), Ok(2));
}

#[test]
fn an_outstanding_request_is_an_imbalance() {
    let mut closed = server(4, 2, 1, 0);
    closed.balance.as_mut().expect("made above").outstanding = 1;
    let imbalance = told(4, RESULTS).check(&closed, 0, true).expect_err("unbalanced");
    assert_eq!(imbalance.what, "accepted requests did not all complete");
}

#[test]
fn a_completion_that_was_not_told_of_is_an_imbalance() {
    let imbalance = told(4, &RESULTS[1..]).check(&server(4, 2, 1, 1), 0, true);
    assert_eq!(imbalance.expect_err("unbalanced").what, "a completion was not told of");
}

#[test]
fn a_send_that_was_not_told_of_is_an_imbalance() {
    let imbalance = told(4, RESULTS).check(&server(5, 3, 1, 1), 0, true);
    assert_eq!(imbalance.expect_err("unbalanced").what, "the server accepted other sends than it told of");
}

#[test]
fn a_send_with_a_lost_reply_may_have_been_accepted() {
    let sheet = told(4, RESULTS).check(&server(5, 3, 1, 1), 1, false);
    assert_eq!(sheet.map(|sheet| sheet.accepted), Ok(5));
}

#[test]
fn a_request_without_callback_is_accounted_for_by_the_server_alone() {
    let mut ledger = told(5, RESULTS);
    ledger.silent = 1;
    assert!(ledger.check(&server(5, 3, 1, 1), 0, true).is_ok());
}

#[test]
fn another_class_than_told_is_an_imbalance() {
    let imbalance = told(4, RESULTS).check(&server(4, 3, 0, 1), 0, true);
    assert_eq!(imbalance.expect_err("unbalanced").what, "requests ended otherwise than was told");
}

#[test]
fn a_completion_without_a_send_is_an_imbalance() {
    let mut ledger = told(4, RESULTS);
    ledger.unexpected = 1;
    assert!(ledger.check(&server(4, 2, 1, 1), 0, true).is_err());
}
