//! How far an instance is: what those watch who wait for it.

use lowerdeck_framework::ids::Level;
use lowerdeck_framework::stack::StackState;
use lowerdeck_framework::status::HResult;

/// How far an instance is, for those who wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Its state.
    pub state: StackState,
    /// Whether a transition, or the start of an upper driver, is under way.
    pub moving: bool,
    /// Removals and rebalances vetoed so far.
    pub vetoes: u64,
    /// The latest veto.
    pub veto: Option<(Level, HResult)>,
}

impl Progress {
    /// That of an instance that has not started.
    pub(super) const ADDED: Progress = Progress { state: StackState::Added, moving: false, vetoes: 0, veto: None };

    /// Takes in how things stand now and a veto that came meanwhile; true when that is news.
    pub(super) fn advance(&mut self, state: StackState, moving: bool, veto: Option<(Level, HResult)>) -> bool {
        let changed = (self.state, self.moving) != (state, moving) || veto.is_some();
        (self.state, self.moving) = (state, moving);
        if veto.is_some() {
            self.vetoes += 1;
            self.veto = veto;
        }
        changed
    }
}
