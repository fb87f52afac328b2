//! The machines as snapshots, and the laws on random lives of a small stack.

mod laws;
mod machines;
mod probe;
