//! State machines as tables.
//!
//! A machine is a closed enum of states, a closed enum of events and one row per legal transition; every pair
//! without a row is refused. The whole matrix is rendered as text and kept as a snapshot, so that a changed
//! law is seen in review.

/// Declares the two enums of a machine, its table and its matrix.
macro_rules! machine {
    (
        $(#[$state_doc:meta])* states $State:ident { $($(#[$s_doc:meta])* $state:ident,)* }
        $(#[$event_doc:meta])* events $Event:ident { $($(#[$e_doc:meta])* $event:ident,)* }
        table { $($event_row:ident: $($from:ident)|+ => $to:ident;)* }
    ) => {
        $(#[$state_doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $State { $($(#[$s_doc])* $state,)* }

        $(#[$event_doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $Event { $($(#[$e_doc])* $event,)* }

        impl $State {
            /// The state after `event`, or None when the table has no such row.
            pub const fn on(self, event: $Event) -> Option<$State> {
                match (event, self) {
                    $(($Event::$event_row, $($State::$from)|+) => Some($State::$to),)*
                    #[allow(unreachable_patterns, reason = "a table may be total")]
                    _ => None,
                }
            }

            /// Moves on `event`; false, and nothing changed, when the table has no such row.
            pub(crate) fn step(&mut self, event: $Event) -> bool {
                match self.on(event) {
                    Some(next) => { *self = next; true }
                    None => false,
                }
            }

            /// The whole matrix as text: a row per state, a column per event, `-` where refused.
            #[cfg(test)]
            pub(crate) fn matrix() -> String {
                let states = [$($State::$state,)*];
                let events = [$($Event::$event,)*];
                let mut text = String::new();
                for state in states {
                    text.push_str(&format!("{state:?}\n"));
                    for event in events {
                        let next = state.on(event).map_or("-".to_owned(), |next| format!("{next:?}"));
                        text.push_str(&format!("    {:<22} {next}\n", format!("{event:?}")));
                    }
                }
                text
            }
        }
    };
}

pub(crate) use machine;
