"""`Session`: one upper driver on one stack, in an event loop; the twin of `lowerdeck.session`, with the same laws.

Tasks belong to their session: `close` and `abandon` leave none behind.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import warnings
from collections.abc import Awaitable, Coroutine, Iterable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Callable, Optional, TypeVar, Union

import grpc

from lowerdeck import calls, errors, handle_calls, ledger
from lowerdeck.aio.event_stream import EventStream
from lowerdeck.aio.feed import EventFeed
from lowerdeck.aio.file import DriverCreatedFile
from lowerdeck.aio.handle import Handle
from lowerdeck.aio.opening import Opening
from lowerdeck.aio.pending import PendingRequest
from lowerdeck.aio.pump import EventPump
from lowerdeck.aio.queue_pair import QueuePair
from lowerdeck.aio.request import IoRequest
from lowerdeck.aio.target import IoTarget
from lowerdeck.aio.window import Window
from lowerdeck.aio.wire import Wire
from lowerdeck.channel import new_session_uuid
from lowerdeck.enums import LossPolicy, PnpCallback
from lowerdeck.events import CallbackInvoked, Event, FileGone, RequestCompleted
from lowerdeck.feed import FEED_EVENTS_MAX
from lowerdeck.formats import Format, SendOptions
from lowerdeck.handle_opener import HandleOpener
from lowerdeck.hresult import HResult
from lowerdeck.ledger import Ledger
from lowerdeck.session import CLOSE_SECONDS_DEFAULT, E_FAIL
from lowerdeck.v1 import session_pb2

if TYPE_CHECKING:
    from lowerdeck.aio.client import Client

_log = logging.getLogger(__name__)

Answer = TypeVar("Answer")
CallbackHandler = Callable[["Session", CallbackInvoked], Awaitable[Optional[int]]]
"""One of L0's PnP callbacks, a coroutine function: returns an HRESULT, or None for S_OK."""
Callbacks = Union[Mapping[PnpCallback, CallbackHandler], Iterable[PnpCallback]]


