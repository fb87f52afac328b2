//! Blocking calls: RPCs under way, known by the trace to be taken in and to have returned.

use std::future::Future;

use tokio::task::JoinHandle;
use tonic::Status;

use super::{Wire, session};
use crate::backend::{Call, Lab, Outcome};

/// A blocking call under way on the wire.
pub(super) struct Pending {
    /// The UMDF method, as the trace names it.
    pub(super) method: &'static str,
    /// For a create: its number, with which its outcome can be asked for again.
    pub(super) create: Option<(u64, Option<String>)>,
    /// For a synchronous send: its request.
    pub(super) request: Option<u64>,
    pub(super) task: JoinHandle<Result<Outcome, Status>>,
}

impl Wire {
    /// Begins a blocking RPC and returns when the server has taken it in.
    pub(super) fn begin(
        &mut self,
        method: &'static str,
        create: Option<(u64, Option<String>)>,
        request: Option<u64>,
        rpc: impl Future<Output = Result<Outcome, Status>> + Send + 'static,
    ) -> Call {
        let before = self.noted(method);
        let task = self.server.spawn(rpc);
        self.calls += 1;
        let call = Call(self.calls);
        while !task.is_finished() && self.noted(method) == before {}
        self.pending.insert(call, Pending { method, create, request, task });
        call
    }

    /// How often the trace shows L0 calling `method`.
    fn noted(&mut self, method: &str) -> usize {
        self.trace().iter().filter(|moment| moment.layer == 0 && moment.name == method).count()
    }

    /// Waits for those of the pending calls of `method` that the trace shows to have returned.
    pub(super) fn collect(&mut self, method: &'static str) {
        let returned = self.noted(&format!("{method}.returned"));
        loop {
            let done: Vec<Call> =
                self.pending.iter().filter(|(_, call)| call.task.is_finished()).map(|(call, _)| *call).collect();
            for call in done {
                let Some(pending) = self.pending.remove(&call) else { continue };
                let outcome = self.finish(&pending.create, pending.task);
                self.finished.insert(call, (pending.method, outcome));
            }
            let finished = self.finished.values().filter(|(name, _)| *name == method).count();
            let waiting = self.pending.values().any(|call| call.method == method);
            if finished >= returned || !waiting {
                return;
            }
            self.noted(method); // a round trip, so that the runtime can make progress
        }
    }

    /// The result of a finished RPC; one that its client gave up is asked for again (MAP-5).
    pub(super) fn finish(
        &mut self,
        create: &Option<(u64, Option<String>)>,
        task: JoinHandle<Result<Outcome, Status>>,
    ) -> Outcome {
        match self.server.run(task) {
            Ok(result) => result.unwrap_or_else(|status| panic!("{status:?}")),
            Err(cancelled) if cancelled.is_cancelled() => {
                let (number, name) = create.clone().expect("only creates are given up");
                let rpc = session::create(self.clients.clone(), number, name);
                self.server.run(rpc).unwrap_or_else(|status| panic!("{status:?}"))
            }
            Err(panicked) => panic!("{panicked}"),
        }
    }
}
