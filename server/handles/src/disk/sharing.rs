//! Who may have a file open beside whom: Win32's share modes, over all handles of a root.
//!
//! A file is what the host says it is (device and inode), so that two names of one file are one file. A [`Share`] is
//! dropped before the descriptor of its file, so that an inode that is used again starts with a clean sheet. Handles that
//! neither read, write nor delete exclude nobody and are excluded by nobody.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::rights::Uses;
use crate::win32::Win32Error;

/// Most handles of one root that are open at a time: 65,536; the limits of those who open them are far below.
pub const OPEN_FILES_MAX: usize = 65_536;

/// A file of the host: device and inode.
pub(super) type FileIdentity = (u64, u64);

/// The open files of a root.
#[derive(Debug, Default)]
pub(super) struct ShareTable {
    /// Held for the time of a look-up, never across a call of the host.
    sheets: Mutex<Sheets>,
}

#[derive(Debug, Default)]
struct Sheets {
    by_file: HashMap<FileIdentity, Sheet>,
    handles: usize,
}

/// How many handles of one file do what, and how many let others do it.
#[derive(Debug, Default)]
struct Sheet {
    open: usize,
    used: Tally,
    shared: Tally,
}

#[derive(Debug, Default)]
struct Tally {
    read: usize,
    write: usize,
    delete: usize,
}

impl Tally {
    fn add(&mut self, uses: Uses) {
        self.read += usize::from(uses.read);
        self.write += usize::from(uses.write);
        self.delete += usize::from(uses.delete);
    }

    fn remove(&mut self, uses: Uses) {
        self.read -= usize::from(uses.read);
        self.write -= usize::from(uses.write);
        self.delete -= usize::from(uses.delete);
    }
}

impl Sheet {
    /// Everyone who has it open lets the newcomer do what it wants, and the newcomer lets them do what they do.
    fn admits(&self, uses: Uses, shares: Uses) -> bool {
        let let_by_all = |wanted: bool, sharing: usize| !wanted || sharing == self.open;
        let lets_all = |doing: usize, shared: bool| doing == 0 || shared;
        let_by_all(uses.read, self.shared.read)
            && let_by_all(uses.write, self.shared.write)
            && let_by_all(uses.delete, self.shared.delete)
            && lets_all(self.used.read, shares.read)
            && lets_all(self.used.write, shares.write)
            && lets_all(self.used.delete, shares.delete)
    }
}

impl Sheets {
    fn admit(&self, file: FileIdentity, uses: Uses, shares: Uses) -> bool {
        uses == Uses::default() || self.by_file.get(&file).is_none_or(|sheet| sheet.admits(uses, shares))
    }

    fn enter(&mut self, file: FileIdentity, uses: Uses, shares: Uses) {
        if uses != Uses::default() {
            let sheet = self.by_file.entry(file).or_default();
            sheet.open += 1;
            sheet.used.add(uses);
            sheet.shared.add(shares);
        }
    }

    fn leave(&mut self, file: FileIdentity, uses: Uses, shares: Uses) {
        if uses == Uses::default() {
            return;
        }
        let Some(sheet) = self.by_file.get_mut(&file) else { return };
        sheet.open -= 1;
        sheet.used.remove(uses);
        sheet.shared.remove(shares);
        if sheet.open == 0 {
            self.by_file.remove(&file);
        }
    }
}

impl ShareTable {
    /// Enters a handle that does `uses` and lets others do `shares`: `ERROR_SHARING_VIOLATION` when another handle excludes
    /// it, `ERROR_TOO_MANY_OPEN_FILES` at [`OPEN_FILES_MAX`].
    pub fn enter(self: &Arc<Self>, file: FileIdentity, uses: Uses, shares: Uses) -> Result<Share, Win32Error> {
        let mut sheets = self.lock();
        if sheets.handles >= OPEN_FILES_MAX {
            return Err(Win32Error::TOO_MANY_OPEN_FILES);
        }
        if !sheets.admit(file, uses, shares) {
            return Err(Win32Error::SHARING_VIOLATION);
        }
        sheets.enter(file, uses, shares);
        sheets.handles += 1;
        drop(sheets);
        Ok(Share { table: Arc::clone(self), file, uses, shares })
    }

    /// Handles that are open.
    pub fn handles(&self) -> usize {
        self.lock().handles
    }

    fn lock(&self) -> MutexGuard<'_, Sheets> {
        self.sheets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A handle's part of a file; given back when dropped.
#[derive(Debug)]
pub(super) struct Share {
    table: Arc<ShareTable>,
    file: FileIdentity,
    uses: Uses,
    shares: Uses,
}

impl Share {
    /// Goes on with fewer uses than it was entered with.
    pub fn narrow_to(&mut self, uses: Uses) {
        let mut sheets = self.table.lock();
        sheets.leave(self.file, self.uses, self.shares);
        sheets.enter(self.file, uses, self.shares);
        self.uses = uses;
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut sheets = self.table.lock();
        sheets.leave(self.file, self.uses, self.shares);
        sheets.handles -= 1;
    }
}
