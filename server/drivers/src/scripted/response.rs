//! The answer to an event: what the rule for it says, else what the driver does without one.

use std::sync::Arc;

use lowerdeck_framework::context::DriverContext;
use lowerdeck_framework::driver::Flow;
use lowerdeck_framework::ids::{FileId, RequestId, RequestLabel};
use lowerdeck_framework::io::{CompletionParams, IoKind};
use lowerdeck_framework::received::OwnedRequest;
use lowerdeck_framework::status::HResult;

use super::action::Action;
use super::arguments::Completion;
use super::driver::ScriptedDriver;
use super::kept::Kept;
use super::own::OwnRequest;
use super::perform::{Outcome, Scene};
use super::rule::{Event, Trigger};
use crate::transfer;

/// What a request ends with when no rule decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Response {
    /// A status, Information 0.
    Status(HResult),
    /// Success; the Information of a write is its length, a read delivers the pattern.
    Whole,
    /// It is kept.
    Hold,
}

/// What each kind of request ends with when no rule decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Responses {
    pub(crate) create: Response,
    pub(crate) read: Response,
    pub(crate) write: Response,
    /// Of what comes to `OnDefaultIoHandler` as well.
    pub(crate) ioctl: Response,
}

impl Responses {
    /// Those of a driver that works.
    pub(crate) const WORKING: Responses = Responses {
        create: Response::Status(HResult::S_OK),
        read: Response::Whole,
        write: Response::Whole,
        ioctl: Response::Status(HResult::S_OK),
    };

    const fn to(&self, trigger: Trigger) -> Response {
        match trigger {
            Trigger::Create => self.create,
            Trigger::Read => self.read,
            Trigger::Write => self.write,
            _ => self.ioctl,
        }
    }
}

impl ScriptedDriver {
    /// A request as the script knows it.
    pub(super) fn described(cx: &DriverContext<'_>, request: OwnedRequest) -> Kept {
        let parameters = cx.parameters(&request);
        let code = match parameters.kind {
            IoKind::QueryInformation | IoKind::SetInformation => parameters.information_class,
            _ => parameters.code.0,
        };
        let kind = parameters.kind;
        let (label, file) = (cx.label_of(request.id()), cx.file_of(&request));
        Kept::new(request, label, file, kind, code)
    }

    /// What the rules say about an event.
    pub(super) fn actions_for(
        &mut self,
        cx: &DriverContext<'_>,
        trigger: Trigger,
        file: Option<FileId>,
        code: u32,
        request: Option<RequestLabel>,
    ) -> Option<Arc<[Action]>> {
        if !self.rules.covers(trigger) {
            return None;
        }
        let name = file.map_or("", |file| cx.file_name(file));
        self.rules.decide(&Event { trigger, name, code, request })
    }

    /// Obeys the rule for a request; gives the request back when nothing was decided about it.
    pub(super) fn obey(&mut self, cx: &mut DriverContext<'_>, trigger: Trigger, kept: Kept) -> (Outcome, Option<Kept>) {
        let Some(actions) = self.actions_for(cx, trigger, kept.file, kept.code, kept.label) else {
            return (Outcome::default(), Some(kept));
        };
        let request = kept.request.id();
        let scene = Scene { trigger, request: Some(request), file: kept.file };
        self.kept.insert(kept);
        let outcome = self.perform(cx, &actions, scene);
        let undecided = if outcome.decided { None } else { self.kept.remove(request) };
        (outcome, undecided)
    }

    /// Obeys the rule for an event without a request.
    pub(super) fn obey_without_request(
        &mut self,
        cx: &mut DriverContext<'_>,
        trigger: Trigger,
        file: Option<FileId>,
        label: Option<RequestLabel>,
    ) -> Outcome {
        match self.actions_for(cx, trigger, file, 0, label) {
            Some(actions) => self.perform(cx, &actions, Scene { trigger, request: None, file }),
            None => Outcome::default(),
        }
    }

    /// A request has been delivered to the handler of its type; `length` is that of the handler.
    pub(super) fn delivered(&mut self, cx: &mut DriverContext<'_>, request: OwnedRequest, length: u64) -> Flow {
        let trigger = Trigger::of(cx.parameters(&request).kind);
        self.delivered_to(cx, trigger, request, length)
    }

    pub(super) fn delivered_to(
        &mut self,
        cx: &mut DriverContext<'_>,
        trigger: Trigger,
        request: OwnedRequest,
        length: u64,
    ) -> Flow {
        let kept = Self::described(cx, request);
        let (outcome, undecided) = self.obey(cx, trigger, kept);
        if let Some(kept) = undecided {
            self.respond(cx, kept, trigger, length);
        }
        self.flow(cx, trigger, outcome)
    }

    /// Does what is done without a rule.
    fn respond(&mut self, cx: &mut DriverContext<'_>, kept: Kept, trigger: Trigger, length: u64) {
        let completion = match (self.responses.to(trigger), trigger) {
            (Response::Hold, _) => return self.kept.insert(kept),
            (Response::Status(status), _) => Completion::of(status),
            (Response::Whole, Trigger::Read) => match transfer::pattern(length) {
                Ok(data) => Completion { data, ..Completion::of(HResult::S_OK) },
                Err(status) => Completion::of(status),
            },
            (Response::Whole, _) => Completion { information: Some(length), ..Completion::of(HResult::S_OK) },
        };
        self.finish(cx, kept, &completion);
    }

    /// How the callback ends.
    pub(super) fn flow(&mut self, cx: &mut DriverContext<'_>, trigger: Trigger, outcome: Outcome) -> Flow {
        if outcome.waits {
            return Flow::Blocked(cx.block());
        }
        if !outcome.blocked {
            return Flow::Returned;
        }
        let callback = cx.block();
        self.blocked.push((trigger, callback));
        Flow::Blocked(callback)
    }

    /// A request of its own was completed; it is deleted unless a rule holds it.
    pub(super) fn own_completed(
        &mut self,
        cx: &mut DriverContext<'_>,
        trigger: Trigger,
        request: RequestId,
        params: &CompletionParams,
    ) -> Outcome {
        let own = self.own.requests.remove(&request);
        if let Some(kept) = own.and_then(|own| own.then).and_then(|then| self.kept.remove(then)) {
            self.kept.remember(kept.label, kept.request.id());
            cx.complete_as(kept.request, params);
        }
        let label = own.map(|own| RequestLabel { creator: cx.level(), number: own.number });
        let outcome = self.obey_without_request(cx, trigger, None, label);
        match own {
            Some(own) if outcome.decided => {
                self.own.requests.insert(request, OwnRequest { then: None, ..own });
            }
            _ => {
                cx.delete_request(request);
            }
        }
        outcome
    }

    /// A request it had received and sent on is its own again; without a rule it ends with the lower result.
    pub(super) fn regained(
        &mut self,
        cx: &mut DriverContext<'_>,
        trigger: Trigger,
        request: OwnedRequest,
        params: &CompletionParams,
    ) -> Outcome {
        let kept = Self::described(cx, request);
        let (outcome, undecided) = self.obey(cx, trigger, kept);
        if let Some(kept) = undecided {
            self.kept.remember(kept.label, kept.request.id());
            cx.complete_as(kept.request, params);
        }
        outcome
    }
}
