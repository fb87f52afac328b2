//! The catalog: which stacks there are. Templates, shared stacks, private instances, and the last ones that ended.
//!
//! Laws: a name means one thing; an instance's name (`disk#3`) is never used again in the life of the process; a
//! stack that has ended is kept for its trace until newer ones push it out. The catalog's lock is never held while a
//! stack runs.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use lowerdeck_framework::restart::RestartPolicy;
use lowerdeck_framework::stack::StackState;
use tokio::sync::watch;

use super::clock::StackClock;
use super::declaration::{Declaration, Sharing};
use super::error::HostError;
use super::inspect::RemovalOutcome;
use super::instance::{InstanceOwner, InstanceParts, StackInstance};
use super::layers;
use super::limits::Limits;
use super::record::{LayerRecord, StackDescription, StackSummary};
use super::timekeeper::Timekeeper;

/// All stacks of the server.
pub struct Catalog {
    pub(super) limits: Arc<Limits>,
    seed: u64,
    timekeeper: Arc<Timekeeper>,
    this: Weak<Catalog>,
    stacks: Mutex<Stacks>,
    changes: watch::Sender<u64>,
}

#[derive(Default)]
pub(super) struct Stacks {
    templates: BTreeMap<String, Template>,
    pub(super) shared: BTreeMap<String, Arc<StackInstance>>,
    /// Of shared stacks that have failed since they were plugged.
    pub(super) policies: BTreeMap<String, RestartPolicy>,
    private: BTreeMap<String, Arc<StackInstance>>,
    retired: VecDeque<Arc<StackInstance>>,
    /// Instances made, of all templates: seeds derive from it.
    made: u64,
    /// The highest ordinal among forgotten templates: a template plugged anew numbers on from here.
    forgotten_ordinal: u64,
}

impl Stacks {
    /// What has this name: a live instance, or else the last one that ended.
    fn named(&self, name: &str) -> Option<&Arc<StackInstance>> {
        let retired = || self.retired.iter().rev().find(|instance| instance.name() == name);
        self.shared.get(name).or_else(|| self.private.get(name)).or_else(retired)
    }

    /// A former life, as `common@1`.
    fn former(&self, name: &str) -> Option<&Arc<StackInstance>> {
        let (name, life) = name.split_once('@')?;
        let life: u32 = life.parse().ok()?;
        self.retired.iter().rev().find(|instance| instance.name() == name && instance.life == life)
    }

    /// The name by which an instance is found: its own, or `NAME@n` once something else has that.
    fn shown_name(&self, instance: &Arc<StackInstance>) -> String {
        let name = instance.name();
        let is_it = self.named(name).is_some_and(|there| Arc::ptr_eq(there, instance));
        if is_it && !self.templates.contains_key(name) { name.to_owned() } else { format!("{name}@{}", instance.life) }
    }

    /// The number of the life that is plugged under `name`, so that no other that is kept has it.
    fn next_life(&self, name: &str) -> u32 {
        let kept = self.retired.iter().filter(|instance| instance.name() == name);
        kept.map(|instance| instance.life).max().unwrap_or(0) + 1
    }
}

struct Template {
    declaration: Arc<Declaration>,
    layers: Arc<[LayerRecord]>,
    instances_made: u64,
}

enum Found {
    Template(Arc<Declaration>, Arc<[LayerRecord]>),
    Instance(Arc<StackInstance>),
}

impl Catalog {
    /// A catalog without any stack. `seed` decides every random choice of its drivers.
    pub fn new(limits: Arc<Limits>, seed: u64, timekeeper: Arc<Timekeeper>) -> Arc<Catalog> {
        Arc::new_cyclic(|this| Catalog {
            limits,
            seed,
            timekeeper,
            this: this.clone(),
            stacks: Mutex::default(),
            changes: watch::Sender::new(0),
        })
    }

