//! Rules: when they match, and in which order they are tried.

use std::sync::Arc;

use lowerdeck_framework::callback::Callback;
use lowerdeck_framework::ids::RequestLabel;
use lowerdeck_framework::io::IoKind;

use super::action::Action;
use super::arguments::Arguments;
use super::grammar::{self, Call, RuleText};
use crate::syntax::{Spanned, SyntaxError};

/// Most rules of one driver: every callback is matched against all of them.
pub const MAX_RULES: usize = 256;

/// What a rule is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trigger {
    Create,
    Read,
    Write,
    Ioctl,
    /// `OnDefaultIoHandler`.
    Default,
    Cancel,
    Completion,
    /// A synchronous Send returns.
    SendReturned,
    IoStop,
    IoResume,
    Cleanup,
    Close,
    /// One of the PnP callbacks.
    Pnp(Callback),
}

/// The names of the triggers.
const TRIGGERS: [(&str, Trigger); 24] = [
    ("create", Trigger::Create),
    ("read", Trigger::Read),
    ("write", Trigger::Write),
    ("ioctl", Trigger::Ioctl),
    ("default", Trigger::Default),
    ("cancel", Trigger::Cancel),
    ("completion", Trigger::Completion),
    ("send-returned", Trigger::SendReturned),
    ("io-stop", Trigger::IoStop),
    ("io-resume", Trigger::IoResume),
    ("cleanup", Trigger::Cleanup),
    ("close", Trigger::Close),
    ("prepare-hardware", Trigger::Pnp(Callback::OnPrepareHardware)),
    ("d0-entry", Trigger::Pnp(Callback::OnD0Entry)),
    ("self-managed-io-init", Trigger::Pnp(Callback::OnSelfManagedIoInit)),
    ("self-managed-io-suspend", Trigger::Pnp(Callback::OnSelfManagedIoSuspend)),
    ("d0-exit", Trigger::Pnp(Callback::OnD0Exit)),
    ("release-hardware", Trigger::Pnp(Callback::OnReleaseHardware)),
    ("self-managed-io-flush", Trigger::Pnp(Callback::OnSelfManagedIoFlush)),
    ("self-managed-io-cleanup", Trigger::Pnp(Callback::OnSelfManagedIoCleanup)),
    ("query-remove", Trigger::Pnp(Callback::OnQueryRemove)),
    ("self-managed-io-restart", Trigger::Pnp(Callback::OnSelfManagedIoRestart)),
    ("query-stop", Trigger::Pnp(Callback::OnQueryStop)),
    ("surprise-removal", Trigger::Pnp(Callback::OnSurpriseRemoval)),
];

impl Trigger {
    /// The trigger named `name`.
    pub(super) fn named(text: &str, name: &Spanned<String>) -> Result<Trigger, SyntaxError> {
        TRIGGERS.iter().find(|(known, _)| *known == name.value).map(|(_, trigger)| *trigger).ok_or_else(|| {
            let names: Vec<&str> = TRIGGERS.iter().map(|(name, _)| *name).collect();
            SyntaxError::at(text, name.at, format!("a callback: {}", names.join(" ")))
        })
    }

    /// Its name.
    pub(super) fn name(self) -> &'static str {
        TRIGGERS.iter().find(|(_, trigger)| *trigger == self).map_or("another callback", |(name, _)| name)
    }

    /// The one for a request of `kind`.
    pub(super) const fn of(kind: IoKind) -> Trigger {
        match kind {
            IoKind::Create => Trigger::Create,
            IoKind::Read => Trigger::Read,
            IoKind::Write => Trigger::Write,
            IoKind::DeviceControl => Trigger::Ioctl,
            IoKind::FlushBuffers | IoKind::QueryInformation | IoKind::SetInformation => Trigger::Default,
        }
    }
}

/// What happened, as far as conditions look at it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Event<'a> {
    pub(super) trigger: Trigger,
    /// The name of the file; empty for none.
    pub(super) name: &'a str,
    /// The control code or information class; 0 for none.
    pub(super) code: u32,
    pub(super) request: Option<RequestLabel>,
}

/// When a rule matches.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Conditions {
    name: Option<String>,
    code: Option<u64>,
    request: Option<RequestLabel>,
    nth: Option<u64>,
}

/// One rule.
#[derive(Debug, Clone)]
pub(super) struct Rule {
    trigger: Trigger,
    conditions: Conditions,
    actions: Arc<[Action]>,
    text: String,
    /// How many callbacks met the conditions other than `nth`.
    seen: u64,
}

