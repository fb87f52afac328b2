"""What the tests of a running server share."""

import itertools
import uuid

import pytest

import lowerdeck
from lowerdeck import HResult, PnpCallback, TraceKind
from lowerdeck.channel import SESSION_KEY
from lowerdeck.v1 import device_pb2_grpc, session_pb2_grpc
from tests.fake_server import FakeServer

pytest_plugins = ["pytester"]

WAIT = 20.0
"""Seconds to wait for what must happen; a test that needs more has found a fault."""

_numbers = itertools.count(1)


@pytest.fixture(params=["queue-pair", "unary"])
def queue_pair(request):
    """Which road calls take: a test that asks for this, or for `client`, holds its law on both."""
    return request.param == "queue-pair"


@pytest.fixture
def client(lowerdeck_server, queue_pair):
    with lowerdeck.connect(lowerdeck_server.endpoint, queue_pair=queue_pair) as client:
        yield client


@pytest.fixture
def fake():
    """A server with prescribed manners."""
    server = FakeServer()
    yield server
    server.stop()


@pytest.fixture
def template(client):
    """Plugs a template of its own for each test, so that tests do not meet: `template(expression, ...)` -> name."""
    plugged = []

    def plug(expression, **options):
        name = f"test-{next(_numbers)}-{uuid.uuid4().hex[:8]}"
        client.lab.plug(name, expression, **options)
        plugged.append(name)
        return name

    yield plug
    for name in plugged:
        client.lab.unplug(name)


@pytest.fixture
def scripted(client, template):
    """A session on a private stack of one scripted driver that is told of cleanup and close."""
    with client.open_session(template("scripted(files=callbacks)")) as session:
        yield session


class Raw:
    """The stubs themselves, with one session's metadata: for questions that the package would never ask."""

    def __init__(self, channel, session_uuid):
        self.metadata = ((SESSION_KEY, session_uuid),) if session_uuid else ()
        self.session = session_pb2_grpc.SessionServiceStub(channel)
        self.device = device_pb2_grpc.DeviceServiceStub(channel)


def script(session, command, layer=1):
    """Tells the scripted driver under a session what to do."""
    return session.client.lab.control(session.stack, layer, command)


def label(pending):
    """How the scripted driver and traces name a request of L0."""
    return f"L0:{pending.request_id}"


def words(entries, layer):
    """What one layer saw, in the words of the scenarios."""
    return [TraceKind(entry.kind).word for entry in entries if entry.layer == layer]


def is_started(entry):
    """Whether a trace entry is the last word of L0's start, for a session that answers ON_SELF_MANAGED_IO_INIT."""
    init = entry.kind == TraceKind.PNP_LEAVE and entry.callback == PnpCallback.ON_SELF_MANAGED_IO_INIT
    return init and entry.layer == 0


def assert_alive(session):
    """The session works as if nothing had happened: what bad input must leave behind."""
    with session.create_wdf_file() as file:
        assert file.send_write(b"alive").completion(WAIT).hresult == HResult.S_OK
