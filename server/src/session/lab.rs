//! The lab: what whoever looks after stacks asks, without a session. The catalog's own words, one level up.

pub use lowerdeck_framework::power::PowerState;

pub use crate::host::catalog::{Catalog as Laboratory, Plugged};
pub use crate::host::clock::ClockKind;
pub use crate::host::declaration::{Declaration, Sharing};
pub use crate::host::inspect::RemovalOutcome;
pub use crate::host::instance::StackInstance;
pub use crate::host::record::{
    DriverStopRecord, LayerRecord, OutstandingRecord, StackDescription, StackSummary, TracePiece, Verdicts,
};
