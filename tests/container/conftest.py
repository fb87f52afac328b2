"""Containers of the server's image in a real engine, reached from outside as a user's tests would reach them.

Every container runs as the image's documentation says: read-only root, no capabilities, no new privileges. They share the
host's network, so that engines without one of their own will do; each listens on a port of its own on loopback.
"""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import socket
import subprocess
import time
from collections.abc import Iterator

import pytest

import lowerdeck

WAIT = 60.0
"""Seconds to wait for what must happen; more is a fault."""

IMAGE = os.environ.get("LOWERDECK_IMAGE", "lowerdeck:dev")


def docker(*arguments: str) -> str:
    """Runs the engine's command line and gives what it prints."""
    done = subprocess.run(["docker", *arguments], check=False, capture_output=True, text=True, timeout=WAIT)
    assert done.returncode == 0, f"docker {' '.join(arguments)}: {done.stderr}"
    return done.stdout.strip()


def free_port() -> int:
    """A port that nobody listens on."""
    with contextlib.closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Container:
    """One container of the image."""

    def __init__(self, *command: str, options: tuple[str, ...] = (), environment: dict[str, str] | None = None) -> None:
        """Starts `command` of the image with more `options` of `docker run`."""
        self.endpoint = f"http://127.0.0.1:{free_port()}"
        settings = {
            "LOWERDECK_LISTEN": self.endpoint.removeprefix("http://"),
            "LOWERDECK_ENDPOINT": self.endpoint,
            **(environment or {}),
        }
        self.id = docker(
            "run",
            "--detach",
            "--network=host",
            "--read-only",
            "--cap-drop=ALL",
            "--security-opt=no-new-privileges",
            *(f"--env={name}={value}" for name, value in settings.items()),
            *options,
            IMAGE,
            *command,
        )

    def inspect(self, what: str) -> object:
        """A part of what the engine knows of it, for example `.State.Health`."""
        return json.loads(docker("inspect", "--format", "{{json " + what + "}}", self.id))

    def logs(self) -> str:
        """What it has printed, on both streams."""
        done = subprocess.run(["docker", "logs", self.id], check=True, capture_output=True, text=True, timeout=WAIT)
        return done.stdout + done.stderr

    def wait_until_ready(self) -> Container:
        """Waits for the ready line."""
        self.wait_for(lambda: "lowerdeckd ready on" in self.logs(), "it is ready")
        return self

    def wait_for(self, condition, what: str) -> None:
        """Asks again until `condition` holds; each question is a call of the engine or of the server."""
        end = time.monotonic() + WAIT
        while not condition():
            assert time.monotonic() < end, f"not before the patience was over: {what}; its log:\n{self.logs()}"
            assert self.inspect(".State.Status") == "running", f"it ended before {what}; its log:\n{self.logs()}"

    def exit_code(self) -> int:
        """Waits for its end."""
        return int(docker("wait", self.id))

    def stop(self, seconds: int) -> subprocess.Popen:
        """Begins `docker stop` with this grace period."""
        return subprocess.Popen(["docker", "stop", "--time", str(seconds), self.id], stdout=subprocess.DEVNULL)

    def remove(self) -> None:
        """Ends it at once, and takes it away."""
        docker("rm", "--force", self.id)


@pytest.fixture
def start() -> Iterator:
    """`start(command…, options=…, environment=…)` gives a container that goes with the test."""
    started: list[Container] = []

    def run(*command: str, **settings) -> Container:
        container = Container(*command, **settings)
        started.append(container)
        return container

    yield run
    for container in started:
        container.remove()


@pytest.fixture
def server(start) -> Container:
    """A container that takes sessions."""
    return start().wait_until_ready()


@pytest.fixture
def client(server) -> Iterator[lowerdeck.Client]:
    """A client outside."""
    with lowerdeck.connect(server.endpoint) as client:
        yield client


@pytest.fixture
def readable(tmp_path: pathlib.Path) -> pathlib.Path:
    """A folder that the user of the image can read; pytest's own are closed to others."""
    for folder in [tmp_path, *tmp_path.parents]:
        if folder.stat().st_uid == os.getuid() and folder != pathlib.Path("/tmp"):
            with contextlib.suppress(PermissionError):
                folder.chmod(folder.stat().st_mode | 0o055)
    return tmp_path
