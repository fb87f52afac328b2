//! What a script needs of whatever executes it.
//!
//! Everything is synchronous: when a method returns, the stack has run until nothing was ready, so that what has not
//! happened will not happen by waiting. That holds of a prompt back end ([`Backend::is_prompt`]); handles of a real host
//! bring what they bring later. Objects are named by the script's numbers.

use bytes::Bytes;
use lowerdeck_framework::status::HResult;

use crate::handles::Handles;

mod files;
mod lab;
mod requests;
mod target;

pub use self::files::Files;
pub use self::lab::{Lab, Outstanding, OutstandingRequest, RawMoment, StopRecord, Transition};
pub use self::requests::{Completion, Echo, Io, Requests, View, Window};
pub use self::target::DefaultTarget;
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
    /// `UmdfDispatcher=FileHandle`.
    pub file_handles: bool,
    /// The stack is one for all sessions: another upper driver can open it beside L0, and its host starts it again when a
    /// driver stop has ended it (STOP-7).
    pub shared: bool,
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

/// Executes a script: what L0 does and what the lab does, and what is neither's alone.
pub trait Backend: Files + Requests + DefaultTarget + Lab {
    /// `framework` or `wire`.
    fn name(&self) -> &'static str;
    /// What replays this execution.
    fn replay(&self) -> String;
    /// Whether everything that could run has run when a method returns.
    fn is_prompt(&self) -> bool {
        true
    }
    /// Returns when everything that was under way at handles, and could end, has ended. For back ends that are not prompt.
    fn catch_up(&mut self) {}
    /// The handles of a back end that has any.
    fn handles(&mut self) -> &mut dyn Handles {
        panic!("there are no handles on {}", self.name())
    }
    /// How a call returned, if it has.
    fn outcome(&mut self, call: Call) -> Option<Outcome>;
    /// Names of L0's callbacks that were invoked and have not returned, oldest first.
    fn pending_callbacks(&mut self) -> Vec<String>;
    /// Returns from the oldest pending callback.
    fn return_from_callback(&mut self, status: HResult);
    /// Two acts at the same time; each back end mixes them in its own way.
    fn race(&mut self, one: Act, other: Act) -> (Deed, Deed);
    /// The RPC of a begun call is given up by its client; in-process nobody waits for it any more.
    fn abandon_call(&mut self, call: Call);
    /// From now on L0 reads no events, or reads them again. What the script asks for meanwhile must need none.
    fn set_reading(&mut self, reading: bool);
}
