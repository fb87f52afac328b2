//! The rows of the table: what is measured, against what, and what it should come to.

use lowerdeck_client::load::NamedLoad;

/// What a row's figure is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Figure {
    /// Completions per second: more is better.
    Rate,
    /// Bytes of data per second: more is better.
    Throughput,
    /// The middle latency: less is better.
    Latency,
}

impl Figure {
    pub fn unit(self) -> &'static str {
        match self {
            Figure::Rate => "/s",
            Figure::Throughput => "B/s",
            Figure::Latency => "µs",
        }
    }

    pub fn less_is_better(self) -> bool {
        self == Figure::Latency
    }
}

/// What a row is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reference {
    /// The same load on the bare transport.
    Floor,
    /// nbdkit's memory plugin, driven by fio over NBD.
    Nbdkit,
}

impl Reference {
    pub fn name(self) -> &'static str {
        match self {
            Reference::Floor => "bare tonic echo",
            Reference::Nbdkit => "nbdkit memory with fio over NBD",
        }
    }
}

/// One row.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    pub named: NamedLoad,
    pub figure: Figure,
    pub reference: Reference,
    /// The ratio that is aimed at.
    pub goal: f64,
    /// The ratio that must hold.
    pub floor: f64,
}

/// What each named load is measured by, in the order of [`NamedLoad::ALL`].
const MEASURES: [(Figure, Reference, f64, f64); 7] = [
    (Figure::Rate, Reference::Floor, 0.8, 0.6),
    (Figure::Rate, Reference::Floor, 0.8, 0.6),
    (Figure::Latency, Reference::Floor, 1.1, 1.25),
    (Figure::Rate, Reference::Floor, 0.85, 0.8),
    (Figure::Rate, Reference::Nbdkit, 2.0, 1.5),
    (Figure::Latency, Reference::Nbdkit, 1.0, f64::INFINITY),
    (Figure::Throughput, Reference::Floor, 0.9, 0.0),
];

/// Every row that is a load on a server.
pub fn all() -> impl Iterator<Item = Row> {
    NamedLoad::ALL.into_iter().zip(MEASURES).map(|(named, (figure, reference, goal, floor))| Row {
        named,
        figure,
        reference,
        goal,
        floor,
    })
}
