//! Laws of exploring: every schedule once, in order, each replayed by its token, and no claim beyond the limit.

use super::*;

/// A process whose second choice depends on its first: 3 + 1 + 2 schedules.
fn uneven(choices: &Choices) -> (usize, usize) {
    choices.set_racing(true);
    let first = choices.choose(3);
    (first, choices.choose([3, 1, 2][first]))
}

#[test]
fn every_schedule_comes_once_depth_first() {
    let mut walked = Vec::new();
    let count = every(100, |choices| {
        let walk = uneven(choices);
        if matches!(choices.replay(), Schedule::Path(_)) {
            walked.push(walk);
        }
    });
    assert_eq!(count, Some(6));
    assert_eq!(walked, [(0, 0), (0, 1), (0, 2), (1, 0), (2, 0), (2, 1)]);
}

#[test]
fn a_token_replays_its_schedule_and_no_other() {
    let tokens = ["x", "x0.1", "x0.2", "x1", "x2", "x2.1"];
    let mut printed = Vec::new();
    for (token, walk) in tokens.into_iter().zip([(0, 0), (0, 1), (0, 2), (1, 0), (2, 0), (2, 1)]) {
        let choices = Choices::new(token.parse().expect("a token"));
        assert_eq!(uneven(&choices), walk, "{token}");
        printed.push(choices.replay().to_string());
    }
    assert_eq!(printed, tokens);
}

#[test]
fn every_kind_of_token_reads_as_it_is_written() {
    for token in ["fifo", "17", "x", "x0.1.2"] {
        assert_eq!(token.parse::<Schedule>().map(|schedule| schedule.to_string()), Ok(token.to_owned()));
    }
    for token in ["", "y1", "x1.", "-1"] {
        assert!(token.parse::<Schedule>().is_err(), "{token}");
    }
}

#[test]
fn more_schedules_than_the_limit_are_not_called_complete() {
    assert_eq!(every(5, |choices| assert!(uneven(choices).0 < 3)), None);
    let wide = |choices: &Choices| {
        choices.set_racing(true);
        assert!((0..20).all(|_| choices.choose(2) < 2));
    };
    let mut executions = 0;
    assert_eq!(
        every(1000, |choices| {
            executions += 1;
            wide(choices);
        }),
        None
    );
    assert_eq!(executions, PROBES, "what is far too wide is not begun");
}

#[test]
fn a_seed_chooses_the_same_way_every_time() {
    let walk = |seed| {
        let choices = Choices::new(Schedule::Seeded(seed));
        (0..8).map(|_| choices.choose(5)).collect::<Vec<_>>()
    };
    assert_eq!(walk(7), walk(7));
    assert_ne!(walk(7), walk(8));
}

#[test]
fn only_the_race_is_explored() {
    let mut before = Vec::new();
    let count = every(100, |choices| {
        let chosen = choices.choose(4);
        let raced = uneven(choices);
        choices.set_racing(false);
        if let Schedule::Path(path) = choices.replay() {
            before.push((chosen, choices.choose(4)));
            assert_eq!(path.len(), [usize::from(raced.0 > 0), 2][usize::from(raced.1 > 0)], "{path:?}");
        }
    });
    assert_eq!((count, before), (Some(6), vec![(0, 0); 6]));
}
