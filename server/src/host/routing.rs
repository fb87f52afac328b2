//! Routing: which upper driver hears of which effect, and what goes to a handle.
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

use super::handle_io::HandleIo;
use super::record::{DriverStopRecord, LayerRecord, OutstandingRecord};
use super::upper::{Upper, UpperEvent};

/// One pass over the effects of a batch.
pub(super) struct Router<'a> {
    pub(super) stack: &'a str,
    pub(super) layers: &'a [LayerRecord],
    pub(super) uppers: &'a mut SecondaryMap<DeviceId, Upper>,
    pub(super) culprits: &'a mut VecDeque<(u64, Arc<str>)>,
    pub(super) handle_io: &'a mut HandleIo,
    pub(super) culprits_max: usize,
    pub(super) stop: &'a mut Option<Arc<DriverStopRecord>>,
    pub(super) ticks: u64,
    pub(super) veto: &'a mut Option<(Level, HResult)>,
}

impl Router<'_> {
    /// Delivers all `effects` in order, consecutive ones for one upper driver together. Gives the upper drivers that were
    /// forgotten.
    pub(super) fn route(&mut self, effects: &mut Vec<Effect>, caller: Option<DeviceId>) -> Vec<DeviceId> {
        let mut forgotten = Vec::new();
        let mut caller = caller;
        let mut effects = effects.drain(..);
        while let Some(first) = effects.as_slice().first() {
            if let Some(upper) = own_upper(first) {
                let run = effects.as_slice().iter().take_while(|effect| own_upper(effect) == Some(upper)).count();
                self.tell(upper, &mut effects.by_ref().take(run).map(UpperEvent::Own));
                continue;
            }
            match effects.next() {
                Some(Effect::ReportFinding(finding)) => self.report_finding(finding, caller),
                Some(Effect::ReportDriverStop(stop)) => self.report_stop(*stop, caller),
                Some(Effect::ReportVeto { level, status }) => *self.veto = Some((level, status)),
                Some(Effect::StackRemoved) => self.broadcast(&UpperEvent::StackRemoved),
                Some(effect @ Effect::ForgetUpper { upper }) => {
                    self.tell(upper, &mut std::iter::once(UpperEvent::Own(effect)));
                    self.uppers.remove(upper);
                    forgotten.push(upper);
                }
                Some(effect @ Effect::DeclareUpperDead { upper }) => {
                    self.tell(upper, &mut std::iter::once(UpperEvent::Own(effect)));
                    caller = Some(upper); // the finding about it follows
                }
                Some(Effect::SubmitHostIo { io, handle, parameters }) => self.handle_io.submit(io, handle, parameters),
                Some(Effect::CancelHostIo { io }) => self.handle_io.cancel(io),
                Some(_) | None => {} // an effect that names an upper driver was told above
            }
        }
        forgotten
    }

    /// Hands `events` to `upper`, if it is still there.
    fn tell(&self, upper: DeviceId, events: &mut dyn Iterator<Item = UpperEvent>) {
        match self.uppers.get(upper) {
            Some(upper) => upper.driver.take(events, self.ticks),
            None => events.for_each(drop),
        }
    }

    fn broadcast(&mut self, event: &UpperEvent) {
        for upper in self.uppers.values() {
            upper.driver.take(&mut std::iter::once(event.clone()), self.ticks);
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
        upper.driver.take(&mut std::iter::once(UpperEvent::Finding(finding)), self.ticks);
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

/// Whose effect it is, of those that are handed over as they are.
fn own_upper(effect: &Effect) -> Option<DeviceId> {
    match effect {
        Effect::ReturnCall { upper, .. }
        | Effect::CompleteRequest { upper, .. }
        | Effect::AnnounceFileGone { upper, .. }
        | Effect::InvokeCallback { upper, .. } => Some(*upper),
        _ => None,
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