impl Rule {
    /// Reads the rules of a script.
    pub(super) fn read_script(text: &str) -> Result<Vec<Rule>, SyntaxError> {
        grammar::script(text)?.into_iter().map(|rule| Rule::read(text, rule)).collect()
    }

    /// Reads one rule.
    pub(super) fn read(text: &str, rule: RuleText) -> Result<Rule, SyntaxError> {
        let trigger = Trigger::named(text, &rule.trigger)?;
        let head = Call { name: rule.trigger, arguments: rule.conditions, end: rule.from };
        let mut arguments = Arguments::new(text, head);
        let conditions = Conditions {
            name: arguments.keyed_name("name")?,
            code: arguments.keyed_number("code")?,
            request: arguments.keyed_label("request")?,
            nth: arguments.keyed_number("nth")?,
        };
        arguments.finish()?;
        let count = rule.actions.len();
        let mut actions = Vec::with_capacity(count);
        for (index, call) in rule.actions.into_iter().enumerate() {
            let at = call.name.at;
            let action = Action::read(text, call)?;
            if !action.is_for(trigger) {
                let wanted = format!("an action with a meaning in `on {}`", trigger.name());
                return Err(SyntaxError::at(text, at, wanted));
            }
            if action.ends_rule() && index + 1 != count {
                let sync = if action == Action::Block { "" } else { " with sync" };
                return Err(SyntaxError::at(text, at, format!("`{}`{sync} as the last action", action.name())));
            }
            actions.push(action);
        }
        let text = text[rule.from..rule.to].trim_end().to_owned();
        Ok(Rule { trigger, conditions, actions: actions.into(), text, seen: 0 })
    }

    /// Counts the event, and says whether the rule matches it.
    fn matches(&mut self, event: &Event<'_>) -> bool {
        let conditions = &self.conditions;
        let meets = self.trigger == event.trigger
            && conditions.name.as_deref().is_none_or(|name| name == event.name)
            && conditions.code.is_none_or(|code| code == u64::from(event.code))
            && conditions.request.is_none_or(|request| Some(request) == event.request);
        self.seen += u64::from(meets);
        meets && self.conditions.nth.is_none_or(|nth| nth == self.seen)
    }

    fn is_unconditional(&self) -> bool {
        self.conditions == Conditions::default()
    }
}

/// All rules of a driver, in the order in which they are tried.
#[derive(Debug, Default)]
pub(super) struct RuleBook {
    rules: Vec<Rule>,
}

impl RuleBook {
    /// Adds a rule, or replaces the one with the same trigger and conditions.
    ///
    /// # Errors
    /// When there are [`MAX_RULES`] already.
    pub(super) fn add(&mut self, rule: Rule) -> Result<(), String> {
        let same = |known: &&mut Rule| known.trigger == rule.trigger && known.conditions == rule.conditions;
        if let Some(known) = self.rules.iter_mut().find(same) {
            *known = rule;
            return Ok(());
        }
        if self.rules.len() == MAX_RULES {
            return Err(format!("the driver has {MAX_RULES} rules, which is the limit; `clear` them first"));
        }
        // A rule without conditions is tried last, or nothing added after it could ever match.
        let first_general =
            self.rules.iter().position(|known| known.trigger == rule.trigger && known.is_unconditional());
        self.rules.insert(first_general.unwrap_or(self.rules.len()), rule);
        Ok(())
    }

    /// Forgets all rules.
    pub(super) fn clear(&mut self) {
        self.rules.clear();
    }

    /// Whether any rule is for `trigger`.
    pub(super) fn covers(&self, trigger: Trigger) -> bool {
        self.rules.iter().any(|rule| rule.trigger == trigger)
    }

    /// The actions of the first rule that matches. Every rule counts the event, whichever decides.
    pub(super) fn decide(&mut self, event: &Event<'_>) -> Option<Arc<[Action]>> {
        let mut decided = None;
        for rule in &mut self.rules {
            if rule.matches(event) && decided.is_none() {
                decided = Some(Arc::clone(&rule.actions));
            }
        }
        decided
    }

    /// The rules as written, one per line.
    pub(super) fn listing(&self) -> String {
        let lines: Vec<&str> = self.rules.iter().map(|rule| rule.text.as_str()).collect();
        lines.join("\n")
    }
}
