//! The harness of the black-box tests.
//!
//! A scenario is written once, as a script against a [`stage::Stage`], and executed by two back ends: in-process on
//! the framework, under any scheduler ([`in_process`]), and over real gRPC against a running server ([`wire`]). What
//! happened comes back as one list of [`moment::Moment`]s, whose order the script asserts; the laws of section Z are
//! checked after every script ([`laws`]).
//!
//! In reading order: [`moment`], [`backend`], [`stage`], [`laws`], [`handles`], [`explore`], [`in_process`], [`wire`], [`scenario`].

pub mod backend;
pub mod explore;
pub mod handles;
pub mod in_process;
pub mod laws;
pub mod moment;
pub mod scenario;
pub mod stage;
pub mod wire;
