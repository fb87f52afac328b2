"""What the tests of a running server share."""

import itertools
import uuid

import grpc
import pytest

import lowerdeck
from lowerdeck import HResult, PnpCallback, TraceKind
from lowerdeck.channel import SESSION_KEY
from lowerdeck.v1 import device_pb2_grpc, session_pb2_grpc
from tests.cutting_proxy import CuttingProxy
from tests.fake_server import FakeServer
from tests.peer import Peer

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
def proxy(lowerdeck_server):
    host, _, port = lowerdeck_server.endpoint.rpartition("//")[2].rpartition(":")
    with CuttingProxy((host, int(port))) as proxy:
        yield proxy


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


@pytest.fixture
def handles(client):
    """A session on a stack whose dispatcher is FileHandle."""
    with client.open_session("handles") as session:
        yield session


class PipeName:
    """A named pipe that no other test has."""

    def __init__(self, directory):
        name = f"Test-{next(_numbers)}-{uuid.uuid4().hex[:8]}"
        self.win32 = rf"\\.\pipe\{name}"
        self.socket = directory / name.lower()


@pytest.fixture
def pipe_name(lowerdeck_server):
    """The name of a pipe as a driver says it, and where its socket is for others on the server's host."""
    if lowerdeck_server.pipe_directory is None:
        pytest.skip("the pipe directory of a server that runs already is not known")
    return PipeName(lowerdeck_server.pipe_directory)


@pytest.fixture
def pipe(handles, pipe_name):
    """The server end of a message pipe, with nobody at the other."""
    with handles.create_named_pipe(pipe_name.win32) as pipe:
        yield pipe


@pytest.fixture
def target(pipe):
    with pipe.create_target() as target:
        yield target


@pytest.fixture
def peer(pipe, pipe_name):
    """A program at the other end."""
    with Peer(pipe_name.socket) as peer:
        pipe.connect(WAIT)
        yield peer


def refusal(session, call, named):
    """How a question is refused, with the id that it names taken out."""
    with pytest.raises(lowerdeck.NotOwned) as refused:
        session.run(call, WAIT)
    error = refused.value
    assert error.code is grpc.StatusCode.PERMISSION_DENIED
    metadata = {key: value.replace(named, "ID") for key, value in error.metadata.items()}
    return (error.reason, error.args[0].replace(named, "ID"), metadata)


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
