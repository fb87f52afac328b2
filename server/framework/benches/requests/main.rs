//! Work of the framework, to be counted in instructions: `cargo xtask bench --instructions` runs this program under
//! callgrind, with the allocator of the system.
//!
//! `rows` prints each row's id and how many operations it stands for; `run` with such an id and a number N does N times as
//! many.
//! Everything else a run does is the same for every N, so that the difference of two runs is the operations alone.

mod drivers;
mod upper;
mod work;

use work::Work;

/// The largest N.
const TIMES_MAX: usize = 2;

/// One row: its id, the operations of a run with N = 1, and what an operation is.
type Row = (&'static str, usize, Work);

const ROWS: [Row; 16] = [
    ("create-to-delete-0", 1000, Work::CreateToDelete { filters: 0 }),
    ("create-to-delete-1", 1000, Work::CreateToDelete { filters: 1 }),
    ("create-to-delete-2", 1000, Work::CreateToDelete { filters: 2 }),
    ("create-to-delete-3", 1000, Work::CreateToDelete { filters: 3 }),
    ("create-to-delete-5", 1000, Work::CreateToDelete { filters: 5 }),
    ("send-to-complete-0", 1000, Work::SendToComplete { filters: 0 }),
    ("send-to-complete-1", 1000, Work::SendToComplete { filters: 1 }),
    ("send-to-complete-2", 1000, Work::SendToComplete { filters: 2 }),
    ("send-to-complete-3", 1000, Work::SendToComplete { filters: 3 }),
    ("send-to-complete-5", 1000, Work::SendToComplete { filters: 5 }),
    ("cancel-one-of-1000", 400, Work::Cancel { pending: 1000 }),
    ("cancel-one-of-100000", 400, Work::Cancel { pending: 100_000 }),
    ("close-with-0-among-1000", 20, Work::Close { of_file: 0, of_others: 1000 }),
    ("close-with-1-among-1000", 20, Work::Close { of_file: 1, of_others: 1000 }),
    ("close-with-64-among-1000", 20, Work::Close { of_file: 64, of_others: 1000 }),
    ("close-with-64-among-100000", 20, Work::Close { of_file: 64, of_others: 100_000 }),
];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["rows"] => ROWS.iter().for_each(|(id, operations, _)| println!("{id} {operations}")),
        ["run", id, times] => run(id, times.parse().expect("N is a number")),
        // `cargo bench` and `cargo test --all-targets` start every bench, with arguments of their own.
        _ => eprintln!("nothing to run here: `cargo xtask bench --instructions` measures with this program"),
    }
}

fn run(id: &str, times: usize) {
    let (_, operations, work) = ROWS.iter().find(|(known, ..)| *known == id).expect("an id that `rows` prints");
    assert!(times <= TIMES_MAX, "N is at most {TIMES_MAX}");
    work.run(operations * times, operations * TIMES_MAX);
}
