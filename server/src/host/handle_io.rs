//! I/O of handles: what leaves a stack is given to the handle's queue, performed there, and brought back.
//!
//! ```text
//!  stack (under its lock)              one task per handle                      stack (under its lock)
//!  SubmitHostIo ──► HandleIo ──► queue ──► Handles::perform ──► outcome ──► host_io_finished
//!  CancelHostIo ──► the operation's token ──┘
//! ```
//!
//! Laws: operations of one handle begin in the order in which the stack submitted them; each is answered once, also one
//! for which the queue has no room; the task ends when the handle is closed and everything on it has ended, which is when
//! [`HandleQueue::ended`] says so. A stack never waits for a handle.
//!
//! Must not know what a handle is of, nor whose it is beyond the upper driver's key.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use bytes::Bytes;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use lowerdeck_framework::clock::Now;
use lowerdeck_framework::handle::{HandleClosing, HandleFacts, HandleId, HostIoId};
use lowerdeck_framework::ids::DeviceId;
use lowerdeck_framework::io::{IoKind, IoParameters};
use lowerdeck_framework::stack::Stack;
use lowerdeck_framework::status::HResult;
use lowerdeck_handles::disk::control::{FSCTL_FLUSH_FILE_BUFFERS, FSCTL_SET_END_OF_FILE};
use lowerdeck_handles::handle::{HandleNumber, Handles, OPERATIONS_MAX};
use lowerdeck_handles::operation::{Operation, Outcome};
use lowerdeck_handles::win32::Win32Error;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::handle_host::HandleHost;
use super::instance::{Body, StackInstance};

/// `FileEndOfFileInformation`: the one class of `SetInformation` that handles know, as `SetEndOfFile`.
const FILE_END_OF_FILE_INFORMATION: u32 = 20;

/// One operation on its way to its handle.
#[derive(Debug)]
struct Submitted {
    io: HostIoId,
    operation: Operation,
    cancelled: CancellationToken,
}

/// The way to one handle, as its stack has it.
#[derive(Debug)]
pub struct HandleQueue {
    owner: DeviceId,
    submit: mpsc::Sender<Submitted>,
    ended: CancellationToken,
}

impl HandleQueue {
    /// Cancelled when nothing of the handle is performed any more, and the object of the host is free.
    pub fn ended(&self) -> CancellationToken {
        self.ended.clone()
    }

    /// Begins to perform on the handle `number` of `table`, for the stack of `instance`. `room` is its room in the process.
    pub fn start(
        host: &HandleHost,
        table: &Arc<Handles>,
        number: HandleNumber,
        room: OwnedSemaphorePermit,
        instance: &Weak<StackInstance>,
        owner: DeviceId,
    ) -> HandleQueue {
        let (submit, submitted) = mpsc::channel(OPERATIONS_MAX);
        let ended = CancellationToken::new();
        let performer = Performer {
            table: Arc::clone(table),
            number,
            instance: Weak::clone(instance),
            owner,
            stop: host.stop().clone(),
            _room: room,
            _ended: ended.clone().drop_guard(),
        };
        host.spawn(performer.run(submitted));
        HandleQueue { owner, submit, ended }
    }
}

/// Performs what is submitted to one handle.
struct Performer {
    table: Arc<Handles>,
    number: HandleNumber,
    instance: Weak<StackInstance>,
    owner: DeviceId,
    stop: CancellationToken,
    _room: OwnedSemaphorePermit,
    _ended: DropGuard,
}

impl Performer {
    /// Until the queue is closed and everything has ended, or the server ends.
    async fn run(self, mut submitted: mpsc::Receiver<Submitted>) {
        let (this, mut under_way) = (&self, FuturesUnordered::new());
        let mut is_closed = false;
        while !(is_closed && under_way.is_empty()) {
            tokio::select! {
                biased;
                () = self.stop.cancelled() => return,
                next = submitted.recv(), if !is_closed => match next {
                    Some(Submitted { io, operation, cancelled }) => {
                        let performed = self.table.perform(self.number, operation, cancelled);
                        under_way.push(async move { (io, this.judge(performed.await)) });
                    }
                    None => is_closed = true,
                },
                Some(finished) = under_way.next() => self.tell(finished, &mut under_way),
            }
        }
    }

    /// What was submitted before the handle was closed ends as what was under way then, even if its turn had not come:
    /// aborted (FHT-20).
    fn judge(&self, outcome: Outcome) -> Outcome {
        let is_closed = || self.table.is_overlapped(self.number).is_err();
        if outcome.status == HResult::ERROR_INVALID_HANDLE && is_closed() {
            return Outcome::failed(HResult::ERROR_OPERATION_ABORTED);
        }
        outcome
    }

    /// Tells the stack what has ended: this, and what else is ready.
    fn tell(
        &self,
        first: (HostIoId, Outcome),
        under_way: &mut FuturesUnordered<impl Future<Output = (HostIoId, Outcome)>>,
    ) {
        let mut finished = vec![first];
        while let Some(Some(more)) = under_way.next().now_or_never() {
            finished.push(more);
        }
        if let Some(instance) = self.instance.upgrade() {
            instance.host_io_finished(self.owner, finished);
        }
    }
}

/// The I/O of one stack's handles. It lives under the stack's lock.
#[derive(Debug, Default)]
pub(super) struct HandleIo {
    queues: HashMap<HandleId, HandleQueue>,
    under_way: HashMap<HostIoId, CancellationToken>,
    /// What ended without being performed.
    ended: Vec<(HostIoId, HResult)>,
}

