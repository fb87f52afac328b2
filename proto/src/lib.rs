//! The wire contract: `lowerdeck.v1` as Rust types, clients and servers, its descriptor set, and the few words that
//! both sides must spell alike.
//!
//! Laws: the `.proto` files decide and this crate only mirrors them; `lowerdeck.binpb`, the checked-in descriptor set
//! that `buf breaking`, other languages and documentation tools read, equals the freshly compiled one
//! (`tests/contract.rs`). It must not know the framework, the server or any transport.

pub mod detail;
pub mod reason;

/// The messages and services of `lowerdeck.v1`, generated from the `.proto` files beside this crate.
#[allow(missing_docs, clippy::all, reason = "generated; the contract's own comments are held by buf lint")]
pub mod v1 {
    tonic::include_proto!("lowerdeck.v1");
}

/// The metadata key that carries the session's UUID (v4, hyphenated) on every call of `SessionService` and
/// `DeviceService`.
pub const SESSION_METADATA_KEY: &str = "lowerdeck-session";

/// The `domain` of every `google.rpc.ErrorInfo`, which makes the constants of [`reason`] unambiguous.
pub const ERROR_DOMAIN: &str = "lowerdeck.dev";

/// The encoded `FileDescriptorSet` of the contract with imports and comments, compiled with this crate: what
/// reflection serves.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/lowerdeck.binpb"));
