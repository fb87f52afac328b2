//! Commands that ask what a driver can ask about a kept request or a file, and change nothing.

use std::fmt::Write as _;

use lowerdeck_framework::context::DriverContext;
use lowerdeck_framework::ids::{FileId, RequestLabel};
use lowerdeck_framework::io::{IoKind, IoParameters};
use lowerdeck_framework::received::OwnedRequest;
use lowerdeck_framework::status::HResult;

use super::arguments::Arguments;
use super::control::truth;
use super::driver::ScriptedDriver;
use crate::syntax::SyntaxError;

/// A question. See the list in the module of the driver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Inquiry {
    /// Everything about a kept request.
    Parameters(RequestLabel),
    /// What the getter of one type gives, with or without out pointers (REQ-46).
    Getter { request: RequestLabel, kind: IoKind, null: bool },
    /// Who made a kept request (REQ-45, OBJ-22).
    Origin(RequestLabel),
    /// `RetrieveFileName`; no capacity is the size query (OBJ-20).
    FileName { name: String, capacity: Option<usize> },
    /// `GetDevice` of a file.
    FileDevice(String),
    /// `GetType` of a kept request, as a number (REQ-2).
    Type(RequestLabel),
    /// `GetEffectiveIoType` of a kept request, as a number (IOC-6).
    IoType(RequestLabel),
}

impl Inquiry {
    /// Reads the rest of the command `word`; None when that is no question.
    pub(super) fn read(word: &str, arguments: &mut Arguments<'_>) -> Result<Option<Inquiry>, SyntaxError> {
        Ok(Some(match word {
            "parameters" => {
                let null = arguments.flag("null");
                let mut kinds = IoKind::ALL.into_iter().filter(|kind| has_getter(*kind));
                let kind = kinds.find(|kind| arguments.flag(&kind.to_string()));
                let request = arguments.label()?;
                match kind {
                    Some(kind) => Inquiry::Getter { request, kind, null },
                    None => Inquiry::Parameters(request),
                }
            }
            "type" => Inquiry::Type(arguments.label()?),
            "io-type" => Inquiry::IoType(arguments.label()?),
            "origin" => Inquiry::Origin(arguments.label()?),
            "file-name" => Inquiry::FileName { name: named(arguments)?, capacity: capacity(arguments)? },
            "file-device" => Inquiry::FileDevice(named(arguments)?),
            _ => return Ok(None),
        }))
    }
}

fn named(arguments: &mut Arguments<'_>) -> Result<String, SyntaxError> {
    arguments.name("the name of a file, \"\" for none")
}

fn capacity(arguments: &mut Arguments<'_>) -> Result<Option<usize>, SyntaxError> {
    if arguments.is_empty() {
        return Ok(None);
    }
    let capacity = arguments.number("the capacity of the buffer, a number")?;
    Ok(Some(usize::try_from(capacity).unwrap_or(usize::MAX)))
}

impl ScriptedDriver {
    /// Answers a question.
    pub(super) fn inquire(&mut self, cx: &DriverContext<'_>, inquiry: &Inquiry) -> Result<String, String> {
        match inquiry {
            Inquiry::Parameters(label) => self.asked(*label, |request| all_of(cx.parameters(request))),
            Inquiry::Getter { request, kind, null } => self
                .asked(*request, |request| got(cx, request, *kind, *null).unwrap_or_else(|status| status.to_string())),
            Inquiry::Type(label) => self.asked(*label, |request| cx.parameters(request).kind.number().to_string()),
            Inquiry::IoType(label) => self.asked(*label, |request| cx.effective_io_type(request).number().to_string()),
            Inquiry::Origin(label) => self.asked(*label, |request| origin(cx, request)),
            Inquiry::FileName { name, capacity } => {
                let file = self.file_here(cx, name)?;
                Ok(match cx.retrieve_file_name(file, *capacity) {
                    Ok((None, size)) => format!("{} {size}", HResult::S_OK),
                    Ok((Some(name), size)) => format!("{} {size} \"{name}\"", HResult::S_OK),
                    Err((status, size)) => format!("{status} {size}"),
                })
            }
            Inquiry::FileDevice(name) => {
                let file = self.file_here(cx, name)?;
                Ok(cx.device_of_file(file).map_or_else(|| "none".to_owned(), |level| level.to_string()))
            }
        }
    }

    fn asked(&mut self, label: RequestLabel, answer: impl Fn(&OwnedRequest) -> String) -> Result<String, String> {
        let request = self.labelled(label)?;
        Ok(self.kept.get_mut(request).map_or_else(String::new, |kept| answer(&kept.request)))
    }

    fn file_here(&self, cx: &DriverContext<'_>, name: &str) -> Result<FileId, String> {
        self.file_named(cx, name).ok_or_else(|| format!("no file `{name}` was created here"))
    }
}

fn all_of(parameters: &IoParameters) -> String {
    let IoParameters { kind, code, information_class, device_offset, input, output_length, .. } = parameters;
    let (length, data) = (input.len(), hex(input));
    let what = match kind {
        IoKind::QueryInformation | IoKind::SetInformation => format!("class={information_class}"),
        _ => format!("code={:#x}", code.0),
    };
    format!("{kind} {what} in={length} out={output_length} offset={device_offset} data={data}")
}

/// Pairs of hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Whether there is a getter for the parameters of that type.
const fn has_getter(kind: IoKind) -> bool {
    !matches!(kind, IoKind::Create | IoKind::FlushBuffers)
}

fn got(cx: &DriverContext<'_>, request: &OwnedRequest, kind: IoKind, null: bool) -> Result<String, HResult> {
    let (mut length, mut offset, mut code, mut output) = (0, 0, 0, 0);
    match kind {
        IoKind::Read if null => cx.get_read_parameters(request, None, None)?,
        IoKind::Read => cx.get_read_parameters(request, Some(&mut length), Some(&mut offset))?,
        IoKind::Write if null => cx.get_write_parameters(request, None, None)?,
        IoKind::Write => cx.get_write_parameters(request, Some(&mut length), Some(&mut offset))?,
        IoKind::QueryInformation if null => cx.get_query_information_parameters(request, None, None)?,
        IoKind::QueryInformation => {
            cx.get_query_information_parameters(request, Some(&mut code), Some(&mut length))?;
        }
        IoKind::SetInformation if null => cx.get_set_information_parameters(request, None, None)?,
        IoKind::SetInformation => cx.get_set_information_parameters(request, Some(&mut code), Some(&mut length))?,
        _ if null => cx.get_device_io_control_parameters(request, None, None, None)?,
        _ => cx.get_device_io_control_parameters(request, Some(&mut code), Some(&mut length), Some(&mut output))?,
    }
    Ok(match kind {
        IoKind::DeviceControl => format!("code={code:#x} in={length} out={output}"),
        IoKind::QueryInformation | IoKind::SetInformation => format!("class={code} length={length}"),
        _ => format!("length={length} offset={offset}"),
    })
}

fn origin(cx: &DriverContext<'_>, request: &OwnedRequest) -> String {
    let process = cx.file_of(request).map_or(0, |file| cx.initiator_process_id(file));
    let from_driver = truth(cx.is_from_user_mode_driver(request));
    format!("driver={from_driver} mode={:?} process={process}", cx.requestor_mode(request))
}
