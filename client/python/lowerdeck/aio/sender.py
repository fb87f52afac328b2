"""`Sender`: sends the requests of a file or target through its session; the twin of `lowerdeck.sender`."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

from lowerdeck import formats
from lowerdeck.aio.pending import PendingRequest, UnansweredSends
from lowerdeck.formats import Format
from lowerdeck.request_sender import RequestSender

if TYPE_CHECKING:
    from lowerdeck.aio.session import Session

Sending = Coroutine[Any, Any, PendingRequest]
"""A Send that is made when it is awaited."""

Reading = Coroutine[Any, Any, bytes]
Counting = Coroutine[Any, Any, int]
Waiting = Coroutine[Any, Any, None]


class Sender(RequestSender[Sending, Reading, Counting, Waiting]):
    """Law: each Send stands in `_unanswered` until it was answered; who ends the object waits for these (CLS-22)."""

    _session: Session
    _unanswered: UnansweredSends

    async def _send(self, form: Format, timeout: float | None, flags: int, retain: bool) -> PendingRequest:
        pending = await self._session.format_and_send(form, formats.send_options(timeout, flags), retain)
        self._unanswered.add(pending)
        return pending

    async def _data(self, sent: Sending) -> bytes:
        return (await (await sent).result()).data

    async def _information(self, sent: Sending) -> int:
        return (await (await sent).result()).information

    async def _nothing(self, sent: Sending) -> None:
        await (await sent).result()
