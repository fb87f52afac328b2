//! What a script does with the driver's I/O targets: the default one, named "", and its own on handles of the host.

use std::collections::BTreeMap;

use lowerdeck_framework::context::{DriverContext, HandleForward};
use lowerdeck_framework::handle::HandleId;
use lowerdeck_framework::ids::{CallId, ReceivedId, TargetId};
use lowerdeck_framework::io::SendOptions;
use lowerdeck_framework::status::HResult;
use lowerdeck_framework::target::SentIoAction;

use super::arguments::Arguments;
use super::driver::ScriptedDriver;
use super::kept::Kept;
use super::own::OwnCall;
use crate::syntax::SyntaxError;

/// One method of one target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TargetAction {
    target: String,
    method: Method,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Method {
    Create(HandleId),
    Start,
    Stop(SentIoAction),
    Remove,
    Delete,
}

impl Method {
    const fn word(self) -> &'static str {
        match self {
            Method::Create(_) => "create-target",
            Method::Start => "start-target",
            Method::Stop(_) => "stop-target",
            Method::Remove => "remove-target",
            Method::Delete => "delete-target",
        }
    }
}

impl TargetAction {
    /// The words it can be written with.
    pub(super) const WORDS: [&'static str; 5] =
        ["create-target", "start-target", "stop-target", "remove-target", "delete-target"];

    /// Reads the rest of the action `word`, one of [`TargetAction::WORDS`].
    pub(super) fn read(
        word: &str,
        text: &str,
        at: usize,
        arguments: &mut Arguments<'_>,
    ) -> Result<TargetAction, SyntaxError> {
        let actions = [
            ("cancel", SentIoAction::Cancel),
            ("wait", SentIoAction::WaitForCompletion),
            ("leave", SentIoAction::LeavePending),
        ];
        let method = match word {
            "create-target" => {
                let handle = arguments.keyed_number("handle")?;
                let handle = handle.ok_or_else(|| SyntaxError::at(text, at, "a create-target with handle=…"))?;
                Method::Create(HandleId(handle))
            }
            "stop-target" => {
                let action = actions.into_iter().find(|(name, _)| arguments.flag(name)).map(|(_, action)| action);
                Method::Stop(
                    action.ok_or_else(|| SyntaxError::at(text, at, "a stop-target with cancel, wait or leave"))?,
                )
            }
            "remove-target" => Method::Remove,
            "delete-target" => Method::Delete,
            _ => Method::Start,
        };
        let target = arguments.name("the name of a target, \"\" for the default one")?;
        Ok(TargetAction { target, method })
    }

    /// The word it was written with.
    pub(super) const fn word(&self) -> &'static str {
        self.method.word()
    }
}

/// The driver's file-handle targets, by name. The framework limits their number.
#[derive(Debug, Default)]
pub(super) struct OwnTargets {
    by_name: BTreeMap<String, TargetId>,
}

impl OwnTargets {
    /// The target `name`, where None is the default one.
    ///
    /// # Errors
    /// `E_INVALIDARG` when there is none.
    pub(super) fn named(&self, name: &str) -> Result<Option<TargetId>, HResult> {
        match name {
            "" => Ok(None),
            name => self.by_name.get(name).copied().map(Some).ok_or(HResult::E_INVALIDARG),
        }
    }

    /// A file-handle target.
    ///
    /// # Errors
    /// `E_INVALIDARG` when there is none of that name.
    pub(super) fn on_handle(&self, name: &str) -> Result<TargetId, HResult> {
        self.named(name)?.ok_or(HResult::E_INVALIDARG)
    }
}

impl ScriptedDriver {
    /// Performs an action on a target. What waits returns later and is noted then.
    pub(super) fn act_on_target(&mut self, cx: &mut DriverContext<'_>, action: &TargetAction) -> Result<(), HResult> {
        let TargetAction { target: name, method } = action;
        if let Method::Create(handle) = method {
            let target = cx.create_file_handle_target(*handle)?;
            self.targets.by_name.insert(name.clone(), target);
            return Ok(());
        }
        if !self.own.has_room_for_call() {
            return Err(HResult::STATUS_INSUFFICIENT_RESOURCES);
        }
        let target = self.targets.named(name)?;
        let call: CallId = match method {
            Method::Create(_) | Method::Start => cx.start_target(target),
            Method::Stop(action) => cx.stop_target(target, Some(*action)),
            Method::Remove => cx.remove_target(target),
            Method::Delete => cx.delete_target(target),
        };
        self.own.calls.insert(call, OwnCall::Target { word: method.word(), name: name.clone() });
        Ok(())
    }

    /// A call on a target has returned.
    pub(super) fn target_call_returned(&mut self, word: &'static str, name: &str, status: HResult) {
        self.notes.add(format!("{word} {name}: {status}"));
        if word == Method::Delete.word() && status.is_success() {
            self.targets.by_name.remove(name);
        }
    }

    /// `GetState` of a target, as a number, and whether it has a file.
    pub(super) fn target_state(&self, cx: &DriverContext<'_>, name: &str) -> Result<String, String> {
        let target = self.targets.named(name).map_err(|_| format!("the driver has no target `{name}`"))?;
        let file = if cx.target_file(target).is_some() { "some" } else { "none" };
        Ok(format!("state={} file={file}", cx.target_state(target).number()))
    }

    /// Sends a kept request to a file-handle target, as it is.
    ///
    /// # Errors
    /// The request, still owned, with the error of the Send.
    pub(super) fn forward_to_target(
        &mut self,
        cx: &mut DriverContext<'_>,
        request: ReceivedId,
        target: &str,
        callback: bool,
        options: SendOptions,
    ) -> Result<(), (Kept, HResult)> {
        let Some(kept) = self.kept.remove(request) else { return Ok(()) };
        let target = match self.targets.on_handle(target) {
            Ok(target) => target,
            Err(status) => return Err((kept, status)),
        };
        cx.send_received_to_handle(kept.request, target, HandleForward::CurrentType, callback, options)
            .map_err(|(request, status)| (Kept { request, ..kept }, status))
    }
}
