//! Library and command line against a server that is a process of its own.

mod bench;
mod demo;
mod handle_steps;
mod handles;
mod host;
mod lab;
#[path = "../../src/bin/lowerdeck/demo/named_pipe/peer.rs"]
mod peer;
mod relay;
mod roads;
mod server;
