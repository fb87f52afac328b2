//! What can be said about a stack: live, or of one that has ended.
//!
//! Law: everything here is a copy; nothing keeps a stack or a driver alive.

use std::sync::Arc;

use lowerdeck_framework::driver::DeviceConfig;
use lowerdeck_framework::handle::Dispatcher;
use lowerdeck_framework::ioctl::MethodNeitherAction;
use lowerdeck_framework::report::OutstandingReport;
use lowerdeck_framework::stack::StackState;
use lowerdeck_framework::trace::TraceEntry;
use lowerdeck_framework::verifier::{DriverStop, Finding, VerifierMode};

use super::clock::ClockKind;
use super::declaration::Sharing;

/// One line of the list of stacks.
#[derive(Debug, Clone, PartialEq)]
pub struct StackSummary {
    /// Template, shared stack or instance.
    pub name: String,
    /// The template of a private instance.
    pub template: Option<String>,
    /// Whether sessions meet on it.
    pub sharing: Sharing,
    /// None for a template.
    pub state: Option<StackState>,
    /// The expression, terminator included.
    pub expression: String,
    /// The sessions on it, by their prefixes.
    pub sessions: Vec<Arc<str>>,
}

/// One layer with what its driver declared.
#[derive(Debug, Clone)]
pub struct LayerRecord {
    /// The driver's name.
    pub driver: String,
    /// What it declared.
    pub config: DeviceConfig,
    /// Every option in the driver's order, with the value in force.
    pub options: Vec<(String, String)>,
    /// Whether it takes control commands.
    pub controllable: bool,
}

/// All about one stack that does not change with its traffic.
#[derive(Debug, Clone)]
pub struct StackDescription {
    /// What the list shows.
    pub summary: StackSummary,
    /// What broken rules lead to.
    pub verifier: VerifierMode,
    /// What moves its clock.
    pub clock: ClockKind,
    /// What becomes of METHOD_NEITHER control codes from its sessions.
    pub method_neither: MethodNeitherAction,
    /// Where I/O that leaves its drivers goes.
    pub dispatcher: Dispatcher,
    /// Top first; the last is the terminator.
    pub layers: Arc<[LayerRecord]>,
    /// The instance's time; 0 for a template.
    pub ticks: u64,
}

/// The outstanding report of one instance with the creators' names beside each file.
#[derive(Debug, Clone, PartialEq)]
pub struct OutstandingRecord {
    /// The instance.
    pub stack: String,
    /// When it was taken.
    pub ticks: u64,
    /// The framework's report.
    pub report: OutstandingReport,
    /// The creator of `report.files[i]`: the client's name at level 0, the driver's below.
    pub creators: Vec<String>,
    /// The number of the lowest layer, which is the terminator.
    pub lowest: u8,
}

/// A driver stop with names instead of tags.
#[derive(Debug, Clone, PartialEq)]
pub struct DriverStopRecord {
    /// The verdict.
    pub stop: DriverStop,
    /// What was outstanding at that moment.
    pub outstanding: OutstandingRecord,
}

/// A piece of a trace.
#[derive(Debug, Clone, PartialEq)]
pub struct TracePiece {
    /// Entries in order.
    pub entries: Vec<TraceEntry>,
    /// What to ask after next time.
    pub next_after: u64,
    /// Entries between the place asked for and the first one here that are no longer kept.
    pub dropped: u64,
    /// The number of the lowest layer, which is the terminator.
    pub lowest: u8,
    /// Whether the stack has ended and nothing follows.
    pub ended: bool,
}

/// What the verifier has to say about a stack.
#[derive(Debug, Clone)]
pub struct Verdicts {
    /// Findings in order of their numbers.
    pub findings: Vec<Finding>,
    /// Whether more follow.
    pub more: bool,
    /// The driver stop that ended the stack.
    pub stop: Option<Arc<DriverStopRecord>>,
    /// The number of the lowest layer, which is the terminator.
    pub lowest: u8,
}

/// What is left of a stack that was removed or stopped and has let its drivers go.
#[derive(Debug)]
pub struct Epitaph {
    /// Removed or Stopped.
    pub state: StackState,
    /// Its trace as far as it was kept.
    pub trace: Vec<TraceEntry>,
    /// Its findings as far as they were kept.
    pub findings: Vec<Finding>,
    /// What was outstanding at the end.
    pub outstanding: OutstandingRecord,
    /// When it ended.
    pub ticks: u64,
}
