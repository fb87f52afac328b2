"""`Completion`: how one request ended, the second of UMDF's two result channels (rule book, section 0.3)."""

from __future__ import annotations

from dataclasses import dataclass, field

from lowerdeck import formats
from lowerdeck.enums import IoKind
from lowerdeck.errors import IoFailed
from lowerdeck.formats import Format
from lowerdeck.hresult import HResult
from lowerdeck.v1 import event_pb2, queue_pair_pb2


@dataclass(frozen=True)
class Completion:
    """IWDFIoRequestCompletionParams of one completed request (REQ-36)."""

    request_id: int
    file_id: str
    io_kind: IoKind
    hresult: HResult
    """GetCompletionStatus, raw."""
    information: int
    """Bytes transferred as the lower driver reported it; 0 when the framework completed the request (ERR-8)."""
    data: bytes = field(repr=False)
    """Output of a read or a device control request; empty for a write. Valid with a warning too (REQ-37)."""
    ioctl_code: int = 0
    device_offset: int | None = None

    @classmethod
    def from_message(cls, message: event_pb2.RequestCompleted) -> Completion:
        """Out of the contract's form."""
        return cls(
            request_id=message.request_id,
            file_id=message.file_id,
            io_kind=IoKind(message.io_kind),
            hresult=HResult(message.hresult),
            information=message.information,
            data=message.data,
            ioctl_code=message.ioctl_code,
            device_offset=message.device_offset if message.HasField("device_offset") else None,
        )

    @classmethod
    def from_queue(cls, message: queue_pair_pb2.QueueCompletion, form: Format | None) -> Completion:
        """Out of a queue pair's form, which leaves out what `form` says; None for a request that nobody here sent."""
        form = form or Format()
        kind, ioctl_code, device_offset = formats.described(form)
        return cls(
            request_id=message.request_id,
            file_id=form.file_id,
            io_kind=kind,
            hresult=HResult(message.hresult),
            information=message.information,
            data=message.data,
            ioctl_code=ioctl_code,
            device_offset=device_offset,
        )

    def raise_for_failure(self) -> Completion:
        """Itself after success or a warning; otherwise raises `IoFailed` or its kin."""
        if self.hresult.is_failure:
            raise IoFailed.from_completion(self)
        return self
