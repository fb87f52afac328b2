//! The import table: who may name whom. The boundary stands in the package manifests where it can, and in the paths
//! of the sources where one package holds several layers.
//!
//! One direction: client RPC, grpc, session, host, framework, driver; the completion climbs back the same ladder.

/// What a package's manifest may name.
pub struct Package {
    pub manifest: &'static str,
    /// For what is built into the package (and its build script).
    pub dependencies: Dependencies,
    /// Refused even for tests.
    pub refused_in_tests: &'static [&'static str],
    pub reason: &'static str,
}

/// Either a complete list, or a list of exceptions.
pub enum Dependencies {
    Only(&'static [&'static str]),
    AllBut(&'static [&'static str]),
}

/// What the sources below a folder may mention.
pub struct Layer {
    /// Ends with a slash. A module that is a single file counts as well: `server/src/host/` covers `server/src/host.rs`.
    pub folder: &'static str,
    /// Paths that may not be mentioned. A crate's name ending in `*` covers its family: `tonic*` is `tonic`, `tonic_health`.
    pub refused: &'static [&'static str],
    /// Below a refused path, yet allowed.
    pub excepted: &'static [&'static str],
    pub reason: &'static str,
}

pub const PACKAGES: &[Package] = &[
    Package {
        manifest: "server/framework/Cargo.toml",
        dependencies: Dependencies::Only(&["bytes", "slotmap", "thiserror"]),
        refused_in_tests: &["tokio*", "tonic*", "prost*", "lowerdeck-*"],
        reason: "the core is a deterministic machine: no runtime, wire, clock or log (design 2.1)",
    },
    Package {
        manifest: "server/drivers/Cargo.toml",
        dependencies: Dependencies::Only(&[
            "lowerdeck-framework",
            "bytes",
            "slotmap",
            "thiserror",
            "winnow",
            "humantime",
            "serde",
            "serde_json",
            "toml",
        ]),
        refused_in_tests: &["tokio*", "tonic*", "prost*", "lowerdeck-proto", "lowerdeck-server", "lowerdeck-client"],
        reason: "a virtual driver knows the framework and small text crates; time and I/O arrive as events",
    },
    Package {
        manifest: "server/handles/Cargo.toml",
        dependencies: Dependencies::Only(&[
            "lowerdeck-framework",
            "bytes",
            "cap-std",
            "rustix",
            "slotmap",
            "tokio",
            "tokio-util",
        ]),
        refused_in_tests: &["tonic*", "prost*", "lowerdeck-proto", "lowerdeck-server", "lowerdeck-client"],
        reason: "handles are objects of the host: no wire, no session, no stack",
    },
    Package {
        manifest: "server/Cargo.toml",
        dependencies: Dependencies::AllBut(&["lowerdeck-client", "lowerdeck-tests"]),
        refused_in_tests: &["lowerdeck-tests"],
        reason: "the server does not know who calls it",
    },
    Package {
        manifest: "client/Cargo.toml",
        dependencies: Dependencies::AllBut(&[
            "lowerdeck-server",
            "lowerdeck-framework",
            "lowerdeck-drivers",
            "lowerdeck-tests",
        ]),
        refused_in_tests: &["lowerdeck-server", "lowerdeck-framework", "lowerdeck-drivers"],
        reason: "a client knows the wire contract only",
    },
    Package {
        manifest: "proto/Cargo.toml",
        dependencies: Dependencies::AllBut(&["lowerdeck-*"]),
        refused_in_tests: &["lowerdeck-*"],
        reason: "the wire contract stands below everything of ours",
    },
    Package {
        manifest: "xtask/Cargo.toml",
        dependencies: Dependencies::AllBut(&["lowerdeck-*", "tokio*", "tonic*"]),
        refused_in_tests: &["lowerdeck-*"],
        reason: "the front door opens in seconds, even while our packages do not compile",
    },
];

pub const LAYERS: &[Layer] = &[
    Layer {
        folder: "server/framework/src/",
        refused: &[
            "tokio*",
            "tonic*",
            "prost*",
            "tracing*",
            "log",
            "rand*",
            "std::time::Instant",
            "std::time::SystemTime",
            "std::thread",
            "std::sync::Mutex",
            "std::sync::RwLock",
            "std::sync::Condvar",
            "std::sync::mpsc",
            "std::fs",
            "std::net",
            "std::process",
            "std::env",
        ],
        excepted: &[],
        reason: "the core is a deterministic machine: time and randomness are arguments, effects are returned (design 2.1)",
    },
    Layer {
        folder: "server/drivers/src/",
        refused: &[
            "tokio*",
            "tonic*",
            "prost*",
            "lowerdeck_proto",
            "lowerdeck_server",
            "lowerdeck_client",
            "std::time::Instant",
            "std::time::SystemTime",
            "std::thread",
        ],
        excepted: &[],
        reason: "a virtual driver knows the framework only; time and I/O arrive as events",
    },
    Layer {
        folder: "server/handles/src/",
        refused: &[
            "tonic*",
            "prost*",
            "lowerdeck_framework",
            "std::time::Instant",
            "std::time::SystemTime",
            "std::thread",
        ],
        excepted: &["lowerdeck_framework::status", "lowerdeck_framework::io"],
        reason: "a handle performs I/O on an object of the host; who owns it and which stack asks is known above",
    },
    Layer {
        folder: "server/src/host/",
        refused: &["tonic*", "prost*", "lowerdeck_proto", "crate::session", "crate::grpc"],
        excepted: &[],
        reason: "the host runs stacks; it knows neither who owns what nor the wire",
    },
    Layer {
        folder: "server/src/session/",
        refused: &["tonic*", "prost*", "lowerdeck_proto", "lowerdeck_drivers", "crate::grpc"],
        excepted: &[],
        reason: "sessions decide who owns what; the wire stays in server/src/grpc, drivers stay behind the host",
    },
    Layer {
        folder: "server/src/grpc/",
        refused: &["lowerdeck_drivers", "crate::host"],
        excepted: &["crate::host::error", "crate::host::limits"],
        reason: "grpc asks session, session asks host: use what crate::session offers or re-exports",
    },
    Layer {
        folder: "client/src/",
        refused: &["lowerdeck_server", "lowerdeck_framework", "lowerdeck_drivers"],
        excepted: &[],
        reason: "a client knows the wire contract only",
    },
    Layer {
        folder: "proto/src/",
        refused: &["lowerdeck_server", "lowerdeck_framework", "lowerdeck_drivers", "lowerdeck_client"],
        excepted: &[],
        reason: "the wire contract stands below everything of ours",
    },
];
