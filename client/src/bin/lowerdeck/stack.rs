//! `lowerdeck stack`: the lab bench from a shell.

use std::fmt::Write;

use lowerdeck_client::{HResult, Lab, transport, v1};

use crate::cli::{PowerState, StackCommand, UmdfDispatcher};
use crate::exit::Outcome;
use crate::output::{self, Output};
use crate::words;

pub(crate) async fn run(endpoint: &str, command: StackCommand, output: Output) -> anyhow::Result<Outcome> {
    let lab = Lab::new(transport::connect(endpoint).await?);
    match command {
        StackCommand::List => list(&lab.list_stacks().await?, output)?,
        StackCommand::Describe { name } => {
            describe(&lab.describe_stack(&name).await?, output)?;
        }
        StackCommand::Plug {
            name,
            expression,
            shared,
            lenient,
            manual_clock,
            copy_method_neither,
            umdf_dispatcher,
        } => {
            let mut message = v1::PlugStackRequest { name, expression, ..v1::PlugStackRequest::default() };
            if shared {
                message.set_sharing(v1::StackSharing::Shared);
            }
            if lenient {
                message.set_verifier(v1::VerifierMode::Lenient);
            }
            if manual_clock {
                message.set_clock(v1::ClockKind::Manual);
            }
            if copy_method_neither {
                message.set_method_neither(v1::MethodNeitherAction::Copy);
            }
            if umdf_dispatcher == UmdfDispatcher::FileHandle {
                message.set_umdf_dispatcher(v1::UmdfDispatcher::FileHandle);
            }
            describe(&lab.plug_stack(message).await?, output)?;
        }
        StackCommand::Unplug { name } => return unplug(&lab, &name, output).await,
        StackCommand::Power { name, state } => power(&lab, &name, state, output).await?,
        StackCommand::Rebalance { name } => return rebalance(&lab, &name, output).await,
        StackCommand::SurpriseRemove { name } => {
            lab.surprise_remove_stack(&name).await?;
            let message = v1::SurpriseRemoveStackResponse {};
            output.message("SurpriseRemoveStackResponse", &message, |_| format!("{name} is removed"))?;
        }
        StackCommand::Control { name, layer, command } => {
            let reply = lab.control_driver(&name, layer, &command).await?;
            let message = v1::ControlDriverResponse { reply };
            output.message("ControlDriverResponse", &message, |message| message.reply.clone())?;
        }
        StackCommand::Trace { name, follow } => trace(&lab, &name, follow, output).await?,
        StackCommand::Findings { name } => return findings(&lab, &name, output).await,
        StackCommand::Outstanding { name } => {
            let report = lab.outstanding_files(&name).await?;
            output.message("OutstandingReport", &report, outstanding)?;
        }
        StackCommand::AdvanceClock { name, duration } => {
            let clock = lab.advance_clock(&name, duration).await?;
            output.message("AdvanceClockResponse", &clock, |clock| {
                format!("stack time {} s", words::ticks(clock.time_ticks))
            })?;
        }
    }
    Ok(Outcome::Done)
}

fn list(stacks: &[v1::StackSummary], output: Output) -> anyhow::Result<()> {
    let columns = ["name", "kind", "state", "sessions", "expression"];
    output.list("StackSummary", stacks, columns, |stack| {
        let kind = match (stack.is_template, stack.sharing()) {
            (true, _) => "template",
            (false, v1::StackSharing::Shared) => "shared",
            (false, _) => "instance",
        };
        let state = match stack.state() {
            v1::StackState::Unspecified => "-".to_owned(),
            state => words::short(state.as_str_name(), "STACK_STATE_"),
        };
        [stack.name.clone(), kind.to_owned(), state, stack.session_prefixes.join(" "), stack.expression.clone()]
    })
}

fn describe(stack: &v1::StackDescription, output: Output) -> anyhow::Result<()> {
    output.message("StackDescription", stack, |stack| {
        let summary = stack.summary.clone().unwrap_or_default();
        let mut text = format!("{}  {}\n", summary.name, summary.expression);
        let verifier = words::short(stack.verifier().as_str_name(), "VERIFIER_MODE_");
        let clock = words::short(stack.clock().as_str_name(), "CLOCK_KIND_");
        let neither = words::short(stack.method_neither().as_str_name(), "METHOD_NEITHER_ACTION_");
        let dispatcher = words::short(stack.umdf_dispatcher().as_str_name(), "UMDF_DISPATCHER_");
        // Writing into a string cannot fail.
        let _ =
            writeln!(text, "verifier {verifier}, clock {clock}, METHOD_NEITHER {neither}, dispatcher {dispatcher}\n");
        let columns = ["layer", "driver", "role", "forward", "locking", "queues", "options"];
        text + &output::table(columns, stack.layers.iter().map(layer))
    })
}

fn layer(layer: &v1::LayerDescription) -> [String; 7] {
    let queues = layer.queues.iter().map(|queue| {
        let dispatch = words::short(queue.dispatch().as_str_name(), "QUEUE_DISPATCH_");
        format!("{} {dispatch}", queue.name)
    });
    let options = layer.options.iter();
    let options = options.map(|option| format!("{}={}", option.name, option.value));
    [
        layer.layer_name.clone(),
        layer.driver.clone(),
        words::short(layer.role().as_str_name(), "DRIVER_ROLE_"),
        words::short(layer.forwarding().as_str_name(), "AUTO_FORWARD_"),
        words::short(layer.locking().as_str_name(), "LOCKING_CONSTRAINT_"),
        queues.collect::<Vec<_>>().join(", "),
        options.collect::<Vec<_>>().join(" "),
    ]
}

