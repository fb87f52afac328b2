"""`PendingRequest`: a request that was sent without waiting for it."""

from __future__ import annotations

import contextlib
import threading
from concurrent import futures
from concurrent.futures import Future, InvalidStateError
from typing import TYPE_CHECKING, Callable

from lowerdeck import calls
from lowerdeck.completion import Completion
from lowerdeck.enums import CancelAnswer
from lowerdeck.errors import LowerdeckError, SendRefused
from lowerdeck.hresult import HResult
from lowerdeck.ledger import Round

if TYPE_CHECKING:
    from lowerdeck.request import IoRequest
    from lowerdeck.session import Session


class PendingRequest:
    """The future of one Send. Dropping it cancels nothing; the request completes by itself.

    The answer of Send and the completion come separately and in either order (REQ-12); this object pairs them.
    """

    def __init__(self, session: Session, request_id: int, file_id: str) -> None:
        """Made by the send methods of a file or request."""
        self._session = session
        self.request_id = request_id
        self.file_id = file_id
        self._round: Round[PendingRequest]
        self._accepted: Future[None] = Future()
        self._completed: Future[Completion] = Future()

    def __repr__(self) -> str:
        """For debuggers."""
        state = "done" if self.done() else "accepted" if self._accepted.done() else "being sent"
        return f"<PendingRequest {self.request_id} {state}>"

    def wait_accepted(self, timeout: float | None = None) -> None:
        """Waits until Send was answered. Raises SendRefused, or the RPC's own error, if it was not accepted."""
        self._accepted.result(timeout)

    def completion(self, timeout: float | None = None) -> Completion:
        """Waits for the completion, whatever its HRESULT. Raises SendRefused, or the RPC's own error, if none comes.

        After `timeout` seconds it raises TimeoutError, and the request stays outstanding.
        """
        return self._completed.result(timeout)

    def result(self, timeout: float | None = None) -> Completion:
        """As `completion`, and raises IoFailed or its kin for a failing HRESULT. A warning is a result (REQ-37)."""
        return self.completion(timeout).raise_for_failure()

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """What `result` would raise; None if it would return."""
        try:
            self.result(timeout)
        except LowerdeckError as error:
            return error
        return None

    @property
    def request(self) -> IoRequest:
        """The request object of a Send with `retain`, to be reused or deleted (CLS-19)."""
        return self._session.request_of(self)

    def done(self) -> bool:
        """Whether the completion, or the word that there will be none, is here."""
        return self._completed.done()

    def cancel(self, timeout: float | None = None) -> CancelAnswer:
        """CancelSentRequest (REQ-27), after Send was answered. The one completion follows separately, as always."""
        self.wait_accepted(timeout)
        return self._session.run(calls.cancel(self.request_id), timeout)

    def add_done_callback(self, callback: Callable[[PendingRequest], object]) -> None:
        """OnCompletion: calls `callback(self)` when done, at once if it is.

        Callbacks of a session run one after another, on a thread of the session's, so one must not wait for another
        completion's; sending, cancelling and closing from it are fine (CLS-21).
        """
        if self.done():
            callback(self)
        else:
            self._completed.add_done_callback(lambda _: self._session.call_back(lambda: callback(self)))

    # --- how it ends; called by the session, each at most once --------------------------------------------------------

    def _accept(self) -> None:
        with contextlib.suppress(InvalidStateError):  # answer and completion say it both, on threads of their own
            self._accepted.set_result(None)

    def _refuse(self, hresult: HResult) -> None:
        self._fail(SendRefused(hresult, what=f"Send of request {self.request_id}"))

    def _complete(self, completion: Completion) -> None:
        self._accept()
        with contextlib.suppress(InvalidStateError):
            self._completed.set_result(completion)

    def _fail(self, error: LowerdeckError) -> None:
        for future in (self._accepted, self._completed):
            with contextlib.suppress(InvalidStateError):  # an answer may arrive while the session ends
                future.set_exception(error)


class UnansweredSends:
    """The Sends of one object that were not answered yet: who ends the object waits for them first (CLS-22)."""

    def __init__(self) -> None:
        """None yet."""
        self._lock = threading.Lock()
        self._sends: set[PendingRequest] = set()

    def add(self, pending: PendingRequest) -> None:
        """A Send was made."""
        with self._lock:
            self._sends.add(pending)
        pending._accepted.add_done_callback(lambda _: self._forget(pending))

    def wait(self, timeout: float | None) -> None:
        """Waits until those made so far were answered, or for `timeout` seconds."""
        with self._lock:
            sends = list(self._sends)
        futures.wait([pending._accepted for pending in sends], timeout)

    def _forget(self, pending: PendingRequest) -> None:
        with self._lock:
            self._sends.discard(pending)


class EventFlag:
    """Something that happens once, such as FileGone, or never, because the session is lost."""

    def __init__(self) -> None:
        """Not happened yet."""
        self._happened = threading.Event()
        self._error: LowerdeckError | None = None

    def set(self, error: LowerdeckError | None = None) -> None:
        """It happened, or never will."""
        self._error = self._error or error
        self._happened.set()

    def is_set(self) -> bool:
        """Whether it happened."""
        return self._happened.is_set() and self._error is None

    def wait(self, timeout: float | None, what: str) -> None:
        """Waits; raises TimeoutError, or what made it impossible."""
        if not self._happened.wait(timeout):
            raise TimeoutError(f"{what} did not happen within {timeout} s")
        if self._error is not None:
            raise self._error
