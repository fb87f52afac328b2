//! The metadata keys of `google.rpc.ErrorInfo`: what an error names besides its reason.
//!
//! Law: a key has one meaning everywhere. Values are text; numbers are decimal.

/// The limit that was reached, by its field name in `SessionLimits` or its name in the server's configuration.
pub const LIMIT: &str = "limit";

/// The value of that limit, in the unit that its name gives.
pub const VALUE: &str = "value";

/// The field of the request message that is at fault, as a path such as `format.read.output_memory`.
pub const FIELD: &str = "field";

/// The rule that explains the refusal, for example `FILE-10`.
pub const RULE: &str = "rule";

/// The stack concerned, by name.
pub const STACK: &str = "stack";

/// The layer concerned, by number; 1 is the driver next below the sessions.
pub const LAYER: &str = "layer";

/// The id that was used, as the client gave it.
pub const ID: &str = "id";

/// The raw HRESULT with which a stack failed to start, as `0x` and eight hexadecimal digits.
pub const HRESULT: &str = "hresult";

/// Why a session ended, as the name of a `SessionEndReason`.
pub const END_REASON: &str = "end_reason";

/// The event number up to which the session has acknowledged.
pub const ACKNOWLEDGED_SEQUENCE: &str = "acknowledged_sequence";

/// The key of the configuration that would make the call possible, for example `pipe_directory`.
pub const SETTING: &str = "setting";
