//! Names of pipes, and of the sockets that stand for them in the runtime directory.
//!
//! `\\.\pipe\NAME` is the file `NAME` in lower case, for Win32 does not tell the cases apart. What could be more than one
//! plain file name is refused, so that no name leads out of the directory.

use crate::win32::Win32Error;

/// Longest path of a socket, in bytes: `sun_path` has 108 with its end.
pub const SOCKET_PATH_BYTES_MAX: usize = 107;

const PREFIX: &str = r"\\.\pipe\";

/// The name of a pipe without its prefix: letters, digits, `.`, `-` and `_`, in lower case; no dot at its beginning.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PipeName(String);

impl PipeName {
    /// Whether a file name means a pipe.
    pub fn is_pipe(name: &str) -> bool {
        name.get(..PREFIX.len()).is_some_and(|prefix| prefix.eq_ignore_ascii_case(PREFIX))
    }

    /// From `\\.\pipe\NAME`.
    ///
    /// # Errors
    /// `ERROR_INVALID_NAME` for another form or another character.
    pub fn parse(name: &str) -> Result<PipeName, Win32Error> {
        if !PipeName::is_pipe(name) {
            return Err(Win32Error::INVALID_NAME);
        }
        PipeName::plain(&name[PREFIX.len()..])
    }

    /// From NAME alone.
    ///
    /// # Errors
    /// As [`PipeName::parse`].
    pub fn plain(name: &str) -> Result<PipeName, Win32Error> {
        let known = |character: char| character.is_ascii_alphanumeric() || matches!(character, '.' | '-' | '_');
        if name.is_empty() || name.starts_with('.') || !name.chars().all(known) {
            return Err(Win32Error::INVALID_NAME);
        }
        Ok(PipeName(name.to_ascii_lowercase()))
    }

    /// The file name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests;
