//! Handles: the words with which one is opened, their numbers, and the table of one owner's handles.
//!
//! Must not know who owns the table.
