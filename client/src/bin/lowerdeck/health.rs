//! `lowerdeck health`.

use lowerdeck_client::health::{self, Health};
use lowerdeck_client::transport;
use serde_json::json;

use crate::cli::HealthArguments;
use crate::exit::Outcome;
use crate::output::{self, Output};

pub(crate) async fn run(endpoint: &str, arguments: &HealthArguments, output: Output) -> anyhow::Result<Outcome> {
    let channel = transport::connect(endpoint).await?;
    let health = health::check(channel, &arguments.service).await?;
    let word = match health {
        Health::Serving => "SERVING",
        Health::NotServing => "NOT_SERVING",
        Health::ServiceUnknown => "SERVICE_UNKNOWN",
        Health::Unknown => "UNKNOWN",
    };
    if output.is_json() {
        output::print_line(format_args!("{}", json!({ "service": arguments.service, "status": word })))?;
    } else {
        output::print_line(format_args!("{word}"))?;
    }
    Ok(match health {
        Health::Serving => Outcome::Done,
        _ => Outcome::No,
    })
}
