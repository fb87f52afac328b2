//! Routing: which upper driver hears of which effect.
//!
//! Laws: effects keep the stack's order, and consecutive ones for one upper driver are handed over together; what
//! concerns the whole stack is told to everybody on it.

use std::collections::VecDeque;
use std::sync::Arc;

use lowerdeck_framework::effect::Effect;
use lowerdeck_framework::ids::{DeviceId, Level};
use lowerdeck_framework::report::OutstandingReport;
use lowerdeck_framework::status::HResult;
use lowerdeck_framework::verifier::{DriverStop, Finding};
use slotmap::SecondaryMap;

use super::record::{DriverStopRecord, LayerRecord, OutstandingRecord};
use super::upper::{Upper, UpperEvent};

/// One pass over the effects of a batch.
pub(super) struct Router<'a> {
    pub(super) stack: &'a str,
    pub(super) layers: &'a [LayerRecord],
    pub(super) uppers: &'a mut SecondaryMap<DeviceId, Upper>,
    pub(super) culprits: &'a mut VecDeque<(u64, Arc<str>)>,
    pub(super) culprits_max: usize,
    pub(super) events: &'a mut Vec<UpperEvent>,
    pub(super) stop: &'a mut Option<Arc<DriverStopRecord>>,
    pub(super) ticks: u64,
    pub(super) veto: &'a mut Option<(Level, HResult)>,
}

impl Router<'_> {
    /// Delivers all `effects` in order, consecutive ones for one upper driver together. True if one was forgotten.
    pub(super) fn route(&mut self, effects: &mut Vec<Effect>, caller: Option<DeviceId>) -> bool {
        let mut forgot = false;
        let mut current: Option<DeviceId> = None;
        let mut caller = caller;
        for effect in effects.drain(..) {
            let upper = match &effect {
                Effect::ReturnCall { upper, .. }
                | Effect::CompleteRequest { upper, .. }
                | Effect::AnnounceFileGone { upper, .. }
                | Effect::InvokeCallback { upper, .. }
                | Effect::DeclareUpperDead { upper }
                | Effect::ForgetUpper { upper } => Some(*upper),
                _ => None,
            };
            if current != upper {
                self.flush(current);
                current = upper;
            }
            match effect {
                Effect::ReportFinding(finding) => self.report_finding(finding, caller),
                Effect::ReportDriverStop(stop) => self.report_stop(*stop, caller),
                Effect::ReportVeto { level, status } => *self.veto = Some((level, status)),
                Effect::StackRemoved => self.broadcast(&UpperEvent::StackRemoved),
                Effect::ForgetUpper { upper } => {
                    self.events.push(UpperEvent::Own(effect));
                    self.flush(Some(upper));
                    self.uppers.remove(upper);
                    forgot = true;
                }
                // No stack is configured for the dispatcher that makes these, and no handle is ever opened.
                Effect::SubmitHostIo { .. } | Effect::CancelHostIo { .. } => {}
                Effect::DeclareUpperDead { upper } => {
                    self.events.push(UpperEvent::Own(effect));
                    caller = Some(upper); // the finding about it follows
                }
                own => self.events.push(UpperEvent::Own(own)),
            }
        }
        self.flush(current);
        forgot
    }

    fn flush(&mut self, upper: Option<DeviceId>) {
        if let Some(upper) = upper.and_then(|upper| self.uppers.get(upper))
            && !self.events.is_empty()
        {
            upper.driver.take(self.events, self.ticks);
        }
        self.events.clear();
    }

    fn broadcast(&mut self, event: &UpperEvent) {
        for upper in self.uppers.values() {
            self.events.push(event.clone());
            upper.driver.take(self.events, self.ticks);
            self.events.clear();
        }
    }

    /// The upper driver that an event at level 0 is about: whoever brought the batch, or the only one there is.
    fn culprit(&self, caller: Option<DeviceId>) -> Option<DeviceId> {
        let only = || self.uppers.keys().next().filter(|_| self.uppers.len() == 1);
        caller.filter(|caller| self.uppers.contains_key(*caller)).or_else(only)
    }

    /// A finding at level 0 is for whoever it is about; one below concerns everybody.
    fn report_finding(&mut self, mut finding: Finding, caller: Option<DeviceId>) {
        if finding.level != Level(0) {
            return self.broadcast(&UpperEvent::Finding(finding));
        }
        let Some(upper) = self.culprit(caller).and_then(|culprit| self.uppers.get(culprit)) else { return };
        finding.driver = upper.identity.name.to_string();
        self.culprits.push_back((finding.sequence, Arc::clone(&upper.identity.name)));
        if self.culprits.len() > self.culprits_max {
            self.culprits.pop_front();
        }
        self.events.push(UpperEvent::Finding(finding));
        upper.driver.take(self.events, self.ticks);
        self.events.clear();
    }

    fn report_stop(&mut self, mut stop: DriverStop, caller: Option<DeviceId>) {
        if stop.level == Level(0)
            && let Some(upper) = self.culprit(caller).and_then(|culprit| self.uppers.get(culprit))
        {
            stop.driver = upper.identity.name.to_string();
        }
        let report = std::mem::take(&mut stop.outstanding);
        let outstanding = outstanding_of(self.stack, self.layers, self.uppers, self.ticks, report);
        let record = Arc::new(DriverStopRecord { stop, outstanding });
        *self.stop = Some(Arc::clone(&record));
        self.broadcast(&UpperEvent::DriverStopped(record));
    }
}

/// A report with the creators' names: clients by tag at level 0, drivers by layer below.
pub(super) fn outstanding_of(
    stack: &str,
    layers: &[LayerRecord],
    uppers: &SecondaryMap<DeviceId, Upper>,
    ticks: u64,
    report: OutstandingReport,
) -> OutstandingRecord {
    let creators = report
        .files
        .iter()
        .map(|file| match file.owner {
            Some(tag) => {
                let upper = uppers.values().find(|upper| upper.identity.tag == tag);
                upper.map_or_else(String::new, |upper| upper.identity.name.to_string())
            }
            None => {
                let layer = usize::from(file.creator.0).checked_sub(1).and_then(|index| layers.get(index));
                layer.map_or_else(String::new, |layer| layer.driver.clone())
            }
        })
        .collect();
    OutstandingRecord { stack: stack.to_owned(), ticks, report, creators, lowest: lowest(layers) }
}

/// The number of the lowest layer.
pub(super) fn lowest(layers: &[LayerRecord]) -> u8 {
    u8::try_from(layers.len()).unwrap_or(u8::MAX) // a stack has at most 32 layers
}
