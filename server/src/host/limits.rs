//! Every capacity of the server: name, unit, default and reason, in one table.
//!
//! Laws: nothing in the server grows without one of these; a refusal names the limit by its name here, which is also
//! its key in the configuration (`[limits]`) and, where the contract has it, its field in `SessionLimits`.
//! The last word of a name is its bound, the word before it the unit.

/// One row of the table, for people and for the configuration.
#[derive(Debug, Clone, Copy)]
pub struct LimitDescription {
    /// The name in configuration and refusals.
    pub name: &'static str,
    /// The default value.
    pub default: u64,
    /// What it counts.
    pub unit: &'static str,
    /// Why the default is what it is.
    pub reason: &'static str,
}

macro_rules! limits {
    ($($name:ident = $default:expr, $unit:literal, $reason:literal;)*) => {
        /// The values in force.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct Limits { $(#[doc = $reason] pub $name: u64,)* }

        impl Default for Limits {
            fn default() -> Limits {
                Limits { $($name: $default,)* }
            }
        }

        impl Limits {
            /// The whole table, in its order.
            pub const TABLE: &[LimitDescription] = &[$(
                LimitDescription { name: stringify!($name), default: $default, unit: $unit, reason: $reason },
            )*];

            /// The value of the limit called `name`.
            pub fn get(&self, name: &str) -> Option<u64> {
                match name {
                    $(stringify!($name) => Some(self.$name),)*
                    _ => None,
                }
            }

            /// Sets the limit called `name`; false if there is none.
            pub fn set(&mut self, name: &str, value: u64) -> bool {
                match name {
                    $(stringify!($name) => self.$name = value,)*
                    _ => return false,
                }
                true
            }
        }
    };
}

const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;

limits! {
    sessions_max = 1024, "sessions", "a lab's parallel test jobs, with room; an idle session costs a few KiB";
    ended_sessions_max = 4096, "sessions", "ended sessions remembered, so that a late call hears that its session ended and why";
    templates_max = 256, "stacks", "declared by people, one line each";
    instances_max = 2048, "stacks", "a private instance for each session and as many shared stacks";
    retired_stacks_max = 64, "stacks", "ended stacks whose trace is kept: enough to look at the last failed tests of a run";
    trace_entries_max = 16384, "entries per stack", "48 bytes each, 768 KiB in all; a scenario makes a few hundred entries";
    findings_max = 1024, "findings per stack", "more findings than a person reads";
    files_max = 4096, "files per session", "the open files of one driver, with room";
    gone_files_max = 65536, "files per session", "gone files remembered, so that a stale id is told from a foreign one; 16 bytes each";
    handles_max = 1000, "handles per session", "about what a process may have open by default";
    host_handles_max = 16_384, "handles", "all sessions together; each takes a descriptor or two of the process";
    gone_handles_max = 4096, "ids per session", "closed handles and deleted targets remembered, so that a stale id is told from a foreign one";
    failed_creates_max = 1024, "creates per session", "failed creates still recognised when they are sent again";
    requests_max = 65536, "requests per session", "deep queues of a load test; about 1 KiB each";
    used_request_id_ranges_max = 4096, "ranges per session", "used request ids are remembered as ranges; clients that count up need one";
    retained_events_max = 131_072, "events per session", "two completions for each request that may exist";
    retained_bytes_max = 256 * MIB, "bytes per session", "read data waiting for acknowledgement";
    bytes_in_flight_max = 256 * MIB, "bytes per session", "memories of requests that are not deleted: 64 of the largest";
    payload_bytes_max = 4 * MIB - 64 * KIB, "bytes per memory", "the largest message less everything around its payload";
    message_bytes_max = 4 * MIB, "bytes per message", "the largest that a gRPC client with default settings receives";
    header_bytes_max = 16 * KIB, "bytes per header block", "HTTP/2's usual bound; our metadata needs under 1 KiB";
    blocking_calls_max = 1024, "calls per session", "calls that wait inside the server; each keeps one HTTP/2 stream";
    concurrent_streams_max = 2048, "streams per connection", "twice the blocking calls of a session, so that cancel and close always find a stream";
    connections_max = 4096, "connections", "file descriptors of a default shell, with room for the rest";
    serving_threads_max = 64, "threads", "one for each processor, and no more of them than this";
    trace_streams_max = 64, "streams", "people and tools that follow traces";
    health_streams_max = 256, "streams", "probes that watch";
    file_name_chars_max = 255, "UTF-16 code units", "the longest component of a Windows path";
    balance_files_max = 256, "files per balance", "keeps a balance far below one message";
    batch_submissions_max = 4096, "submissions per message", "amortises a message; one step on the stack stays far below a millisecond or two";
    event_batch_events_max = 512, "events per message", "amortises a message without delaying its first event";
    event_batch_bytes_max = MIB, "bytes per message", "far below a client's default message limit of 4 MiB";
    trace_page_entries_max = 8192, "entries per message", "about 1 MiB, below a client's default message limit";
    page_entries_max = 1000, "entries per page", "one page stays below a client's default message limit";
    lease_ms_default = 30_000, "ms", "outlives a garbage collection or a reconnect, not a coffee break";
    lease_ms_min = 100, "ms", "shorter than any round trip would end sessions at random";
    lease_ms_max = 86_400_000, "ms", "one day: a debugging session";
    heartbeat_ms_max = 10_000, "ms", "proxies cut silent streams after 30 s and more";
    drain_ms_max = 20_000, "ms", "below the 30 s that container engines wait between TERM and KILL";
    audit_entries_max = 1024, "entries", "recent refusals kept in memory for the operator";
    critical_operation_ms_max = 60_000, "ms without progress", "the 60 s that Windows gives a power transition, a cancel, a cleanup or a close (STOP-8); 0 is for ever";
    restarts_max = 5, "restarts in a row", "what Windows tries before a device stays down (STOP-7); 0 never restarts a shared stack";
    clock_steps_max = 1_000_000, "timer steps per AdvanceClock", "a driver that re-arms without end must not hold its stack for ever";
}

