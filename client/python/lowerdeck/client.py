"""`Client`: a connection to a server, from which sessions are opened; and `Device`, both in one for short programs."""

from __future__ import annotations

from collections.abc import Iterator
from types import TracebackType

import grpc

from lowerdeck import channel as channels
from lowerdeck.enums import LossPolicy
from lowerdeck.file import DriverCreatedFile
from lowerdeck.handle import Handle
from lowerdeck.handle_calls import Opened
from lowerdeck.handle_opener import HandleOpener
from lowerdeck.health import READINESS, Health, check, watch
from lowerdeck.lab import Lab
from lowerdeck.request import IoRequest
from lowerdeck.session import LEASE_SECONDS_DEFAULT, QUEUE_PAIR_DEFAULT, Callbacks, Session
from lowerdeck.target import IoTarget
from lowerdeck.window import IN_FLIGHT_MAX
from lowerdeck.wire import Wire


class Client:
    """A connection to one server. Made by `lowerdeck.connect`; use it in `with`, or `close` it."""

    def __init__(self, endpoint: str | None = None, *, queue_pair: bool = QUEUE_PAIR_DEFAULT) -> None:
        """Connects when first used; the arguments are those of `lowerdeck.connect`."""
        self.endpoint = channels.resolve_endpoint(endpoint)
        self._queue_pair = queue_pair
        self.channel = grpc.insecure_channel(channels.target_of(self.endpoint), options=channels.options())
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
    ) -> Session:
        """Attaches to a stack as its upper driver.

        `lease` is in seconds: how long the session outlives silence, and how long this client tries to reconnect.
        `callbacks` are L0's own PnP callbacks: a mapping to handlers, or only their names, to be returned from with
        `Session.return_from_callback`. With any of them the session opens while the stack is still starting.
        `queue_pair` is how calls travel, if not as `lowerdeck.connect` was told.
        """
        session = Session(self, callbacks, in_flight_max, self._queue_pair if queue_pair is None else queue_pair)
        session._open(stack, lease, loss_policy, client_name)
        return session

    def health(self, service: str = READINESS) -> Health:
        """grpc.health.v1 Check; by default whether the server takes new sessions. See `lowerdeck.health` for names."""
        return self._wire.run(check(service))

    def watch_health(self, service: str = READINESS, timeout: float | None = None) -> Iterator[Health]:
        """grpc.health.v1 Watch: the state now, then each change. `timeout` bounds the whole stream, in seconds."""
        call = watch(service)
        stream = self._wire.stream(call, timeout)
        try:
            for message in self._wire.answers(stream):
                yield call.read(message)
        finally:
            stream.cancel()

    def close(self) -> None:
        """Closes the channel; sessions that are open fall silent."""
        self.channel.close()

    def __enter__(self) -> Client:
        """The client."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Closes."""
        self.close()


class Device(HandleOpener[Handle]):
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

    def create_wdf_file(self, name: str | None = None, *, timeout: float | None = None) -> DriverCreatedFile:
        """IWDFDevice::CreateWdfFile; see `Session.create_wdf_file`."""
        return self.session.create_wdf_file(name, timeout=timeout)

    def create_request(self, *, completion_callback: bool = True) -> IoRequest:
        """IWDFDevice::CreateRequest; see `Session.create_request`."""
        return self.session.create_request(completion_callback=completion_callback)

    def get_default_io_target(self) -> IoTarget:
        """IWDFDevice::GetDefaultIoTarget."""
        return self.session.get_default_io_target()

    def _open_handle(self, opened: Opened, timeout: float | None, handle_id: str | None) -> Handle:
        return self.session._open_handle(opened, timeout, handle_id)

    def close(self, timeout: float | None = None) -> None:
        """Closes the session in order, then the client."""
        try:
            self.session.close(timeout)
        finally:
            self.session.abandon()
            self.client.close()

    def __enter__(self) -> Device:
        """The device."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Closes as a session does, then the client."""
        try:
            self.session.__exit__(kind, error, trace)
        finally:
            self.client.close()
