//! The argument `pFile` of the FormatRequestForXxx methods: on whose behalf, or on which handle, the I/O is done.

use crate::file::DriverCreatedFile;

/// A file, or NULL.
///
/// The default I/O target takes a driver-created file and refuses NULL (TGT-7); a file-handle target takes NULL for its
/// own handle, or a target file for the handle of that target (FHT-7). What does not fit is answered by Format.
#[derive(Debug, Clone, Copy)]
pub enum PFile<'a> {
    /// NULL.
    Null,
    /// A file on the stack below.
    DriverCreated(&'a DriverCreatedFile),
    /// What `GetTargetFile` of a file-handle target yielded.
    OfTarget(&'a TargetFile),
}

/// The file of a file-handle target: `GetTargetFile`. It stands for the target's handle (FHT-8).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetFile {
    id: String,
}

impl TargetFile {
    pub(crate) fn new(id: String) -> TargetFile {
        TargetFile { id }
    }

    /// The file's id, which is that of its target.
    pub fn id(&self) -> &str {
        &self.id
    }
}

impl<'a> PFile<'a> {
    /// As the contract names it; empty for NULL.
    pub(crate) fn id(self) -> &'a str {
        match self {
            PFile::Null => "",
            PFile::DriverCreated(file) => file.id(),
            PFile::OfTarget(file) => file.id(),
        }
    }
}

impl<'a> From<&'a DriverCreatedFile> for PFile<'a> {
    fn from(file: &'a DriverCreatedFile) -> PFile<'a> {
        PFile::DriverCreated(file)
    }
}

impl<'a> From<&'a TargetFile> for PFile<'a> {
    fn from(file: &'a TargetFile) -> PFile<'a> {
        PFile::OfTarget(file)
    }
}
