//! Flags and environment.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

use super::{Config, ConfigError, Sockets, places};
use crate::host::declaration::{Declaration, Sharing};
use crate::telemetry::LogFormat;

/// Hosts virtual device stacks with UMDF semantics for remote upper drivers.
#[derive(Debug, Parser)]
#[command(name = "lowerdeckd", version, args_conflicts_with_subcommands = true)]
pub struct Cli {
    /// What to do; without any, serve.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// How to serve.
    #[command(flatten)]
    pub serve: ServeFlags,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve stacks (the default).
    Serve(ServeFlags),
    /// Ask a running server whether it is healthy; exit code 0 for SERVING, 1 for anything else.
    Health(Endpoint),
    /// Print the effective configuration as a file, with the origin of each value.
    Config(ServeFlags),
    /// Look at stacks without a server.
    #[command(subcommand)]
    Stack(StackCommand),
}

/// Whom to ask about what.
#[derive(Debug, Args)]
pub struct Endpoint {
    /// The server.
    #[arg(long, env = "LOWERDECK_ENDPOINT", default_value = "http://127.0.0.1:50051")]
    pub endpoint: String,
    /// `liveness`, a service such as `lowerdeck.v1.DeviceService`, or `lowerdeck.stack/NAME`; empty for the process.
    #[arg(long, default_value = "")]
    pub service: String,
}

/// What to tell about stacks.
#[derive(Debug, Subcommand)]
pub enum StackCommand {
    /// List the stacks that the configuration gives, and the drivers there are.
    List(ServeFlags),
    /// Explain a stack, by name or by expression, layer by layer.
    Explain {
        /// A configured stack's name, or an expression such as `passthrough / ram(size=64MiB)`.
        #[arg(value_name = "STACK")]
        subject: String,
        /// Where configured stacks come from.
        #[command(flatten)]
        flags: ServeFlags,
    },
}

/// How to serve.
#[derive(Debug, Clone, Default, Args)]
pub struct ServeFlags {
    /// The configuration file.
    #[arg(long, env = "LOWERDECK_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Where to listen; port 0 takes a free one [default: 127.0.0.1:50051].
    #[arg(long, env = "LOWERDECK_LISTEN", value_name = "ADDRESS:PORT")]
    pub listen: Option<SocketAddr>,
    /// Allow an address beyond loopback although nothing is encrypted.
    #[arg(long, env = "LOWERDECK_INSECURE_LISTEN")]
    pub insecure_listen: bool,
    /// Declare a stack of which each session gets its own instance, as `NAME = EXPRESSION`; may be repeated.
    #[arg(long, env = "LOWERDECK_STACKS", value_delimiter = '\n', value_name = "NAME=EXPRESSION")]
    pub stack: Vec<String>,
    /// Declare a stack that all sessions share; may be repeated.
    #[arg(long, env = "LOWERDECK_SHARED_STACKS", value_delimiter = '\n', value_name = "NAME=EXPRESSION")]
    pub shared_stack: Vec<String>,
    /// How long sessions may go on after a signal to stop [default: 20s].
    #[arg(long, env = "LOWERDECK_DRAIN", value_name = "DURATION", value_parser = humantime::parse_duration)]
    pub drain: Option<Duration>,
    /// Decides every random choice of drivers [default: 0].
    #[arg(long, env = "LOWERDECK_SEED")]
    pub seed: Option<u64>,
    /// Set a limit, as `NAME=VALUE`; may be repeated. `lowerdeckd config` lists them.
    #[arg(long, env = "LOWERDECK_LIMITS", value_delimiter = ',', value_name = "NAME=VALUE")]
    pub limit: Vec<String>,
    /// The directory below which sessions may open files; without one there are none.
    #[arg(long, env = "LOWERDECK_FILES_ROOT", value_name = "DIRECTORY")]
    pub files_root: Option<PathBuf>,
    /// The directory in which named pipes are sockets, where other programs reach them; made if its parent is there.
    #[arg(long, env = "LOWERDECK_PIPE_DIRECTORY", value_name = "DIRECTORY")]
    pub pipe_directory: Option<PathBuf>,
    /// Where sessions may open sockets to [default: refused].
    #[arg(long, env = "LOWERDECK_SOCKETS", value_name = "WHERE")]
    pub sockets: Option<Sockets>,
    /// What to log, for example `info` or `lowerdeck_server=debug` [default: info].
    #[arg(long, env = "LOWERDECK_LOG", value_name = "FILTER")]
    pub log: Option<String>,
    /// How to log [default: text on a terminal, JSON elsewhere].
    #[arg(long, env = "LOWERDECK_LOG_FORMAT")]
    pub log_format: Option<LogFormat>,
}

/// What `NAME = EXPRESSION` declares.
fn declaration(text: &str, sharing: Sharing) -> Result<Declaration, ConfigError> {
    let (name, expression) = text.split_once('=').ok_or_else(|| ConfigError::Stack(text.to_owned()))?;
    Ok(Declaration { sharing, ..Declaration::new(name.trim(), expression.trim())? })
}

/// Takes flags and environment into `config`; clap has given flags precedence.
pub(super) fn apply(config: &mut Config, flags: &ServeFlags) -> Result<(), ConfigError> {
    let source = "flag or environment";
    if let Some(listen) = flags.listen {
        config.listen = listen;
        config.came_from("listen", source);
    }
    if flags.insecure_listen {
        config.insecure_listen = true;
        config.came_from("insecure_listen", source);
    }
    if let Some(seed) = flags.seed {
        config.seed = seed;
        config.came_from("seed", source);
    }
    let places = [
        ("files_root", flags.files_root.is_some()),
        ("pipe_directory", flags.pipe_directory.is_some()),
        ("sockets", flags.sockets.is_some()),
    ];
    for (key, _) in places.into_iter().filter(|(_, is_set)| *is_set) {
        config.came_from(key, source);
    }
    places::apply(&mut config.places, flags.files_root.clone(), flags.pipe_directory.clone(), flags.sockets);
    if let Some(log) = &flags.log {
        config.log.clone_from(log);
        config.came_from("log", source);
    }
    if let Some(format) = flags.log_format {
        config.log_format = format;
        config.came_from("log_format", source);
    }
    for text in &flags.limit {
        let setting = text.split_once('=').and_then(|(name, value)| Some((name.trim(), value.trim().parse().ok()?)));
        let Some((name, value)) = setting else {
            return Err(ConfigError::Limit(text.clone(), "the names that `lowerdeckd config` lists".to_owned()));
        };
        config.set_limit(name, value)?;
        config.came_from(&format!("limits.{name}"), source);
    }
    if let Some(drain) = flags.drain {
        config.limits.drain_ms_max = u64::try_from(drain.as_millis()).unwrap_or(u64::MAX);
        config.came_from("limits.drain_ms_max", source);
    }
    let private = flags.stack.iter().map(|text| (text, Sharing::Private));
    let shared = flags.shared_stack.iter().map(|text| (text, Sharing::Shared));
    for (text, sharing) in private.chain(shared) {
        let declared = declaration(text, sharing)?;
        config.came_from(&format!("stacks.{}", declared.name), source);
        config.declare(declared);
    }
    Ok(())
}