async fn unplug(lab: &Lab, name: &str, output: Output) -> anyhow::Result<Outcome> {
    let unplugged = lab.unplug_stack(name).await?;
    let hresult = HResult(unplugged.hresult);
    output.message("UnplugStackResponse", &unplugged, |unplugged| {
        if hresult.is_success() {
            format!("{name} is unplugged")
        } else {
            format!("{} vetoed the removal with {hresult} (PNP-6)", unplugged.vetoed_by)
        }
    })?;
    Ok(if hresult.is_success() { Outcome::Done } else { Outcome::No })
}

async fn power(lab: &Lab, name: &str, state: PowerState, output: Output) -> anyhow::Result<()> {
    let state = match state {
        PowerState::D0 => v1::PowerState::D0,
        PowerState::D3 => v1::PowerState::D3,
        PowerState::D3Final => v1::PowerState::D3Final,
    };
    lab.set_power_state(name, state).await?;
    output.message("SetPowerStateResponse", &v1::SetPowerStateResponse {}, |_| {
        format!("{name} is in {}", words::short(state.as_str_name(), "POWER_STATE_"))
    })
}

async fn rebalance(lab: &Lab, name: &str, output: Output) -> anyhow::Result<Outcome> {
    let rebalanced = lab.rebalance_stack(name).await?;
    let hresult = HResult(rebalanced.hresult);
    output.message("RebalanceStackResponse", &rebalanced, |rebalanced| {
        if hresult.is_success() {
            format!("{name} is rebalanced")
        } else {
            format!("{} vetoed the rebalance with {hresult} (PNP-6)", rebalanced.vetoed_by)
        }
    })?;
    Ok(if hresult.is_success() { Outcome::Done } else { Outcome::No })
}

async fn trace(lab: &Lab, name: &str, follow: bool, output: Output) -> anyhow::Result<()> {
    let (entries, dropped) = lab.read_whole_trace(name).await?;
    tell_dropped(dropped);
    let mut after = entries.last().map_or(0, |entry| entry.sequence);
    for entry in &entries {
        print_entry(entry, output)?;
    }
    if !follow {
        return Ok(());
    }
    let mut stream = lab.follow_trace(name, after).await?;
    while let Some(piece) = stream.next().await? {
        tell_dropped(piece.dropped);
        for entry in piece.entries.iter().filter(|entry| entry.sequence > after) {
            print_entry(entry, output)?;
        }
        after = piece.entries.last().map_or(after, |entry| entry.sequence);
    }
    Ok(())
}

/// One entry per line: JSON lines, or columns that do not depend on what follows.
fn print_entry(entry: &v1::TraceEntry, output: Output) -> anyhow::Result<()> {
    if output.is_json() {
        output::print_line(format_args!("{}", output::json("TraceEntry", entry)?))?;
    } else {
        let time = words::ticks(entry.time_ticks);
        let (layer, what) = (words::layer(entry), words::entry(entry));
        let line =
            format!("{:>6} {time:>12} {layer:<4} {:<8} {what:<44} {}", entry.sequence, entry.file_label, entry.rule);
        output::print_line(line.trim_end())?;
    }
    Ok(())
}

fn tell_dropped(entries: u64) {
    if entries > 0 {
        eprintln!("{entries} entries are no longer kept");
    }
}

async fn findings(lab: &Lab, name: &str, output: Output) -> anyhow::Result<Outcome> {
    let recorded = lab.list_findings(name).await?;
    let clean = recorded.findings.is_empty() && recorded.driver_stop.is_none();
    let message = v1::ListFindingsResponse {
        findings: recorded.findings,
        next_page_token: String::new(),
        driver_stop: recorded.driver_stop,
    };
    output.message("ListFindingsResponse", &message, |message| {
        let mut text = String::new();
        for finding in &message.findings {
            let _ = writeln!(
                text,
                "{}. {} {} ({}): {}\n   {}",
                finding.sequence, finding.rule, finding.layer, finding.driver, finding.sentence, finding.advice
            );
        }
        if let Some(stop) = &message.driver_stop {
            let _ = writeln!(
                text,
                "driver stop: {} {} ({}): {}\n   {}",
                stop.rule, stop.layer, stop.driver, stop.sentence, stop.advice
            );
        }
        if clean {
            text.push_str("no findings");
        }
        text
    })?;
    Ok(if clean { Outcome::Done } else { Outcome::No })
}

fn outstanding(report: &v1::OutstandingReport) -> String {
    if report.files.is_empty() && report.leaked_handles.is_empty() {
        return "nothing is outstanding".to_owned();
    }
    let mut text = String::new();
    for leaked in &report.leaked_handles {
        let v1::LeakedHandle { layer, driver, handle_number } = leaked;
        let _ = writeln!(text, "handle {handle_number} was not closed by L{layer} {driver} (STOP-10)");
    }
    for file in &report.files {
        let state = words::short(file.state().as_str_name(), "FILE_STATE_");
        let name = if file.name.is_empty() { "without name".to_owned() } else { format!("\"{}\"", file.name) };
        let _ = writeln!(text, "{} {name}, made by {}: {state}", file.label, file.creator);
        for request in &file.requests {
            let mut marks = Vec::new();
            if request.cancel_requested {
                marks.push("cancel asked for");
            }
            if request.undeleted {
                marks.push("completed, not deleted (CLS-19)");
            }
            let age = words::ticks(request.age_ticks);
            let kind = words::io_kind(request.io_kind());
            let marks = marks.join(", ");
            let line = format!("  {} {kind}, sent {age} s ago {marks}", request.label);
            let _ = writeln!(text, "{}", line.trim_end());
            for layer in &request.layers {
                let _ = writeln!(text, "    L{} {}: {}", layer.layer, layer.driver, layer.owner_state);
            }
        }
    }
    text
}
