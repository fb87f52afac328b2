//! The options of `scripted`.

use lowerdeck_framework::callback::{Callback, CallbackSet};
use lowerdeck_framework::driver::{
    BufferRetrieval, DeviceConfig, DispatchType, FileObjectPolicy, LockingConstraint, QueueConfig,
};
use lowerdeck_framework::forwarding::{DriverRole, ForwardingState};
use lowerdeck_framework::io::IoKind;

use super::rule::{Rule, RuleBook};
use crate::definition::LayerError;
use crate::options::Options;

/// Handlers of its default queue besides `OnCreateFile`.
const IO_HANDLERS: CallbackSet =
    CallbackSet::of(&[Callback::OnRead, Callback::OnWrite, Callback::OnDeviceIoControl, Callback::OnDefaultIoHandler]);

const FILE_CALLBACKS: CallbackSet = CallbackSet::of(&[Callback::OnCleanupFile, Callback::OnCloseFile]);

const PNP_CALLBACKS: CallbackSet = CallbackSet::of(&[
    Callback::OnPrepareHardware,
    Callback::OnD0Entry,
    Callback::OnSelfManagedIoInit,
    Callback::OnSelfManagedIoSuspend,
    Callback::OnD0Exit,
    Callback::OnReleaseHardware,
    Callback::OnSelfManagedIoFlush,
    Callback::OnSelfManagedIoCleanup,
    Callback::OnQueryRemove,
    Callback::OnSelfManagedIoRestart,
    Callback::OnQueryStop,
    Callback::OnSurpriseRemoval,
]);

/// Which of its queues are power-managed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PowerManaged {
    None,
    /// The parallel and sequential ones.
    Delivering,
    All,
}

/// Typed options: what the device declares, and the rules.
#[derive(Debug)]
pub(crate) struct ScriptedConfig {
    /// What `OnDeviceAdd` declares. Queue 0 is the default queue, queue 1 the manual one; queue 2 takes creates
    /// when queue 0 is manual.
    pub(super) device: DeviceConfig,
    pub(super) rules: RuleBook,
}

impl ScriptedConfig {
    pub(crate) fn from_options(options: &Options<'_>) -> Result<ScriptedConfig, LayerError> {
        let dispatch = options.choice(
            "queue",
            &[
                ("parallel", DispatchType::Parallel),
                ("sequential", DispatchType::Sequential),
                ("manual", DispatchType::Manual),
            ],
        )?;
        let wants_queue_cancels = options.choice("queue_cancel", &[("callback", true), ("none", false)])?;
        let create_handler = options.choice("create", &[("handler", true), ("none", false)])?;
        let zero_length = options.choice("zero_length", &[("allow", true), ("forbid", false)])?;
        let mut device = device_config(dispatch, create_handler, zero_length);
        if !options.choice("write", &[("handler", true), ("none", false)])? {
            device.queues[0].handlers = device.queues[0].handlers.without(Callback::OnWrite);
        }
        if !options.choice("default_io", &[("handler", true), ("none", false)])? {
            device.queues[0].handlers = device.queues[0].handlers.without(Callback::OnDefaultIoHandler);
        }
        if options.choice("ioctl_queue", &[("own", true), ("default", false)])? {
            let handlers = CallbackSet::of(&[Callback::OnDeviceIoControl]);
            let own = QueueConfig::default_queue(DispatchType::Parallel, handlers);
            device.queues.push(QueueConfig { is_default: false, routes: &[IoKind::DeviceControl], ..own });
        }
        if wants_queue_cancels {
            for queue in device.queues.iter_mut().filter(|queue| queue.dispatch == DispatchType::Manual) {
                queue.handlers = queue.handlers.with(Callback::OnIoCanceledOnQueue);
            }
        }
        let power = options.choice(
            "power",
            &[("unmanaged", PowerManaged::None), ("managed", PowerManaged::Delivering), ("all", PowerManaged::All)],
        )?;
        for queue in &mut device.queues {
            queue.power_managed = match power {
                PowerManaged::None => false,
                PowerManaged::Delivering => queue.dispatch != DispatchType::Manual,
                PowerManaged::All => true,
            };
        }
        if options.choice("io_stop", &[("callback", true), ("none", false)])? {
            for queue in &mut device.queues {
                queue.handlers = queue.handlers.with(Callback::OnIoStop).with(Callback::OnIoResume);
            }
        }
        device.role = options.choice("role", &[("function", DriverRole::Function), ("filter", DriverRole::Filter)])?;
        device.forwarding = options.choice(
            "forward",
            &[
                ("default", ForwardingState::UseDefault),
                ("true", ForwardingState::True),
                ("false", ForwardingState::False),
            ],
        )?;
        device.locking = options
            .choice("locking", &[("device", LockingConstraint::DeviceLevel), ("none", LockingConstraint::None)])?;
        device.file_policy = options.choice(
            "unknown_files",
            &[("reject", FileObjectPolicy::RejectNullAndUnknown), ("allow", FileObjectPolicy::AllowNullAndUnknown)],
        )?;
        device.buffer_retrieval = options.choice(
            "buffers",
            &[("copy", BufferRetrieval::CopyImmediately), ("deferred", BufferRetrieval::Deferred)],
        )?;
        let files = options.choice("files", &[("callbacks", FILE_CALLBACKS), ("none", CallbackSet::EMPTY)])?;
        let pnp = options.choice("pnp", &[("callbacks", PNP_CALLBACKS), ("none", CallbackSet::EMPTY)])?;
        device.callbacks = files.union(pnp).with(Callback::OnContextCleanup);
        ScriptedConfig::with_script(device, options)
    }

    /// A device, and the rules of the option `script`.
    pub(crate) fn with_script(device: DeviceConfig, options: &Options<'_>) -> Result<ScriptedConfig, LayerError> {
        let refuse = |problem: String| Options::refuse("script", problem);
        let written = Rule::read_script(&options.script("script")?).map_err(|error| refuse(error.to_string()))?;
        let mut rules = RuleBook::default();
        for rule in written {
            rules.add(rule).map_err(refuse)?;
        }
        Ok(ScriptedConfig { device, rules })
    }
}

/// A function driver with all callbacks, whose default queue is of `dispatch`.
pub(crate) fn device_config(dispatch: DispatchType, create_handler: bool, zero_length: bool) -> DeviceConfig {
    let create = if create_handler { CallbackSet::of(&[Callback::OnCreateFile]) } else { CallbackSet::EMPTY };
    let is_manual = dispatch == DispatchType::Manual;
    let handlers = if is_manual { CallbackSet::EMPTY } else { IO_HANDLERS.union(create) };
    let default = QueueConfig { allow_zero_length: zero_length, ..QueueConfig::default_queue(dispatch, handlers) };
    let mut queues = vec![default, QueueConfig::manual()];
    if is_manual && create_handler {
        // A manual queue has no handlers (QUE-1), so creates need one of their own.
        let creates = QueueConfig::default_queue(DispatchType::Parallel, create);
        queues.push(QueueConfig { is_default: false, routes: &[IoKind::Create], ..creates });
    }
    DeviceConfig {
        role: DriverRole::Function,
        forwarding: ForwardingState::UseDefault,
        callbacks: FILE_CALLBACKS.union(PNP_CALLBACKS).with(Callback::OnContextCleanup),
        queues,
        locking: LockingConstraint::DeviceLevel,
        file_policy: FileObjectPolicy::RejectNullAndUnknown,
        buffer_retrieval: BufferRetrieval::CopyImmediately,
    }
}
