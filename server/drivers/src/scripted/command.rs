//! Commands of the lab's operator: reading them.

use lowerdeck_framework::ids::{QueueId, RequestLabel};
use lowerdeck_framework::queue::QueueOperation;
use lowerdeck_framework::status::HResult;

use super::action::{self, Action, Passage};
use super::arguments::{Arguments, Completion};
use super::buffers::BufferCommand;
use super::grammar::{self, Call, CommandText};
use super::inquiry::Inquiry;
use super::objects::{MemorySource, ObjectCommand};
use super::rule::{Rule, Trigger};
use super::targets::TargetAction;
use crate::syntax::{Spanned, SyntaxError};

/// A command. See the list in the module of the driver.
#[derive(Debug)]
pub(super) enum Command {
    Rule(Box<Rule>),
    Clear,
    Rules,
    Kept,
    Notes,
    Complete(RequestLabel, Completion),
    UnmarkComplete(RequestLabel, Completion),
    CompleteAgain(RequestLabel, HResult),
    Arm(RequestLabel, u32),
    Unmark(RequestLabel),
    IsCanceled(RequestLabel),
    Forward(RequestLabel, Passage),
    Queue(RequestLabel),
    Requeue(RequestLabel),
    /// `StopAcknowledge`, with requeue or without.
    Acknowledge(bool, RequestLabel),
    /// Stop, Drain or Purge of a queue, or Start with None.
    OperateQueue(QueueId, Option<QueueOperation>),
    QueueState(QueueId),
    Retrieve {
        name: Option<String>,
        queue: Option<QueueId>,
    },
    Release(Option<Trigger>),
    DeleteOwn(u64),
    /// `GetState` and `GetTargetFile` of a target.
    TargetState(String),
    /// `AcquireLock` of the device (SYN-6).
    AcquireLock,
    ReleaseLock,
    /// `SetPnpState(WdfPnpStateFailed, WdfTrue)`.
    SetPnpFailed,
    CommitPnpState,
    /// What a driver must not do to a request of its own.
    Misuse(Misuse, u64),
    /// A look into a buffer of a kept request, or a stroke.
    Buffer(BufferCommand),
    /// A question about a request or file.
    Ask(Inquiry),
    /// References, memory objects, `DeleteWdfObject`.
    Object(ObjectCommand),
    /// An action that needs no callback: `send`, `create-file`, `close-own`, `cancel-own`, `open-hidden`, `private-unlock`.
    Act(Action),
}

/// What is for received requests only (REQ-3, TGT-15).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Misuse {
    Complete,
    FormatUsingCurrentType,
}

/// What could have been written instead of an unknown command.
const COMMANDS: &str = "a rule (on …: …) or a command: clear, rules, kept, notes, complete, unmark-complete, complete-again, \
                        arm, unmark, is-canceled, forward, queue, requeue, acknowledge, queue-start, queue-stop, queue-drain, \
                        queue-purge, queue-state, retrieve, release, set-pnp-failed, commit-pnp-state, send, create-file, close-own, open-hidden, \
                        cancel-own, create-target, start-target, stop-target, remove-target, delete-target, target-state, \
                        delete-own, complete-own, format-own, acquire-lock, release-lock, private-unlock, \
                        parameters, type, io-type, origin, file-name, file-device, \
                        input-memory, output-memory, input-buffer, output-buffer, write-input, write-output, get-file, release-file, delete-object, \
                        buffer, buffer-read, or memory-create, -wrap, -set, -get, -read, -write, -add-ref, -release, \
                        -references, -delete";

impl Command {
    /// Reads a command.
    pub(super) fn read(text: &str) -> Result<Command, SyntaxError> {
        match grammar::command(text)? {
            CommandText::Rule(rule) => Ok(Command::Rule(Box::new(Rule::read(text, rule)?))),
            CommandText::Call(call) => Command::read_call(text, call),
        }
    }

