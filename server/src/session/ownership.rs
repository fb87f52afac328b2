//! Ownership: which files are the session's own. One function decides, every call passes it.
//!
//! Laws: a foreign id and one that never was get the same refusal; the session's own id that is gone gets another.
//! Only an [`OwnedFile`] names a file to the host, and only [`FileTable::own`] makes one from what a client sent.

use std::collections::{HashMap, HashSet, VecDeque};

use lowerdeck_framework::ids::FileId;
use uuid::Uuid;

use super::balance::AccountId;
use super::error::SessionError;

/// Proof that a file is the session's own and not gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OwnedFile {
    /// The stack's key for it.
    pub(super) id: FileId,
    /// Its UUID.
    pub(super) uuid: Uuid,
    /// Its account in the session's books.
    pub(super) account: AccountId,
}

/// What is known of a file until it is gone.
#[derive(Debug)]
pub(super) struct OpenFile {
    id: FileId,
    pub(super) account: AccountId,
    /// The number of the create that made it.
    pub(super) create: u64,
    /// The client has closed it.
    pub(super) close_asked: bool,
}

/// The files of one session.
#[derive(Debug, Default)]
pub struct FileTable {
    open: HashMap<u128, OpenFile>,
    gone: HashSet<u128>,
    gone_order: VecDeque<u128>,
}

impl FileTable {
    /// THE check: whether the text that a client sent names a file of this session.
    ///
    /// # Errors
    /// [`SessionError::FileGone`] for what was the session's own; [`SessionError::FileNotOwned`] for everything else.
    pub fn own(&self, text: &str) -> Result<OwnedFile, SessionError> {
        let uuid = Uuid::try_parse(text).map_err(|_| SessionError::FileNotOwned(text.to_owned()))?;
        match self.open.get(&uuid.as_u128()) {
            Some(file) => Ok(OwnedFile { id: file.id, uuid, account: file.account }),
            None if self.gone.contains(&uuid.as_u128()) => Err(SessionError::FileGone(uuid.to_string())),
            None => Err(SessionError::FileNotOwned(text.to_owned())),
        }
    }

    /// A create made a file.
    pub(super) fn opened(&mut self, uuid: u128, id: FileId, account: AccountId, create: u64) {
        self.open.insert(uuid, OpenFile { id, account, create, close_asked: false });
    }

    /// The client closed a file.
    pub(super) fn close_asked(&mut self, file: OwnedFile) {
        if let Some(file) = self.open.get_mut(&file.uuid.as_u128()) {
            file.close_asked = true;
        }
    }

    /// A file is gone; the last `gone_max` are remembered.
    pub(super) fn gone(&mut self, uuid: u128, gone_max: u64) -> Option<OpenFile> {
        let file = self.open.remove(&uuid)?;
        self.gone.insert(uuid);
        self.gone_order.push_back(uuid);
        if self.gone_order.len() as u64 > gone_max
            && let Some(oldest) = self.gone_order.pop_front()
        {
            self.gone.remove(&oldest);
        }
        Some(file)
    }

    /// Files that are not gone.
    pub fn count(&self) -> usize {
        self.open.len()
    }

    /// Files that the client has not closed.
    pub fn left_open(&self) -> usize {
        self.open.values().filter(|file| !file.close_asked).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> (FileTable, Uuid, Uuid) {
        let (mine, gone) = (Uuid::new_v4(), Uuid::new_v4());
        let mut files = FileTable::default();
        files.opened(mine.as_u128(), FileId::default(), AccountId::default(), 1);
        files.opened(gone.as_u128(), FileId::default(), AccountId::default(), 2);
        assert_eq!(files.gone(gone.as_u128(), 10).map(|file| file.create), Some(2));
        (files, mine, gone)
    }

    #[test]
    fn an_own_file_is_granted() {
        let (files, mine, _) = table();
        assert_eq!(files.own(&mine.to_string()).map(|file| file.uuid), Ok(mine));
    }

    #[test]
    fn an_own_file_that_is_gone_is_told_apart() {
        let (files, _, gone) = table();
        assert_eq!(files.own(&gone.to_string()), Err(SessionError::FileGone(gone.to_string())));
    }

    #[test]
    fn foreign_unknown_and_malformed_ids_get_the_same_refusal() {
        let (files, _, _) = table();
        let (mut other, theirs) = (FileTable::default(), Uuid::new_v4());
        other.opened(theirs.as_u128(), FileId::default(), AccountId::default(), 1);
        for id in [theirs.to_string(), Uuid::new_v4().to_string(), String::new(), "file 1".to_owned()] {
            assert_eq!(files.own(&id), Err(SessionError::FileNotOwned(id.clone())), "{id}");
        }
    }

    #[test]
    fn memory_of_gone_files_is_bounded() {
        let mut files = FileTable::default();
        for uuid in 1..=5 {
            files.opened(uuid, FileId::default(), AccountId::default(), 1);
            files.gone(uuid, 2);
        }
        assert_eq!((files.gone.len(), files.gone_order.len()), (2, 2));
        assert!(files.gone.contains(&5) && !files.gone.contains(&3));
    }
}
