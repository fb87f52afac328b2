//! The books of a session: accepted = completed + cancelled + failed + outstanding, at every moment, for each file
//! and in sum. Sends are counted, not request objects, and no creates.

use std::collections::VecDeque;

use lowerdeck_framework::status::HResult;
use slotmap::{SlotMap, new_key_type};

new_key_type! {
    /// The account of an open file.
    pub struct AccountId;
}

/// Severity bits of an error, as opposed to a warning (REQ-37).
const ERROR_SEVERITY: u32 = 0xC000_0000;
/// `FACILITY_NT_BIT`.
const NT_BIT: u32 = 0x1000_0000;

/// One account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Account {
    /// Sends that were accepted.
    pub accepted: u64,
    /// Completed with success or a warning.
    pub completed: u64,
    /// Completed with the cancelled class (ERR-4).
    pub cancelled: u64,
    /// Completed with any other failure.
    pub failed: u64,
}

impl Account {
    /// Accepted and not completed.
    pub fn outstanding(&self) -> u64 {
        self.accepted - self.completed - self.cancelled - self.failed
    }

    fn settle(&mut self, status: HResult) {
        // A completion without an accepted Send would be a fault of ours; the books say so by staying balanced.
        if self.outstanding() == 0 {
            self.accepted += 1;
        }
        if status.is_cancelled() {
            self.cancelled += 1;
        } else if status.is_success() || is_warning(status) {
            self.completed += 1;
        } else {
            self.failed += 1;
        }
    }
}

/// An NTSTATUS of warning severity, such as `STATUS_BUFFER_OVERFLOW`: the data that fitted is valid (REQ-37).
fn is_warning(status: HResult) -> bool {
    status.0 & NT_BIT != 0 && status.0 & ERROR_SEVERITY == 0x8000_0000
}

/// The account of one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileAccount {
    /// The file.
    pub file: u128,
    /// Its account.
    pub account: Account,
    /// Whether it is gone.
    pub gone: bool,
}

/// A balance as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Balance {
    /// All files together.
    pub total: Account,
    /// Files that are not gone, then the most recently gone ones.
    pub files: Vec<FileAccount>,
    /// Gone files that `files` has no room for.
    pub omitted_files: u64,
}

/// The books.
#[derive(Debug, Default)]
pub struct Books {
    total: Account,
    /// With the files' numbers in the order in which they came to be.
    open: SlotMap<AccountId, (u64, FileAccount)>,
    gone: VecDeque<FileAccount>,
    opened: u64,
    omitted: u64,
}

impl Books {
    /// A file came to be.
    pub fn file_opened(&mut self, file: u128) -> AccountId {
        self.opened += 1;
        self.open.insert((self.opened, FileAccount { file, account: Account::default(), gone: false }))
    }

    /// A file is gone; at most `files_max` of them are kept.
    pub fn file_gone(&mut self, file: AccountId, files_max: u64) {
        let Some((_, account)) = self.open.remove(file) else { return };
        self.gone.push_front(FileAccount { gone: true, ..account });
        if self.gone.len() as u64 > files_max {
            self.gone.pop_back();
            self.omitted += 1;
        }
    }

    /// A Send was accepted.
    pub fn accepted(&mut self, file: Option<AccountId>) {
        self.total.accepted += 1;
        if let Some((_, file)) = file.and_then(|file| self.open.get_mut(file)) {
            file.account.accepted += 1;
        }
    }

    /// An accepted Send completed.
    pub fn completed(&mut self, file: Option<AccountId>, status: HResult) {
        self.total.settle(status);
        if let Some((_, file)) = file.and_then(|file| self.open.get_mut(file)) {
            file.account.settle(status);
        }
    }

    /// The session left in order, so its stack has ended whatever was outstanding: by cancellation, as a Close does
    /// (CLS-6).
    pub fn close(&mut self) {
        let accounts = self.open.values_mut().map(|(_, file)| &mut file.account);
        let accounts = accounts.chain(self.gone.iter_mut().map(|file| &mut file.account)).chain([&mut self.total]);
        for account in accounts {
            account.cancelled += account.outstanding();
        }
    }

    /// The balance, with at most `files_max` files.
    pub fn balance(&self, files_max: u64) -> Balance {
        let files_max = usize::try_from(files_max).unwrap_or(usize::MAX);
        let mut open: Vec<_> = self.open.values().collect();
        open.sort_by_key(|(order, _)| *order);
        let open = open.into_iter().map(|(_, file)| *file);
        let files: Vec<_> = open.chain(self.gone.iter().copied()).take(files_max).collect();
        let omitted = (self.open.len() + self.gone.len()).saturating_sub(files.len()) as u64 + self.omitted;
        Balance { total: self.total, files, omitted_files: omitted }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const STATUSES: [HResult; 5] = [
        HResult::S_OK,
        HResult::STATUS_BUFFER_OVERFLOW,
        HResult::ERROR_OPERATION_ABORTED,
        HResult::STATUS_CANCELLED,
        HResult::STATUS_IO_TIMEOUT,
    ];

    #[test]
    fn each_status_has_its_column() {
        let mut books = Books::default();
        for status in STATUSES {
            books.accepted(None);
            books.completed(None, status);
        }
        let total = books.balance(10).total;
        assert_eq!(total, Account { accepted: 5, completed: 2, cancelled: 2, failed: 1 });
    }

    #[test]
    fn closed_books_have_nothing_outstanding() {
        let mut books = Books::default();
        let file = books.file_opened(1);
        books.accepted(Some(file));
        books.close();
        let balance = books.balance(1);
        assert_eq!((balance.total.cancelled, balance.files[0].account.outstanding()), (1, 0));
    }

    proptest! {
        #[test]
        fn the_sums_cover_all_files(sends in prop::collection::vec((0usize..4, 0usize..6), 0..60), files_max in 0u64..6) {
            let mut books = Books::default();
            let files: Vec<_> = (0..4).map(|file| books.file_opened(file)).collect();
            for (file, how) in &sends {
                books.accepted(Some(files[*file]));
                if let Some(status) = STATUSES.get(*how) {
                    books.completed(Some(files[*file]), *status);
                }
            }
            books.file_gone(files[2], 100);
            let all = books.balance(100);
            prop_assert_eq!(all.total.accepted, sends.len() as u64);
            prop_assert_eq!(all.files.iter().map(|file| file.account.accepted).sum::<u64>(), all.total.accepted);
            prop_assert_eq!(all.files.iter().map(|file| file.account.outstanding()).sum::<u64>(), all.total.outstanding());
            let some = books.balance(files_max);
            prop_assert_eq!(some.files.len() as u64 + some.omitted_files, 4);
        }
    }
}