impl HandleIo {
    /// A handle that can be performed on from now on.
    pub fn opened(&mut self, handle: HandleId, queue: HandleQueue) {
        self.queues.insert(handle, queue);
    }

    /// Nothing more is performed on a handle.
    pub fn closed(&mut self, handle: HandleId) {
        self.queues.remove(&handle);
    }

    /// Submits an operation (FHT-10).
    pub fn submit(&mut self, io: HostIoId, handle: HandleId, parameters: IoParameters) {
        if let Err(status) = self.try_submit(io, handle, parameters) {
            self.ended.push((io, status));
        }
    }

    fn try_submit(&mut self, io: HostIoId, handle: HandleId, parameters: IoParameters) -> Result<(), HResult> {
        let queue = self.queues.get(&handle).ok_or(HResult::ERROR_INVALID_HANDLE)?;
        let operation = operation(parameters)?;
        let cancelled = CancellationToken::new();
        let submitted = Submitted { io, operation, cancelled: cancelled.clone() };
        queue.submit.try_send(submitted).map_err(|refused| match refused {
            mpsc::error::TrySendError::Full(_) => Win32Error::NO_SYSTEM_RESOURCES.hresult(),
            mpsc::error::TrySendError::Closed(_) => HResult::ERROR_OPERATION_ABORTED, // the server ends
        })?;
        self.under_way.insert(io, cancelled);
        Ok(())
    }

    /// Asks for the end of an operation (FHT-13).
    pub fn cancel(&self, io: HostIoId) {
        if let Some(cancelled) = self.under_way.get(&io) {
            cancelled.cancel();
        }
    }

    /// An operation has ended.
    pub fn finished(&mut self, io: HostIoId) {
        self.under_way.remove(&io);
    }

    /// Tells the stack what ended without being performed, and that the handles of upper drivers that are gone went with
    /// them: nothing more is performed on those.
    pub fn answer(&mut self, stack: &mut Stack, now: Now, gone: &[DeviceId]) {
        for (io, status) in self.ended.drain(..) {
            stack.host_io_finished(now, io, status, 0, Bytes::new());
        }
        if !gone.is_empty() {
            for (handle, _) in self.queues.extract_if(|_, queue| gone.contains(&queue.owner)) {
                stack.handle_closed(now, handle, HandleClosing::WithOwner);
            }
        }
    }

    /// The stack has ended: nobody is told of anything any more.
    pub fn clear(&mut self) {
        *self = HandleIo::default();
    }
}

impl StackInstance {
    /// A handle of `upper` was opened: the stack may know of it from now on. False, and `queue` is dropped, if `upper` is not
    /// there any more.
    pub fn handle_opened(&self, handle: HandleId, facts: HandleFacts, queue: HandleQueue) -> bool {
        let Ok(mut inner) = self.lock() else { return false };
        let is_there = inner.uppers.contains_key(queue.owner);
        let Ok(stack) = self.running(&mut inner.body) else { return false };
        if is_there {
            stack.handle_opened(handle, facts);
            inner.handle_io.opened(handle, queue);
        }
        is_there
    }

    /// A handle was closed by `upper`, whose it was (FHT-20). On a stack that has ended, it is no leak any more.
    pub fn handle_closed(&self, upper: DeviceId, handle: HandleId) {
        let Ok(mut inner) = self.lock() else { return };
        inner.handle_io.closed(handle);
        let now = inner.clock.now();
        match &mut inner.body {
            Body::Running(stack) => stack.handle_closed(now, handle, HandleClosing::ByOwner),
            Body::Ended(epitaph) => {
                epitaph.outstanding.report.leaked_handles.retain(|leaked| leaked.handle != handle);
            }
        }
        self.settle(inner, Some(upper), now);
    }

    /// Operations on a handle of `owner` have ended.
    fn host_io_finished(&self, owner: DeviceId, finished: Vec<(HostIoId, Outcome)>) {
        let Ok(mut inner) = self.lock() else { return };
        for (io, _) in &finished {
            inner.handle_io.finished(*io);
        }
        let now = inner.clock.now();
        let Ok(stack) = self.running(&mut inner.body) else { return };
        for (io, Outcome { status, information, data }) in finished {
            stack.host_io_finished(now, io, status, information, data);
        }
        self.settle(inner, Some(owner), now);
    }
}

/// What a handle is asked (FHT-10). Lengths beyond what a handle moves at once are refused there.
fn operation(parameters: IoParameters) -> Result<Operation, HResult> {
    let IoParameters { kind, code, information_class, device_offset, input, output_length, .. } = parameters;
    let length = u32::try_from(output_length).map_err(|_| HResult::E_INVALIDARG)?;
    let offset = device_offset.cast_unsigned();
    let control = |code, input| Operation::Control { code, input, output_length: length };
    Ok(match kind {
        IoKind::Read => Operation::Read { length, offset },
        IoKind::Write => Operation::Write { data: input, offset },
        IoKind::DeviceControl => control(code.0, input),
        IoKind::FlushBuffers => control(FSCTL_FLUSH_FILE_BUFFERS, input),
        IoKind::SetInformation if information_class == FILE_END_OF_FILE_INFORMATION => {
            control(FSCTL_SET_END_OF_FILE, input)
        }
        IoKind::SetInformation | IoKind::QueryInformation | IoKind::Create => {
            return Err(HResult::ERROR_INVALID_FUNCTION);
        }
    })
}
