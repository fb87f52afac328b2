//! Every bound of the client, with its unit and its reason. What a session may use at the server is told by the
//! server (`SessionLimits`) and not repeated here.

use std::time::Duration;

/// Requests of one session that are sent and not completed, by default. Sending one more waits. Enough to keep
/// any hosted driver busy, and far below what a server retains for acknowledgement.
pub const IN_FLIGHT_WINDOW: usize = 256;

/// Submissions of one session that the server has not taken; one more waits. Keeps a connection busy over any latency
/// of a lab, and bounds what is written again after a break.
pub const SUBMISSIONS_UNTAKEN: usize = 1024;

/// Bytes of submissions gathered into one message, unless the first alone has more: amortises a message long before,
/// and lets the server begin while the rest is written.
pub const BATCH_BYTES: usize = 256 * 1024;

/// Bytes that a submission has around its payload, at most: two names, and numbers.
pub const SUBMISSION_BYTES: usize = 256;

/// How long an acknowledgement waits for a submission that takes it along, before it goes out alone. Short beside every
/// lease, long beside the pause between two requests of a loop.
pub const ACKNOWLEDGE_AFTER: Duration = Duration::from_millis(5);

/// Session events that a subscriber may be behind before the oldest are dropped for it (and it is told so).
/// Completions are not affected: they travel to their own future.
pub const SUBSCRIBER_EVENTS: usize = 4096;

/// Callbacks of L0 that run at the same time: one of each kind is all a stack ever calls.
pub const CALLBACKS_AT_ONCE: usize = 13;

/// How long a new connection may take.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Interval of HTTP/2 pings on a connection; servers of other makes refuse more than one in ten seconds.
pub const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(10);

/// How long a ping may stay unanswered before the connection counts as lost.
pub const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(10);

/// How long an event stream may be silent before it is opened anew: three heartbeats of the server's default 10 s,
/// and some slack. Pings do not notice a proxy that lost its other half.
pub const EVENT_SILENCE: Duration = Duration::from_secs(35);

/// How long a lost connection is sought again, by default: the server's default lease. After that the session is
/// lost there too.
pub const RECONNECT_WINDOW: Duration = Duration::from_secs(30);

/// First pause between two attempts to reach the server; it doubles.
pub const BACKOFF_FIRST: Duration = Duration::from_millis(20);

/// Longest pause between two attempts, so that a server which is back is found within a second.
pub const BACKOFF_LONGEST: Duration = Duration::from_secs(1);

/// How long `Session::close` waits for the server's balance, by default. A request that a driver holds and that
/// nobody can cancel delays the end of a session without limit (CLS-7).
pub const CLOSE_TIMEOUT: Duration = Duration::from_secs(60);

/// How long the event stream may take to end after the server has drawn the balance.
pub const STREAM_END_TIMEOUT: Duration = Duration::from_secs(10);

/// How often a send that was refused with `RETENTION_FULL` is repeated after acknowledging what was processed.
pub const RETENTION_RETRIES: u32 = 3;

/// Bytes in one message from the server. An event batch carries the output of many requests; the server bounds it.
pub const MESSAGE_BYTES: usize = 64 * 1024 * 1024;

/// Bytes of one HTTP/2 frame that the client takes: a large read comes in pieces of this size, and each is one system
/// call and one wake-up at both ends. The protocol's default is 16 KiB.
pub const FRAME_BYTES: u32 = 256 * 1024;

/// Bytes of one stream, and of one connection, that may be on their way to the client: several of the largest messages,
/// so that the server never waits for the client's permission while the client works on one.
pub const WINDOW_BYTES: u32 = 16 * 1024 * 1024;

/// Entries or items asked for in one page of a listing; the server caps it at its own limit.
pub const PAGE_SIZE: u32 = 1000;
