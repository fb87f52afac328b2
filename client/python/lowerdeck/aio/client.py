"""`Client` and `Device` in an event loop; the twin of `lowerdeck.client`. Made inside the loop that is to run them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from types import TracebackType

import grpc.aio

from lowerdeck import channel as channels
from lowerdeck.aio.file import DriverCreatedFile
from lowerdeck.aio.handle import Handle
from lowerdeck.aio.lab import Lab
from lowerdeck.aio.opening import Opening
from lowerdeck.aio.request import IoRequest
from lowerdeck.aio.session import Callbacks, Session
from lowerdeck.aio.target import IoTarget
from lowerdeck.aio.wire import Wire
from lowerdeck.enums import LossPolicy
from lowerdeck.handle_calls import Opened
from lowerdeck.handle_opener import HandleOpener
from lowerdeck.health import READINESS, Health, check, watch
from lowerdeck.session import LEASE_SECONDS_DEFAULT, QUEUE_PAIR_DEFAULT
from lowerdeck.window import IN_FLIGHT_MAX


class Client:
    """A connection to one server. Made by `lowerdeck.connect`; use it in `async with`, or `close` it."""

    def __init__(self, endpoint: str | None = None, *, queue_pair: bool = QUEUE_PAIR_DEFAULT) -> None:
        """Connects when first used; the arguments are those of `lowerdeck.connect`."""
        self.endpoint = channels.resolve_endpoint(endpoint)
        self._queue_pair = queue_pair
        self.channel = grpc.aio.insecure_channel(channels.target_of(self.endpoint), options=channels.options())
        """The channel, for stubs of `lowerdeck.v1` used directly."""
        self._wire = Wire(self.channel)
        self.lab = Lab(self._wire)
        """LabService."""

    def open_session(
        self,
        stack: str,
        lease: float | None = LEASE_SECONDS_DEFAULT,
        callbacks: Callbacks = (),
        *,
        loss_policy: LossPolicy = LossPolicy.APPLICATION_DEATH,
        client_name: str = "python",
        in_flight_max: int = IN_FLIGHT_MAX,
        queue_pair: bool | None = None,
    ) -> Opening[Session]:
        """Attaches to a stack as its upper driver; to be awaited, or entered with `async with`.

        `lease` is in seconds: how long the session outlives silence, and how long this client tries to reconnect.
        `callbacks` are L0's own PnP callbacks: a mapping to handlers, or only their names, to be returned from with
        `Session.return_from_callback`. With any of them the session opens while the stack is still starting.
        `queue_pair` is how calls travel, if not as `lowerdeck.connect` was told.
        """
        session = Session(self, callbacks, in_flight_max, self._queue_pair if queue_pair is None else queue_pair)
        return Opening(session._open(stack, lease, loss_policy, client_name))

    async def health(self, service: str = READINESS) -> Health:
        """grpc.health.v1 Check; by default whether the server takes new sessions. See `lowerdeck.health` for names."""
        return await self._wire.run(check(service))

    async def watch_health(self, service: str = READINESS, timeout: float | None = None) -> AsyncIterator[Health]:
        """grpc.health.v1 Watch: the state now, then each change. `timeout` bounds the whole stream, in seconds."""
        call = watch(service)
        stream = self._wire.stream(call, timeout)
        try:
            async for message in self._wire.answers(stream):
                yield call.read(message)
        finally:
            stream.cancel()

    async def close(self) -> None:
        """Closes the channel; sessions that are open fall silent."""
        await self.channel.close()

    async def __aenter__(self) -> Client:
        """The client."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Closes."""
        await self.close()


class Device(HandleOpener[Opening[Handle]]):
    """IWDFDevice of the upper driver, with a client and a session of its own. Made by `lowerdeck.open`."""

    def __init__(self, client: Client, session: Session) -> None:
        """Owns both."""
        self.client = client
        self.session = session

    @property
    def lab(self) -> Lab:
        """LabService of the same server."""
        return self.client.lab

    @property
    def stack(self) -> str:
        """The stack instance, for example "disk#3"."""
        return self.session.stack

    def create_wdf_file(self, name: str | None = None, *, timeout: float | None = None) -> Opening[DriverCreatedFile]:
        """IWDFDevice::CreateWdfFile; see `Session.create_wdf_file`."""
        return self.session.create_wdf_file(name, timeout=timeout)

    async def create_request(self, *, completion_callback: bool = True) -> IoRequest:
        """IWDFDevice::CreateRequest; see `Session.create_request`."""
        return await self.session.create_request(completion_callback=completion_callback)

    def get_default_io_target(self) -> IoTarget:
        """IWDFDevice::GetDefaultIoTarget."""
        return self.session.get_default_io_target()

    def _open_handle(self, opened: Opened, timeout: float | None, handle_id: str | None) -> Opening[Handle]:
        return self.session._open_handle(opened, timeout, handle_id)

    async def close(self, timeout: float | None = None) -> None:
        """Closes the session in order, then the client."""
        try:
            await self.session.close(timeout)
        finally:
            await self.session.abandon()
            await self.client.close()

    async def __aenter__(self) -> Device:
        """The device."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Closes as a session does, then the client."""
        try:
            await self.session.__aexit__(kind, error, trace)
        finally:
            await self.client.close()
