//! The callbacks a driver can register, by their UMDF names.
//!
//! A callback that a driver did not register is not called and leaves no trace; what the framework does
//! instead is the rule of each (FWD-2, FWD-10).

/// One callback method.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Callback {
    /// `IQueueCallbackCreate::OnCreateFile`.
    OnCreateFile,
    /// `IQueueCallbackRead::OnRead`.
    OnRead,
    /// `IQueueCallbackWrite::OnWrite`.
    OnWrite,
    /// `IQueueCallbackDeviceIoControl::OnDeviceIoControl`.
    OnDeviceIoControl,
    /// `IQueueCallbackDefaultIoHandler::OnDefaultIoHandler`.
    OnDefaultIoHandler,
    /// `IQueueCallbackIoCanceledOnQueue::OnIoCanceledOnQueue`.
    OnIoCanceledOnQueue,
    /// `IQueueCallbackIoStop::OnIoStop`.
    OnIoStop,
    /// `IQueueCallbackIoResume::OnIoResume`.
    OnIoResume,
    /// `IRequestCallbackCancel::OnCancel`.
    OnCancel,
    /// `IRequestCallbackRequestCompletion::OnCompletion`.
    OnCompletion,
    /// `IFileCallbackCleanup::OnCleanupFile`.
    OnCleanupFile,
    /// `IFileCallbackClose::OnCloseFile`.
    OnCloseFile,
    /// `IObjectCleanup::OnCleanup` of a context (OBJ-5).
    OnContextCleanup,
    /// A blocking call of the driver has returned.
    OnCallReturned,
    /// A driver's own timer.
    OnTimer,
    /// A command of the lab's operator.
    OnControl,
    /// `IDriverEntry::OnDeviceAdd`.
    OnDeviceAdd,
    /// `IPnpCallbackHardware::OnPrepareHardware`.
    OnPrepareHardware,
    /// `IPnpCallback::OnD0Entry`.
    OnD0Entry,
    /// `IPnpCallbackSelfManagedIo::OnSelfManagedIoInit`.
    OnSelfManagedIoInit,
    /// `IPnpCallbackSelfManagedIo::OnSelfManagedIoSuspend`.
    OnSelfManagedIoSuspend,
    /// `IPnpCallback::OnD0Exit`.
    OnD0Exit,
    /// `IPnpCallbackHardware::OnReleaseHardware`.
    OnReleaseHardware,
    /// `IPnpCallbackSelfManagedIo::OnSelfManagedIoFlush`.
    OnSelfManagedIoFlush,
    /// `IPnpCallbackSelfManagedIo::OnSelfManagedIoCleanup`.
    OnSelfManagedIoCleanup,
    /// `IPnpCallback::OnQueryRemove`.
    OnQueryRemove,
    /// `IPnpCallbackSelfManagedIo::OnSelfManagedIoRestart`: later starts; the first is `OnSelfManagedIoInit`.
    OnSelfManagedIoRestart,
    /// `IPnpCallback::OnQueryStop`.
    OnQueryStop,
    /// `IPnpCallback::OnSurpriseRemoval`.
    OnSurpriseRemoval,
}

impl Callback {
    /// The PnP callbacks, in the order of a device's life.
    pub const PNP: [Callback; 13] = [
        Callback::OnDeviceAdd,
        Callback::OnPrepareHardware,
        Callback::OnD0Entry,
        Callback::OnSelfManagedIoInit,
        Callback::OnSelfManagedIoRestart,
        Callback::OnQueryRemove,
        Callback::OnQueryStop,
        Callback::OnSurpriseRemoval,
        Callback::OnSelfManagedIoSuspend,
        Callback::OnD0Exit,
        Callback::OnReleaseHardware,
        Callback::OnSelfManagedIoFlush,
        Callback::OnSelfManagedIoCleanup,
    ];

    /// Whether it handles a request: there a driver must not wait for its own sent I/O (TGT-26).
    pub const fn handles_requests(self) -> bool {
        matches!(
            self,
            Callback::OnCreateFile
                | Callback::OnRead
                | Callback::OnWrite
                | Callback::OnDeviceIoControl
                | Callback::OnDefaultIoHandler
                | Callback::OnIoCanceledOnQueue
                | Callback::OnCompletion
        )
    }

    /// Whether the watchdog looks at it by itself (STOP-8). PnP callbacks are part of a transition, which it looks at.
    pub(crate) const fn is_critical(self) -> bool {
        matches!(
            self,
            Callback::OnCancel | Callback::OnIoCanceledOnQueue | Callback::OnCleanupFile | Callback::OnCloseFile
        )
    }

    /// Whether the device-level lock covers it (SYN-1). PnP callbacks, `OnIoStop` and `OnIoResume`, which are
    /// part of them, `OnCompletion`, timers and control commands are outside (SYN-2, SYN-3).
    pub const fn takes_device_lock(self) -> bool {
        matches!(
            self,
            Callback::OnCreateFile
                | Callback::OnRead
                | Callback::OnWrite
                | Callback::OnDeviceIoControl
                | Callback::OnDefaultIoHandler
                | Callback::OnIoCanceledOnQueue
                | Callback::OnCancel
                | Callback::OnCleanupFile
                | Callback::OnCloseFile
        )
    }
}

impl std::fmt::Display for Callback {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Debug::fmt(self, f)
    }
}

/// A set of callbacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CallbackSet(u32);

impl CallbackSet {
    /// No callback.
    pub const EMPTY: CallbackSet = CallbackSet(0);

    /// The set of `callbacks`.
    pub const fn of(callbacks: &[Callback]) -> CallbackSet {
        let mut set = CallbackSet::EMPTY;
        let mut i = 0;
        while i < callbacks.len() {
            set = set.with(callbacks[i]);
            i += 1;
        }
        set
    }

    /// This set and one more.
    #[must_use]
    pub const fn with(self, callback: Callback) -> CallbackSet {
        CallbackSet(self.0 | 1 << callback as u8)
    }

    /// This set without one.
    #[must_use]
    pub const fn without(self, callback: Callback) -> CallbackSet {
        CallbackSet(self.0 & !(1 << callback as u8))
    }

    /// Both sets together.
    #[must_use]
    pub const fn union(self, other: CallbackSet) -> CallbackSet {
        CallbackSet(self.0 | other.0)
    }

    /// Whether `callback` is in it.
    pub const fn contains(self, callback: Callback) -> bool {
        self.0 & 1 << callback as u8 != 0
    }
}
