//! What a load came to: lines for people, a document for programs.

use std::time::Duration;

use lowerdeck_client::load::{FleetOutcome, Histogram, LoadIo, LoadPath};
use serde_json::{Value, json};

use super::arguments::Plan;
use crate::output::{self, Output};

/// The quantiles that are shown, with their names.
const QUANTILES: [(&str, f64); 4] = [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999)];

pub(super) fn print(plan: &Plan, outcome: &FleetOutcome, output: Output) -> anyhow::Result<()> {
    if output.is_json() {
        return output::print_line(format_args!("{:#}", document(plan, outcome)));
    }
    output::print_line(people(plan, outcome))
}

fn document(plan: &Plan, outcome: &FleetOutcome) -> Value {
    let (io, length, span) = match plan.load.io {
        LoadIo::DeviceControl { input } => ("ioctl", input as u64, None),
        LoadIo::RandomRead { length, span } => ("random-read", length, Some(span)),
        LoadIo::SequentialRead { length, span } => ("sequential-read", length, Some(span)),
    };
    let (path, batch) = match plan.load.path {
        LoadPath::QueuePair { batch } => ("queue-pair", Some(batch)),
        LoadPath::Unary => ("unary", None),
    };
    let total = &outcome.total;
    let micros =
        |(name, share): (&str, f64)| (name.to_owned(), json!(total.latency.quantile(share).as_secs_f64() * 1e6));
    let latency: serde_json::Map<String, Value> = QUANTILES.into_iter().map(micros).collect();
    json!({
        "stack": plan.stack,
        "sessions": plan.sessions,
        "load": { "io": io, "path": path, "depth": plan.load.depth, "batch": batch, "length": length, "span": span },
        "seconds": total.elapsed.as_secs_f64(),
        "completed": total.completed,
        "failed": total.failed,
        "first_failure": total.first_failure.map(|hresult| hresult.to_string()),
        "bytes": total.bytes,
        "completed_per_second": total.rate(),
        "bytes_per_second": total.throughput(),
        "session_completed_per_second": outcome.rates,
        "latency_us": latency,
    })
}

fn people(plan: &Plan, outcome: &FleetOutcome) -> String {
    let total = &outcome.total;
    let mut lines = vec![
        format!("load       {} on {}", words(plan), plan.stack),
        format!("completed  {} in {:.2} s, {} failed", total.completed, total.elapsed.as_secs_f64(), total.failed),
        format!("rate       {}", per_second(total.rate())),
    ];
    if total.bytes > 0 {
        lines.push(format!("data       {:.1} MB/s", total.throughput() / 1e6));
    }
    if let Some((slowest, fastest)) = extremes(&outcome.rates).filter(|_| outcome.rates.len() > 1) {
        lines.push(format!("sessions   {} to {} each", per_second(slowest), per_second(fastest)));
    }
    lines.push(format!("latency    {}", quantiles(&total.latency)));
    lines.join("\n")
}

fn words(plan: &Plan) -> String {
    let io = match plan.load.io {
        LoadIo::DeviceControl { input } => format!("ioctl of {input} bytes"),
        LoadIo::RandomRead { length, span } => format!("random reads of {length} bytes below {span}"),
        LoadIo::SequentialRead { length, span } => format!("sequential reads of {length} bytes below {span}"),
    };
    let path = match plan.load.path {
        LoadPath::QueuePair { batch } => format!("queue pair in batches of {batch}"),
        LoadPath::Unary => "synchronous unary calls".to_owned(),
    };
    let sessions = if plan.sessions == 1 { "1 session".to_owned() } else { format!("{} sessions", plan.sessions) };
    format!("{io}, {path}, depth {}, {sessions}", plan.load.depth)
}

fn quantiles(latency: &Histogram) -> String {
    QUANTILES.map(|(name, share)| format!("{name} {}", duration(latency.quantile(share)))).join(", ")
}

fn duration(duration: Duration) -> String {
    match duration.as_secs_f64() {
        seconds if seconds < 1e-3 => format!("{:.0} µs", seconds * 1e6),
        seconds if seconds < 1.0 => format!("{:.1} ms", seconds * 1e3),
        seconds => format!("{seconds:.2} s"),
    }
}

/// Completions per second, with its magnitude.
pub(super) fn per_second(rate: f64) -> String {
    match rate {
        rate if rate >= 1e6 => format!("{:.2} M/s", rate / 1e6),
        rate if rate >= 1e4 => format!("{:.1} k/s", rate / 1e3),
        rate => format!("{rate:.0} /s"),
    }
}

fn extremes(rates: &[f64]) -> Option<(f64, f64)> {
    let slowest = rates.iter().copied().min_by(f64::total_cmp)?;
    Some((slowest, rates.iter().copied().max_by(f64::total_cmp)?))
}

#[cfg(test)]
mod tests;