    fn read_call(text: &str, call: Call) -> Result<Command, SyntaxError> {
        let name = call.name.clone();
        let word = name.value.as_str();
        if matches!(word, "send" | "create-file" | "close-own" | "cancel-own" | "open-hidden" | "private-unlock")
            || TargetAction::WORDS.contains(&word)
        {
            return Command::read_action(text, call);
        }
        let mut arguments = Arguments::new(text, call);
        let command = match name.value.as_str() {
            "clear" => Command::Clear,
            "rules" => Command::Rules,
            "kept" => Command::Kept,
            "set-pnp-failed" => Command::SetPnpFailed,
            "commit-pnp-state" => Command::CommitPnpState,
            "notes" => Command::Notes,
            "complete" => Command::Complete(arguments.label()?, arguments.completion()?),
            "unmark-complete" => Command::UnmarkComplete(arguments.label()?, arguments.completion()?),
            "complete-again" => Command::CompleteAgain(arguments.label()?, arguments.status()?),
            "arm" => {
                let object = action::cancel_object(text, name.at, &mut arguments)?;
                Command::Arm(arguments.label()?, object)
            }
            "acquire-lock" => Command::AcquireLock,
            "release-lock" => Command::ReleaseLock,
            "unmark" => Command::Unmark(arguments.label()?),
            "is-canceled" => Command::IsCanceled(arguments.label()?),
            "forward" => {
                let passage = Passage::read(text, name.at, &mut arguments)?;
                Command::Forward(arguments.label()?, passage)
            }
            "queue" => Command::Queue(arguments.label()?),
            "requeue" => Command::Requeue(arguments.label()?),
            "acknowledge" => Command::Acknowledge(arguments.flag("requeue"), arguments.label()?),
            "queue-start" => Command::OperateQueue(queue_number(text, name.at, &mut arguments)?, None),
            "queue-stop" => {
                Command::OperateQueue(queue_number(text, name.at, &mut arguments)?, Some(QueueOperation::Stop))
            }
            "queue-drain" => {
                Command::OperateQueue(queue_number(text, name.at, &mut arguments)?, Some(QueueOperation::Drain))
            }
            "queue-purge" => {
                Command::OperateQueue(queue_number(text, name.at, &mut arguments)?, Some(QueueOperation::Purge))
            }
            "queue-state" => Command::QueueState(queue_number(text, name.at, &mut arguments)?),
            "retrieve" => {
                let queue = arguments.keyed_number("queue")?.map(u8::try_from).transpose();
                let queue = queue.map_err(|_| SyntaxError::at(text, name.at, "a queue from 0 to 255"))?;
                Command::Retrieve { name: arguments.keyed_name("name")?, queue: queue.map(QueueId) }
            }
            "release" => Command::Release(released(text, name.at, &mut arguments)?),
            "target-state" => Command::TargetState(arguments.name("the name of a target, \"\" for the default one")?),
            "delete-own" => Command::DeleteOwn(arguments.number("the number of a request of its own")?),
            "complete-own" => {
                Command::Misuse(Misuse::Complete, arguments.number("the number of a request of its own")?)
            }
            "format-own" => {
                Command::Misuse(Misuse::FormatUsingCurrentType, arguments.number("the number of a request of its own")?)
            }
            word => {
                Command::read_other(word, &mut arguments)?.ok_or_else(|| SyntaxError::at(text, name.at, COMMANDS))?
            }
        };
        arguments.finish()?;
        Ok(command)
    }

    /// Those that other modules read.
    fn read_other(word: &str, arguments: &mut Arguments<'_>) -> Result<Option<Command>, SyntaxError> {
        if let Some(inquiry) = Inquiry::read(word, arguments)? {
            return Ok(Some(Command::Ask(inquiry)));
        }
        if let Some(command) = BufferCommand::read(word, arguments)? {
            return Ok(Some(Command::Buffer(command)));
        }
        Ok(ObjectCommand::read(word, arguments)?.map(Command::Object))
    }

    /// An action given as a command: it has no present file and no request.
    fn read_action(text: &str, call: Call) -> Result<Command, SyntaxError> {
        let at = call.name.at;
        let action = Action::read(text, call)?;
        let needs_callback = match &action {
            Action::Send(send) => {
                let lends = send.memory.is_some_and(|memory| memory.source == MemorySource::Received);
                (send.file.is_none() && send.target.is_none()) || send.then_complete || lends
            }
            Action::CreateFile { then_complete, .. } => *then_complete,
            _ => false,
        };
        if needs_callback {
            return Err(SyntaxError::at(
                text,
                at,
                "a command with file=\"name\" or target=\"name\" for a send, and without then=complete or memory=received",
            ));
        }
        Ok(Command::Act(action))
    }
}

/// The number of a queue.
fn queue_number(text: &str, at: usize, arguments: &mut Arguments<'_>) -> Result<QueueId, SyntaxError> {
    let number = arguments.number("the number of a queue")?;
    u8::try_from(number).map(QueueId).map_err(|_| SyntaxError::at(text, at, "a queue from 0 to 255"))
}

/// The callback after `release`, if one is named.
fn released(text: &str, at: usize, arguments: &mut Arguments<'_>) -> Result<Option<Trigger>, SyntaxError> {
    if arguments.is_empty() {
        return Ok(None);
    }
    let value = arguments.name("the name of a callback")?;
    Trigger::named(text, &Spanned { value, at }).map(Some)
}
