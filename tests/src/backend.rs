//! What a script needs of whatever executes it.
//!
//! Everything is synchronous: when a method returns, the stack has run until nothing was ready, so that what has not
//! happened will not happen by waiting. Objects are named by the script's numbers.

use bytes::Bytes;
use lowerdeck_framework::status::HResult;

use crate::handles::Handles;

pub use lowerdeck_framework::ioctl::MethodNeitherAction;
pub use lowerdeck_framework::power::PowerState;
pub use lowerdeck_framework::stack::CancelAnswer;
pub use lowerdeck_framework::target::SentIoAction;

/// Which stack to play on.
#[derive(Debug, Clone)]
pub struct Setting {
    /// The stack expression, top first.
    pub stack: String,
    /// Findings instead of driver stops.
    pub lenient: bool,
    /// L0's own PnP callbacks that the script answers itself, by their UMDF names.
    pub callbacks: Vec<&'static str>,
    /// The script is no upper driver but an application that opens the stack; L0, whose callbacks it answers, is on the
    /// stack besides. On the framework only.
    pub application: bool,
    /// `UmdfMethodNeitherAction` (IOC-8).
    pub method_neither: MethodNeitherAction,
    /// `UmdfDispatcher=FileHandle`. On the framework only.
    pub file_handles: bool,
    /// The stack is one for all sessions: another upper driver can open it beside L0, and its host starts it again when a
    /// driver stop has ended it (STOP-7).
    pub shared: bool,
}

/// A window of a memory: offset and length in bytes (TGT-9).
pub type Window = (u64, u64);

/// The kind-specific part of a Format call.
#[derive(Debug, Clone)]
pub enum Io {
    /// `FormatRequestForRead`.
    Read {
        /// Size of the memory in bytes; None is a NULL memory.
        size: Option<u64>,
        /// Which part of it.
        window: Option<Window>,
        /// `DeviceOffset` in bytes.
        offset: Option<i64>,
    },
    /// `FormatRequestForWrite`.
    Write {
        /// The memory; None is a NULL memory.
        data: Option<Bytes>,
        /// Which part of it.
        window: Option<Window>,
        /// `DeviceOffset` in bytes.
        offset: Option<i64>,
    },
    /// `FormatRequestForIoctl`.
    DeviceControl {
        /// The full 32-bit code.
        code: u32,
        /// The input memory.
        input: Option<Bytes>,
        /// Size of the output memory in bytes.
        output: Option<u64>,
    },
    /// `FormatRequestForIoctl` with something in the output memory, for `METHOD_IN_DIRECT` (IOC-7).
    InDirect {
        /// The full 32-bit code.
        code: u32,
        /// The input memory.
        input: Option<Bytes>,
        /// What fills the output memory.
        contents: Bytes,
    },
    /// An internal device control, for which there is no Format call (IOC-14).
    InternalDeviceControl {
        /// The full 32-bit code.
        code: u32,
    },
    /// `FormatRequestForFlush`.
    FlushBuffers,
    /// `FormatRequestForQueryInformation`.
    QueryInformation {
        /// The information class.
        class: u32,
        /// Size of the memory in bytes; None is a NULL memory.
        size: Option<u64>,
    },
    /// `FormatRequestForSetInformation`.
    SetInformation {
        /// The information class.
        class: u32,
        /// The memory; None is a NULL memory.
        data: Option<Bytes>,
    },
}

/// How a blocking call returned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It gave this status.
    Status(HResult),
    /// It is void.
    Void,
}

/// A blocking call that was begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Call(pub u64);

/// One `OnCompletion` that reached L0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completion {
    /// Which request.
    pub request: u64,
    /// How it ended.
    pub status: HResult,
    /// Normally bytes transferred.
    pub information: u64,
    /// Output data.
    pub data: Bytes,
    /// What was asked for.
    pub echo: Echo,
}

/// What completion parameters repeat of the Format call (REQ-36). What was not given is 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Echo {
    /// `GetCompletedRequestType`, as `read`, `write`, `ioctl`, `flush` and so on.
    pub kind: String,
    /// The control code.
    pub code: u32,
    /// `DeviceOffset` in bytes.
    pub device_offset: i64,
    /// Where in its memory the input began.
    pub input_start: u64,
    /// Where in its memory the output goes.
    pub output_start: u64,
}

/// What `GetRequest` shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// `Unformatted`, `Formatted`, `Pended`, `InFlight`, `Completed`.
    pub state: String,
    /// `GetStatus`.
    pub status: HResult,
    /// `GetType` as `read`, `write`, `ioctl`; empty when unformatted.
    pub kind: String,
    /// What the request's output memory has received.
    pub data: Bytes,
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

/// Things two threads of L0 can do at once.
#[derive(Debug, Clone)]
pub enum Act {
    /// `Close` of the file with this number.
    Close(u64),
    /// `Send` of a formatted request.
    Send(u64),
    /// `CancelSentRequest`.
    Cancel(u64),
    /// A command to the driver of a layer.
    Control(u8, String),
    /// `Start` of the default target.
    Start,
    /// `Stop` of the default target, leaving sent I/O pending.
    Stop,
    /// `Remove` of the default target.
    Remove,
    /// The clock advances by so many ticks.
    Advance(u64),
    /// The other end of a pipe writes a message. Only where there are handles.
    PeerWrites(u64, Bytes),
}

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

