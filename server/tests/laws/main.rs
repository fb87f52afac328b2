//! The laws of sessions under random work, without a wire: every accepted Send completes once, books balance at every
//! moment, events have no gaps, `FileGone` follows the last completion of its file, and nothing is left at the end.

mod desk;
mod random_work;
mod shared_stack;
