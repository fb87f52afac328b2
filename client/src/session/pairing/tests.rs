//! Every order of reply, completion and loss.

use proptest::prelude::*;

use super::{Completed, Pairing, Reply};

fn sent() -> Pairing<&'static str, &'static str> {
    let mut pairing = Pairing::new();
    assert_eq!(pairing.sending(7, "ticket", "note"), Ok(()));
    pairing
}

#[test]
fn a_reply_then_its_completion_are_paired() {
    let mut pairing = sent();
    assert_eq!(pairing.accepted(7), Reply::Accepted);
    assert_eq!(pairing.completed(7), Completed::Deliver("ticket", "note"));
    assert_eq!(pairing.completed(7), Completed::Unknown);
}

#[test]
fn k03_a_completion_before_its_reply_is_delivered_at_once() {
    let mut pairing = sent();
    assert_eq!(pairing.completed(7), Completed::Deliver("ticket", "note"));
    assert!(pairing.is_early(7));
    assert_eq!(pairing.accepted(7), Reply::Accepted);
    assert_eq!(pairing.open(), 0);
}

#[test]
fn a_refused_send_gives_its_ticket_back_and_no_completion_is_expected() {
    let mut pairing = sent();
    assert_eq!(pairing.refused(7), Reply::Refused("ticket"));
    assert_eq!(pairing.completed(7), Completed::Unknown);
}

#[test]
fn a_refusal_after_a_completion_breaks_the_contract() {
    let mut pairing = sent();
    assert_eq!(pairing.completed(7), Completed::Deliver("ticket", "note"));
    assert_eq!(pairing.refused(7), Reply::RefusedThoughCompleted);
}

#[test]
fn a_lost_reply_is_settled_by_the_completion() {
    let mut pairing = sent();
    assert_eq!(pairing.unanswered(7), Reply::Open);
    assert_eq!(pairing.open(), 1);
    assert_eq!(pairing.completed(7), Completed::Unawaited("note"));
    assert_eq!(pairing.open(), 0);
}

#[test]
fn a_reply_lost_after_the_completion_counts_as_accepted() {
    let mut pairing = sent();
    assert_eq!(pairing.completed(7), Completed::Deliver("ticket", "note"));
    assert_eq!(pairing.unanswered(7), Reply::Accepted);
    assert_eq!(pairing.open(), 0);
}

#[test]
fn sending_an_outstanding_request_leaves_its_first_round_alone() {
    let mut pairing = sent();
    assert_eq!(pairing.sending(7, "second", "note"), Err("second"));
    assert_eq!(pairing.accepted(7), Reply::Accepted);
    assert_eq!(pairing.completed(7), Completed::Deliver("ticket", "note"));
}

#[test]
fn the_end_of_the_session_gives_back_every_waiting_ticket() {
    let mut pairing = sent();
    assert_eq!(pairing.sending(8, "other", "note"), Ok(()));
    assert_eq!(pairing.accepted(8), Reply::Accepted);
    let mut tickets = pairing.end();
    tickets.sort_unstable();
    assert_eq!(tickets, ["other", "ticket"]);
    assert_eq!(pairing.end(), [""; 0]);
    assert_eq!(pairing.open(), 1, "nobody knows whether 7 was accepted");
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Send,
    Accept,
    Refuse,
    GiveUp,
    Complete,
    End,
}

fn step() -> impl Strategy<Value = (u64, Step)> {
    let kind = prop_oneof![
        Just(Step::Send),
        Just(Step::Accept),
        Just(Step::Refuse),
        Just(Step::GiveUp),
        Just(Step::Complete),
        Just(Step::End),
    ];
    (1..4_u64, kind)
}

proptest! {
    /// Whatever comes in whatever order, no ticket comes back twice, and at the end none is missing.
    #[test]
    fn a_ticket_comes_back_at_most_once(steps in prop::collection::vec(step(), 0..60)) {
        let mut pairing = Pairing::new();
        let (mut given, mut dropped, mut back) = (0_u32, 0_u32, Vec::new());
        for (request, step) in steps {
            let reply = match step {
                Step::Send => {
                    given += 1;
                    if let Err(ticket) = pairing.sending(request, given, "note") {
                        back.push(ticket);
                    }
                    continue;
                }
                Step::Complete => {
                    if let Completed::Deliver(ticket, _) = pairing.completed(request) {
                        back.push(ticket);
                    }
                    continue;
                }
                Step::End => {
                    back.extend(pairing.end());
                    continue;
                }
                Step::Accept => pairing.accepted(request),
                Step::Refuse => pairing.refused(request),
                Step::GiveUp => pairing.unanswered(request),
            };
            match reply {
                Reply::Refused(ticket) => back.push(ticket),
                Reply::Open => dropped += 1, // with the reply, the caller has gone
                Reply::Accepted | Reply::RefusedThoughCompleted | Reply::Unknown => {}
            }
        }
        back.extend(pairing.end());
        let total = back.len() as u32;
        back.sort_unstable();
        back.dedup();
        prop_assert_eq!(back.len() as u32, total, "a ticket came back twice");
        prop_assert_eq!(total + dropped, given);
    }
}
