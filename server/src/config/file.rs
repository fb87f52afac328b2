//! The TOML file.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use lowerdeck_framework::handle::Dispatcher;
use lowerdeck_framework::ioctl::MethodNeitherAction;
use lowerdeck_framework::verifier::VerifierMode;
use serde::Deserialize;

use super::{Config, ConfigError, Sockets, places};
use crate::host::clock::ClockKind;
use crate::host::declaration::{Declaration, Sharing};
use crate::telemetry::LogFormat;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    listen: Option<SocketAddr>,
    insecure_listen: Option<bool>,
    seed: Option<u64>,
    files_root: Option<PathBuf>,
    pipe_directory: Option<PathBuf>,
    sockets: Option<Sockets>,
    log: Option<String>,
    log_format: Option<LogFormat>,
    #[serde(default)]
    limits: BTreeMap<String, u64>,
    #[serde(default)]
    stacks: BTreeMap<String, Stack>,
}

#[derive(Debug, Deserialize)]
#[serde(
    untagged,
    expecting = "a stack is an expression, or a table of `expression` and of `shared`, `lenient`, `manual_clock`, \
                 `copy_method_neither` (true or false) and `umdf_dispatcher` (\"Reflector\" or \"FileHandle\")"
)]
enum Stack {
    Expression(String),
    Detailed(Detailed),
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Detailed {
    expression: String,
    #[serde(default)]
    shared: bool,
    #[serde(default)]
    lenient: bool,
    #[serde(default)]
    manual_clock: bool,
    #[serde(default)]
    copy_method_neither: bool,
    #[serde(default)]
    umdf_dispatcher: UmdfDispatcher,
}

/// The directive, with the values of an INF file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
enum UmdfDispatcher {
    #[default]
    Reflector,
    FileHandle,
}

impl Stack {
    fn declare(self, name: &str) -> Result<Declaration, ConfigError> {
        let detailed = match self {
            Stack::Expression(expression) => Detailed { expression, ..Detailed::default() },
            Stack::Detailed(detailed) => detailed,
        };
        Ok(Declaration {
            sharing: if detailed.shared { Sharing::Shared } else { Sharing::Private },
            verifier: if detailed.lenient { VerifierMode::Lenient } else { VerifierMode::Strict },
            clock: if detailed.manual_clock { ClockKind::Manual } else { ClockKind::Real },
            method_neither: if detailed.copy_method_neither {
                MethodNeitherAction::Copy
            } else {
                MethodNeitherAction::Reject
            },
            dispatcher: match detailed.umdf_dispatcher {
                UmdfDispatcher::Reflector => Dispatcher::Reflector,
                UmdfDispatcher::FileHandle => Dispatcher::FileHandle,
            },
            ..Declaration::new(name, &detailed.expression)?
        })
    }
}

fn malformed(path: &str, text: &str, error: &toml::de::Error) -> ConfigError {
    let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let reason = error.message().split_whitespace().collect::<Vec<_>>().join(" ");
    ConfigError::Parse { path: path.to_owned(), line, reason }
}

/// Reads the file at `path` into `config`.
///
/// # Errors
/// [`ConfigError`]: unreadable, malformed, an unknown key, a stack or limit that cannot be.
pub(super) fn apply(config: &mut Config, path: &Path) -> Result<(), ConfigError> {
    let shown = path.display().to_string();
    let text = std::fs::read_to_string(path)
        .map_err(|error| ConfigError::Read { path: shown.clone(), reason: error.to_string() })?;
    let file: File = toml::from_str(&text).map_err(|error| malformed(&shown, &text, &error))?;
    let File { listen, insecure_listen, seed, files_root, pipe_directory, sockets, log, log_format, limits, stacks } =
        file;
    let mut set = |key: &str, is_set: bool| {
        if is_set {
            config.came_from(key, &shown);
        }
    };
    set("listen", listen.is_some());
    set("insecure_listen", insecure_listen.is_some());
    set("seed", seed.is_some());
    set("files_root", files_root.is_some());
    set("pipe_directory", pipe_directory.is_some());
    set("sockets", sockets.is_some());
    set("log", log.is_some());
    set("log_format", log_format.is_some());
    config.listen = listen.unwrap_or(config.listen);
    config.insecure_listen = insecure_listen.unwrap_or(config.insecure_listen);
    config.seed = seed.unwrap_or(config.seed);
    places::apply(&mut config.places, files_root, pipe_directory, sockets);
    config.log = log.unwrap_or_else(|| config.log.clone());
    config.log_format = log_format.unwrap_or(config.log_format);
    for (name, value) in limits {
        config.set_limit(&name, value)?;
        config.came_from(&format!("limits.{name}"), &shown);
    }
    for (name, stack) in stacks {
        config.declare(stack.declare(&name)?);
        config.came_from(&format!("stacks.{name}"), &shown);
    }
    Ok(())
}
