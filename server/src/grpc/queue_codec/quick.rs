//! The usual submission, read without prost: a FormatAndSend of a read, a write or a device control with whole
//! memories, each field at most once.
//!
//! Law: None means "not usual", never "wrong"; whoever asked leaves it to prost, which says what is wrong.

use std::ops::RangeInclusive;

use bytes::Bytes;
use lowerdeck_framework::io::{FormatIo, SendOptions};
use lowerdeck_framework::ioctl::IoControlCode;
use lowerdeck_framework::memory::{InputMemory, OutputMemory};

use crate::session::{FormatArguments, Submission};

/// Fields of a message that have not been read.
pub(super) struct Fields<'a> {
    rest: &'a [u8],
}

/// Wire types, the lowest three bits of a key.
const VARINT: u64 = 0;
const FIXED_64: u64 = 1;
const DELIMITED: u64 = 2;
const FIXED_32: u64 = 5;
/// The largest key that protobuf has: 29 bits of number and the wire type.
const KEY_MAX: u64 = u32::MAX as u64;

impl<'a> Fields<'a> {
    pub(super) fn of(message: &'a [u8]) -> Fields<'a> {
        Fields { rest: message }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    #[inline(always)] // almost always one byte
    pub(super) fn varint(&mut self) -> Option<u64> {
        let (first, rest) = self.rest.split_first()?;
        if *first < 0x80 {
            self.rest = rest;
            return Some(u64::from(*first));
        }
        self.long_varint()
    }

    #[inline(never)]
    fn long_varint(&mut self) -> Option<u64> {
        let mut number = 0;
        for (index, byte) in self.rest.iter().take(10).enumerate() {
            if index == 9 && *byte > 1 {
                return None; // more than 64 bits
            }
            number |= u64::from(byte & 0x7F) << (7 * index);
            if *byte < 0x80 {
                self.rest = &self.rest[index + 1..];
                return Some(number);
            }
        }
        None
    }

    #[inline(always)]
    pub(super) fn delimited(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.varint()?).ok()?;
        let (bytes, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(bytes)
    }

    pub(super) fn text(&mut self) -> Option<&'a str> {
        std::str::from_utf8(self.delimited()?).ok()
    }

    /// Passes over the value of a field that is not known; one of `known` with another wire type than its own is a
    /// fault, and so is a group, which nothing here ever had.
    pub(super) fn skip(&mut self, key: u64, known: RangeInclusive<u64>) -> Option<()> {
        if key > KEY_MAX || key >> 3 == 0 || known.contains(&(key >> 3)) {
            return None;
        }
        match key & 7 {
            VARINT => drop(self.varint()?),
            DELIMITED => drop(self.delimited()?),
            FIXED_64 => self.rest = self.rest.get(8..)?,
            FIXED_32 => self.rest = self.rest.get(4..)?,
            _ => return None,
        }
        Some(())
    }
}

/// `Submission` of exactly one FormatAndSend.
pub(super) fn submission(frame: &Bytes, bytes: &[u8]) -> Option<Submission> {
    let mut fields = Fields::of(bytes);
    if fields.varint()? != 0x0A {
        return None;
    }
    let mut send = Fields::of(fields.delimited()?);
    if !fields.is_empty() {
        return None;
    }
    let (mut number, mut retain) = (0, false);
    let (mut format, mut options) = (None, None);
    while !send.is_empty() {
        match send.varint()? {
            0x08 => number = send.varint()?,
            0x12 if format.is_none() => format = Some(arguments(frame, send.delimited()?)?),
            0x1A if options.is_none() => options = Some(send_options(send.delimited()?)?),
            0x20 => retain = send.varint()? != 0,
            _ => return None,
        }
    }
    let options = options.unwrap_or_default();
    if number == 0 || options.has(SendOptions::SYNCHRONOUS) {
        return None;
    }
    Some(Submission::FormatAndSend { number, format: format?, options, retain })
}

/// `SendOptions`.
fn send_options(bytes: &[u8]) -> Option<SendOptions> {
    let mut options = SendOptions::default();
    let mut fields = Fields::of(bytes);
    while !fields.is_empty() {
        match fields.varint()? {
            0x08 => options.flags = fields.varint()? as u32, // as prost does
            0x10 => options.timeout = fields.varint()? as i64,
            _ => return None,
        }
    }
    Some(options)
}

/// `Format`.
fn arguments(frame: &Bytes, bytes: &[u8]) -> Option<FormatArguments> {
    let (mut file, mut target, mut io) = ("", "", None);
    let mut fields = Fields::of(bytes);
    while !fields.is_empty() {
        match fields.varint()? {
            0x0A => file = fields.text()?,
            0x12 => target = fields.text()?,
            0x1A if io.is_none() => io = Some(read(fields.delimited()?)?),
            0x22 if io.is_none() => io = Some(write(frame, fields.delimited()?)?),
            0x2A if io.is_none() => io = Some(device_control(frame, fields.delimited()?)?),
            _ => return None,
        }
    }
    Some(FormatArguments { file: file.into(), target: target.into(), io: io? })
}

/// `ReadFormat`.
fn read(bytes: &[u8]) -> Option<FormatIo> {
    let (mut output, mut device_offset) = (None, None);
    let mut fields = Fields::of(bytes);
    while !fields.is_empty() {
        match fields.varint()? {
            0x08 => device_offset = Some(fields.varint()? as i64),
            0x12 if output.is_none() => output = Some(output_memory(fields.delimited()?)?),
            _ => return None,
        }
    }
    Some(FormatIo::Read { output, device_offset })
}

/// `WriteFormat`.
fn write(frame: &Bytes, bytes: &[u8]) -> Option<FormatIo> {
    let (mut input, mut device_offset) = (None, None);
    let mut fields = Fields::of(bytes);
    while !fields.is_empty() {
        match fields.varint()? {
            0x08 => device_offset = Some(fields.varint()? as i64),
            0x12 if input.is_none() => input = Some(input_memory(frame, fields.delimited()?)?),
            _ => return None,
        }
    }
    Some(FormatIo::Write { input, device_offset })
}

/// `DeviceControlFormat`.
fn device_control(frame: &Bytes, bytes: &[u8]) -> Option<FormatIo> {
    let (mut code, mut input, mut output) = (0, None, None);
    let mut fields = Fields::of(bytes);
    while !fields.is_empty() {
        match fields.varint()? {
            0x08 => code = fields.varint()? as u32,
            0x12 if input.is_none() => input = Some(input_memory(frame, fields.delimited()?)?),
            0x1A if output.is_none() => output = Some(output_memory(fields.delimited()?)?),
            _ => return None,
        }
    }
    Some(FormatIo::DeviceControl { code: IoControlCode(code), input, output })
}

/// `InputMemory` without a window.
fn input_memory(frame: &Bytes, bytes: &[u8]) -> Option<InputMemory> {
    let mut data: &[u8] = &[];
    let mut fields = Fields::of(bytes);
    while !fields.is_empty() {
        match fields.varint()? {
            0x0A => data = fields.delimited()?,
            _ => return None,
        }
    }
    Some(InputMemory { data: frame.slice_ref(data), window: None })
}

/// `OutputMemory` without a window and with nothing in it.
fn output_memory(bytes: &[u8]) -> Option<OutputMemory> {
    let mut size = 0;
    let mut fields = Fields::of(bytes);
    while !fields.is_empty() {
        match fields.varint()? {
            0x08 => size = fields.varint()?,
            _ => return None,
        }
    }
    Some(OutputMemory::empty(size))
}