    /// Declares a template, or declares and starts a shared stack. A shared stack that was stopped by a driver stop
    /// gives its name up.
    ///
    /// # Errors
    /// [`HostError::NameInUse`], [`HostError::LimitReached`], [`HostError::ExpressionInvalid`].
    pub fn plug(&self, declaration: Declaration) -> Result<Plugged, HostError> {
        let layers = layers::records(&declaration.definition)?;
        let mut stacks = self.lock();
        let name = declaration.name.clone();
        let there = match (stacks.templates.get(&name), stacks.shared.get(&name)) {
            (Some(template), _) => Some((Arc::clone(&template.declaration), None)),
            (None, Some(shared)) => Some((Arc::clone(&shared.declaration), Some(Arc::clone(shared)))),
            (None, None) => None,
        };
        if let Some((there, instance)) = there {
            let stopped =
                instance.as_ref().is_some_and(|shared| shared.progress().borrow().state == StackState::Stopped);
            if !stopped && *there != declaration {
                return Err(HostError::NameInUse(name));
            }
            match instance {
                Some(shared) if stopped => {
                    stacks.shared.remove(&name);
                    stacks.policies.remove(&name); // plugging it again begins anew (STOP-7)
                    drop(stacks);
                    self.bury(&shared);
                    return self.plug(declaration);
                }
                Some(shared) => return Ok(Plugged::Shared(shared)),
                None => return Ok(Plugged::Template(name)),
            }
        }
        let declaration = Arc::new(declaration);
        if declaration.sharing == Sharing::Private {
            self.check_room(stacks.templates.len(), "templates_max", self.limits.templates_max)?;
            let ordinal = stacks.forgotten_ordinal;
            stacks.templates.insert(name.clone(), Template { declaration, layers, instances_made: ordinal });
            self.state_changed();
            return Ok(Plugged::Template(name));
        }
        let clock = StackClock::new(declaration.clock);
        let life = stacks.next_life(&name);
        let instance = self.make(&mut stacks, name.clone(), declaration, layers, (clock, life))?;
        stacks.shared.insert(name, Arc::clone(&instance));
        drop(stacks);
        instance.start()?;
        Ok(Plugged::Shared(instance))
    }

    /// The instance for a new session on `name`: a new one of a template, or the shared one.
    ///
    /// # Errors
    /// [`HostError::StackUnknown`], [`HostError::LimitReached`], [`HostError::ExpressionInvalid`].
    pub fn instance_for_session(&self, name: &str) -> Result<Arc<StackInstance>, HostError> {
        let mut stacks = self.lock();
        if let Some(shared) = stacks.shared.get(name) {
            return Ok(Arc::clone(shared));
        }
        let Some(template) = stacks.templates.get_mut(name) else {
            return Err(HostError::StackUnknown(name.to_owned()));
        };
        template.instances_made += 1;
        let instance_name = format!("{name}#{}", template.instances_made);
        let (declaration, layers) = (Arc::clone(&template.declaration), Arc::clone(&template.layers));
        let clock = StackClock::new(declaration.clock);
        let instance = self.make(&mut stacks, instance_name.clone(), declaration, layers, (clock, 1))?;
        stacks.private.insert(instance_name, Arc::clone(&instance));
        Ok(instance)
    }

    pub(super) fn make(
        &self,
        stacks: &mut Stacks,
        name: String,
        declaration: Arc<Declaration>,
        layers: Arc<[LayerRecord]>,
        (clock, life): (StackClock, u32),
    ) -> Result<Arc<StackInstance>, HostError> {
        self.check_room(stacks.shared.len() + stacks.private.len(), "instances_max", self.limits.instances_max)?;
        stacks.made += 1;
        let owner: Weak<dyn InstanceOwner> = self.this.clone();
        let parts = InstanceParts {
            name,
            declaration,
            layers,
            seed: self.seed.wrapping_add(stacks.made),
            clock,
            life,
            timekeeper: Arc::clone(&self.timekeeper),
            owner,
        };
        StackInstance::new(parts, &self.limits)
    }

    fn check_room(&self, used: usize, name: &'static str, value: u64) -> Result<(), HostError> {
        if (used as u64) < value {
            return Ok(());
        }
        Err(HostError::LimitReached { name, value, advice: "unplug stacks or close sessions first" })
    }

    /// An instance by name, live or ended.
    ///
    /// # Errors
    /// [`HostError::StackUnknown`], [`HostError::StackIsTemplate`].
    pub fn instance(&self, name: &str) -> Result<Arc<StackInstance>, HostError> {
        match self.find(name)? {
            Found::Instance(instance) => Ok(instance),
            Found::Template(..) => Err(HostError::StackIsTemplate(name.to_owned())),
        }
    }

    fn find(&self, name: &str) -> Result<Found, HostError> {
        let stacks = self.lock();
        if let Some(template) = stacks.templates.get(name) {
            return Ok(Found::Template(Arc::clone(&template.declaration), Arc::clone(&template.layers)));
        }
        stacks
            .named(name)
            .or_else(|| stacks.former(name))
            .map(|instance| Found::Instance(Arc::clone(instance)))
            .ok_or_else(|| HostError::StackUnknown(name.to_owned()))
    }

    /// All about a template, a shared stack or an instance.
    ///
    /// # Errors
    /// [`HostError::StackUnknown`].
    pub fn describe(&self, name: &str) -> Result<StackDescription, HostError> {
        match self.find(name)? {
            Found::Instance(instance) => {
                let mut description = instance.describe()?;
                name.clone_into(&mut description.summary.name);
                Ok(description)
            }
            Found::Template(declaration, layers) => Ok(StackDescription {
                summary: template_summary(&declaration),
                verifier: declaration.verifier,
                clock: declaration.clock,
                method_neither: declaration.method_neither,
                dispatcher: declaration.dispatcher,
                layers,
                ticks: 0,
            }),
        }
    }

