"""`Sender`: sends the requests of a file or target through its session, and waits for them on the caller's thread."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lowerdeck import formats
from lowerdeck.formats import Format
from lowerdeck.pending import PendingRequest, UnansweredSends
from lowerdeck.request_sender import RequestSender

if TYPE_CHECKING:
    from lowerdeck.session import Session


class Sender(RequestSender[PendingRequest, bytes, int, None]):
    """Law: each Send stands in `_unanswered` until it was answered; who ends the object waits for these (CLS-22)."""

    _session: Session
    _unanswered: UnansweredSends

    def _send(self, form: Format, timeout: float | None, flags: int, retain: bool) -> PendingRequest:
        pending = self._session.format_and_send(form, formats.send_options(timeout, flags), retain)
        self._unanswered.add(pending)
        return pending

    def _data(self, sent: PendingRequest) -> bytes:
        return sent.result().data

    def _information(self, sent: PendingRequest) -> int:
        return sent.result().information

    def _nothing(self, sent: PendingRequest) -> None:
        sent.result()
