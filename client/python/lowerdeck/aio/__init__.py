"""The asyncio twin of `lowerdeck`: the same names, awaited.

    async with lowerdeck.aio.open("disk") as device, device.create_wdf_file() as file:
        await file.write(b"hello", offset=0)

Everything belongs to the event loop in which it was made. Errors, events, enums and completions are those of
`lowerdeck`.
"""

from __future__ import annotations

from typing import Any

from lowerdeck.aio.client import Client, Device
from lowerdeck.aio.feed import EventFeed
from lowerdeck.aio.file import DriverCreatedFile
from lowerdeck.aio.handle import Handle
from lowerdeck.aio.handle_target import FileHandleTarget
from lowerdeck.aio.lab import Lab
from lowerdeck.aio.opening import Opening
from lowerdeck.aio.pending import PendingRequest
from lowerdeck.aio.request import IoRequest
from lowerdeck.aio.session import Session
from lowerdeck.aio.target import IoTarget
from lowerdeck.session import QUEUE_PAIR_DEFAULT

__all__ = [
    "Client",
    "Device",
    "DriverCreatedFile",
    "EventFeed",
    "FileHandleTarget",
    "Handle",
    "IoRequest",
    "IoTarget",
    "Lab",
    "Opening",
    "PendingRequest",
    "Session",
    "connect",
    "open",
]


def connect(endpoint: str | None = None, *, queue_pair: bool = QUEUE_PAIR_DEFAULT) -> Client:
    """A client of the server at `endpoint`, as in `lowerdeck.connect`; to be called inside the event loop."""
    return Client(endpoint, queue_pair=queue_pair)


def open(stack: str, endpoint: str | None = None, **options: Any) -> Opening[Device]:
    """A client and a session on `stack` in one, to be awaited or entered with `async with`."""

    async def opening() -> Device:
        client = connect(endpoint)
        try:
            return Device(client, await client.open_session(stack, **options))
        except BaseException:
            await client.close()
            raise

    return Opening(opening())
