//! Blocking calls: RPCs and submitted closes under way, known by the trace to be taken in and to have returned.

use std::future::Future;

use lowerdeck_proto::v1;
use lowerdeck_proto::v1::submission;
use tokio::task::JoinHandle;
use tonic::Status;

use super::road::{Feed, reply_of};
use super::{Wire, session};
use crate::backend::{Call, Lab, Outcome};

/// What a blocking call waits for.
pub(super) enum Waiting {
    /// The answer of an RPC.
    Rpc(JoinHandle<Result<Outcome, Status>>),
    /// The result of a Close that was submitted under this number.
    Close(u64),
}

/// A blocking call under way on the wire.
pub(super) struct Pending {
    /// The UMDF method, as the trace names it.
    pub(super) method: &'static str,
    /// For a create: its number, with which its outcome can be asked for again.
    pub(super) create: Option<(u64, Option<String>)>,
    /// For a synchronous send: its request.
    pub(super) request: Option<u64>,
    pub(super) waiting: Waiting,
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
        while !task.is_finished() && self.noted(method) == before {}
        let call = self.next_call();
        self.pending.insert(call, Pending { method, create, request, waiting: Waiting::Rpc(task) });
        call
    }

    /// Submits `Close` and returns when the server has taken it. None when there is no queue pair to submit it to.
    pub(super) fn submit_close(&mut self, message: v1::CloseRequest) -> Option<Call> {
        let seen = self.seen;
        let (queue, server) = self.queue()?;
        let number = queue.submit(server, seen, vec![submission::Call::Close(message)]);
        queue.wait_until_taken(server, number);
        let call = self.next_call();
        let waiting = Waiting::Close(number);
        self.pending.insert(call, Pending { method: "Close", create: None, request: None, waiting });
        Some(call)
    }

    /// A call that has returned at once.
    pub(super) fn returned(&mut self, method: &'static str, outcome: Outcome) -> Call {
        let call = self.next_call();
        self.finished.insert(call, (method, outcome));
        call
    }

    fn next_call(&mut self) -> Call {
        self.calls += 1;
        Call(self.calls)
    }

    /// How often the trace shows L0 calling `method`.
    fn noted(&mut self, method: &str) -> usize {
        self.trace().iter().filter(|moment| moment.layer == 0 && moment.name == method).count()
    }

    /// Waits for those of the pending calls of `method` that the trace shows to have returned.
    pub(super) fn collect(&mut self, method: &'static str) {
        let returned = self.noted(&format!("{method}.returned"));
        loop {
            let is_done = |(_, call): &(&Call, &Pending)| self.is_done(&call.waiting);
            let done: Vec<Call> = self.pending.iter().filter(is_done).map(|(call, _)| *call).collect();
            for call in done {
                let Some(pending) = self.pending.remove(&call) else { continue };
                let outcome = self.finish(&pending.create, pending.waiting);
                self.finished.insert(call, (pending.method, outcome));
            }
            let finished = self.finished.values().filter(|(name, _)| *name == method).count();
            let waiting = self.pending.values().any(|call| call.method == method);
            if finished >= returned || !waiting {
                return;
            }
            let is_submitted = |call: &Pending| call.method == method && matches!(call.waiting, Waiting::Close(_));
            if self.pending.values().any(is_submitted)
                && let Some((queue, server)) = self.stream()
            {
                queue.hear(server);
            } else {
                self.noted(method); // a round trip, so that the runtime can make progress
            }
        }
    }

    fn is_done(&self, waiting: &Waiting) -> bool {
        match (waiting, &self.events) {
            (Waiting::Rpc(task), _) => task.is_finished(),
            (Waiting::Close(number), Some(Feed::Queue(queue))) => queue.is_answered(*number),
            (Waiting::Close(_), _) => false,
        }
    }

    /// The result of a finished call; an RPC that its client gave up is asked for again (MAP-5).
    pub(super) fn finish(&mut self, create: &Option<(u64, Option<String>)>, waiting: Waiting) -> Outcome {
        let task = match waiting {
            Waiting::Rpc(task) => task,
            Waiting::Close(number) => return self.closed(number),
        };
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

    /// What a submitted Close gave, waiting until it has returned.
    pub(super) fn closed(&mut self, number: u64) -> Outcome {
        let (queue, server) = self.stream().expect("whoever submitted has a stream");
        let answer = queue.closed(server, number);
        reply_of::<v1::CloseRequest>(Some(answer)).unwrap_or_else(|refusal| panic!("{refusal}"));
        Outcome::Void
    }
}
