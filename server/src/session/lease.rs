//! The lease of a session: pure policy over moments in ticks of 100 ns of the server's own clock.
//!
//! A lease runs anew from each renewal; an open event stream and a call that waits keep renewing it.

/// The terms and the last renewal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    /// How long it runs, in ticks.
    pub length: u64,
    /// When it was renewed last, in ticks.
    pub renewed: u64,
    /// Event streams that are open and calls that wait: while there is one, the client is there.
    pub holders: u32,
}

/// What is to be done about a lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Look again at this moment.
    Keep {
        /// The earliest moment at which it can have run out.
        until: u64,
    },
    /// It has run out.
    Expired,
}

impl Lease {
    /// When it runs out if nothing renews it from `now` on.
    pub fn expires(&self, now: u64) -> u64 {
        let renewed = if self.holders > 0 { now } else { self.renewed };
        renewed.saturating_add(self.length)
    }

    /// Whether it has run out at `now`.
    pub fn judge(&self, now: u64) -> Verdict {
        let until = self.expires(now);
        if until <= now { Verdict::Expired } else { Verdict::Keep { until } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_open_stream_or_call_keeps_the_lease() {
        let lease = Lease { length: 10, renewed: 0, holders: 1 };
        assert_eq!(lease.judge(1000), Verdict::Keep { until: 1010 });
    }

    proptest! {
        #[test]
        fn a_lease_runs_out_exactly_its_length_after_the_last_renewal(
            length in 1u64..1000, renewed in 0u64..1000, later in 0u64..3000,
        ) {
            let lease = Lease { length, renewed, holders: 0 };
            let expected = if later >= length { Verdict::Expired } else { Verdict::Keep { until: renewed + length } };
            prop_assert_eq!(lease.judge(renewed + later), expected);
        }
    }
}
