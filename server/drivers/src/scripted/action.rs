//! What a rule can do, and at which callbacks.

use lowerdeck_framework::clock::TICKS_PER_MILLISECOND;
use lowerdeck_framework::io::SendOptions;
use lowerdeck_framework::ioctl::IoControlCode;
use lowerdeck_framework::status::HResult;

use super::arguments::{Arguments, Completion};
use super::grammar::Call;
use super::objects::{MemorySource, OwnMemory};
use super::rule::Trigger;
use super::targets::TargetAction;
use crate::syntax::SyntaxError;
use crate::transfer::MAX_TRANSFER_BYTES;

/// What kind of request a driver sends of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OwnIo {
    Read,
    Write,
    Ioctl(IoControlCode),
    Flush,
    /// Of an information class.
    QueryInformation(u32),
    SetInformation(u32),
}

/// A request of the driver's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct OwnSend {
    pub(super) io: OwnIo,
    pub(super) number: u64,
    /// Bytes of its buffer.
    pub(super) length: u64,
    /// The file, by name; None is the present one.
    pub(super) file: Option<String>,
    pub(super) then_complete: bool,
    pub(super) callback: OwnCallback,
    pub(super) options: SendOptions,
    /// The number of the request of its own under which it is created.
    pub(super) parent: Option<u64>,
    /// The file-handle target it is for, by name; None is the default target.
    pub(super) target: Option<String>,
    /// The memory object it is formatted with, in the place of a buffer of `length` bytes.
    pub(super) memory: Option<OwnMemory>,
}

/// When a request of its own gets its completion callback (REQ-5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OwnCallback {
    /// Before it is formatted.
    Before,
    /// After it was formatted.
    After,
    /// Before, and deregistered after.
    Removed,
}

/// How a received request is sent on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Passage {
    pub(super) callback: bool,
    pub(super) options: SendOptions,
    /// Formatted again, with this file, by name; None is `FormatUsingCurrentType`.
    pub(super) file: Option<String>,
    /// To this file-handle target instead of the default one, by name.
    pub(super) target: Option<String>,
}

impl Passage {
    /// `[no-callback] [forget] [sync] [timeout=MS] [flags=F] [file="name"] [target="name"]`.
    pub(super) fn read(text: &str, at: usize, arguments: &mut Arguments<'_>) -> Result<Passage, SyntaxError> {
        let callback = !arguments.flag("no-callback");
        let forget = if arguments.flag("forget") { SendOptions::SEND_AND_FORGET } else { 0 };
        let flags = arguments.keyed_number("flags")?.map_or(Ok(0), u32::try_from);
        let flags = flags.map_err(|_| SyntaxError::at(text, at, "flags of 32 bits"))? | forget;
        let options = send_options(text, at, arguments, flags)?;
        let (file, target) = (arguments.keyed_name("file")?, arguments.keyed_name("target")?);
        Ok(Passage { callback, options, file, target })
    }
}

/// One action. See the table in the module of the driver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Action {
    Complete(Completion),
    Hold,
    /// With the number of an `OnCancel` callback object.
    Arm(u32),
    Forward(Passage),
    Queue,
    UnmarkComplete(Completion),
    CompleteTwice(HResult),
    Fail(HResult),
    Context(u64),
    Send(OwnSend),
    CreateFile {
        name: String,
        then_complete: bool,
    },
    CloseOwn(String),
    CancelOwn(u64),
    Target(TargetAction),
    CompleteFile(Completion),
    RetrieveFile(Completion),
    PrivateLock,
    PrivateUnlock,
    /// `StopAcknowledge`, with requeue or without.
    Acknowledge {
        requeue: bool,
    },
    /// The framework opens a file of its own on the driver's behalf.
    OpenHidden(String),
    Block,
    Note(String),
}

/// What a callback is about, as far as actions care.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Subject {
    /// A request just received.
    Received,
    /// A request in `OnCancel`.
    Cancelled,
    /// A request in `OnCompletion`.
    Regained,
    /// A request that is being stopped or resumed; it is kept or forwarded.
    Stopped,
    /// A file.
    File,
    /// The device.
    Device,
}

impl Trigger {
    const fn subject(self) -> Subject {
        match self {
            Trigger::Create | Trigger::Read | Trigger::Write | Trigger::Ioctl | Trigger::Default => Subject::Received,
            Trigger::Cancel => Subject::Cancelled,
            Trigger::Completion | Trigger::SendReturned => Subject::Regained,
            Trigger::IoStop | Trigger::IoResume => Subject::Stopped,
            Trigger::Cleanup | Trigger::Close => Subject::File,
            Trigger::Pnp(_) => Subject::Device,
        }
    }
}

