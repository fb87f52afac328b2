//! Who was busy while a load ran, and so what limited it.
//!
//! Law: a figure whose load generator was the limit says nothing about a server. Where generator and server share the
//! processors and have used them up, the machine is the limit, and a ratio compares what a request costs at both ends.

use std::time::Duration;

use lowerdeck_client::load::Stopwatch;

use crate::procfs;

/// A share of a processor that leaves no time on it: clock ticks and the scheduler take the rest.
const BUSY: f64 = 0.9;

/// The share of the machine that other work may use before nothing can be said of what limited a load.
const DISTURBED: f64 = 0.25;

/// Processors' worth of time that each side used; 1.0 is one processor all the time.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Shares {
    pub generator: f64,
    pub server: f64,
    /// What the rest of the machine used.
    pub others: f64,
}

/// What was used up first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// The processors that both share.
    Machine,
    Server,
    Generator,
    /// Other work on the machine, perhaps.
    Others,
    /// Nothing: the time went by in waiting for each other, one round trip after the other.
    RoundTrips,
}

impl Shares {
    /// What limited the load on a machine with so many processors.
    pub fn limit(&self, processors: f64) -> Limit {
        match *self {
            Shares { others, .. } if others >= DISTURBED * processors => Limit::Others,
            Shares { generator, server, others } if generator + server + others >= BUSY * processors => Limit::Machine,
            Shares { server, .. } if server >= BUSY => Limit::Server,
            Shares { generator, .. } if generator >= BUSY => Limit::Generator,
            _ => Limit::RoundTrips,
        }
    }

    /// Why a figure that was taken meanwhile says nothing about the server `name`; None when it does.
    pub fn problem(&self, name: &str, processors: f64) -> Option<String> {
        let Shares { generator, server, others } = self;
        match self.limit(processors) {
            Limit::Generator => Some(format!(
                "the load generator was the limit of {name}: it used {generator:.2} processors, the server {server:.2}"
            )),
            Limit::Others => Some(format!("other work used {others:.2} processors while {name} was measured")),
            Limit::Machine | Limit::Server | Limit::RoundTrips => None,
        }
    }

    /// The middle of each share over the rounds, which must not be empty.
    pub fn median(rounds: &[Shares]) -> Shares {
        let middle =
            |share: fn(&Shares) -> f64| crate::statistics::Sample::of(rounds.iter().map(share).collect()).median;
        Shares {
            generator: middle(|shares| shares.generator),
            server: middle(|shares| shares.server),
            others: middle(|shares| shares.others),
        }
    }
}

/// Processors of this machine.
pub fn processors() -> f64 {
    std::thread::available_parallelism().map_or(1.0, |count| count.get() as f64)
}

/// Measures shares from its start on; this process is the generator.
pub struct Meter {
    begun: Stopwatch,
    server: u32,
    generator_before: Duration,
    server_before: Duration,
    machine_before: Duration,
}

impl Meter {
    /// Begins to measure, with the server of this process id.
    pub fn start(server: u32) -> anyhow::Result<Meter> {
        Ok(Meter {
            begun: Stopwatch::start(),
            server,
            generator_before: procfs::cpu(std::process::id())?,
            server_before: procfs::cpu(server)?,
            machine_before: procfs::machine()?,
        })
    }

    /// The shares since the start, with this process as the generator.
    pub fn stop(self) -> anyhow::Result<Shares> {
        let generator = procfs::cpu(std::process::id())? - self.generator_before;
        self.stop_with(generator)
    }

    /// The shares since the start, with a generator that has used so much time.
    pub fn stop_with(self, generator: Duration) -> anyhow::Result<Shares> {
        let elapsed = self.begun.elapsed().as_secs_f64();
        let server = procfs::cpu(self.server)? - self.server_before;
        let machine = procfs::machine()? - self.machine_before;
        let share = |time: Duration| time.as_secs_f64() / elapsed;
        let others = share(machine.saturating_sub(server).saturating_sub(generator));
        Ok(Shares { generator: share(generator), server: share(server), others })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(generator: f64, server: f64, others: f64) -> Limit {
        Shares { generator, server, others }.limit(2.0)
    }

    #[test]
    fn a_busy_generator_beside_a_server_with_time_is_the_limit() {
        assert_eq!(limit(1.0, 0.5, 0.0), Limit::Generator);
        assert_eq!(limit(0.5, 1.0, 0.0), Limit::Server);
        assert_eq!(limit(0.4, 0.4, 0.1), Limit::RoundTrips);
    }

    #[test]
    fn a_figure_beside_much_other_work_is_none() {
        assert_eq!(limit(0.5, 0.9, 0.5), Limit::Others);
        let said = Shares { generator: 1.0, server: 0.5, others: 0.0 }.problem("echo", 2.0);
        assert!(said.is_some_and(|said| said.contains("limit of echo")));
        assert_eq!(Shares { generator: 0.5, server: 1.0, others: 0.0 }.problem("echo", 2.0), None);
    }

    #[test]
    fn both_on_all_processors_are_limited_by_the_machine() {
        assert_eq!(limit(1.1, 0.85, 0.0), Limit::Machine);
        assert_eq!(Shares { generator: 1.1, server: 0.85, others: 0.0 }.limit(16.0), Limit::Generator);
    }
}
