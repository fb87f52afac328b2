//! Bad input gets a clear answer and changes nothing else: code, reason and named limit of each, and how everything
//! stands before and after.

mod ended;
mod ids;
mod lab;
mod queue_pair;
mod repeats;
mod sizes;
mod values;