    /// Templates and shared stacks in order of names, each template followed by its instances, each shared stack by its
    /// former lives, those that have ended among them; each under the name by which it is found.
    pub fn list(&self) -> Vec<StackSummary> {
        let mut all: Vec<(String, u64, String, Found)> = Vec::new();
        let stacks = self.lock();
        for (name, template) in &stacks.templates {
            let found = Found::Template(Arc::clone(&template.declaration), Arc::clone(&template.layers));
            all.push((name.clone(), 0, name.clone(), found));
        }
        for instance in stacks.shared.values().chain(stacks.private.values()).chain(&stacks.retired) {
            let (family, ordinal) = instance.name().split_once('#').unwrap_or((instance.name(), "0"));
            let (ordinal, shown) = (ordinal.parse().unwrap_or(0), stacks.shown_name(instance));
            all.push((family.to_owned(), ordinal, shown, Found::Instance(Arc::clone(instance))));
        }
        drop(stacks); // a summary takes the instance's lock
        all.sort_by(|a, b| (&a.0, a.1).cmp(&(&b.0, b.1)));
        let summaries = all.into_iter().filter_map(|(_, _, name, found)| match found {
            Found::Template(declaration, _) => Some(template_summary(&declaration)),
            Found::Instance(instance) => Some(StackSummary { name, ..instance.summary().ok()? }),
        });
        summaries.collect()
    }

    /// Counts what may have changed the state of a stack, to wait for.
    pub fn changes(&self) -> &watch::Sender<u64> {
        &self.changes
    }

    /// The state of a template (none of its own), a shared stack or a live instance; None if there is no such stack.
    pub fn state(&self, name: &str) -> Option<Option<StackState>> {
        match self.find(name).ok()? {
            Found::Template(..) => Some(None),
            Found::Instance(instance) => Some(Some(instance.progress().borrow().state)),
        }
    }

    /// Removes a stack in order and waits until that is over, or forgets a template.
    ///
    /// # Errors
    /// [`HostError::StackUnknown`], [`HostError::StackRemoved`], [`HostError::StackStopped`].
    pub async fn unplug(&self, name: &str) -> Result<RemovalOutcome, HostError> {
        if self.forget_template(name) {
            return Ok(RemovalOutcome::Removed);
        }
        let instance = self.instance(name)?;
        instance.remove().await
    }

    fn forget_template(&self, name: &str) -> bool {
        let mut stacks = self.lock();
        let Some(template) = stacks.templates.remove(name) else { return false };
        stacks.forgotten_ordinal = stacks.forgotten_ordinal.max(template.instances_made);
        self.state_changed();
        true
    }

    /// Moves an instance from the living to the remembered.
    pub(super) fn bury(&self, instance: &Arc<StackInstance>) {
        instance.retire();
        let mut stacks = self.lock();
        let is_it = |there: &Arc<StackInstance>| Arc::ptr_eq(there, instance);
        if stacks.shared.get(instance.name()).is_some_and(is_it) {
            stacks.shared.remove(instance.name());
        }
        stacks.private.remove(instance.name());
        if stacks.retired.iter().any(is_it) || self.limits.retired_stacks_max == 0 {
            return;
        }
        let pushed_out = if stacks.retired.len() as u64 >= self.limits.retired_stacks_max {
            stacks.retired.pop_front()
        } else {
            None
        };
        stacks.retired.push_back(Arc::clone(instance));
        drop(stacks);
        drop(pushed_out); // a long trace takes time to free: not under the lock
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Stacks> {
        // Every change leaves the maps whole, so a panic elsewhere cannot have spoilt them.
        self.stacks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl InstanceOwner for Catalog {
    fn instance_ended(&self, instance: &Arc<StackInstance>) {
        self.bury(instance);
        let mut stacks = self.lock();
        if !stacks.shared.contains_key(instance.name()) {
            stacks.policies.remove(instance.name());
        }
        drop(stacks);
        self.state_changed();
    }

    fn instance_stopped(&self, instance: &Arc<StackInstance>) {
        self.restart_or_leave(instance);
        self.state_changed();
    }

    fn state_changed(&self) {
        self.changes.send_modify(|count| *count += 1);
    }
}

/// What [`Catalog::plug`] has plugged.
pub enum Plugged {
    /// A template of this name.
    Template(String),
    /// A shared stack, starting or started.
    Shared(Arc<StackInstance>),
}

fn template_summary(declaration: &Declaration) -> StackSummary {
    StackSummary {
        name: declaration.name.clone(),
        template: None,
        sharing: declaration.sharing,
        state: None,
        expression: declaration.definition.to_string(),
        sessions: Vec::new(),
    }
}
