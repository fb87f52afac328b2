//! What the words of an open mean for a file: rights, sharing, dispositions, flags; checked before the host is asked.
//!
//! An unknown right or a flag that promises what is not done here is refused and not ignored, because a caller that relies
//! on it would be wrong without being told. Knows no file.

use super::name::FileName;
use crate::handle::{Access, CreateFile, Disposition, Flags, ShareMode};
use crate::win32::Win32Error;

/// What may be in `dwFlagsAndAttributes`: attributes (the lower 16 bits) and hints about the order of reads, which change
/// nothing; `FILE_FLAG_WRITE_THROUGH`; `FILE_FLAG_OVERLAPPED`.
pub const FLAGS_TAKEN: u32 = 0xD800_FFFF;

/// `CreateFile` for a file, checked.
#[derive(Debug)]
pub(super) struct FileOpening {
    pub name: FileName,
    pub rights: Rights,
    pub shares: Uses,
    pub disposition: Disposition,
    /// A write ends when its data is on the medium.
    pub write_through: bool,
}

impl FileOpening {
    /// - `ERROR_INVALID_PARAMETER`: a share mode that does not exist, `TRUNCATE_EXISTING` without the right to write.
    /// - `ERROR_ACCESS_DENIED`: a right that nobody has here.
    /// - `ERROR_NOT_SUPPORTED`: a flag outside [`FLAGS_TAKEN`].
    /// - The errors of [`FileName::parse`].
    pub fn check(request: &CreateFile) -> Result<FileOpening, Win32Error> {
        let rights = Rights::of(request.access)?;
        let shares = Uses::shared(request.share)?;
        if request.disposition == Disposition::TruncateExisting && !rights.write() {
            return Err(Win32Error::INVALID_PARAMETER);
        }
        if request.flags.0 & !FLAGS_TAKEN != 0 {
            return Err(Win32Error::NOT_SUPPORTED);
        }
        Ok(FileOpening {
            name: FileName::parse(&request.name)?,
            rights,
            shares,
            disposition: request.disposition,
            write_through: request.flags.has(Flags::WRITE_THROUGH),
        })
    }
}

/// Rights of a handle on a file, without generic ones. None at all is a handle that only exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rights(u32);

/// Each generic right and what it stands for on a file.
const GENERIC: [(u32, u32); 4] = [
    (Access::GENERIC_READ, 0x0012_0089),
    (Access::GENERIC_WRITE, 0x0012_0116),
    (0x2000_0000, 0x0012_00A0), // GENERIC_EXECUTE
    (Access::GENERIC_ALL, FILE_ALL_ACCESS),
];
/// Every right that a file has.
const FILE_ALL_ACCESS: u32 = 0x001F_01FF;
const FILE_EXECUTE: u32 = 0x20;

impl Rights {
    /// Generic rights become those of a file; what a file does not have is `ERROR_ACCESS_DENIED`.
    pub fn of(access: Access) -> Result<Rights, Win32Error> {
        let mut rights = access.0;
        for (generic, stands_for) in GENERIC {
            if access.0 & generic != 0 {
                rights = rights & !generic | stands_for;
            }
        }
        if rights & !FILE_ALL_ACCESS == 0 { Ok(Rights(rights)) } else { Err(Win32Error::ACCESS_DENIED) }
    }

    /// Data may be read.
    pub const fn read(self) -> bool {
        self.0 & Access::READ_DATA != 0
    }

    /// Data may be written, if only at the end.
    pub const fn write(self) -> bool {
        self.0 & (Access::WRITE_DATA | Access::APPEND_DATA) != 0
    }

    /// Writes go to the end of the file and nowhere else.
    pub const fn only_append(self) -> bool {
        self.0 & Access::WRITE_DATA == 0 && self.0 & Access::APPEND_DATA != 0
    }

    /// What counts when files are shared: executing is reading.
    pub const fn uses(self) -> Uses {
        let read = self.0 & (Access::READ_DATA | FILE_EXECUTE) != 0;
        Uses { read, write: self.write(), delete: self.0 & Access::DELETE != 0 }
    }
}

/// The three things that handles do with a file and let each other do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Uses {
    pub read: bool,
    pub write: bool,
    pub delete: bool,
}

impl Uses {
    /// What a share mode lets others do.
    pub const fn shared(mode: ShareMode) -> Result<Uses, Win32Error> {
        if mode.0 & !(ShareMode::READ | ShareMode::WRITE | ShareMode::DELETE) != 0 {
            return Err(Win32Error::INVALID_PARAMETER);
        }
        let (read, write) = (mode.has(ShareMode::READ), mode.has(ShareMode::WRITE));
        Ok(Uses { read, write, delete: mode.has(ShareMode::DELETE) })
    }
}

impl Disposition {
    /// Whether a file that is not there is made.
    pub(super) const fn makes(self) -> bool {
        matches!(self, Disposition::CreateNew | Disposition::CreateAlways | Disposition::OpenAlways)
    }

    /// Whether one that is there is opened.
    pub(super) const fn takes(self) -> bool {
        !matches!(self, Disposition::CreateNew)
    }

    /// Whether one that is there is cut to nothing.
    pub(super) const fn cuts(self) -> bool {
        matches!(self, Disposition::CreateAlways | Disposition::TruncateExisting)
    }
}
