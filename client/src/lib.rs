//! An upper driver in Rust: create files, send I/O, cancel and close on a hosted device stack.
//!
//! ```no_run
//! # async fn example() -> Result<(), lowerdeck_client::Error> {
//! use lowerdeck_client::{Session, SessionOptions, transport};
//!
//! let channel = transport::connect("http://127.0.0.1:50051").await?;
//! let session = Session::open(channel, SessionOptions::new("disk")).await?;
//! let file = session.device().create_wdf_file(Some("data")).await?;
//! file.write(0, "hello").await?.await?.ok()?;
//! let read = file.read(0, 5).await?.await?.ok()?;
//! assert_eq!(&read.data[..], b"hello");
//! let closed = file.close().await?;
//! closed.gone().await?;
//! let sheet = session.close().await?;
//! assert_eq!(sheet.outstanding, 0);
//! # Ok(())
//! # }
//! ```
//!
//! In reading order: [`Session`] is one upper driver on one stack; its [`Device`] makes a [`DriverCreatedFile`] and an
//! [`IoRequest`], and yields the default [`IoTarget`]; a sent request is a [`PendingIo`] that becomes a [`Completion`]. A
//! [`Handle`] is a file, a named pipe or a socket of the server's host, and has [`IoTarget`]s of its own; [`format`] says
//! what may be asked of files and targets.
//! [`Lab`] looks after stacks from the outside. Methods have UMDF's names in snake case.
//!
//! Requests travel on one `QueuePair` per session: what is ready goes out in one message, a lone request at once. See
//! [`Road`].
//!
//! Laws:
//! - A UMDF result is a value, an [`Error`] is about the question (MAP-2).
//! - Dropping a future cancels no I/O (MAP-5); only `cancel_sent_request` and `close` do.
//! - A lost connection is resumed: calls that may be repeated are repeated, events are missed by none and seen twice
//!   by none; a call whose outcome cannot be known says so ([`Error::Interrupted`]).
//! - Every queue, window and retry has a named limit in [`limits`].
//!
//! The crate knows the contract only: neither the framework nor the server.

pub mod callback;
mod completion;
mod device;
mod error;
mod file;
pub mod format;
pub mod handle;
pub mod health;
mod hresult;
mod lab;
pub mod limits;
pub mod load;
mod request;
mod session;
mod target;
pub mod transport;

pub use callback::CallbackInvocation;
pub use completion::{Completion, PendingIo};
pub use device::Device;
pub use error::{Error, Refusal};
pub use file::{ClosedFile, DriverCreatedFile};
pub use handle::{CreateFile, CreateNamedPipe, Handle, OpenSocket};
pub use hresult::{HResult, StatusClass};
pub use lab::{Findings, Lab, TraceStream};
pub use lowerdeck_proto::{detail, reason, v1};
pub use request::{CancelOutcome, IoRequest, SendOptions, SendOutcome};
pub use session::{BalanceSheet, Imbalance, Road, Session, SessionEnd, SessionEvent, SessionOptions};
pub use target::{IoTarget, PFile, TargetFile};
