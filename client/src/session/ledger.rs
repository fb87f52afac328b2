//! The client's own account of a session, to be compared with the server's balance at the end: what the server says
//! it accepted and completed is what the client was told, no more and no less.

use lowerdeck_proto::v1;

use crate::hresult::HResult;

/// What the client was told. Counts accepted Sends, not request objects.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Ledger {
    /// Sends answered S_OK.
    pub(crate) accepted: u64,
    /// Of these, without completion callback: no event tells how they ended (REQ-15).
    pub(crate) silent: u64,
    /// Completions with success or a warning.
    pub(crate) completed: u64,
    /// Completions of the cancelled class.
    pub(crate) cancelled: u64,
    /// Other completions.
    pub(crate) failed: u64,
    /// Files dropped without `close`.
    pub(crate) leaked_files: u64,
    /// Handles dropped without `close`.
    pub(crate) leaked_handles: u64,
    /// Events that fit no Send.
    pub(crate) unexpected: u64,
}

/// The server's final balance, found to agree with what the client was told.
#[derive(Debug, Clone, PartialEq)]
pub struct BalanceSheet {
    /// Sends that were accepted.
    pub accepted: u64,
    /// Of these, completed with success or with a warning.
    pub completed: u64,
    /// Of these, cancelled.
    pub cancelled: u64,
    /// Of these, failed otherwise.
    pub failed: u64,
    /// Of these, not completed: none.
    pub outstanding: u64,
    /// Files that the client had not closed when the session was (CLS-2).
    pub files_left_open: u32,
    /// Files that were dropped without `close`.
    pub leaked_files: u64,
    /// Handles of the host that were dropped without `close`.
    pub leaked_handles: u64,
    /// The same account for each file, as far as the server lists them.
    pub files: Vec<v1::FileBalance>,
}

/// Books that do not balance.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{what} (server: {server}; client was told: {client})")]
pub struct Imbalance {
    /// Which equation does not hold.
    pub what: &'static str,
    /// The server's figures.
    pub server: String,
    /// The client's figures.
    pub client: String,
}

impl Ledger {
    /// Counts a completion by its class.
    pub(crate) fn count(&mut self, hresult: HResult) {
        if hresult.is_success() || hresult.is_warning() {
            self.completed += 1;
        } else if hresult.is_cancelled() {
            self.cancelled += 1;
        } else {
            self.failed += 1;
        }
    }

    /// Compares with the server's final word. `open` Sends may or may not have been accepted; without `heard_all`
    /// the event stream did not end properly, and only the server's own figures can be checked.
    ///
    /// # Errors
    /// The first equation that does not hold.
    pub(crate) fn check(
        &self,
        closed: &v1::CloseSessionResponse,
        open: u64,
        heard_all: bool,
    ) -> Result<BalanceSheet, Imbalance> {
        let server = closed.balance.clone().unwrap_or_default();
        let refuse = |what| {
            Err(Imbalance {
                what,
                server: figures(server.accepted, [server.completed, server.cancelled, server.failed]),
                client: figures(self.accepted, [self.completed, self.cancelled, self.failed]),
            })
        };
        if server.outstanding != 0 || server.accepted != server.completed + server.cancelled + server.failed {
            return refuse("accepted requests did not all complete");
        }
        if server.accepted < self.accepted || server.accepted > self.accepted + open {
            return refuse("the server accepted other sends than it told of");
        }
        if self.unexpected > 0 {
            return refuse("a completion fits no accepted send");
        }
        let heard = self.completed + self.cancelled + self.failed;
        if heard_all && heard + self.silent != self.accepted {
            return refuse("a completion was not told of");
        }
        let classes_differ =
            server.completed != self.completed || server.cancelled != self.cancelled || server.failed != self.failed;
        if heard_all && open == 0 && self.silent == 0 && classes_differ {
            return refuse("requests ended otherwise than was told");
        }
        Ok(BalanceSheet {
            accepted: server.accepted,
            completed: server.completed,
            cancelled: server.cancelled,
            failed: server.failed,
            outstanding: server.outstanding,
            files_left_open: closed.files_left_open,
            leaked_files: self.leaked_files,
            leaked_handles: self.leaked_handles,
            files: server.files,
        })
    }
}

fn figures(accepted: u64, [completed, cancelled, failed]: [u64; 3]) -> String {
    format!("accepted {accepted} = completed {completed} + cancelled {cancelled} + failed {failed}")
}

#[cfg(test)]
mod tests;
