"""`Session`: one upper driver, layer L0, on one stack, over blocking calls.

Laws: a session ends by `close`, by the end of its stack, or by silence longer than its lease; then every request that
waits here learns so. A file that was not closed is warned about. All methods may be called from any thread.
"""

from __future__ import annotations

import logging
import threading
import warnings
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Callable, Optional, TypeVar, Union

from lowerdeck import calls, errors, handle_calls, ledger
from lowerdeck.callback_thread import CallbackThread
from lowerdeck.channel import new_session_uuid
from lowerdeck.enums import LossPolicy, PnpCallback
from lowerdeck.event_stream import EventStream
from lowerdeck.events import CallbackInvoked, Event, FileGone, RequestCompleted
from lowerdeck.feed import FEED_EVENTS_MAX, EventFeed
from lowerdeck.file import DriverCreatedFile
from lowerdeck.formats import Format, SendOptions
from lowerdeck.handle import Handle
from lowerdeck.handle_opener import HandleOpener
from lowerdeck.hresult import HResult
from lowerdeck.ledger import Ledger
from lowerdeck.pending import PendingRequest
from lowerdeck.pump import EventPump
from lowerdeck.queue_pair import QueuePair
from lowerdeck.request import IoRequest
from lowerdeck.target import IoTarget
from lowerdeck.v1 import session_pb2
from lowerdeck.window import Window
from lowerdeck.wire import Wire

if TYPE_CHECKING:
    from lowerdeck.client import Client

_log = logging.getLogger(__name__)

Answer = TypeVar("Answer")
CallbackHandler = Callable[["Session", CallbackInvoked], Optional[int]]
"""One of L0's PnP callbacks: returns an HRESULT, or None for S_OK. It may create files, send and close."""
Callbacks = Union[Mapping[PnpCallback, CallbackHandler], Iterable[PnpCallback]]
"""Handlers by callback; or only which callbacks to hear of, to be answered with `return_from_callback`."""

LEASE_SECONDS_DEFAULT = 30.0
QUEUE_PAIR_DEFAULT = True
"""Whether calls travel in batches on one stream."""
CLOSE_SECONDS_DEFAULT = 10.0
"""How long `with` waits for the files to go: a request that a driver holds for ever must not hang a test for ever."""

E_FAIL = 0x8000_4005
"""What a callback that raises returns to the stack."""


