//! Files of the host below one configured root, with Win32's rules for opening, sharing, reading and writing.
//!
//! In reading order: [`name`] (what is a name at all), [`rights`] (what the words of an open mean for a file), [`sharing`] (who may have a
//! file open beside whom), [`pool`] (where calls that block are made, and how many at a time), [`root`] (the open), [`file`]
//! (reads, writes, cancel and close), [`control`] (the table of control codes).
//!
//! Laws: nothing outside the root is opened, made, changed or cut, whatever a name says and whatever is renamed
//! meanwhile; no file is cut before it is sure that its openers may share it; what is closed has no descriptor and no
//! share of the file any more.
//!
//! Deviations from Windows, each on purpose: names are case-sensitive and may not end in dots or spaces; sharing holds
//! among the handles of one root, since the host knows no such rule for other programs; there are no directories, no
//! deleting and no unbuffered I/O on handles.

pub mod control;
pub mod file;
pub mod name;
pub mod pool;
pub mod rights;
pub mod root;
pub mod sharing;

pub use self::file::DiskFile;
pub use self::root::{DiskLimits, FileRoot, OpenedFile};

#[cfg(test)]
mod tests;
