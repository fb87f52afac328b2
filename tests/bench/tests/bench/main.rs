//! The bench against a server: what it compares with, and what it reports.

mod floor;
mod report;
mod server;
