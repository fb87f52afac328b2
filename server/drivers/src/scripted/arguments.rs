//! Reading the arguments of an action or command: by position, by key, and nothing may be left over.

use std::collections::VecDeque;

use bytes::Bytes;
use lowerdeck_framework::ids::RequestLabel;
use lowerdeck_framework::memory::MemoryOffset;
use lowerdeck_framework::status::HResult;

use super::grammar::{Argument, Call, Value};
use super::objects::{MemorySource, OwnMemory};
use crate::syntax::SyntaxError;

/// The arguments of one call that have not been read.
pub(super) struct Arguments<'a> {
    text: &'a str,
    end: usize,
    left: VecDeque<Argument>,
}

/// How a request is completed by script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Completion {
    pub(super) status: HResult,
    /// None is the length of the data.
    pub(super) information: Option<u64>,
    pub(super) data: Bytes,
}

impl Completion {
    /// A status alone.
    pub(super) fn of(status: HResult) -> Completion {
        Completion { status, information: None, data: Bytes::new() }
    }
}

impl<'a> Arguments<'a> {
    /// The arguments of `call`, which is part of `text`.
    pub(super) fn new(text: &'a str, call: Call) -> Arguments<'a> {
        Arguments { text, end: call.end, left: call.arguments.into() }
    }

    /// Takes the next argument without a key, or tells what is missing.
    fn positional<T>(&mut self, what: &str, read: impl Fn(&Value) -> Option<T>) -> Result<T, SyntaxError> {
        let next = self.left.iter().position(|argument| argument.key.is_none());
        let at = next.map_or(self.end, |index| self.left[index].at);
        let value = next.and_then(|index| self.left.remove(index)).and_then(|argument| read(&argument.value));
        value.ok_or_else(|| SyntaxError::at(self.text, at, what))
    }

    /// Takes the argument with `key`, if it is there.
    fn keyed<T>(
        &mut self,
        key: &str,
        what: &str,
        read: impl Fn(&Value) -> Option<T>,
    ) -> Result<Option<T>, SyntaxError> {
        let index = self.left.iter().position(|argument| argument.key.as_deref() == Some(key));
        let Some(argument) = index.and_then(|index| self.left.remove(index)) else { return Ok(None) };
        let wrong = || SyntaxError::at(self.text, argument.at, format!("{key}={what}"));
        read(&argument.value).map(Some).ok_or_else(wrong)
    }

    pub(super) fn label(&mut self) -> Result<RequestLabel, SyntaxError> {
        self.positional("a request such as L0:7", |value| match value {
            Value::Label(label) => Some(*label),
            _ => None,
        })
    }

    pub(super) fn status(&mut self) -> Result<HResult, SyntaxError> {
        self.positional("a status such as S_OK or 0x800703E3", |value| match value {
            Value::Bare(text) => text.parse().ok(),
            _ => None,
        })
    }

    pub(super) fn number(&mut self, what: &str) -> Result<u64, SyntaxError> {
        self.positional(what, number)
    }

    /// A name: a string or a word.
    pub(super) fn name(&mut self, what: &str) -> Result<String, SyntaxError> {
        self.positional(what, name)
    }

    pub(super) fn keyed_number(&mut self, key: &str) -> Result<Option<u64>, SyntaxError> {
        self.keyed(key, "a number", number)
    }

    pub(super) fn keyed_name(&mut self, key: &str) -> Result<Option<String>, SyntaxError> {
        self.keyed(key, "a name", name)
    }

    pub(super) fn keyed_label(&mut self, key: &str) -> Result<Option<RequestLabel>, SyntaxError> {
        self.keyed(key, "a request such as L0:7", |value| match value {
            Value::Label(label) => Some(*label),
            _ => None,
        })
    }

    /// Whether `then=complete` is there.
    pub(super) fn then_complete(&mut self) -> Result<bool, SyntaxError> {
        let is_complete = |value: &Value| (*value == Value::Bare("complete".to_owned())).then_some(true);
        Ok(self.keyed("then", "complete", is_complete)?.unwrap_or(false))
    }

    /// Whether the word `flag` is there.
    pub(super) fn flag(&mut self, flag: &str) -> bool {
        let is_flag = |argument: &Argument| argument.key.is_none() && argument.value == Value::Bare(flag.to_owned());
        let index = self.left.iter().position(is_flag);
        index.and_then(|index| self.left.remove(index)).is_some()
    }

    /// `STATUS[, information][, data="text" or hex=00ff]`.
    pub(super) fn completion(&mut self) -> Result<Completion, SyntaxError> {
        let status = self.status()?;
        let data = self.data()?;
        let has_information = self.left.iter().any(|argument| argument.key.is_none());
        let information = if has_information { Some(self.number("Information, a number")?) } else { None };
        Ok(Completion { status, information, data: data.unwrap_or_default() })
    }

    /// `data="text" or hex=00ff`, if it is there.
    pub(super) fn data(&mut self) -> Result<Option<Bytes>, SyntaxError> {
        let data = self.keyed("data", "a \"string\"", |value| match value {
            Value::Quoted(text) | Value::Bare(text) => Some(Bytes::from(text.clone())),
            Value::Label(_) => None,
        })?;
        let hex = self.keyed("hex", "pairs of hexadecimal digits", |value| match value {
            Value::Quoted(text) | Value::Bare(text) => bytes_of_hex(text),
            Value::Label(_) => None,
        })?;
        Ok(data.or(hex))
    }

    /// A number with `key`, which must be there, and at most `limit`.
    pub(super) fn bounded(&mut self, key: &str, limit: u64) -> Result<u64, SyntaxError> {
        let number = self.keyed_number(key)?.filter(|number| *number <= limit);
        number.ok_or_else(|| SyntaxError::at(self.text, self.end, format!("{key}=, a number of at most {limit}")))
    }

    /// `[memory=N, received or L0:7[, start=B]]`: the memory of a send whose `length` is that of the window then.
    pub(super) fn own_memory(&mut self, length: Option<u64>) -> Result<Option<OwnMemory>, SyntaxError> {
        let source = self.keyed(
            "memory",
            "the number of a memory, `received`, or a request such as L0:7",
            |value| match value {
                Value::Label(label) => Some(MemorySource::Kept(*label)),
                Value::Bare(text) if text == "received" => Some(MemorySource::Received),
                value => number(value).map(MemorySource::Numbered),
            },
        )?;
        let Some(source) = source else { return Ok(None) };
        let start = self.keyed_number("start")?;
        let window = (start.is_some() || length.is_some())
            .then(|| MemoryOffset { buffer_offset: start.unwrap_or(0), buffer_length: length.unwrap_or(0) });
        Ok(Some(OwnMemory { source, window }))
    }

    /// Whether nothing is left.
    pub(super) fn is_empty(&self) -> bool {
        self.left.is_empty()
    }

    /// Refuses what was not read.
    pub(super) fn finish(self) -> Result<(), SyntaxError> {
        match self.left.front() {
            None => Ok(()),
            Some(argument) => Err(SyntaxError::at(self.text, argument.at, "no further argument")),
        }
    }
}

fn number(value: &Value) -> Option<u64> {
    let Value::Bare(text) = value else { return None };
    match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

fn name(value: &Value) -> Option<String> {
    match value {
        Value::Bare(text) | Value::Quoted(text) => Some(text.clone()),
        Value::Label(_) => None,
    }
}

fn bytes_of_hex(text: &str) -> Option<Bytes> {
    let pair = |index: usize| u8::from_str_radix(text.get(index..index + 2)?, 16).ok();
    (0..text.len()).step_by(2).map(pair).collect()
}
