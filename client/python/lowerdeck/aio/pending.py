"""`PendingRequest`: a request that was sent without waiting for it; the twin of `lowerdeck.pending`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Callable, TypeVar

from lowerdeck import calls
from lowerdeck.completion import Completion
from lowerdeck.enums import CancelAnswer
from lowerdeck.errors import LowerdeckError, SendRefused
from lowerdeck.hresult import HResult
from lowerdeck.ledger import Round

if TYPE_CHECKING:
    from lowerdeck.aio.request import IoRequest
    from lowerdeck.aio.session import Session

Value = TypeVar("Value")


class PendingRequest:
    """The future of one Send. Dropping it, or cancelling who awaits it, cancels nothing: the request goes on."""

    def __init__(self, session: Session, request_id: int, file_id: str) -> None:
        """Made by the send methods of a file or request."""
        self._session = session
        self.request_id = request_id
        self.file_id = file_id
        self._round: Round[PendingRequest]
        self._accepted: asyncio.Future[None] = quiet_future()
        self._completed: asyncio.Future[Completion] = quiet_future()

    async def wait_accepted(self, timeout: float | None = None) -> None:
        """Waits until Send was answered. Raises SendRefused, or the RPC's own error, if it was not accepted."""
        await shielded(self._accepted, timeout)

    async def completion(self, timeout: float | None = None) -> Completion:
        """Waits for the completion, whatever its HRESULT. Raises SendRefused, or the RPC's own error, if none comes.

        After `timeout` seconds it raises TimeoutError, and the request stays outstanding.
        """
        return await shielded(self._completed, timeout)

    async def result(self, timeout: float | None = None) -> Completion:
        """As `completion`, and raises IoFailed or its kin for a failing HRESULT. A warning is a result (REQ-37)."""
        return (await self.completion(timeout)).raise_for_failure()

    async def exception(self, timeout: float | None = None) -> BaseException | None:
        """What `result` would raise; None if it would return."""
        try:
            await self.result(timeout)
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

    async def cancel(self, timeout: float | None = None) -> CancelAnswer:
        """CancelSentRequest (REQ-27), after Send was answered. The one completion follows separately, as always."""
        await self.wait_accepted(timeout)
        return await self._session.run(calls.cancel(self.request_id), timeout)

    def add_done_callback(self, callback: Callable[[PendingRequest], object]) -> None:
        """OnCompletion: calls `callback(self)` in the event loop when done."""
        self._completed.add_done_callback(lambda _: callback(self))

    # --- how it ends; called by the session, each at most once --------------------------------------------------------

    def _accept(self) -> None:
        if not self._accepted.done():
            self._accepted.set_result(None)

    def _refuse(self, hresult: HResult) -> None:
        self._fail(SendRefused(hresult, what=f"Send of request {self.request_id}"))

    def _complete(self, completion: Completion) -> None:
        self._accept()
        self._completed.set_result(completion)

    def _fail(self, error: LowerdeckError) -> None:
        for future in (self._accepted, self._completed):
            if not future.done():
                future.set_exception(error)


class UnansweredSends:
    """The Sends of one object that were not answered yet: who ends the object waits for them first (CLS-22)."""

    def __init__(self) -> None:
        """None yet."""
        self._sends: set[PendingRequest] = set()

    def add(self, pending: PendingRequest) -> None:
        """A Send was made."""
        self._sends.add(pending)
        pending._accepted.add_done_callback(lambda _: self._sends.discard(pending))

    async def wait(self, timeout: float | None) -> None:
        """Waits until those made so far were answered, or for `timeout` seconds."""
        if self._sends:
            await asyncio.wait([pending._accepted for pending in self._sends], timeout=timeout)


def quiet_future() -> asyncio.Future[Any]:
    """A future of the running loop whose exception nobody has to fetch."""
    future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    future.add_done_callback(lambda done: done.cancelled() or done.exception())
    return future


async def shielded(future: asyncio.Future[Value], timeout: float | None) -> Value:
    """Waits for a future without cancelling it. Raises the built-in TimeoutError on every version of Python."""
    try:
        return await asyncio.wait_for(asyncio.shield(future), timeout)
    except asyncio.TimeoutError:
        raise TimeoutError(f"not done within {timeout} s") from None
