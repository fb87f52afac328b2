//! The host's side of an upper driver: what it is told, and by which names it is known.

use std::sync::Arc;

use lowerdeck_framework::effect::Effect;
use lowerdeck_framework::verifier::Finding;

use super::record::DriverStopRecord;

/// What happens to an upper driver, in the stack's total order.
#[derive(Debug, Clone, PartialEq)]
pub enum UpperEvent {
    /// An effect that names this upper driver.
    Own(Effect),
    /// A finding about its own side or the drivers below; the driver's name is that of the upper driver at level 0.
    Finding(Finding),
    /// The stack ended by a driver stop. Nothing else follows.
    DriverStopped(Arc<DriverStopRecord>),
    /// The stack was removed. Nothing else follows.
    StackRemoved,
}

/// Receives what happens to one upper driver.
pub trait UpperDriver: Send + Sync {
    /// Takes all `events`, which happened at `ticks` of the stack's clock.
    ///
    /// Called under the stack's lock: it must not call the host, and takes no lock under which the host is called.
    fn take(&self, events: &mut dyn Iterator<Item = UpperEvent>, ticks: u64);
}

/// Who an upper driver is.
#[derive(Clone)]
pub struct UpperIdentity {
    /// The host-wide number, unique in the process; the framework's tag.
    pub tag: u64,
    /// The name in findings and reports.
    pub name: Arc<str>,
    /// How people recognise the session: the first 8 digits of its UUID.
    pub prefix: Arc<str>,
}

/// An upper driver on an instance.
pub(super) struct Upper {
    pub(super) identity: UpperIdentity,
    pub(super) driver: Arc<dyn UpperDriver>,
}
