"""`FileHandleTarget`: an I/O target on a handle, to which requests are sent as to the default one (FHT rules)."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING

from lowerdeck.errors import LowerdeckError
from lowerdeck.hresult import HResult
from lowerdeck.pending import PendingRequest, UnansweredSends
from lowerdeck.sender import Sender
from lowerdeck.target import IoTarget
from lowerdeck.target_io import TargetIo

if TYPE_CHECKING:
    from lowerdeck.handle import Handle
    from lowerdeck.session import Session


class FileHandleTarget(IoTarget, Sender, TargetIo["FileHandleTarget", PendingRequest, bytes, int, None]):
    """IWDFIoTarget of a handle. Made by `Handle.create_target`; use it in `with`, which deletes it (FHT-21).

    pFile is NULL, which means the target's own handle; `file`, another target, replaces it for one request (FHT-7).
    Offsets count on files alone (FHT-10). What is read with a failure such as ERROR_MORE_DATA is the `data` of IoFailed
    (FHT-15). A `timeout` of read, write and control is UMDF's own: it asks to cancel and does not abandon (REQ-24).
    """

    def __init__(self, session: Session, target_id: str, handle: Handle) -> None:
        """Made by `Handle.create_target`."""
        super().__init__(session, target_id)
        self.handle = handle
        self._deleted = False
        self._unanswered = UnansweredSends()

    def __repr__(self) -> str:
        """For debuggers."""
        return f"<FileHandleTarget {self.id} on {self.handle!r}{' deleted' if self._deleted else ''}>"

    def cancel_sent_requests(self) -> None:
        """CancelSentRequestsForFile with the target's own file (TGT-33); the completions follow."""
        self.cancel_sent_requests_for_file(self)

    # --- the end ------------------------------------------------------------------------------------------------------

    def delete(self, timeout: float | None = None) -> HResult:
        """DeleteWdfObject, after the Sends made here were answered: cancels and waits for all of them (FHT-21).

        The handle stays open (FHT-22). `timeout` ends the wait with DeadlinePassed, not the deletion.
        """
        self._unanswered.wait(timeout)
        hresult = super().delete(timeout)
        self._deleted = True
        return hresult

    def __enter__(self) -> FileHandleTarget:
        """The target."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Deletes; if the block has failed already, an error of deleting does not take its place."""
        try:
            if not self._deleted:
                self.delete()
        except LowerdeckError:
            if error is None:
                raise
