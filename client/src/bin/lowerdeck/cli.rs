//! The arguments, as people type them.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};
use uuid::Uuid;

use crate::bench::BenchArguments;

/// An upper driver at the command line: stacks, I/O, sessions and a demo.
///
/// Exit codes: 0 done; 1 the answer is no (a failed I/O, a veto, not serving, a demo that deviates); 2 wrong usage; 3
/// the server refused; 4 no server, or lost; 5 trouble on this machine.
#[derive(Debug, Parser)]
#[command(name = "lowerdeck", version, propagate_version = true)]
pub(crate) struct Cli {
    /// The server, as http://HOST:PORT.
    #[arg(long, global = true, env = "LOWERDECK_ENDPOINT", default_value = "http://127.0.0.1:50051")]
    pub(crate) endpoint: String,
    /// How results are printed. JSON follows the messages of the contract.
    #[arg(short, long, global = true, value_enum, default_value_t)]
    pub(crate) output: Format,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The steps of `lowerdeck io`.
const STEPS: &str = "\
Each STEP is one argument. Steps:

  create [NAME]               open a file on the stack; if the first step opens nothing, it opens one
  open-file NAME [MODE]       open a file of the server's host below its root; MODE is read, write or create
  create-pipe NAME [TYPE]     make a named pipe and wait for its client; TYPE is message or byte
  open-pipe NAME [TYPE]       open the client end of a named pipe
  open-socket PEER            PEER is tcp:ADDRESS, udp:ADDRESS, unix:NAME or unix-datagram:NAME
  write OFFSET TEXT           TEXT is the rest of the step, `@FILE`, or `hex:00ff..`
  read OFFSET LENGTH          to standard output: raw to a pipe, a hex dump on a terminal
  ioctl CODE [INPUT [OUTLEN]] INPUT as TEXT without spaces, or `-` for none
  flush
  query CLASS LENGTH          query information of a FILE_INFORMATION_CLASS
  set CLASS TEXT              change information; TEXT as in write
  copy-in FILE [OFFSET]       write a whole file, 64 requests in flight
  copy-out FILE LENGTH [OFFSET]
  close

I/O on what open-file, create-pipe, open-pipe and open-socket have opened goes through a file-handle target on it; the stack
must have `--umdf-dispatcher file-handle`, as the built-in stack `handles` has.

Numbers are decimal, 0x.., or with KiB, MiB, GiB. A single `-` reads steps from standard input, one per line.";

/// How results are printed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    #[default]
    Table,
    /// For programs.
    Json,
}

/// The directive `UmdfDispatcher`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum UmdfDispatcher {
    /// To the kernel part of the stack alone.
    #[default]
    Reflector,
    /// To handles of the host as well.
    FileHandle,
}