class Session(HandleOpener[Handle]):
    """One upper driver on one stack. Made by `Client.open_session`; use it in `with`, which closes it."""

    def __init__(self, client: Client, callbacks: Callbacks, in_flight_max: int, queue_pair: bool) -> None:
        """Opened by `Client.open_session`; a Session that was not opened does nothing."""
        self.client = client
        self.uuid = new_session_uuid()
        """The session's name, sent with every call; it is a secret of its owner."""
        self.info = session_pb2.Session()
        """The session as opened: stack instance, limits, lease."""
        self.balance: session_pb2.Balance | None = None
        """The final balance, once the session was closed."""
        self.files_left_open = 0
        """How many files `close` had to close, once the session was closed."""
        self._handlers = dict(callbacks) if isinstance(callbacks, Mapping) else {}
        self._callbacks = tuple(callbacks)
        self._in_flight_max = in_flight_max
        self._wire = Wire(client.channel, self.uuid)
        self._lock = threading.Lock()
        self._ledger: Ledger[PendingRequest] = Ledger()
        self._files: dict[str, DriverCreatedFile] = {}
        self._feeds: list[EventFeed] = []
        self._parked: list[tuple[ledger.Round[PendingRequest], calls.Call[Any]]] = []
        self._returning: list[threading.Thread] = []
        self._callback_error: BaseException | None = None
        self._end: errors.LowerdeckError | None = None
        self._window = Window(in_flight_max)
        self._use_queue_pair = queue_pair
        self._queue: QueuePair | None = None
        self._callback_thread: CallbackThread | None = None
        self._pump: EventPump

    def _open(self, stack: str, lease: float | None, loss_policy: LossPolicy, client_name: str) -> None:
        call = calls.open_session(stack, lease, self._callbacks, loss_policy, client_name)
        self.info = self._wire.run(call)
        limits = self.info.limits
        self._window = Window(min(self._in_flight_max, limits.requests_max, limits.retained_events_max))
        self._wire.recovery_seconds = self.info.lease.ToNanoseconds() / 1e9
        road: EventStream | QueuePair
        if self._use_queue_pair and limits.batch_submissions_max:  # 0: a server that has no QueuePair
            road = self._queue = QueuePair(self._wire, self._ledger, self._lock, limits, self._on_acknowledged)
            self._callback_thread = CallbackThread(self._window)
        else:
            road = EventStream(self._wire, self._ledger, self._lock, self._on_acknowledged)
        self._pump = EventPump(self._wire, self._ledger, road, self._on_event, self._on_end)
        self._pump.start()

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
    ) -> DriverCreatedFile:
        """IWDFDevice::CreateWdfFile. Raises CreateFailed with the HRESULT from below (FILE-11).

        `timeout` ends the wait with DeadlinePassed, not the create, which nothing can cancel (FILE-10). Calling again
        with the `request_id` in that error's metadata finds the same create.
        """
        chosen = self.new_request_id() if request_id is None else request_id
        with errors.ask_again_with(request_id=str(chosen)):
            reply = self.run(calls.create_wdf_file(chosen, name), timeout)
        if reply.hresult != HResult.S_OK:
            raise errors.CreateFailed(reply.hresult, what=f"CreateWdfFile({name!r})")
        file = DriverCreatedFile(self, reply.file_id, name or "")
        with self._lock:
            return self._files.setdefault(file.id, file)

    def create_request(self, *, completion_callback: bool = True, timeout: float | None = None) -> IoRequest:
        """IWDFDevice::CreateRequest, with SetCompletionCallback unless told otherwise (REQ-15)."""
        request_id = self.new_request_id()
        hresult = self.run(calls.create_request(request_id, completion_callback), timeout)
        if hresult != HResult.S_OK:
            raise errors.IoFailed(hresult, what="CreateRequest")
        return IoRequest(self, request_id, completion_callback)

    def get_default_io_target(self) -> IoTarget:
        """IWDFDevice::GetDefaultIoTarget: the way to the next lower driver."""
        return IoTarget(self, "")

    def cancel_sent_requests_for_file(self, file: DriverCreatedFile) -> None:
        """IWDFIoTarget::CancelSentRequestsForFile on the default target (TGT-33)."""
        self.get_default_io_target().cancel_sent_requests_for_file(file)

    def return_from_callback(self, invoked: CallbackInvoked, hresult: int = 0) -> None:
        """Returns from a PnP callback that has no handler here."""
        try:
            self.run(calls.return_from_callback(invoked.callback_id, HResult(hresult)))
        except errors.ObjectGone:
            _log.debug("callback %d had returned before", invoked.callback_id)

    # --- the session itself -------------------------------------------------------------------------------------------

    def events(self, limit: int = FEED_EVENTS_MAX) -> EventFeed:
        """A feed of every event from now on; it holds at most `limit` unread ones."""
        feed = EventFeed(limit)
        with self._lock:
            self._feeds.append(feed)
            ended = self._end is not None
        if ended:
            feed._end()
        return feed

    def refresh(self) -> session_pb2.Session:
        """GetSession: how the session stands at the server. Renews the lease."""
        return self.run(calls.get_session())

    def renew(self, lease: float | None = None) -> session_pb2.Session:
        """RenewSession: the open event stream renews the lease anyway; this may change its length, in seconds."""
        return self.run(calls.renew_session(lease))

    def close(self, timeout: float | None = None) -> None:
        """CloseSession: closes what is open, waits for every file to go, and checks the balance.

        Raises DeadlinePassed after `timeout` seconds, because a driver may hold a request for ever; the server goes on,
        and calling again goes on waiting. Raises ProtocolViolation if the books do not balance.
        """
        if self.balance is not None:
            return
        reply = self._wire.run(calls.close_session(), timeout)
        if not self._pump.join(CLOSE_SECONDS_DEFAULT):
            self._ledger.uncertain = True  # the last events are not here
        self.abandon()
        self.balance, self.files_left_open = reply.balance, reply.files_left_open
        if self.files_left_open:
            warnings.warn(
                f"{self.files_left_open} file(s) of session on {self.stack} were not closed (CLS-2)",
                ResourceWarning,
                stacklevel=2,
            )
        self._ledger.audit(reply.balance)
        if self._callback_error is not None:
            raise self._callback_error

    def abandon(self) -> None:
        """Stops listening and asks the server for nothing: what is open there is closed when the lease runs out."""
        self._wire.abandon()
        self._pump.stop()
        self._pump.join()
        if self._callback_thread is not None:
            self._callback_thread.finish()
        for thread in self._returning:
            if thread is not threading.current_thread():
                thread.join()

    def __enter__(self) -> Session:
        """The session."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Closes; an error of the block is not replaced by one of closing."""
        try:
            self.close(CLOSE_SECONDS_DEFAULT)
        except (errors.SessionEnded, errors.ConnectionLost):
            self.abandon()  # it ended without us, and who wanted to know has been told
        except Exception:
            self.abandon()
            if error is None:
                raise
            _log.exception("the session on %s could not be closed in order", self.stack)

    # --- for files, handles, requests and targets ---------------------------------------------------------------------

    def run(self, call: calls.Call[Answer], timeout: float | None = None) -> Answer:
        """Runs any call of the contract in this session."""
        road = self._wire if self._queue is None else self._queue
        return road.run(call, timeout)

    def _open_handle(self, opened: handle_calls.Opened, timeout: float | None, handle_id: str | None) -> Handle:
        chosen = handle_id or handle_calls.new_id()
        with errors.ask_again_with(handle_id=chosen):
            reply = self.run(handle_calls.open_handle(chosen, opened), timeout)
        function, name = handle_calls.described(opened)
        if reply.hresult != HResult.S_OK:
            raise errors.CreateFailed(reply.hresult, what=f"{function}({name!r})")
        return Handle(self, chosen, reply.handle_number, name)

    def call_back(self, callback: Callable[[], object]) -> None:
        """Runs a done-callback: on the event thread, or beside it where it could wait for what only that one reads."""
        if self._callback_thread is not None:
            self._callback_thread.put(callback)
        else:
            callback()

    def new_request_id(self) -> int:
        """A request id that this session has not used."""
        with self._lock:
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
        pending = PendingRequest(self, request_id, file_id)
        with self._lock:
            if self._end is not None:
                raise self._end
            pending._round = self._ledger.begin(request_id, pending, completion_expected, in_window, form)
        return pending

    def request_of(self, pending: PendingRequest) -> IoRequest:
        """The request object that a Send with `retain` has left."""
        request = IoRequest(self, pending.request_id)
        request._sent = pending
        return request

    def answered(self, pending: PendingRequest, hresult: int) -> None:
        """Send was answered."""
        with self._lock:
            accepted = self._ledger.answered(pending._round, HResult(hresult))
        if accepted:
            pending._accept()
        else:
            pending._refuse(HResult(hresult))

    def failed(self, pending: PendingRequest, error: errors.LowerdeckError) -> None:
        """Send came back with an error, and is not asked again."""
        with self._lock:
            self._ledger.give_up(pending._round, error)
        pending._fail(error)

    def format_and_send(self, form: Format, options: SendOptions, retain: bool) -> PendingRequest:
        """FormatAndSend, without waiting for the answer."""
        self._window.enter(may_wait=not self._is_event_thread())
        try:
            request_id = self.new_request_id()
            pending = self.begin(request_id, form.file_id, in_window=True, form=form)
        except BaseException:
            self._window.leave(1)
            raise
        self._ask(pending, calls.format_and_send(request_id, form, options, retain), again=False)
        return pending

    def _is_event_thread(self) -> bool:
        thread = self._callback_thread
        return self._pump.is_this_thread() or (thread is not None and thread.is_this_thread())

    def _ask(self, pending: PendingRequest, call: calls.Call[Any], again: bool) -> None:
        def done(reply: Any, error: errors.RpcRefused | None) -> None:
            if error is None:
                self.answered(pending, reply.hresult)
                if reply.hresult != HResult.S_OK:
                    self._window.leave(1)
            else:
                self._ask_again_or_fail(pending, call, error)

        if self._queue is not None:
            if self._queue.start(call, done) is not None:
                return
            if again:  # what the queue acknowledges may be on its way; a call of its own must not overtake it
                confirm = calls.acknowledge_events(self._ledger.last_sequence)
                self._wire.start(confirm, lambda *_: self._wire.start(call, done, again))
                return
            self._ledger.expect_unconfirmed(pending._round)
        self._wire.start(call, done, again)

    def _ask_again_or_fail(self, pending: PendingRequest, call: calls.Call[Any], error: errors.RpcRefused) -> None:
        with self._lock:
            what = self._ledger.asked_in_vain(pending._round, error)
            if what is ledger.Next.PARK:
                self._parked.append((pending._round, call))
        if what is ledger.Next.ASK_AGAIN:
            self._ask(pending, call, again=True)
        elif what is ledger.Next.GIVE_UP:
            self._window.leave(1)
            pending._fail(error)

    # --- what the pump calls ------------------------------------------------------------------------------------------

    def _on_event(self, event: Event) -> None:
        with self._lock:
            feeds = list(self._feeds)
            entry = self._ledger.match(event) if isinstance(event, RequestCompleted) else None
            gone = self._files.pop(event.file_id, None) if isinstance(event, FileGone) else None
        for feed in feeds:
            feed._put(event)
        if gone is not None and self._callback_thread is not None:
            self._callback_thread.tell(gone._gone.set)
        elif gone is not None:
            gone._gone.set()
        if isinstance(event, CallbackInvoked) and event.callback in self._handlers:
            thread = threading.Thread(target=self._call_back, args=(event,), name=event.callback.name.lower())
            self._returning = [t for t in self._returning if t.is_alive()] + [thread]
            thread.start()
        if entry is not None and isinstance(event, RequestCompleted):
            entry.waiter._complete(event.completion)

    def _call_back(self, event: CallbackInvoked) -> None:
        try:
            hresult = self._handlers[event.callback](self, event) or 0
        except Exception as error:  # shown by close(); the stack hears a failure now
            self._callback_error = self._callback_error or error
            hresult = E_FAIL
        try:
            self.return_from_callback(event, hresult)
        except errors.LowerdeckError as error:
            _log.warning("the return of %s did not reach the stack: %s", event.callback.name, error)

    def _on_acknowledged(self, freed: int) -> None:
        with self._lock:
            parked, self._parked = self._parked, []
            for entry, _ in parked:
                self._ledger.unpark(entry)
        self._window.leave(freed)
        for entry, call in parked:
            self._ask(entry.waiter, call, again=True)

    def _on_end(self, error: errors.LowerdeckError) -> None:
        with self._lock:
            self._end = error
            lost = self._ledger.open_rounds()
            files, feeds = list(self._files.values()), list(self._feeds)
        self._wire.abandon()
        for entry in lost:
            entry.waiter._fail(error)
        for file in files:
            file._gone.set(error)
        for feed in feeds:
            feed._end()
        self._window.close(error)
