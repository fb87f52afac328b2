//! L0's own plug-and-play callbacks: the session answers the ones it asked for when it was opened.
//!
//! Law: the stack waits for the answer; meanwhile a handler may create files, send and close (FILE-17).

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use lowerdeck_proto::v1;

use crate::device::Device;
use crate::hresult::HResult;

/// One of L0's callbacks is called.
#[derive(Debug, Clone)]
pub struct CallbackInvocation {
    /// Which one.
    pub callback: v1::PnpCallback,
    /// The power state before, for `OnD0Entry`.
    pub previous_power_state: v1::PowerState,
    /// The power state to come, for `OnD0Exit`.
    pub target_power_state: v1::PowerState,
    /// The session's device, for the I/O that the callback wants to do.
    pub device: Device,
}

type Answer = Pin<Box<dyn Future<Output = HResult> + Send>>;

/// Answers callbacks; made from any `async fn(CallbackInvocation) -> HResult`.
#[derive(Clone)]
pub(crate) struct Handler(Arc<dyn Fn(CallbackInvocation) -> Answer + Send + Sync>);

impl Handler {
    pub(crate) fn new<F, A>(handler: F) -> Handler
    where
        F: Fn(CallbackInvocation) -> A + Send + Sync + 'static,
        A: Future<Output = HResult> + Send + 'static,
    {
        Handler(Arc::new(move |invocation| Box::pin(handler(invocation))))
    }

    pub(crate) fn answer(&self, invocation: CallbackInvocation) -> Answer {
        (self.0)(invocation)
    }
}

impl std::fmt::Debug for Handler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Handler")
    }
}