impl Action {
    /// Reads an action.
    pub(super) fn read(text: &str, call: Call) -> Result<Action, SyntaxError> {
        let name = call.name.clone();
        let mut arguments = Arguments::new(text, call);
        let action = match name.value.as_str() {
            "complete" => Action::Complete(arguments.completion()?),
            "hold" => Action::Hold,
            "arm" => Action::Arm(cancel_object(text, name.at, &mut arguments)?),
            "forward" => Action::Forward(Passage::read(text, name.at, &mut arguments)?),
            "queue" => Action::Queue,
            "unmark-complete" => Action::UnmarkComplete(arguments.completion()?),
            "complete-twice" => Action::CompleteTwice(arguments.status()?),
            "fail" => Action::Fail(arguments.status()?),
            "context" => Action::Context(arguments.number("a number as the context")?),
            "send" => Action::Send(own_send(text, name.at, &mut arguments)?),
            "create-file" => Action::CreateFile {
                name: arguments.name("the name of the file, \"\" for none")?,
                then_complete: arguments.then_complete()?,
            },
            "close-own" => Action::CloseOwn(arguments.name("the name of a file of its own")?),
            "cancel-own" => Action::CancelOwn(arguments.number("the number of a request of its own")?),
            word if TargetAction::WORDS.contains(&word) => {
                Action::Target(TargetAction::read(word, text, name.at, &mut arguments)?)
            }
            "complete-file" => Action::CompleteFile(arguments.completion()?),
            "retrieve-file" => Action::RetrieveFile(arguments.completion()?),
            "private-lock" => Action::PrivateLock,
            "private-unlock" => Action::PrivateUnlock,
            "acknowledge" => Action::Acknowledge { requeue: arguments.flag("requeue") },
            "open-hidden" => Action::OpenHidden(arguments.name("a name for the file")?),
            "block" => Action::Block,
            "note" => Action::Note(arguments.name("a \"text\"")?),
            _ => return Err(SyntaxError::at(text, name.at, ACTIONS)),
        };
        arguments.finish()?;
        Ok(action)
    }

    /// Its name, for notes.
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Action::Complete(_) => "complete",
            Action::Hold => "hold",
            Action::Arm(_) => "arm",
            Action::Forward(_) => "forward",
            Action::Queue => "queue",
            Action::UnmarkComplete(_) => "unmark-complete",
            Action::CompleteTwice(_) => "complete-twice",
            Action::Fail(_) => "fail",
            Action::Context(_) => "context",
            Action::Send(_) => "send",
            Action::CreateFile { .. } => "create-file",
            Action::CloseOwn(_) => "close-own",
            Action::CancelOwn(_) => "cancel-own",
            Action::Target(action) => action.word(),
            Action::CompleteFile(_) => "complete-file",
            Action::RetrieveFile(_) => "retrieve-file",
            Action::PrivateLock => "private-lock",
            Action::PrivateUnlock => "private-unlock",
            Action::Acknowledge { .. } => "acknowledge",
            Action::OpenHidden(_) => "open-hidden",
            Action::Block => "block",
            Action::Note(_) => "note",
        }
    }

    /// Whether its callback cannot go on with another action of the same rule after it.
    pub(super) const fn ends_rule(&self) -> bool {
        match self {
            Action::Block => true,
            Action::Forward(passage) => passage.options.has(SendOptions::SYNCHRONOUS),
            Action::Send(send) => send.options.has(SendOptions::SYNCHRONOUS),
            _ => false,
        }
    }

    /// Whether it means anything at a callback.
    pub(super) fn is_for(&self, trigger: Trigger) -> bool {
        use Subject::{Cancelled, Device, File, Received, Regained, Stopped};
        let subject = trigger.subject();
        match self {
            Action::Complete(_) | Action::Hold | Action::UnmarkComplete(_) if subject == Stopped => true,
            Action::Acknowledge { .. } => subject == Stopped,
            Action::Complete(_) | Action::Hold | Action::CompleteTwice(_) => {
                matches!(subject, Received | Cancelled | Regained)
            }
            Action::Arm(_) | Action::Forward(_) | Action::Queue | Action::UnmarkComplete(_) => {
                matches!(subject, Received | Regained)
            }
            Action::Fail(_) => !matches!(subject, File | Stopped),
            Action::Context(_) | Action::CompleteFile(_) | Action::RetrieveFile(_) => subject != Device,
            Action::Send(send) => {
                let lends = send.memory.is_some_and(|memory| memory.source == MemorySource::Received);
                (!send.then_complete || subject == Received)
                    && (send.file.is_some() || send.target.is_some() || subject != Device)
                    && (!lends || matches!(subject, Received | Regained))
            }
            Action::CreateFile { then_complete, .. } => !then_complete || subject == Received,
            Action::CloseOwn(_)
            | Action::OpenHidden(_)
            | Action::CancelOwn(_)
            | Action::Target(_)
            | Action::PrivateLock
            | Action::PrivateUnlock
            | Action::Block
            | Action::Note(_) => true,
        }
    }
}

