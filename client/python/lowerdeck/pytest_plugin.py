"""The pytest plugin: a server for the run, a device for each test, and two laws: a test leaves no file outstanding, and
breaks no rule that it does not mean to break.

Configuration is the environment: LOWERDECK_ENDPOINT for a server that runs already, otherwise LOWERDECKD, or the
path, for the binary to start. A server that this starts opens files and named pipes in directories of its own.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

from lowerdeck import Client, Device, LowerdeckError, connect
from lowerdeck.channel import ENDPOINT_VARIABLE
from lowerdeck.server_process import BINARY_VARIABLE, ServerProcess, find_binary

GONE_SECONDS_MAX = 5.0
"""How long the files that a test closed may take to go, before they count as outstanding."""

STACK_DEFAULT = "disk"


class RunningServer:
    """The server of a run, whoever started it."""

    def __init__(self, endpoint: str, files_root: Path | None = None, pipe_directory: Path | None = None) -> None:
        """`endpoint` is what `lowerdeck.connect` takes."""
        self.endpoint = endpoint
        self.files_root = files_root
        """Where `create_file` finds its files; None for a server that runs already."""
        self.pipe_directory = pipe_directory
        """Where the sockets of named pipes are; None for a server that runs already."""


def pytest_configure(config: pytest.Config) -> None:
    """Declares the markers."""
    config.addinivalue_line(
        "markers", f"lowerdeck_stack(name): the stack of the fixture lowerdeck_device; default `{STACK_DEFAULT}`"
    )
    config.addinivalue_line(
        "markers", 'lowerdeck_breaks(*rules): the rules that the test breaks on purpose, for example "FHT-20"'
    )


@pytest.fixture(scope="session")
def lowerdeck_server() -> Iterator[RunningServer]:
    """A running server with the built-in stacks; if this run started it, it is drained at the end."""
    endpoint = os.environ.get(ENDPOINT_VARIABLE)
    if endpoint:
        yield RunningServer(endpoint)
        return
    binary = find_binary()
    if binary is None:
        pytest.fail(
            f"no server: set {ENDPOINT_VARIABLE} to a running one, or {BINARY_VARIABLE} to the binary lowerdeckd"
        )
    with tempfile.TemporaryDirectory(prefix="lowerdeck-") as place:  # short, as the paths of sockets must be
        files_root, pipe_directory = Path(place, "files"), Path(place, "pipes")
        files_root.mkdir()
        pipe_directory.mkdir(mode=0o700)
        arguments = ["--files-root", str(files_root), "--pipe-directory", str(pipe_directory), "--sockets", "loopback"]
        server = ServerProcess(binary, arguments)
        try:
            yield RunningServer(server.endpoint, files_root, pipe_directory)
        finally:
            code = server.stop()
    assert code == 0, f"lowerdeckd ended with exit code {code}; it said: {server.log()}"


@pytest.fixture
def lowerdeck_client(lowerdeck_server: RunningServer) -> Iterator[Client]:
    """A client of that server."""
    with connect(lowerdeck_server.endpoint) as client:
        yield client


@pytest.fixture
def lowerdeck_device(request: pytest.FixtureRequest, lowerdeck_server: RunningServer) -> Iterator[Device]:
    """A device on a private stack: `disk`, or what the marker `lowerdeck_stack` names.

    A test that leaves a file outstanding fails, with a report of who holds it; so does one with a finding or a driver
    stop about a rule that the marker `lowerdeck_breaks` does not name.
    """
    marker = request.node.get_closest_marker("lowerdeck_stack")
    stack = marker.args[0] if marker else STACK_DEFAULT
    client = connect(lowerdeck_server.endpoint)
    with Device(client, client.open_session(stack, client_name=request.node.name[:64])) as device:
        yield device


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    """After the test's own verdict: the verdict on its files and rules, while its device is still there."""
    result = yield
    device = getattr(item, "funcargs", {}).get("lowerdeck_device")
    if isinstance(device, Device):
        meant = {rule for marker in item.iter_markers("lowerdeck_breaks") for rule in marker.args}
        complaint = "\n".join(filter(None, [outstanding_files(device), broken_rules(device, meant)]))
        if complaint:
            pytest.fail(complaint, pytrace=False)
    return result


def outstanding_files(device: Device) -> str:
    """What is wrong with the files of a device at the end of a test; "" if nothing is."""
    complaints = []
    for file in device.session.files:
        if not file.closed:
            complaints.append(f"{file!r} was never closed (CLS-2)")
            continue
        try:
            file.wait_gone(GONE_SECONDS_MAX)
        except TimeoutError:
            complaints.append(f"{file!r} is still outstanding {GONE_SECONDS_MAX:g} s after Close (STOP-2)")
        except LowerdeckError:
            continue  # the session ended meanwhile, and its files with it
    if not complaints:
        return ""
    return "\n".join([*complaints, *describe_outstanding(device)])


def broken_rules(device: Device, meant: set[str]) -> str:
    """What the verifier has to say about the device's stack, but for the rules that are `meant`; "" if nothing."""
    complaints = [
        f"finding {found.rule} about {found.layer} {found.driver}: {found.sentence} {found.advice}"
        for found in device.lab.findings(device.stack)
        if found.rule not in meant
    ]
    stop = device.lab.driver_stop(device.stack)
    if stop is not None and stop.rule not in meant:
        complaints.append(f"driver stop {stop.rule} about {stop.layer} {stop.driver}: {stop.sentence} {stop.advice}")
    return "\n".join(complaints)


def describe_outstanding(device: Device) -> list[str]:
    """Who holds what on the device's stack, one line each."""
    lines = []
    for file in device.lab.outstanding(device.stack).files:
        lines.append(f"file {file.label} {file.name!r} of {file.creator}:")
        for request in file.requests:
            kept = "completed, never deleted" if request.undeleted else "outstanding"
            holders = ", ".join(f"layer {layer.layer} {layer.driver}: {layer.owner_state}" for layer in request.layers)
            lines.append(f"  request {request.label}: {kept}; {holders}")
    return lines
