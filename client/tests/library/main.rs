//! The library against a server that does exactly what a test tells it: orders and losses that a real server shows
//! only by chance.

mod endings;
mod fake;
mod sends;
mod streams;
