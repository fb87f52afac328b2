//! Library and command line against a server that is a process of its own.

mod bench;
mod demo;
mod lab;
mod relay;
mod roads;
mod server;
