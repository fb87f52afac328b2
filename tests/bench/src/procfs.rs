//! What Linux tells of a process: CPU time and memory.

use std::fs;
use std::time::Duration;

use anyhow::{Context, bail};

/// `USER_HZ`: how `/proc` counts CPU time on every Linux there is.
const TICKS_PER_SECOND: u64 = 100;
/// Fields of `/proc/PID/stat` before the two that count CPU time, from the state on.
const FIELDS_BEFORE_CPU: usize = 11;

/// CPU time of a process, user and system.
pub fn cpu(pid: u32) -> anyhow::Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).context("reading /proc")?;
    // The name of the program may contain anything but ends with the last parenthesis.
    let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields).split_whitespace();
    let ticks: u64 = fields.skip(FIELDS_BEFORE_CPU).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    Ok(Duration::from_millis(ticks * 1000 / TICKS_PER_SECOND))
}

/// CPU time that all processes of the machine have used together, interrupts included.
pub fn machine() -> anyhow::Result<Duration> {
    let stat = fs::read_to_string("/proc/stat").context("reading /proc")?;
    let line = stat.lines().next().context("/proc/stat is empty")?;
    let ticks: Vec<u64> = line.split_whitespace().skip(1).filter_map(|field| field.parse().ok()).collect();
    // user, nice, system, idle, iowait, irq, softirq, steal; guests are in user already.
    let [user, nice, system, _, _, irq, softirq, ..] = ticks[..] else { bail!("/proc/stat has too few fields") };
    Ok(Duration::from_millis((user + nice + system + irq + softirq) * 1000 / TICKS_PER_SECOND))
}

/// Bytes of memory that a process holds now.
pub fn resident(pid: u32) -> anyhow::Result<u64> {
    memory(pid, "VmRSS:")
}

/// The most bytes of memory that a process has held.
pub fn peak_resident(pid: u32) -> anyhow::Result<u64> {
    memory(pid, "VmHWM:")
}

fn memory(pid: u32, field: &'static str) -> anyhow::Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).context("reading /proc")?;
    let line = status.lines().find_map(|line| line.strip_prefix(field)).context(field)?;
    let kib: u64 = line.trim().trim_end_matches("kB").trim().parse().context(field)?;
    Ok(kib * 1024)
}
