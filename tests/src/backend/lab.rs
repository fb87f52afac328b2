//! The stack around L0: what the lab can do to it, and what it tells of it.

use lowerdeck_framework::power::PowerState;
use lowerdeck_framework::status::HResult;

/// What the lab can do to a whole stack besides the orderly removal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transition {
    /// All devices go to this power state (PNP-4).
    Power(PowerState),
    /// Resources are redistributed (PNP-4).
    Rebalance,
    /// The device is gone (PNP-7).
    SurpriseRemoval,
}

/// A driver stop as it is published (STOP-6).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StopRecord {
    /// Rule that was broken.
    pub rule: String,
    /// Layer at fault, as `L1`.
    pub layer: String,
    /// Event class.
    pub event_class: String,
    /// Problem.
    pub problem: String,
    /// Operation.
    pub operation: String,
}

/// An entry of the trace as the back end has it: labels not yet translated to the script's names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawMoment {
    /// 0 is the upper driver.
    pub layer: u32,
    /// Name in the scenarios' vocabulary.
    pub name: String,
    /// `file#1`, or empty.
    pub file: String,
    /// `L0:7`, or empty.
    pub request: String,
    /// For `Io`: the kind.
    pub kind: String,
    /// Where one was given.
    pub status: Option<HResult>,
    /// For completions.
    pub information: Option<u64>,
    /// Rule of a finding or driver stop.
    pub rule: String,
}

/// A line of the outstanding-file report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outstanding {
    /// The file's label, or its name when it has one.
    pub file: String,
    /// Creator layer of the file.
    pub creator: String,
    /// Requests that keep it.
    pub requests: Vec<OutstandingRequest>,
}

/// A request in the report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutstandingRequest {
    /// `L0:7`.
    pub label: String,
    /// Its packet has completed: it is undeleted.
    pub completed: bool,
    /// A cancel was asked.
    pub cancel_requested: bool,
    /// The layers that have it, top first, as `L1`.
    pub layers: Vec<String>,
    /// `read`, `write`, `ioctl`, `create`.
    pub kind: String,
}

/// What happens to the stack around L0: its drivers, its clock, its power, its end, and what is told of it.
pub trait Lab {
    /// Gives a command to the driver of a hosted layer.
    fn control(&mut self, layer: u8, command: &str) -> Result<String, String>;
    /// The whole trace.
    fn trace(&mut self) -> Vec<RawMoment>;
    /// The outstanding-file report.
    fn outstanding(&mut self) -> Vec<Outstanding>;
    /// Lets the stack's clock advance, in ticks of 100 ns.
    fn advance(&mut self, ticks: u64);
    /// Somebody sets the wall clock forward, in ticks; the monotonic one knows nothing of it. Gives what it shows then.
    fn shift_wall_clock(&mut self, ticks: i64) -> i64;
    /// Begins orderly removal of the stack.
    fn unplug(&mut self);
    /// Begins another transition of the stack.
    fn begin_transition(&mut self, transition: Transition);
    /// The driver stop, if there was one.
    fn driver_stop(&mut self) -> Option<StopRecord>;
    /// The stack was stopped: opens what has taken its place. False when nothing has, or nothing may (STOP-7, PNP-12).
    fn next_life(&mut self) -> bool;
    /// The client dies with all it has.
    fn lose_client(&mut self);
}
