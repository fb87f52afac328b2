//! Exit codes: 0 done; 1 the answer is no; 2 wrong usage; 3 the server refused; 4 no server, or lost; 5 trouble on this
//! machine.

use std::process::ExitCode;

use lowerdeck_client::Error;
use lowerdeck_client::load::Misfit;
use serde_json::json;

use crate::io::StepError;
use crate::output::Output;

/// What became of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Done: 0.
    Done,
    /// The question was answered, and the answer is no: a failed I/O, a veto, not serving, a demo that deviates: 1.
    No,
    /// The arguments make no sense: 2, as the argument parser says by itself.
    Usage,
    /// The server refused the question: 3.
    Refused,
    /// The server was not reached, or lost: 4.
    Unreachable,
    /// A file, the terminal, a child process: 5.
    Local,
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> ExitCode {
        ExitCode::from(match outcome {
            Outcome::Done => 0,
            Outcome::No => 1,
            Outcome::Usage => 2,
            Outcome::Refused => 3,
            Outcome::Unreachable => 4,
            Outcome::Local => 5,
        })
    }
}

/// Tells the user and finds the exit code.
pub(crate) fn report(error: &anyhow::Error, output: Output) -> Outcome {
    if error.chain().any(is_closed_pipe) {
        return Outcome::Done; // the reader, `head` perhaps, has seen enough
    }
    let client = error.chain().find_map(|cause| cause.downcast_ref::<Error>());
    if output.is_json() {
        let refusal = client.and_then(Error::refusal);
        let document = json!({ "error": {
            "message": format!("{error:#}"),
            "code": refusal.map(|refusal| format!("{:?}", refusal.code)),
            "reason": refusal.map(|refusal| &refusal.reason),
            "metadata": refusal.map(|refusal| &refusal.metadata),
        }});
        eprintln!("{document}");
    } else {
        let message = format!("{error:#}");
        eprintln!("error: {message}");
        let fields = client.and_then(Error::refusal).map_or(&[][..], |refusal| &refusal.fields);
        for (field, description) in fields.iter().filter(|(_, description)| !message.contains(description)) {
            eprintln!("  {field}: {description}");
        }
    }
    if error.is::<StepError>() {
        return Outcome::Usage;
    }
    if let Some(misfit) = error.downcast_ref::<Misfit>() {
        return if misfit.is_of_arguments() { Outcome::Usage } else { Outcome::No };
    }
    client.map_or(Outcome::Local, classify)
}

fn is_closed_pipe(cause: &(dyn std::error::Error + 'static)) -> bool {
    let io = cause.downcast_ref::<std::io::Error>();
    io.is_some_and(|io| io.kind() == std::io::ErrorKind::BrokenPipe)
}

fn classify(error: &Error) -> Outcome {
    match error {
        Error::Umdf { .. } | Error::StillOpen { .. } | Error::Unbalanced(_) | Error::ContractBroken { .. } => {
            Outcome::No
        }
        Error::Refused(_) => Outcome::Refused,
        Error::Unreachable { .. } | Error::Interrupted { .. } | Error::SessionEnded(_) => Outcome::Unreachable,
        Error::EndpointMalformed { .. } => Outcome::Usage,
    }
}
