//! The little language of `lowerdeck io`: one step per argument or line.
//!
//! Law: a whole script is read and checked before its first step is done.

mod opening;

use std::path::PathBuf;

use lowerdeck_client::v1::open_handle_request::Object;

/// One step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// Open a file.
    Create { name: Option<String> },
    /// Open a handle of the server's host, and a target on it; `text` is how it was asked for.
    Open { text: String, object: Object },
    /// Write at an offset.
    Write { offset: i64, input: Input },
    /// Read to standard output.
    Read { offset: i64, length: u64 },
    /// A device control request.
    DeviceControl { code: u32, input: Input, output_length: u64 },
    /// A flush.
    Flush,
    /// A query of information.
    QueryInformation { class: u32, length: u64 },
    /// A change of information.
    SetInformation { class: u32, input: Input },
    /// Write a whole file.
    CopyIn { path: PathBuf, offset: i64 },
    /// Read into a file.
    CopyOut { path: PathBuf, length: u64, offset: i64 },
    /// Close the file, or delete the target and close the handle.
    Close,
}

/// Where input comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Input {
    /// From the step itself.
    Bytes(Vec<u8>),
    /// From a file.
    File(PathBuf),
}

/// What is wrong with a script.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum StepError {
    #[error(
        "step {number}: `{verb}` is no step; there are create, open-file, create-pipe, open-pipe, open-socket, write, read, ioctl, \
         flush, query, set, copy-in, copy-out and close"
    )]
    UnknownVerb { number: usize, verb: String },
    #[error("step {number}: write it as `{usage}`, all in one argument")]
    Usage { number: usize, usage: &'static str },
    #[error("step {number}: `{text}` is no {what}; write a decimal or 0x number, with KiB, MiB or GiB if you like")]
    Number { number: usize, text: String, what: &'static str },
    #[error("step {number}: `hex:` wants pairs of hexadecimal digits")]
    Hex { number: usize },
    #[error("step {number}: nothing is open; put `create` before it")]
    NoFile { number: usize },
    #[error("step {number}: something is open; put `close` before it")]
    FileOpen { number: usize },
}

/// Reads a script. If its first step opens nothing, a `create` with `first_file` is put before it.
pub(super) fn parse_script(steps: &[String], first_file: Option<&str>) -> Result<Vec<Step>, StepError> {
    let mut script = Vec::with_capacity(steps.len() + 1);
    for (index, text) in steps.iter().enumerate() {
        script.push(parse(index + 1, text)?);
    }
    let opens = matches!(script.first(), Some(Step::Create { .. } | Step::Open { .. }));
    let implied = usize::from(!opens);
    if !opens {
        let name = first_file.map(str::to_owned);
        script.insert(0, Step::Create { name });
    }
    let mut open = false;
    for (index, step) in script.iter().enumerate() {
        let number = index + 1 - implied;
        match step {
            Step::Create { .. } | Step::Open { .. } if open => return Err(StepError::FileOpen { number }),
            Step::Create { .. } | Step::Open { .. } => open = true,
            _ if !open => return Err(StepError::NoFile { number }),
            Step::Close => open = false,
            _ => {}
        }
    }
    Ok(script)
}

fn parse(number: usize, text: &str) -> Result<Step, StepError> {
    let text = text.trim();
    let (verb, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let rest = rest.trim_start();
    let words: Vec<&str> = rest.split_whitespace().collect();
    let usage = |usage| StepError::Usage { number, usage };
    match verb {
        "create" => {
            let name = (!rest.is_empty()).then(|| rest.to_owned());
            Ok(Step::Create { name })
        }
        "write" => {
            let (offset, input) = rest.split_once(char::is_whitespace).ok_or_else(|| usage("write OFFSET TEXT"))?;
            Ok(Step::Write { offset: offset_of(number, offset)?, input: input_of(number, input)? })
        }
        "read" => match words[..] {
            [offset, length] => {
                Ok(Step::Read { offset: offset_of(number, offset)?, length: size_of(number, length, "length")? })
            }
            _ => Err(usage("read OFFSET LENGTH")),
        },
        "ioctl" => device_control(number, &words),
        "flush" if rest.is_empty() => Ok(Step::Flush),
        "flush" => Err(usage("flush")),
        "query" => match words[..] {
            [class, length] => Ok(Step::QueryInformation {
                class: class_of(number, class)?,
                length: size_of(number, length, "length")?,
            }),
            _ => Err(usage("query CLASS LENGTH")),
        },
        "set" => {
            let (class, input) = rest.split_once(char::is_whitespace).ok_or_else(|| usage("set CLASS TEXT"))?;
            Ok(Step::SetInformation { class: class_of(number, class)?, input: input_of(number, input)? })
        }
        "copy-in" => match words[..] {
            [path] => Ok(Step::CopyIn { path: path.into(), offset: 0 }),
            [path, offset] => Ok(Step::CopyIn { path: path.into(), offset: offset_of(number, offset)? }),
            _ => Err(usage("copy-in FILE [OFFSET]")),
        },
        "copy-out" => match words[..] {
            [path, length] => copy_out(number, path, length, "0"),
            [path, length, offset] => copy_out(number, path, length, offset),
            _ => Err(usage("copy-out FILE LENGTH [OFFSET]")),
        },
        "close" if rest.is_empty() => Ok(Step::Close),
        "close" => Err(usage("close")),
        _ => match opening::object_of(verb, &words) {
            Some(object) => Ok(Step::Open { text: text.to_owned(), object: object.map_err(usage)? }),
            None => Err(StepError::UnknownVerb { number, verb: verb.to_owned() }),
        },
    }
}

fn device_control(number: usize, words: &[&str]) -> Result<Step, StepError> {
    let (code, input, output_length) = match *words {
        [code] => (code, "-", "0"),
        [code, input] => (code, input, "0"),
        [code, input, output_length] => (code, input, output_length),
        _ => {
            let usage = "ioctl CODE [INPUT [OUTLEN]]";
            return Err(StepError::Usage { number, usage });
        }
    };
    let wrong_code = || StepError::Number { number, text: code.to_owned(), what: "32-bit control code" };
    Ok(Step::DeviceControl {
        code: number_of(code).and_then(|code| code.try_into().ok()).ok_or_else(wrong_code)?,
        input: if input == "-" { Input::Bytes(Vec::new()) } else { input_of(number, input)? },
        output_length: size_of(number, output_length, "output length")?,
    })
}

fn class_of(number: usize, text: &str) -> Result<u32, StepError> {
    let class = number_of(text).and_then(|class| class.try_into().ok());
    class.ok_or_else(|| StepError::Number { number, text: text.to_owned(), what: "32-bit information class" })
}

fn copy_out(number: usize, path: &str, length: &str, offset: &str) -> Result<Step, StepError> {
    Ok(Step::CopyOut {
        path: path.into(),
        length: size_of(number, length, "length")?,
        offset: offset_of(number, offset)?,
    })
}

fn input_of(number: usize, text: &str) -> Result<Input, StepError> {
    if let Some(path) = text.strip_prefix('@') {
        return Ok(Input::File(path.into()));
    }
    let Some(digits) = text.strip_prefix("hex:") else {
        return Ok(Input::Bytes(text.as_bytes().to_vec()));
    };
    let digits = digits.as_bytes();
    let (pairs, []) = digits.as_chunks::<2>() else {
        return Err(StepError::Hex { number });
    };
    let bytes: Option<Vec<u8>> =
        pairs.iter().map(|[high, low]| Some(hex_digit(*high)? << 4 | hex_digit(*low)?)).collect();
    bytes.map(Input::Bytes).ok_or(StepError::Hex { number })
}

fn hex_digit(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16)?.try_into().ok()
}

/// An offset may be negative: what a driver makes of it is part of a test.
fn offset_of(number: usize, text: &str) -> Result<i64, StepError> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    number_of(digits)
        .and_then(|value| i64::try_from(value).ok())
        .map(|value| if negative { -value } else { value })
        .ok_or_else(|| StepError::Number { number, text: text.to_owned(), what: "offset" })
}

fn size_of(number: usize, text: &str, what: &'static str) -> Result<u64, StepError> {
    number_of(text).ok_or_else(|| StepError::Number { number, text: text.to_owned(), what })
}

fn number_of(text: &str) -> Option<u64> {
    if let Some(digits) = text.strip_prefix("0x") {
        return u64::from_str_radix(digits, 16).ok();
    }
    let units = [("KiB", 10), ("MiB", 20), ("GiB", 30)];
    let (digits, shift) =
        units.iter().find_map(|(unit, shift)| Some((text.strip_suffix(unit)?, *shift))).unwrap_or((text, 0));
    digits.parse::<u64>().ok()?.checked_mul(1 << shift)
}

#[cfg(test)]
mod tests;
