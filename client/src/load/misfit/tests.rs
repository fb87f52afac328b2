//! Which loads make no sense, and what is said about them.

use super::*;
use crate::load::NamedLoad;

fn limits() -> v1::SessionLimits {
    v1::SessionLimits { requests_max: 512, batch_submissions_max: 64, payload_bytes_max: 1 << 20, ..Default::default() }
}

#[test]
fn every_named_load_fits_its_own_measures() {
    for named in NamedLoad::ALL {
        assert_eq!(named.load.check(&limits()), Ok(()), "{}", named.name);
    }
}

#[test]
fn what_a_session_may_not_have_is_named() {
    let load = NamedLoad::ALL[0].load;
    let misfit = |load: Load| load.check(&limits()).expect_err("too much").to_string();
    assert!(misfit(Load { depth: 513, ..load }).contains("requests_max (512)"));
    assert!(misfit(Load { path: LoadPath::QueuePair { batch: 65 }, ..load }).contains("batch_submissions_max (64)"));
    let long = LoadIo::RandomRead { length: (1 << 20) + 1, span: 1 << 30 };
    assert!(misfit(Load { io: long, ..load }).contains("payload_bytes_max (1048576)"));
}

#[test]
fn a_batch_that_would_never_be_full_is_no_batch() {
    let load = Load { depth: 8, path: LoadPath::QueuePair { batch: 9 }, ..NamedLoad::ALL[0].load };
    assert_eq!(load.check(&limits()), Err(Misfit::Batch { batch: 9, depth: 8 }));
}

#[test]
fn a_limit_that_was_not_told_bounds_nothing() {
    let load = Load { depth: 1 << 20, ..NamedLoad::ALL[0].load };
    assert_eq!(load.check(&v1::SessionLimits::default()), Ok(()));
}

#[test]
fn a_load_of_nothing_is_no_load() {
    let load = NamedLoad::ALL[0].load;
    let check = |load: Load| load.check(&limits());
    assert_eq!(check(Load { depth: 0, ..load }), Err(Misfit::Nothing("depth")));
    assert_eq!(check(Load { path: LoadPath::QueuePair { batch: 0 }, ..load }), Err(Misfit::Nothing("batch")));
    let empty = LoadIo::SequentialRead { length: 0, span: 1 };
    assert_eq!(check(Load { io: empty, ..load }), Err(Misfit::Nothing("length")));
}
