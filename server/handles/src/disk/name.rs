//! Names of files as Win32 takes them, and no other.
//!
//! A [`FileName`] is a plain way down from the root: components of ordinary characters, separated by `\` or `/`. That a
//! name was taken says nothing about links on the way; the open itself holds those to the root ([`super::root`]). What
//! Win32 would quietly change (trailing dots and spaces, `.`) is refused, so that one file has one name. Case counts, as
//! on the host. This module touches no file.

use std::path::{Path, PathBuf};

use crate::win32::Win32Error;

/// Most bytes of a whole name: 4,095, what the host takes as one path.
pub const NAME_BYTES_MAX: usize = 4095;
/// Most bytes of one component: 255, what the host's file systems take.
pub const COMPONENT_BYTES_MAX: usize = 255;

/// Names that mean a device in every directory, with any extension.
const DEVICES: [&str; 7] = ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$", "CLOCK$"];
/// Devices that a digit follows; the superscript digits count as digits.
const NUMBERED_DEVICES: [&str; 2] = ["COM", "LPT"];
const DEVICE_DIGITS: &str = "0123456789¹²³";
/// Not in any component; `:` would name another stream of the file, the rest are wildcards and quotes.
const RESERVED_CHARACTERS: &str = "<>:\"|?*";

/// A name below the root, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileName(PathBuf);

impl FileName {
    /// Checks a name.
    ///
    /// - `ERROR_ACCESS_DENIED`: it would leave the root: `..`, a leading separator (an absolute path, UNC, `\\.\`,
    ///   `\\?\`), a drive letter.
    /// - `ERROR_PATH_NOT_FOUND`: it is empty.
    /// - `ERROR_FILENAME_EXCED_RANGE`: above [`NAME_BYTES_MAX`] or [`COMPONENT_BYTES_MAX`].
    /// - `ERROR_INVALID_NAME`: a reserved or control character (NUL, an alternate stream), a device name, an empty
    ///   component or `.`, a trailing dot or space.
    pub fn parse(name: &str) -> Result<FileName, Win32Error> {
        if name.is_empty() {
            return Err(Win32Error::PATH_NOT_FOUND);
        }
        if name.len() > NAME_BYTES_MAX {
            return Err(Win32Error::FILENAME_EXCED_RANGE);
        }
        if name.starts_with(is_separator) || has_drive(name) {
            return Err(Win32Error::ACCESS_DENIED);
        }
        let mut path = PathBuf::new();
        for component in name.split(is_separator) {
            check(component)?;
            path.push(component);
        }
        Ok(FileName(path))
    }

    /// The way down from the root.
    pub fn as_path(&self) -> &Path {
        &self.0
    }
}

fn is_separator(character: char) -> bool {
    matches!(character, '\\' | '/')
}

/// `C:` and whatever follows it.
fn has_drive(name: &str) -> bool {
    let mut characters = name.chars();
    characters.next().is_some_and(|letter| letter.is_ascii_alphabetic()) && characters.next() == Some(':')
}

fn check(component: &str) -> Result<(), Win32Error> {
    if is_upwards(component) {
        return Err(Win32Error::ACCESS_DENIED);
    }
    if component.len() > COMPONENT_BYTES_MAX {
        return Err(Win32Error::FILENAME_EXCED_RANGE);
    }
    let is_reserved = |character: char| character.is_control() || RESERVED_CHARACTERS.contains(character);
    let ends_badly = component.is_empty() || component.ends_with(['.', ' ']);
    if ends_badly || component.contains(is_reserved) || is_device(component) {
        return Err(Win32Error::INVALID_NAME);
    }
    Ok(())
}

/// `..`, also with what Win32 strips from its end (`.. `, `...`).
fn is_upwards(component: &str) -> bool {
    component.starts_with("..") && component.chars().all(|character| matches!(character, '.' | ' '))
}

/// Whether Win32 would open a device: the part before the first dot decides, without spaces at its end, in any case.
fn is_device(component: &str) -> bool {
    let stem = component.split('.').next().unwrap_or_default().trim_end_matches(' ').to_ascii_uppercase();
    let is_numbered = |device: &str| {
        let mut rest = stem.strip_prefix(device).unwrap_or_default().chars();
        rest.next().is_some_and(|digit| DEVICE_DIGITS.contains(digit)) && rest.next().is_none()
    };
    DEVICES.contains(&stem.as_str()) || NUMBERED_DEVICES.into_iter().any(is_numbered)
}
