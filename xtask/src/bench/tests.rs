//! What callgrind and a program say is read as it is, what is kept survives being kept, and what is compared is shown.

use std::path::Path;

use super::baseline::{Baseline, Figure};
use super::{callgrind, instructions};

const PROFILE: &str = "\
# callgrind format
version: 1
creator: callgrind-3.19.0
cmd:  target/release/deps/requests run create-to-delete-0 1
part: 1

desc: I1 cache: 
positions: line
events: Ir
summary: 8224788


fl=(1) main.rs
fn=(1) main
+4 328

totals: 8224789
";

fn figure(row: &str, instructions: u64) -> Figure {
    let (compiler, measured_at) = ("rustc 1.95.0, some-machine".to_owned(), "Say what".to_owned());
    Figure { row: row.to_owned(), instructions, compiler, measured_at }
}

fn baseline(figures: &[Figure]) -> Baseline {
    let text = "# Head\n\n| row | instructions | compiler | measured at |\n|---|---:|---|---|\n\nTail.\n";
    let mut baseline = Baseline::parse(text).expect("a table without rows is one");
    baseline.figures = figures.to_vec();
    baseline
}

#[test]
fn the_totals_of_a_profile_are_its_instructions() {
    assert_eq!(callgrind::total(PROFILE).ok(), Some(8_224_789));
}

#[test]
fn instructions_are_found_among_other_events() {
    let profile = PROFILE.replace("events: Ir", "events: Dr Ir Dw").replace("totals: 8224789", "totals: 5 6 7");
    assert_eq!(callgrind::total(&profile).ok(), Some(6));
}

#[test]
fn a_profile_without_instructions_or_without_an_end_is_refused() {
    for (from, to) in [("events: Ir", "events: Dr"), ("totals:", "total:"), ("totals: 8224789", "totals: many")] {
        assert!(callgrind::total(&PROFILE.replace(from, to)).is_err(), "{to}");
    }
}

#[test]
fn a_baseline_that_was_written_is_read_as_it_was() {
    let mut odd = figure("b", u64::MAX);
    odd.measured_at = r"Read a | b, \ and \| as they are".to_owned();
    let written = baseline(&[figure("a", 0), odd]);
    assert_eq!(Baseline::parse(&written.render()).ok(), Some(written));
}

#[test]
fn text_around_the_table_stays() {
    let text = baseline(&[figure("a", 1)]).render();
    assert!(text.starts_with("# Head\n\n| row |") && text.ends_with(" |\n\nTail.\n"), "{text}");
}

#[test]
fn a_table_with_another_shape_is_refused() {
    let text = baseline(&[figure("a", 17)]).render();
    for (from, to) in [("| row |", "| rows |"), ("| 17 |", "| many |"), ("| 17 |", "|"), ("| 17 |", "| 17 | 18 |")] {
        assert!(Baseline::parse(&text.replace(from, to)).is_err(), "{to}");
    }
}

#[test]
fn an_update_keeps_what_was_not_measured_and_drops_what_is_gone() {
    let mut kept = baseline(&[figure("gone", 1), figure("b", 2), figure("c", 3)]);
    kept.update(&["a", "b", "c"], &[figure("c", 4), figure("a", 5)]);
    assert_eq!(kept.figures, [figure("a", 5), figure("b", 2), figure("c", 4)]);
}

#[test]
fn what_both_runs_do_is_in_no_figure() {
    assert_eq!(instructions::per_operation(1_000_100, 1_000_250, 100).ok(), Some(2)); // 1.5, rounded
    assert!(instructions::per_operation(2, 1, 100).is_err(), "less for more work");
}

#[test]
fn a_listing_is_read_and_a_row_of_nothing_refused() {
    let rows = instructions::rows("a-row 20\nb-row 1\n").expect("two rows");
    assert_eq!(
        rows.iter().map(|row| (row.id.as_str(), row.operations)).collect::<Vec<_>>(),
        [("a-row", 20), ("b-row", 1)]
    );
    for listing in ["a-row", "a-row many", "a-row 0"] {
        assert!(instructions::rows(listing).is_err(), "{listing}");
    }
}

#[test]
fn a_comparison_shows_changes_new_rows_and_other_compilers() {
    let mut old = figure("same", 100);
    old.compiler = "rustc 1.94.0, some-machine".to_owned();
    let figures = [figure("same", 100), figure("less", 99), figure("more", 225), figure("new", 7)];
    let text = instructions::comparison(&baseline(&[old, figure("less", 100), figure("more", 200)]), &figures);
    let expected = "\
row   now  baseline   change
same  100       100   +0.0 %
less   99       100   -1.0 %
more  225       200  +12.5 %
new     7                new
this is rustc 1.95.0, some-machine, the baseline has figures of rustc 1.94.0, some-machine
";
    assert_eq!(text, expected);
}

#[test]
fn the_baselines_that_are_kept_can_be_read() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for path in instructions::PROGRAMS.map(|(_, path)| path) {
        let baseline = Baseline::read(&root.join(path));
        assert!(baseline.as_ref().is_ok_and(|baseline| !baseline.figures.is_empty()), "{baseline:?}");
    }
}
