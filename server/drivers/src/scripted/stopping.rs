//! `OnIoStop` and `OnIoResume`: what a script answers about a request that it keeps or has sent on (QUE-14).
//!
//! Without a rule it behaves well: what it keeps goes back into its queue, or ends cancelled when the device goes;
//! what it has sent on stays where it is. Whatever the framework forbids it is told by the framework.

use lowerdeck_framework::context::DriverContext;
use lowerdeck_framework::driver::Flow;
use lowerdeck_framework::ids::{ReceivedId, RequestLabel};
use lowerdeck_framework::io_stop::StopFlags;
use lowerdeck_framework::status::HResult;

use super::arguments::Completion;
use super::driver::ScriptedDriver;
use super::kept::{Kept, KeptState};
use super::perform::Scene;
use super::rule::Trigger;

impl ScriptedDriver {
    /// `OnIoStop` or `OnIoResume`; the answer without a rule depends on `flags`, of which a resume has none.
    pub(super) fn stopped(
        &mut self,
        cx: &mut DriverContext<'_>,
        trigger: Trigger,
        request: ReceivedId,
        flags: Option<StopFlags>,
    ) -> Flow {
        let label = cx.label_of(request);
        let kept = self.kept.get_mut(request);
        let (file, code) = kept.map_or((None, 0), |kept| (kept.file, kept.code));
        match (self.actions_for(cx, trigger, file, code, label), flags) {
            (Some(actions), _) => {
                let outcome = self.perform(cx, &actions, Scene { request: Some(request), file, trigger });
                self.flow(cx, trigger, outcome)
            }
            (None, Some(flags)) => {
                self.stop_well(cx, request, flags);
                Flow::Returned
            }
            (None, None) => Flow::Returned,
        }
    }

    fn stop_well(&mut self, cx: &mut DriverContext<'_>, request: ReceivedId, flags: StopFlags) {
        let state = self.kept.get_mut(request).map(|kept| kept.state);
        if state == Some(KeptState::Armed) && self.unmark(cx, request).is_err() {
            return; // lost to a cancel: OnCancel ends it
        }
        match state {
            Some(KeptState::Cancelling) => {}
            Some(_) if flags.has(StopFlags::PURGE) => {
                self.finish_kept(cx, request, &Completion::of(HResult::ERROR_OPERATION_ABORTED));
            }
            Some(_) => drop(self.acknowledge(cx, request, true)),
            None => drop(self.acknowledge(cx, request, false)),
        }
    }

    /// `StopAcknowledge`; whether it was the driver's to acknowledge. With `requeue` the driver has to keep it.
    pub(super) fn acknowledge(&mut self, cx: &mut DriverContext<'_>, request: ReceivedId, requeue: bool) -> bool {
        if !requeue {
            cx.stop_acknowledge(request);
            return true;
        }
        let Some(kept) = self.kept.remove(request) else { return false };
        match cx.stop_acknowledge_requeue(kept.request) {
            Ok(()) => true,
            Err(request) => {
                self.kept.insert(Kept { request, ..kept });
                false
            }
        }
    }

    /// A request that it does not keep, among those that `OnIoStop` has asked about.
    pub(super) fn asked_about(&self, cx: &DriverContext<'_>, label: RequestLabel) -> Option<ReceivedId> {
        self.asked.iter().rev().copied().find(|request| cx.label_of(*request) == Some(label))
    }
}
