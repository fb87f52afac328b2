//! The commands of `lowerdeckd` besides serving: probe, show, explain.

use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use lowerdeck_server::app::Config;
use lowerdeck_server::config::{Endpoint, ServeFlags, StackCommand};
use lowerdeck_server::host::declaration::{Declaration, Sharing};
use lowerdeck_server::host::layers;
use tonic::transport::Channel;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

/// How long a probe waits: below the usual timeouts of those who probe.
const PROBE_TIMEOUT: Duration = Duration::from_secs(2);

/// `lowerdeckd health`.
pub fn health(endpoint: &Endpoint) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("starting the runtime")?;
    let asked = async {
        let channel = Channel::from_shared(endpoint.endpoint.clone())?.connect().await?;
        let request = HealthCheckRequest { service: endpoint.service.clone() };
        anyhow::Ok(HealthClient::new(channel).check(request).await?.into_inner().status())
    };
    let status = runtime.block_on(async { tokio::time::timeout(PROBE_TIMEOUT, asked).await });
    match status {
        Ok(Ok(status)) => {
            writeln!(io::stdout(), "{}", status.as_str_name())?;
            Ok(if status == ServingStatus::Serving { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
        Ok(Err(error)) => {
            eprintln!("lowerdeckd: {}: {error:#}", endpoint.endpoint);
            Ok(ExitCode::FAILURE)
        }
        Err(_) => {
            eprintln!("lowerdeckd: {} did not answer within {PROBE_TIMEOUT:?}", endpoint.endpoint);
            Ok(ExitCode::FAILURE)
        }
    }
}

/// `lowerdeckd config`.
pub fn config(flags: &ServeFlags) -> anyhow::Result<ExitCode> {
    io::stdout().write_all(Config::resolve(flags)?.print().as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

/// `lowerdeckd stack`.
pub fn stack(command: &StackCommand) -> anyhow::Result<ExitCode> {
    match command {
        StackCommand::List(flags) => list(&Config::resolve(flags)?)?,
        StackCommand::Explain { subject, flags } => explain(&find(&Config::resolve(flags)?, subject)?)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn find(config: &Config, stack: &str) -> anyhow::Result<Declaration> {
    let configured = config.stacks.iter().find(|declared| declared.name == stack);
    match configured {
        Some(declared) => Ok(declared.clone()),
        None => Ok(Declaration::new("expression", stack)?),
    }
}

fn list(config: &Config) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "stacks:")?;
    for stack in &config.stacks {
        let sharing = if stack.sharing == Sharing::Shared { " (shared)" } else { "" };
        writeln!(out, "  {:<12} {}{sharing}", stack.name, stack.definition)?;
    }
    writeln!(out, "drivers:")?;
    for (name, summary) in layers::driver_summaries() {
        writeln!(out, "  {name:<12} {summary}")?;
    }
    Ok(())
}

fn explain(declared: &Declaration) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{}", declared.definition)?;
    let Declaration { verifier, clock, method_neither, dispatcher, sharing, .. } = declared;
    writeln!(out, "verifier {verifier:?}, clock {clock:?}, METHOD_NEITHER {method_neither:?}, {sharing:?}")?;
    writeln!(out, "UmdfDispatcher {dispatcher:?}")?;
    for (index, layer) in layers::records(&declared.definition)?.iter().enumerate() {
        let config = &layer.config;
        writeln!(
            out,
            "L{} {}: {:?}, forwarding {:?}, locking {:?}",
            index + 1,
            layer.driver,
            config.role,
            config.forwarding,
            config.locking
        )?;
        for (number, queue) in config.queues.iter().enumerate() {
            let default = if queue.is_default { ", default" } else { "" };
            writeln!(out, "    queue {number}: {:?}{default}", queue.dispatch)?;
        }
        for (name, value) in &layer.options {
            writeln!(out, "    {name}={value}")?;
        }
    }
    Ok(())
}
