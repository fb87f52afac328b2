//! The invariants of section Z, checked after every script.

use std::collections::{HashMap, HashSet};

use crate::moment::Moment;
use crate::stage::Stage;

mod one_owner;

/// Ends a script: deletes what it made, closes what it left open, and checks the laws.
pub fn check(stage: &mut Stage) {
    let stopped = stage.count("L0.DriverStop")
        + (1..4).map(|layer| stage.count(&format!("L{layer}.DriverStop"))).sum::<usize>()
        > 0;
    stage.eventually(|stage| {
        let moments = stage.moments();
        one_ending(stage, &moments, stopped)
    });
    let requests = stage.requests();
    if !stopped && !stage.tolerance.leaks {
        for request in requests {
            if stage.state_of(&request) == "Completed" {
                stage.delete(&request);
            }
        }
    }
    let moments = stage.moments();
    one_ending(stage, &moments, stopped).unwrap_or_else(|problem| stage.fail(&problem));
    if let Some(late) = late_io(&moments, &stage.tied_requests()).first() {
        stage.fail(late);
    }
    for request in stage.requests() {
        if let Some(problem) = one_owner::broken(&moments, &request) {
            stage.fail(&format!("Z5: {problem}"));
        }
    }
    cancel_once(stage, &moments);
    if !stopped {
        if !stage.tolerance.imbalance {
            balance(stage, &moments);
        }
        nothing_left(stage, &moments);
    }
    if let Some(problem) = silent_misuse(&moments, &stage.misuses()) {
        stage.fail(&problem);
    }
    no_unexpected_verdict(stage, &moments);
    let stop = moments.iter().find(|moment| moment.name.starts_with("OnSelfManagedIoStop"));
    stage.check(stop.is_none(), "PNP-9: OnSelfManagedIoStop exists and is never called");
}

/// Z1, Z2: as many `OnCompletion` as accepted Sends, none for a refused one.
fn one_ending(stage: &Stage, moments: &[Moment], stopped: bool) -> Result<(), String> {
    let mut accepted: HashMap<String, i64> = HashMap::new();
    for moment in moments.iter().filter(|moment| moment.layer == 0) {
        let Some(request) = moment.arguments.first() else { continue };
        match moment.name.as_str() {
            "Send" if moment.status().is_some_and(|status| status.is_success()) => {
                *accepted.entry(request.clone()).or_default() += 1
            }
            "OnCompletion" => *accepted.entry(request.clone()).or_default() -= 1,
            _ => {}
        }
    }
    let may_stay_open = stopped || stage.tolerance.leaks;
    for (request, open) in accepted {
        let ended = open == 0 || (open > 0 && (may_stay_open || !stage.has_callback(&request)));
        if !ended {
            return Err(format!("Z1, Z2: `{request}` has {open} more accepted Sends than completions"));
        }
    }
    Ok(())
}

/// Z3: per layer and file, successful creates = cleanups = closes, where the layer is told of them.
fn balance(stage: &mut Stage, moments: &[Moment]) {
    let mut books: HashMap<(u32, String), (i64, i64, i64)> = HashMap::new();
    for moment in moments.iter().filter(|moment| moment.layer > 0) {
        let Some(file) = moment.arguments.first() else { continue };
        let book = books.entry((moment.layer, file.clone())).or_default();
        match moment.name.as_str() {
            "CreateDone" if moment.status().is_some_and(|status| status.is_success()) => book.0 += 1,
            "Cleanup+" => book.1 += 1,
            "Close+" => book.2 += 1,
            _ => {}
        }
    }
    let leaks = stage.tolerance.leaks;
    for ((layer, file), (creates, cleanups, closes)) in books {
        let told = cleanups + closes > 0;
        let balanced = !told || (creates == cleanups && (cleanups == closes || (leaks && closes < cleanups)));
        stage.check(
            balanced,
            &format!("Z3: L{layer} saw {creates} creates, {cleanups} cleanups, {closes} closes of `{file}`"),
        );
    }
}

/// Z4: no Io for a file after its close, at the same layer. `tied` has a file and a request of it in each pair.
fn late_io(moments: &[Moment], tied: &[(String, String)]) -> Vec<String> {
    let mut io: HashMap<(u32, String), usize> = HashMap::new();
    for (index, moment) in moments.iter().enumerate() {
        if moment.name == "Io" {
            io.insert((moment.layer, moment.arguments[1].clone()), index);
        }
    }
    let gone: HashSet<usize> =
        moments.iter().enumerate().filter(|(_, moment)| moment.name == "Close+").map(|(index, _)| index).collect();
    let mut late = Vec::new();
    for (file, request) in tied {
        for ((layer, name), at) in io.iter().filter(|((_, name), _)| name == request) {
            let closed_before =
                |close: &usize| close < at && moments[*close].layer == *layer && moments[*close].arguments[0] == *file;
            if gone.iter().any(closed_before) {
                late.push(format!("Z4: L{layer} got Io({name}) after the close of `{file}`"));
            }
        }
    }
    late
}

/// Z6: `OnCancel` at most once for each arming; scripts arm a request once per layer unless they say otherwise.
fn cancel_once(stage: &mut Stage, moments: &[Moment]) {
    let mut seen: HashMap<(u32, String), u32> = HashMap::new();
    for moment in moments.iter().filter(|moment| moment.name == "OnCancel") {
        *seen.entry((moment.layer, moment.arguments[0].clone())).or_default() += 1;
    }
    for ((layer, request), count) in seen {
        stage.check(count == 1, &format!("Z6: L{layer} got OnCancel for `{request}` {count} times"));
    }
}

/// Z7: nothing outstanding, once everything the script opened has been closed.
fn nothing_left(stage: &mut Stage, moments: &[Moment]) {
    if stage.tolerance.leaks {
        return;
    }
    let closed: HashSet<&str> = moments
        .iter()
        .filter(|moment| moment.layer == 0 && moment.name == "Close")
        .map(|moment| moment.arguments[0].as_str())
        .collect();
    for file in stage.outstanding() {
        stage.check(
            !closed.contains(file.file.as_str()),
            &format!("Z7: `{}` was closed and is still outstanding: {:?}", file.file, file.requests),
        );
    }
}

/// Z8: each misuse by the script, given by its rule, has a verdict: a finding each, or the driver stop that ended it all.
fn silent_misuse(moments: &[Moment], misuses: &[&'static str]) -> Option<String> {
    let verdicts = |name: &str, rule: &str| {
        moments
            .iter()
            .filter(|moment| moment.name == name && moment.arguments.first().is_some_and(|is| is == rule))
            .count()
    };
    if misuses.iter().any(|rule| verdicts("DriverStop", rule) > 0) {
        return None;
    }
    let silent = misuses.iter().find(|rule| {
        let done = misuses.iter().filter(|other| other == rule).count();
        verdicts("Finding", rule) < done
    });
    silent.map(|rule| format!("Z8: the script broke {rule} and no verdict says so"))
}

/// Z8, read the other way round: a verdict that the scenario is not about is a failure.
fn no_unexpected_verdict(stage: &mut Stage, moments: &[Moment]) {
    let verdict = moments.iter().find(|moment| moment.name == "Finding" || moment.name == "DriverStop");
    if let (Some(verdict), false) = (verdict, stage.tolerance.verdicts) {
        stage.fail(&format!("Z8: {verdict} in a scenario that must end without a verdict"));
    }
}

#[cfg(test)]
mod tests;
