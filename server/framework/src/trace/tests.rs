//! The ring keeps what it was given.

use proptest::prelude::*;

use super::*;

fn done() -> Kept {
    Kept::new(7, Level(1), None, TraceKind::Done)
}

#[test]
fn the_oldest_go_and_the_numbers_say_so() {
    let mut trace = Trace::new(3);
    (1..=5).for_each(|_| trace.push(done()));
    let numbers = |after| trace.after(after).map(|entry| entry.sequence).collect::<Vec<_>>();
    assert_eq!((numbers(0), numbers(4), numbers(9)), (vec![3, 4, 5], vec![5], vec![]));
    assert_eq!(trace.next_sequence(), 6);
}

proptest! {
    #[test]
    fn an_entry_is_kept_whole(
        times in any::<(u64, u64)>(),
        levels in (0u8..=32, 0u8..=32),
        upper in any::<Option<u64>>(),
        file in prop::option::of(1u64..1 << 56),
        number in any::<Option<u64>>(),
        status in any::<Option<u32>>(),
        rule in prop::option::of(0..Rule::ALL.len()),
    ) {
        let given = TraceEntry {
            sequence: 1,
            time: times.0,
            information: times.1,
            level: Level(levels.0),
            upper,
            kind: TraceKind::PnpEnter(Callback::OnD0Exit),
            file: file.map(FileLabel),
            request: number.map(|number| RequestLabel { creator: Level(levels.1), number }),
            status: status.map(HResult),
            rule: rule.map(|rule| Rule::ALL[rule]),
        };
        let mut kept = Kept::new(given.time, given.level, given.upper, given.kind);
        kept.set_information(given.information);
        given.file.into_iter().for_each(|file| kept.set_file(file));
        given.request.into_iter().for_each(|request| kept.set_request(request));
        given.status.into_iter().for_each(|status| kept.set_status(status));
        given.rule.into_iter().for_each(|rule| kept.set_rule(rule));
        let mut trace = Trace::new(1);
        trace.push(kept);
        prop_assert_eq!(trace.after(0).collect::<Vec<_>>(), vec![given]);
    }
}
