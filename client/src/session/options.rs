//! How a session is opened.

use std::future::Future;
use std::time::Duration;

use lowerdeck_proto::v1;
use uuid::Uuid;

use crate::callback::{CallbackInvocation, Handler};
use crate::hresult::HResult;
use crate::limits;
use crate::session::road::Road;

/// How to attach to a stack. Only the stack has no default.
#[derive(Debug, Clone)]
pub struct SessionOptions {
    pub(crate) session_id: Uuid,
    pub(crate) stack: String,
    pub(crate) lease: Option<Duration>,
    pub(crate) loss_policy: v1::LossPolicy,
    pub(crate) callbacks: Vec<v1::PnpCallback>,
    pub(crate) handler: Option<Handler>,
    pub(crate) client_name: String,
    pub(crate) road: Road,
    pub(crate) in_flight_window: usize,
    pub(crate) reconnect_window: Duration,
    pub(crate) close_timeout: Duration,
}

impl SessionOptions {
    /// Attaches to the template or shared stack of this name, with a new session UUID.
    pub fn new(stack: impl Into<String>) -> SessionOptions {
        SessionOptions {
            session_id: Uuid::new_v4(),
            stack: stack.into(),
            lease: None,
            loss_policy: v1::LossPolicy::Unspecified,
            callbacks: Vec::new(),
            handler: None,
            client_name: String::new(),
            road: Road::default(),
            in_flight_window: limits::IN_FLIGHT_WINDOW,
            reconnect_window: limits::RECONNECT_WINDOW,
            close_timeout: limits::CLOSE_TIMEOUT,
        }
    }

    /// How long the session outlives silence; the server's default is 30 s, and it has bounds.
    #[must_use]
    pub fn lease(mut self, lease: Duration) -> SessionOptions {
        self.lease = Some(lease);
        self
    }

    /// What the stack experiences when the lease runs out (MAP-6).
    #[must_use]
    pub fn loss_policy(mut self, policy: v1::LossPolicy) -> SessionOptions {
        self.loss_policy = policy;
        self
    }

    /// Names the upper driver in traces, findings and reports; at most 64 characters.
    #[must_use]
    pub fn client_name(mut self, name: impl Into<String>) -> SessionOptions {
        self.client_name = name.into();
        self
    }

    /// Answers these of L0's own callbacks; all others return `S_OK` at once. With callbacks, `Session::open` returns
    /// while the stack is still starting.
    #[must_use]
    pub fn callbacks<F, A>(mut self, callbacks: impl IntoIterator<Item = v1::PnpCallback>, handler: F) -> SessionOptions
    where
        F: Fn(CallbackInvocation) -> A + Send + Sync + 'static,
        A: Future<Output = HResult> + Send + 'static,
    {
        self.callbacks = callbacks.into_iter().collect();
        self.handler = Some(Handler::new(handler));
        self
    }

    /// How requests and events travel; [`Road::QueuePair`] unless chosen otherwise.
    #[must_use]
    pub fn road(mut self, road: Road) -> SessionOptions {
        self.road = road;
        self
    }

    /// How many requests may be sent and not completed, at least 1; one more waits. See
    /// [`limits::IN_FLIGHT_WINDOW`].
    #[must_use]
    pub fn in_flight_window(mut self, requests: usize) -> SessionOptions {
        self.in_flight_window = requests.max(1);
        self
    }

    /// How long a lost connection is sought again. See [`limits::RECONNECT_WINDOW`].
    #[must_use]
    pub fn reconnect_window(mut self, window: Duration) -> SessionOptions {
        self.reconnect_window = window;
        self
    }

    /// How long `Session::close` waits for the balance. See [`limits::CLOSE_TIMEOUT`].
    #[must_use]
    pub fn close_timeout(mut self, timeout: Duration) -> SessionOptions {
        self.close_timeout = timeout;
        self
    }

    pub(crate) fn message(&self) -> v1::OpenSessionRequest {
        v1::OpenSessionRequest {
            stack: self.stack.clone(),
            lease: self.lease.and_then(|lease| lease.try_into().ok()),
            loss_policy: self.loss_policy.into(),
            callbacks: self.callbacks.iter().map(|name| (*name).into()).collect(),
            client_name: self.client_name.clone(),
        }
    }
}