/// What could have been written instead of an unknown action.
const ACTIONS: &str = "an action: complete, hold, arm, forward, queue, unmark-complete, complete-twice, fail, context, \
                       send, create-file, close-own, cancel-own, create-target and the other words about targets, complete-file, retrieve-file, acknowledge, open-hidden, private-lock, \
                       private-unlock, block or note";

fn own_send(text: &str, at: usize, arguments: &mut Arguments<'_>) -> Result<OwnSend, SyntaxError> {
    let io = own_io(text, at, arguments)?;
    let number = arguments.keyed_number("number")?.filter(|number| *number != 0);
    let number = number.ok_or_else(|| SyntaxError::at(text, at, "a send with number=…, from 1"))?;
    let window = arguments.keyed_number("length")?;
    let memory = arguments.own_memory(window)?;
    let length = window.unwrap_or(0);
    if length > MAX_TRANSFER_BYTES {
        return Err(SyntaxError::at(text, at, format!("a length of at most {MAX_TRANSFER_BYTES} bytes")));
    }
    let file = arguments.keyed_name("file")?;
    let callback = match arguments.keyed_name("callback")?.as_deref() {
        None | Some("before") => OwnCallback::Before,
        Some("after") => OwnCallback::After,
        Some("removed") => OwnCallback::Removed,
        Some(_) => return Err(SyntaxError::at(text, at, "callback=before, after or removed")),
    };
    let parent = arguments.keyed_number("parent")?;
    let target = arguments.keyed_name("target")?;
    let options = send_options(text, at, arguments, 0)?;
    let then_complete = arguments.then_complete()?;
    Ok(OwnSend { io, number, length, file, then_complete, callback, options, parent, target, memory })
}

/// `[sync] [timeout=MS]`, besides `flags`.
fn send_options(text: &str, at: usize, arguments: &mut Arguments<'_>, flags: u32) -> Result<SendOptions, SyntaxError> {
    let synchronous = if arguments.flag("sync") { SendOptions::SYNCHRONOUS } else { 0 };
    let Some(milliseconds) = arguments.keyed_number("timeout")? else {
        return Ok(SendOptions { flags: flags | synchronous, timeout: 0 });
    };
    let ticks = milliseconds.checked_mul(TICKS_PER_MILLISECOND).and_then(|ticks| i64::try_from(ticks).ok());
    let ticks = ticks.ok_or_else(|| SyntaxError::at(text, at, "a timeout in milliseconds"))?;
    Ok(SendOptions { flags: flags | synchronous | SendOptions::TIMEOUT, timeout: -ticks })
}

/// `[object=N]`.
pub(super) fn cancel_object(text: &str, at: usize, arguments: &mut Arguments<'_>) -> Result<u32, SyntaxError> {
    let object = arguments.keyed_number("object")?.map_or(Ok(0), u32::try_from);
    object.map_err(|_| SyntaxError::at(text, at, "a callback object of 32 bits"))
}

/// `read`, `write`, `flush`, `ioctl` with `code=…`, `query-information` or `set-information` with `class=…`.
fn own_io(text: &str, at: usize, arguments: &mut Arguments<'_>) -> Result<OwnIo, SyntaxError> {
    let kind = arguments.name("read, write, ioctl, flush, query-information or set-information")?;
    let mut keyed = |key: &str| -> Result<Option<u32>, SyntaxError> {
        let number = arguments.keyed_number(key)?.map(u32::try_from).transpose();
        number.map_err(|_| SyntaxError::at(text, at, format!("a {key} of 32 bits")))
    };
    let (code, class) = (keyed("code")?, keyed("class")?);
    Ok(match (kind.as_str(), code, class) {
        ("read", None, None) => OwnIo::Read,
        ("write", None, None) => OwnIo::Write,
        ("flush", None, None) => OwnIo::Flush,
        ("ioctl", Some(code), None) => OwnIo::Ioctl(IoControlCode(code)),
        ("ioctl", None, None) => return Err(SyntaxError::at(text, at, "an ioctl with code=…")),
        ("query-information", None, Some(class)) => OwnIo::QueryInformation(class),
        ("set-information", None, Some(class)) => OwnIo::SetInformation(class),
        _ => {
            let wanted = "a send of read, write or flush alone, of ioctl with code=…, or of query-information or \
                          set-information with class=…";
            return Err(SyntaxError::at(text, at, wanted));
        }
    })
}