class Session(HandleOpener[Opening[Handle]]):
    """One upper driver on one stack. Made by `Client.open_session`; use it in `async with`, which closes it."""

    def __init__(self, client: Client, callbacks: Callbacks, in_flight_max: int, queue_pair: bool) -> None:
        """Opened by `Client.open_session`; a Session that was not opened does nothing."""
        self.client = client
        self.uuid = new_session_uuid()
        self.info = session_pb2.Session()
        self.balance: session_pb2.Balance | None = None
        self.files_left_open = 0
        self._handlers = dict(callbacks) if isinstance(callbacks, Mapping) else {}
        self._callbacks = tuple(callbacks)
        self._in_flight_max = in_flight_max
        self._wire = Wire(client.channel, self.uuid)
        self._ledger: Ledger[PendingRequest] = Ledger()
        self._files: dict[str, DriverCreatedFile] = {}
        self._feeds: list[EventFeed] = []
        self._parked: list[tuple[PendingRequest, calls.Call[Any]]] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._callback_error: BaseException | None = None
        self._end: errors.LowerdeckError | None = None
        self._window = Window(in_flight_max)
        self._use_queue_pair = queue_pair
        self._queue: QueuePair | None = None
        self._pump: EventPump

    async def _open(self, stack: str, lease: float | None, loss_policy: LossPolicy, client_name: str) -> Session:
        self.info = await self._wire.run(calls.open_session(stack, lease, self._callbacks, loss_policy, client_name))
        limits = self.info.limits
        self._window = Window(min(self._in_flight_max, limits.requests_max, limits.retained_events_max))
        self._wire.recovery_seconds = self.info.lease.ToNanoseconds() / 1e9
        road: EventStream | QueuePair
        if self._use_queue_pair and limits.batch_submissions_max:  # 0: a server that has no QueuePair
            road = self._queue = QueuePair(self._wire, self._ledger, limits, self._on_acknowledged)
        else:
            road = EventStream(self._wire, self._ledger, self._on_acknowledged)
        self._pump = EventPump(self._wire, self._ledger, road, self._on_event, self._on_end)
        await self._pump.start()
        return self

    # --- what an upper driver calls -----------------------------------------------------------------------------------

    @property
    def stack(self) -> str:
        """The stack instance, for example "disk#3"."""
        return self.info.stack

    @property
    def files(self) -> list[DriverCreatedFile]:
        """The files created here that are not gone, oldest first."""
        return list(self._files.values())

    def create_wdf_file(
        self, name: str | None = None, *, timeout: float | None = None, request_id: int | None = None
    ) -> Opening[DriverCreatedFile]:
        """IWDFDevice::CreateWdfFile; see the blocking twin."""
        return Opening(self._create_wdf_file(name, timeout, request_id))

    async def _create_wdf_file(
        self, name: str | None, timeout: float | None, request_id: int | None
    ) -> DriverCreatedFile:
        chosen = self.new_request_id() if request_id is None else request_id
        with errors.ask_again_with(request_id=str(chosen)):
            reply = await self.run(calls.create_wdf_file(chosen, name), timeout)
        if reply.hresult != HResult.S_OK:
            raise errors.CreateFailed(reply.hresult, what=f"CreateWdfFile({name!r})")
        return self._files.setdefault(reply.file_id, DriverCreatedFile(self, reply.file_id, name or ""))

    async def create_request(self, *, completion_callback: bool = True, timeout: float | None = None) -> IoRequest:
        """IWDFDevice::CreateRequest, with SetCompletionCallback unless told otherwise (REQ-15)."""
        request_id = self.new_request_id()
        hresult = await self.run(calls.create_request(request_id, completion_callback), timeout)
        if hresult != HResult.S_OK:
            raise errors.IoFailed(hresult, what="CreateRequest")
        return IoRequest(self, request_id, completion_callback)

    def get_default_io_target(self) -> IoTarget:
        """IWDFDevice::GetDefaultIoTarget: the way to the next lower driver."""
        return IoTarget(self, "")

    async def cancel_sent_requests_for_file(self, file: DriverCreatedFile) -> None:
        """IWDFIoTarget::CancelSentRequestsForFile on the default target (TGT-33)."""
        await self.get_default_io_target().cancel_sent_requests_for_file(file)

    async def return_from_callback(self, invoked: CallbackInvoked, hresult: int = 0) -> None:
        """Returns from a PnP callback that has no handler here."""
        try:
            await self.run(calls.return_from_callback(invoked.callback_id, HResult(hresult)))
        except errors.ObjectGone:
            _log.debug("callback %d had returned before", invoked.callback_id)

    # --- the session itself -------------------------------------------------------------------------------------------

    def events(self, limit: int = FEED_EVENTS_MAX) -> EventFeed:
        """A feed of every event from now on; it holds at most `limit` unread ones."""
        feed = EventFeed(limit)
        self._feeds.append(feed)
        if self._end is not None:
            feed._end()
        return feed

    async def refresh(self) -> session_pb2.Session:
        """GetSession: how the session stands at the server. Renews the lease."""
        return await self.run(calls.get_session())

    async def renew(self, lease: float | None = None) -> session_pb2.Session:
        """RenewSession, with a new length of the lease in seconds if one is given."""
        return await self.run(calls.renew_session(lease))

    async def close(self, timeout: float | None = None) -> None:
        """CloseSession: closes what is open, waits for every file to go, and checks the balance; see the twin."""
        if self.balance is not None:
            return
        reply = await self._wire.run(calls.close_session(), timeout)
        if not await self._pump.join(CLOSE_SECONDS_DEFAULT):
            self._ledger.uncertain = True  # the last events are not here
        await self.abandon()
        self.balance, self.files_left_open = reply.balance, reply.files_left_open
        if self.files_left_open:
            message = f"{self.files_left_open} file(s) of the session on {self.stack} were not closed (CLS-2)"
            warnings.warn(message, ResourceWarning, stacklevel=2)
        self._ledger.audit(reply.balance)
        if self._callback_error is not None:
            raise self._callback_error

    async def abandon(self) -> None:
        """Stops listening and asks the server for nothing: what is open there is closed when the lease runs out."""
        self._wire.abandon()
        await self._pump.stop()
        remaining = self._tasks - {asyncio.current_task()}
        for task in remaining:
            task.cancel()
        if remaining:
            await asyncio.wait(remaining)

    async def __aenter__(self) -> Session:
        """The session."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Closes; an error of the block is not replaced by one of closing."""
        try:
            await self.close(CLOSE_SECONDS_DEFAULT)
        except (errors.SessionEnded, errors.ConnectionLost):
            await self.abandon()  # it ended without us, and who wanted to know has been told
        except Exception:
            await self.abandon()
            if error is None:
                raise
            _log.exception("the session on %s could not be closed in order", self.stack)

    # --- for files, handles, requests and targets ---------------------------------------------------------------------

    async def run(self, call: calls.Call[Answer], timeout: float | None = None) -> Answer:
        """Runs any call of the contract in this session."""
        road = self._wire if self._queue is None else self._queue
        return await road.run(call, timeout)

    def _open_handle(
        self, opened: handle_calls.Opened, timeout: float | None, handle_id: str | None
    ) -> Opening[Handle]:
        return Opening(self._handle(opened, timeout, handle_id))

    async def _handle(self, opened: handle_calls.Opened, timeout: float | None, handle_id: str | None) -> Handle:
        chosen = handle_id or handle_calls.new_id()
        with errors.ask_again_with(handle_id=chosen):
            reply = await self.run(handle_calls.open_handle(chosen, opened), timeout)
        function, name = handle_calls.described(opened)
        if reply.hresult != HResult.S_OK:
            raise errors.CreateFailed(reply.hresult, what=f"{function}({name!r})")
        return Handle(self, chosen, reply.handle_number, name)

    def new_request_id(self) -> int:
        """A request id that this session has not used."""
        return self._ledger.new_request_id()

    def begin(
        self,
        request_id: int,
        file_id: str,
        completion_expected: bool = True,
        in_window: bool = False,
        form: Format | None = None,
    ) -> PendingRequest:
        """Opens a round for a Send that is about to be put to the server."""
        if self._end is not None:
            raise self._end
        pending = PendingRequest(self, request_id, file_id)
        pending._round = self._ledger.begin(request_id, pending, completion_expected, in_window, form)
        return pending

    def request_of(self, pending: PendingRequest) -> IoRequest:
        """The request object that a Send with `retain` has left."""
        request = IoRequest(self, pending.request_id)
        request._sent = pending
        return request

    def answered(self, pending: PendingRequest, hresult: int) -> None:
        """Send was answered."""
        if self._ledger.answered(pending._round, HResult(hresult)):
            pending._accept()
        else:
            pending._refuse(HResult(hresult))

    def failed(self, pending: PendingRequest, error: errors.LowerdeckError) -> None:
        """Send came back with an error, and is not asked again."""
        self._ledger.give_up(pending._round, error)
        pending._fail(error)

    async def format_and_send(self, form: Format, options: SendOptions, retain: bool) -> PendingRequest:
        """FormatAndSend, without waiting for the answer."""
        await self._window.enter()
        try:
            request_id = self.new_request_id()
            pending = self.begin(request_id, form.file_id, in_window=True, form=form)
        except BaseException:
            self._window.leave(1)
            raise
        self._put(pending, calls.format_and_send(request_id, form, options, retain))
        return pending

    def _put(self, pending: PendingRequest, call: calls.Call[Any], again: bool = False) -> None:
        def done(reply: Any, refused: errors.RpcRefused | None) -> None:
            if refused is None:
                self._was_answered(pending, reply)
            elif self._is_to_be_asked_again(pending, call, refused):
                self._put(pending, call)

        if self._queue is not None:
            if self._queue.start(call, done) is not None:
                return
            self._ledger.expect_unconfirmed(pending._round)
        self._keep(self._ask(pending, call, again))

    async def _ask(self, pending: PendingRequest, call: calls.Call[Any], again: bool = False) -> None:
        while True:
            if again and self._queue is not None:  # what the queue acknowledges may be on its way; do not overtake it
                with contextlib.suppress(grpc.RpcError):
                    await self._wire.ask_once(calls.acknowledge_events(self._ledger.last_sequence))
            try:
                reply = await self._wire.ask_once(call, self._wire.recovery_seconds if again else None, again)
            except grpc.RpcError as error:
                refused = errors.from_rpc_error(error)
                if again and isinstance(refused, errors.DeadlinePassed):
                    refused = errors.no_connection(self._wire.recovery_seconds)
            else:
                self._was_answered(pending, reply)
                return
            if not self._is_to_be_asked_again(pending, call, refused):
                return
            again = True

    def _was_answered(self, pending: PendingRequest, reply: Any) -> None:
        self.answered(pending, reply.hresult)
        if reply.hresult != HResult.S_OK:
            self._window.leave(1)

    def _is_to_be_asked_again(self, pending: PendingRequest, call: calls.Call[Any], refused: errors.RpcRefused) -> bool:
        what = self._ledger.asked_in_vain(pending._round, refused)
        if what is ledger.Next.PARK:
            self._parked.append((pending, call))
        elif what is ledger.Next.GIVE_UP:
            self._window.leave(1)
            pending._fail(refused)
        return what is ledger.Next.ASK_AGAIN

    def _keep(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # --- what the pump calls ------------------------------------------------------------------------------------------

    def _on_event(self, event: Event) -> None:
        for feed in self._feeds:
            feed._put(event)
        if isinstance(event, FileGone):
            file = self._files.pop(event.file_id, None)
            if file is not None and not file._gone.done():
                file._gone.set_result(None)
        elif isinstance(event, CallbackInvoked) and event.callback in self._handlers:
            self._keep(self._call_back(event))
        elif isinstance(event, RequestCompleted):
            entry = self._ledger.match(event)
            if entry is not None:
                entry.waiter._complete(event.completion)

    async def _call_back(self, event: CallbackInvoked) -> None:
        try:
            hresult = await self._handlers[event.callback](self, event) or 0
        except Exception as error:  # shown by close(); the stack hears a failure now
            self._callback_error = self._callback_error or error
            hresult = E_FAIL
        try:
            await self.return_from_callback(event, hresult)
        except errors.LowerdeckError as error:
            _log.warning("the return of %s did not reach the stack: %s", event.callback.name, error)

    def _on_acknowledged(self, freed: int) -> None:
        parked, self._parked = self._parked, []
        if freed:
            self._window.leave(freed)
        for pending, call in parked:
            self._ledger.unpark(pending._round)
            self._put(pending, call, again=True)

    def _on_end(self, error: errors.LowerdeckError) -> None:
        self._end = error
        self._wire.abandon()
        for entry in self._ledger.open_rounds():
            entry.waiter._fail(error)
        for file in self._files.values():
            if not file._gone.done():
                file._gone.set_exception(error)
        for feed in self._feeds:
            feed._end()
        self._window.close(error)
