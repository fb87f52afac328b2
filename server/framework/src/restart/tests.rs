//! STOP-7 on a clock of the test's own.

use super::{FAILURE_FREE_TICKS, RestartDecision, RestartPolicy};

/// What comes of failures at these times.
fn decisions(policy: &mut RestartPolicy, times: &[u64]) -> Vec<RestartDecision> {
    times.iter().map(|now| policy.failed(*now)).collect()
}

#[test]
fn five_restarts_then_it_stays_down() {
    let mut policy = RestartPolicy::default();
    let restarts = (1..=5).map(RestartDecision::Restart);
    let expected: Vec<_> = restarts.chain([RestartDecision::StayDown; 2]).collect();
    assert_eq!(decisions(&mut policy, &[0, 1, 2, 3, 4, 5, 6]), expected);
}

#[test]
fn thirty_minutes_without_a_failure_and_the_count_is_one() {
    let mut policy = RestartPolicy::default();
    assert_eq!(policy.failed(0), RestartDecision::Restart(1));
    assert_eq!(policy.failed(FAILURE_FREE_TICKS - 1), RestartDecision::Restart(2));
    assert_eq!(policy.failed(2 * FAILURE_FREE_TICKS - 1), RestartDecision::Restart(1));
}

#[test]
fn plugging_it_again_begins_anew() {
    let mut policy = RestartPolicy::new(1);
    assert_eq!(decisions(&mut policy, &[0, 1]), [RestartDecision::Restart(1), RestartDecision::StayDown]);
    policy.replugged();
    assert_eq!(policy.failed(2), RestartDecision::Restart(1));
}