/// Limits that contradict themselves or each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LimitsError {
    /// A limit that nothing works with at zero.
    #[error("limit {0} must not be zero")]
    Zero(&'static str),
    /// One limit must not be above another.
    #[error("limit {0} must not be above {1}")]
    Above(&'static str, &'static str),
}

impl Limits {
    /// Whether the server can work with these values.
    ///
    /// # Errors
    /// [`LimitsError`] with the first contradiction.
    pub fn check(&self) -> Result<(), LimitsError> {
        const NOT_ZERO: [&str; 12] = [
            "sessions_max",
            "connections_max",
            "serving_threads_max",
            "concurrent_streams_max",
            "message_bytes_max",
            "header_bytes_max",
            "batch_submissions_max",
            "event_batch_events_max",
            "trace_page_entries_max",
            "page_entries_max",
            "lease_ms_min",
            "heartbeat_ms_max",
        ];
        const NOT_ABOVE: [(&str, &str); 3] = [
            ("lease_ms_min", "lease_ms_default"),
            ("lease_ms_default", "lease_ms_max"),
            ("blocking_calls_max", "concurrent_streams_max"),
        ];
        if let Some(name) = NOT_ZERO.into_iter().find(|name| self.get(name) == Some(0)) {
            return Err(LimitsError::Zero(name));
        }
        match NOT_ABOVE.into_iter().find(|(low, high)| self.get(low) > self.get(high)) {
            Some((low, high)) => Err(LimitsError::Above(low, high)),
            None => Ok(()),
        }
    }
}

/// Characters of a stack's name (contract: PlugStackRequest.name).
pub const STACK_NAME_CHARS_MAX: usize = 64;
/// Characters of a stack expression (contract: PlugStackRequest.expression).
pub const STACK_EXPRESSION_CHARS_MAX: usize = 4096;
/// Characters of a control command (contract: ControlDriverRequest.command).
pub const CONTROL_COMMAND_CHARS_MAX: usize = 4096;
/// Characters of a client's name (contract: OpenSessionRequest.client_name).
pub const CLIENT_NAME_CHARS_MAX: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_do_not_contradict_themselves() {
        assert_eq!(Limits::default().check(), Ok(()));
    }

    #[test]
    fn contradictions_are_named() {
        let zero = Limits { heartbeat_ms_max: 0, ..Limits::default() };
        assert_eq!(zero.check(), Err(LimitsError::Zero("heartbeat_ms_max")));
        let short = Limits { lease_ms_max: 200, ..Limits::default() };
        assert_eq!(short.check(), Err(LimitsError::Above("lease_ms_default", "lease_ms_max")));
    }

    #[test]
    fn every_limit_can_be_set_by_its_name() {
        let mut limits = Limits::default();
        for limit in Limits::TABLE {
            assert!(limits.set(limit.name, 7) && limits.get(limit.name) == Some(7), "{}", limit.name);
        }
        assert!(!limits.set("files", 7) && limits.get("files").is_none());
    }
}