/// The power states that a virtual stack has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum PowerState {
    /// Working.
    D0,
    /// Asleep.
    D3,
    /// Off, as for a shutdown of the system.
    D3Final,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Look after stacks: list, plug, power, control, trace.
    #[command(subcommand)]
    Stack(StackCommand),
    /// Do I/O on a stack, step by step in one session.
    #[command(after_long_help = STEPS)]
    Io(IoArguments),
    /// Open, look at and end sessions by their UUID.
    #[command(subcommand)]
    Session(SessionCommand),
    /// Ask whether the server, a service or a stack works; exit code 0 means serving.
    Health(HealthArguments),
    /// Put a load on a server and measure its rate and its latencies.
    Bench(BenchArguments),
    /// Start a server of its own, play a scenario, and print both sides' view of it.
    Demo(DemoArguments),
    /// Print the completion script for a shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum StackCommand {
    /// List templates, shared stacks and instances.
    List,
    /// Describe a stack with its layers, top first.
    Describe {
        /// A template, a shared stack or an instance.
        name: String,
    },
    /// Declare a stack, for example `plug disk 'passthrough / ram(size=64MiB)'`.
    Plug {
        /// The name: 1 to 64 characters out of a-z, 0-9, `-` and `_`, beginning with a letter.
        name: String,
        /// The drivers, top first, separated by `/`.
        expression: String,
        /// One instance for all sessions, instead of one for each.
        #[arg(long)]
        shared: bool,
        /// Record a broken rule as a finding, instead of stopping the stack.
        #[arg(long)]
        lenient: bool,
        /// A clock that only `advance-clock` moves.
        #[arg(long)]
        manual_clock: bool,
        /// Deliver METHOD_NEITHER control codes with copied buffers, instead of refusing them.
        #[arg(long)]
        copy_method_neither: bool,
        /// Where I/O that leaves the drivers goes; sessions and drivers have file-handle targets with `file-handle` alone.
        #[arg(long, value_enum, default_value_t)]
        umdf_dispatcher: UmdfDispatcher,
    },
    /// Remove a shared stack or an instance, or forget a template.
    Unplug {
        /// A template, a shared stack or an instance.
        name: String,
    },
    /// Bring every driver of an instance into a power state.
    Power {
        /// The instance or shared stack.
        name: String,
        /// The power state.
        #[arg(value_enum)]
        state: PowerState,
    },
    /// Stop and start every driver of an instance, as for other resources.
    Rebalance {
        /// The instance or shared stack.
        name: String,
    },
    /// Take the device away without asking anybody.
    SurpriseRemove {
        /// The instance or shared stack.
        name: String,
    },
    /// Give a hosted driver a command in its own language, for example `control scripted#1 1 'on read: hold'`.
    Control {
        /// The instance.
        name: String,
        /// The layer; 1 is the driver next below the sessions.
        layer: u32,
        /// The command.
        command: String,
    },
    /// Print what happened in a stack, in one order over all layers.
    Trace {
        /// The instance, or a former life such as `common@1`.
        name: String,
        /// Go on as the trace grows, until the stack ends.
        #[arg(long)]
        follow: bool,
    },
    /// Print what the verifier recorded.
    Findings {
        /// The instance, or a former life such as `common@1`.
        name: String,
    },
    /// Print which files are not gone, and who holds them.
    Outstanding {
        /// The instance.
        name: String,
    },
    /// Move a manual clock forward.
    AdvanceClock {
        /// The instance.
        name: String,
        /// How far, for example 5ms or 30s.
        #[arg(value_parser = humantime::parse_duration)]
        duration: Duration,
    },
}

/// The script of `lowerdeck io`.
#[derive(Debug, Args)]
pub(crate) struct IoArguments {
    /// The template or shared stack.
    pub(crate) stack: String,
    /// The name of the file that is opened before the first step, if that is no `create`.
    #[arg(long)]
    pub(crate) file: Option<String>,
    /// What to do, for example 'write 0 hello' 'read 0 5'.
    #[arg(required = true, value_name = "STEP", allow_hyphen_values = true)]
    pub(crate) steps: Vec<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SessionCommand {
    /// Open a session and leave it to its lease; prints its UUID.
    Open {
        /// The template or shared stack.
        stack: String,
        /// How long it outlives silence.
        #[arg(long, value_parser = humantime::parse_duration)]
        lease: Option<Duration>,
        /// The name of the upper driver in traces.
        #[arg(long, default_value = "lowerdeck")]
        client_name: String,
    },
    /// Tell how a session stands.
    Get {
        /// The session.
        id: Uuid,
    },
    /// Renew a lease, and perhaps change its length.
    Renew {
        /// The session.
        id: Uuid,
        /// The new length.
        #[arg(long, value_parser = humantime::parse_duration)]
        lease: Option<Duration>,
    },
    /// End a session in order and print its balance.
    Close {
        /// The session.
        id: Uuid,
    },
}

#[derive(Debug, Args)]
pub(crate) struct HealthArguments {
    /// Empty for the process, `lowerdeck.v1.DeviceService` for readiness, `lowerdeck.stack/NAME` for a stack.
    #[arg(long, default_value = "")]
    pub(crate) service: String,
}

#[derive(Debug, Args)]
pub(crate) struct DemoArguments {
    /// The server program to start.
    #[arg(long, value_name = "PATH")]
    pub(crate) server_binary: PathBuf,
    /// What is played.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) scenario: Scenario,
}

/// The scenarios of `lowerdeck demo`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Scenario {
    /// The life of a driver-created file, to its close with a request that the driver below has not made cancelable.
    #[default]
    File,
    /// A file-handle target on a named pipe, with a Python program at the other end.
    NamedPipe,
}

/// Writes the completion script to standard output.
pub(crate) fn print_completions(shell: clap_complete::Shell) {
    let mut command = Cli::command();
    clap_complete::generate(shell, &mut command, "lowerdeck", &mut std::io::stdout());
}
