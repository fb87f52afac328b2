//! What people and programs are told.

use lowerdeck_client::HResult;
use lowerdeck_client::load::{Load, LoadOutcome, NamedLoad};

use super::*;

fn measured() -> (Plan, FleetOutcome) {
    let load = Load { duration: Duration::from_secs(2), ..NamedLoad::ALL[4].load };
    let mut latency = Histogram::default();
    latency.record_many(Duration::from_micros(100), 99);
    latency.record(Duration::from_millis(20));
    let total = LoadOutcome {
        completed: 100,
        failed: 3,
        first_failure: Some(HResult(0x8007_03E3)),
        bytes: 400_000,
        elapsed: Duration::from_secs(2),
        latency,
    };
    (Plan { stack: "disk".to_owned(), load, sessions: 2 }, FleetOutcome { total, rates: vec![30.0, 20.0] })
}

#[test]
fn people_read_rate_range_and_latency() {
    let (plan, outcome) = measured();
    let text = people(&plan, &outcome);
    for part in [
        "random reads of 4096 bytes below 67108864, queue pair in batches of 8, depth 32, 2 sessions on disk",
        "100 in 2.00 s, 3 failed",
        "rate       50 /s",
        "0.2 MB/s",
        "20 /s to 30 /s each",
        "p90 10",
        "p99.9 20",
    ] {
        assert!(text.contains(part), "{part} in\n{text}");
    }
}

#[test]
fn programs_read_the_load_and_what_it_came_to() {
    let (plan, outcome) = measured();
    let document = document(&plan, &outcome);
    assert_eq!(document["load"]["batch"], 8);
    assert_eq!(document["completed_per_second"], 50.0);
    assert_eq!(document["bytes_per_second"], 200_000.0);
    assert_eq!(document["session_completed_per_second"], json!([30.0, 20.0]));
    assert!(document["first_failure"].as_str().is_some_and(|text| !text.is_empty()));
    let p50 = document["latency_us"]["p50"].as_f64().expect("a number");
    assert!((95.0..105.0).contains(&p50), "{p50}");
}
