//! The machines as snapshots, and the laws on random lives of a small stack.

mod handle_lives;
mod handles;
mod laws;
mod life;
mod machines;
mod memory;
mod ownership;
mod probe;
mod removals;
mod restless;
mod restless_lives;
mod waiting;
