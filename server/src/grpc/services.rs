//! The names of our services, as health checks and reflection know them.

/// Services that need readiness: they say NOT_SERVING first thing in a drain.
pub const NAMES: [&str; 3] = ["lowerdeck.v1.DeviceService", "lowerdeck.v1.LabService", "lowerdeck.v1.SessionService"];
