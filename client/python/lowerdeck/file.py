"""`DriverCreatedFile`: a file that the upper driver created, and must close (CLS-2)."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import TYPE_CHECKING

from lowerdeck import calls
from lowerdeck.errors import LowerdeckError
from lowerdeck.file_io import FileIo
from lowerdeck.hresult import HResult
from lowerdeck.pending import EventFlag, PendingRequest, UnansweredSends
from lowerdeck.sender import Sender
from lowerdeck.target import IoTarget

if TYPE_CHECKING:
    from lowerdeck.session import Session


class DriverCreatedFile(Sender, FileIo[IoTarget, PendingRequest, bytes, int, None]):
    """IWDFDriverCreatedFile. Made by `create_wdf_file`; use it in `with`, which closes it.

    No order is promised between requests that are on their way together. A `timeout` here is UMDF's own: it asks the
    drivers to cancel and does not abandon (REQ-24); without it, waiting takes as long as the drivers take.
    """

    def __init__(self, session: Session, file_id: str, name: str) -> None:
        """Made by `create_wdf_file`."""
        self._session = session
        self.id = file_id
        """The file's random UUID, never used again."""
        self.name = name
        self._gone = EventFlag()
        self._closing = False
        self._lock = threading.Lock()
        self._unanswered = UnansweredSends()

    def __repr__(self) -> str:
        """For debuggers."""
        state = "gone" if self.gone else "closed" if self._closing else "open"
        return f"<DriverCreatedFile {self.name!r} {self.id} {state}>"

    def cancel_sent_requests(self) -> None:
        """CancelSentRequestsForFile through the default target (TGT-33); the completions follow."""
        self._session.cancel_sent_requests_for_file(self)

    # --- the end ------------------------------------------------------------------------------------------------------

    def close(self, timeout: float | None = None) -> None:
        """IWDFDriverCreatedFile::Close, in the order of CLS-3, after the Sends made here were answered (CLS-22).

        Returns when OnCleanupFile has returned below and what is pending was asked to cancel; it does not wait for that
        I/O (CLS-13). A second call does nothing; UMDF's double Close (CLS-17) is `session.run(calls.close(file.id))`.
        `timeout` ends the wait with DeadlinePassed, not the Close.
        """
        with self._lock:
            if self._closing:
                return
            self._closing = True
        self._unanswered.wait(timeout)
        self._session.run(calls.close(self.id), timeout)

    def delete(self) -> HResult:
        """DeleteWdfObject, which is refused with ERROR_ACCESS_DENIED: only `close` ends a file (OBJ-4, CLS-16)."""
        return self._session.run(calls.delete_file(self.id))

    @property
    def closed(self) -> bool:
        """Whether Close was called here."""
        return self._closing

    @property
    def gone(self) -> bool:
        """Whether FileGone was heard: nothing refers to the file any more."""
        return self._gone.is_set()

    def wait_gone(self, timeout: float | None = None) -> None:
        """Waits for FileGone, which comes after the last completion on the file (CLS-20). Raises TimeoutError."""
        self._gone.wait(timeout, f"the end of {self!r}")

    def __enter__(self) -> DriverCreatedFile:
        """The file."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Closes; if the block has failed already, an error of closing does not take its place."""
        try:
            self.close()
        except LowerdeckError:
            if error is None:
                raise