/// What an act gave at once: a status, the BOOL of a cancel, or a reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deed {
    /// `Close` was begun.
    Begun(Call),
    /// `Send` gave this.
    Sent(HResult),
    /// `CancelSentRequest` gave this.
    Cancelled(CancelAnswer),
    /// The clock advanced.
    Advanced,
    /// The other end of a pipe has written.
    Written,
    /// The driver replied.
    Replied(String),
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

/// Executes a script.
pub trait Backend {
    /// `framework` or `wire`.
    fn name(&self) -> &'static str;
    /// What replays this execution.
    fn replay(&self) -> String;
    /// Gives a command to the driver of a hosted layer.
    fn control(&mut self, layer: u8, command: &str) -> Result<String, String>;
    /// Begins `CreateWdfFile`; `file` is the number of both the file and its create.
    fn begin_create(&mut self, file: u64, name: Option<&str>) -> Call;
    /// Begins `Close`.
    fn begin_close(&mut self, file: u64) -> Call;
    /// Begins `Stop`, or `Start` with None.
    fn begin_target_change(&mut self, action: Option<SentIoAction>) -> Call;
    /// Begins `Stop` with the number of an action, inside the `OnCompletion` of a request or of none.
    fn begin_stop(&mut self, action: u32, inside: Option<u64>) -> Call;
    /// Whether `GetTargetFile` of the default target gives a file.
    fn has_target_file(&mut self) -> bool;
    /// `DeleteWdfObject` of the default target.
    fn delete_target(&mut self) -> HResult;
    /// The handles of a back end that has any.
    fn handles(&mut self) -> &mut dyn Handles {
        panic!("there are no handles on {}", self.name())
    }
    /// Begins `Remove` of the default target.
    fn begin_target_remove(&mut self) -> Call;
    /// How a call returned, if it has.
    fn outcome(&mut self, call: Call) -> Option<Outcome>;
    /// `GetState` of the default target, as a number.
    fn target_state(&mut self) -> u32;
    /// `CreateRequest`, with or without `OnCompletion`.
    fn create_request(&mut self, request: u64, callback: bool);
    /// `FormatRequestFor…`; no file is a NULL `pFile`.
    ///
    /// # Errors
    /// The question itself was refused, for this reason: on the wire, before UMDF was asked.
    fn format(&mut self, request: u64, file: Option<u64>, io: Io) -> Result<HResult, String>;
    /// `Send`, never synchronous here.
    fn send(&mut self, request: u64, flags: u32, timeout: i64) -> HResult;
    /// Begins a `Send` whose answer is looked at later; a synchronous one returns when the request has completed.
    fn begin_send(&mut self, request: u64, flags: u32, timeout: i64) -> Call;
    /// `CancelSentRequest`.
    fn cancel(&mut self, request: u64) -> CancelAnswer;
    /// Another upper driver on the same stack creates a file, which must open.
    fn open_elsewhere(&mut self, file: u64);
    /// L0 forgets a file without closing it.
    fn forget_file(&mut self, file: u64);
    /// `DeleteWdfObject` of a file.
    fn delete_file(&mut self, file: u64) -> HResult;
    /// `CancelSentRequestsForFile`.
    fn cancel_for_file(&mut self, file: u64);
    /// `Reuse`, and `SetCompletionCallback` when `callback`.
    fn reuse(&mut self, request: u64, status: HResult, callback: bool);
    /// `DeleteWdfObject`.
    fn delete(&mut self, request: u64) -> HResult;
    /// State and `GetStatus`.
    fn view(&mut self, request: u64) -> Option<View>;
    /// Completions that reached L0 since the last call, in order.
    fn take_completions(&mut self) -> Vec<Completion>;
    /// The whole trace.
    fn trace(&mut self) -> Vec<RawMoment>;
    /// The outstanding-file report.
    fn outstanding(&mut self) -> Vec<Outstanding>;
    /// Names of L0's callbacks that were invoked and have not returned, oldest first.
    fn pending_callbacks(&mut self) -> Vec<String>;
    /// Returns from the oldest pending callback.
    fn return_from_callback(&mut self, status: HResult);
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
    /// Two acts at the same time; each back end mixes them in its own way.
    fn race(&mut self, one: Act, other: Act) -> (Deed, Deed);
    /// The RPC of a begun call is given up by its client; in-process nobody waits for it any more.
    fn abandon_call(&mut self, call: Call);
    /// From now on L0 reads no events, or reads them again. What the script asks for meanwhile must need none.
    fn set_reading(&mut self, reading: bool);
    /// L0 closes `file` from inside its `OnCompletion` of `request`, before it has returned from that.
    fn close_in_completion(&mut self, request: u64, file: u64);
}
