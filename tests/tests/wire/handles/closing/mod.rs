//! FHT-20: the handle is closed under its live target, at a thousand random points of its requests' lives.
//!
//! Laws: no byte of another object, which is opened in its place at once; no hang; each request completes exactly once;
//! the finding says whose fault it was. A run that fails prints its seed: `LOWERDECK_SEED=… cargo test -p lowerdeck-tests
//! --test wire handles::closing` plays the same plans again, though the machine may time them otherwise.

mod plan;
mod round;

use std::collections::BTreeMap;
use std::sync::Arc;

use lowerdeck_proto::v1;
use lowerdeck_tests::wire::Server;
use uuid::Uuid;

use self::round::{Kind, Table};
use super::win32::{INVALID_HANDLE, OK, OPERATION_ABORTED};
use crate::refusal::granted;
use crate::upper::Upper;

/// Closes of each of the two tests.
const POINTS: u64 = 500;
/// The variable that gives the seed.
const SEED_VARIABLE: &str = "LOWERDECK_SEED";

/// Prints the seed when its test fails, from wherever.
struct Seed(u64);

impl Seed {
    fn new() -> Seed {
        let given = std::env::var(SEED_VARIABLE).ok().map(|seed| seed.parse().expect("a seed is a number"));
        Seed(given.unwrap_or_else(|| Uuid::new_v4().as_u64_pair().0 >> 16))
    }
}

impl Drop for Seed {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{SEED_VARIABLE}={}", self.0);
        }
    }
}

fn close_at_random_points(kind: Kind) {
    let seed = Seed::new();
    let server = Server::with_handles();
    let (upper, mut table) = server.run(async {
        let upper = Arc::new(Upper::with_handles(&server).await);
        let table = Table::new(&upper, kind).await;
        (upper, table)
    });
    let mut ends = BTreeMap::new();
    for point in 0..POINTS {
        // Each has the time of one wait: a request or call that hangs is seen.
        let seed = seed.0.wrapping_add(point);
        for status in server.run(table.play(&server, &upper, point, seed)) {
            *ends.entry(status).or_insert(0_u64) += 1;
        }
    }
    server.run(async {
        table.nothing_came_twice(&upper).await;
        assert_eq!(upper.findings().await, vec!["FHT-20"; usize::try_from(POINTS).expect("it is small")]);
        let closed = granted(upper.session().close_session(v1::CloseSessionRequest {}).await);
        let balance = closed.balance.expect("a session that ends has a balance");
        let v1::Balance { accepted, completed, cancelled, failed, outstanding, .. } = balance;
        assert_eq!((completed + cancelled + failed, outstanding), (accepted, 0));
        // The late ones and the newcomer's read, at every point, are not among those that were judged there.
        assert_eq!(accepted, ends.values().sum::<u64>() + 4 * POINTS);
    });
    // The points were at all places: before the I/O, in it, and after it.
    for status in [OK, OPERATION_ABORTED, INVALID_HANDLE] {
        assert!(ends.get(&status).is_some_and(|count| *count >= 10), "{status:#x} is not there: {ends:x?}");
    }
}

#[test]
fn a_pipe_closed_at_any_point_ends_its_requests_and_no_others() {
    close_at_random_points(Kind::Pipe);
}

#[test]
fn a_file_closed_at_any_point_ends_its_requests_and_no_others() {
    close_at_random_points(Kind::File);
}
