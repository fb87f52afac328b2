//! Who forwards create, cleanup and close: the decision table FWD-2.
//!
//! The setting belongs to the device, never to a file (FWD-4), and does not look at which file callbacks are
//! registered (FWD-3).

/// `SetFilter` (PNP and FWD-10): a filter passes on what it does not handle, a function driver refuses it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DriverRole {
    /// A function driver.
    Function,
    /// A filter.
    Filter,
}

/// `WDF_TRI_STATE` of `AutoForwardCreateCleanupClose`. By name only: UMDF 1 numbers differ from later ones (FWD-1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum ForwardingState {
    /// `WdfUseDefault`.
    #[default]
    UseDefault,
    /// `WdfFalse`.
    False,
    /// `WdfTrue`.
    True,
}

/// What happens to a create that reaches a device (FWD-2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CreateDisposition {
    /// The framework completes it here with success.
    CompleteHere,
    /// The framework forwards it synchronously; the lower result is the result.
    Forward,
    /// The driver's `OnCreateFile` gets it; with a handler the framework never forwards by itself (FWD-5).
    Deliver,
}

/// Whether this device passes cleanup and close on after its own callbacks.
pub const fn forwards_cleanup_and_close(role: DriverRole, state: ForwardingState) -> bool {
    match (role, state) {
        (_, ForwardingState::True) | (DriverRole::Filter, ForwardingState::UseDefault) => true,
        (_, ForwardingState::False) | (DriverRole::Function, ForwardingState::UseDefault) => false,
    }
}

/// What happens to a create at this device.
pub const fn create_disposition(role: DriverRole, state: ForwardingState, has_handler: bool) -> CreateDisposition {
    if has_handler {
        CreateDisposition::Deliver
    } else if forwards_cleanup_and_close(role, state) {
        CreateDisposition::Forward
    } else {
        CreateDisposition::CompleteHere
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use CreateDisposition::{CompleteHere, Deliver, Forward};
    use DriverRole::{Filter, Function};
    use ForwardingState::{False, True, UseDefault};

    #[test]
    fn the_decision_table_row_by_row() {
        for (role, state, handler, create, passes_on) in [
            (Function, UseDefault, false, CompleteHere, false),
            (Function, False, false, CompleteHere, false),
            (Function, UseDefault, true, Deliver, false),
            (Function, False, true, Deliver, false),
            (Function, True, false, Forward, true),
            (Function, True, true, Deliver, true),
            (Filter, UseDefault, false, Forward, true),
            (Filter, True, false, Forward, true),
            (Filter, UseDefault, true, Deliver, true),
            (Filter, True, true, Deliver, true),
            (Filter, False, false, CompleteHere, false),
            (Filter, False, true, Deliver, false),
        ] {
            assert_eq!(create_disposition(role, state, handler), create, "{role:?} {state:?} {handler}");
            assert_eq!(forwards_cleanup_and_close(role, state), passes_on, "{role:?} {state:?}");
        }
    }
}
