"""`ServerProcess`: a `lowerdeckd` of one's own on a free loopback port, for tests and short programs."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Sequence
from types import TracebackType

BINARY_VARIABLE = "LOWERDECKD"
READY_SECONDS_MAX = 20.0
"""How long a server may take to print its ready line; it takes well under a second unless the machine is overloaded."""
STOP_SECONDS_MAX = 30.0
"""How long a server may take to end after SIGTERM; its own hard deadline for a drain is 20 s."""

_READY = "ready on "


def find_binary() -> str | None:
    """The server's binary: LOWERDECKD, or `lowerdeckd` on the path."""
    return os.environ.get(BINARY_VARIABLE) or shutil.which("lowerdeckd")


class ServerProcess:
    """A server that is this process's child. Use it in `with`, which ends it in order."""

    def __init__(self, binary: str, arguments: Sequence[str] = ()) -> None:
        """Starts it with `arguments` for `serve` and waits for its ready line. Raises RuntimeError if none comes."""
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the server, in __exit__
        command = [binary, "serve", "--listen", "127.0.0.1:0", *arguments]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self._log, text=True)
        self._ready = threading.Event()
        self._address = ""
        self._reader = threading.Thread(target=self._read_output, name="lowerdeckd-output", daemon=True)
        self._reader.start()
        self._ready.wait(READY_SECONDS_MAX)
        if not self._address:
            self.kill()
            raise RuntimeError(f"{' '.join(command)} printed no ready line; it said: {self.log()}")

    @property
    def endpoint(self) -> str:
        """Where it listens, for `lowerdeck.connect`."""
        return f"http://{self._address}"

    @property
    def address(self) -> tuple[str, int]:
        """Host and port."""
        host, _, port = self._address.rpartition(":")
        return host, int(port)

    def log(self) -> str:
        """What the server wrote to its standard error."""
        self._log.seek(0)
        return self._log.read().decode(errors="replace")

    def terminate(self) -> None:
        """Asks it to drain, by its own process id."""
        self._process.send_signal(signal.SIGTERM)

    def wait(self, timeout: float = STOP_SECONDS_MAX) -> int:
        """Waits for its end and returns the exit code. Raises subprocess.TimeoutExpired."""
        code = self._process.wait(timeout)
        self._reader.join()
        return code

    def stop(self) -> int:
        """Ends it in order, by force if it takes too long; returns the exit code."""
        if self._process.poll() is None:
            self.terminate()
        try:
            return self.wait()
        except subprocess.TimeoutExpired:
            return self.kill()

    def kill(self) -> int:
        """Ends it at once; what a crash looks like."""
        self._process.kill()
        return self.wait()

    def __enter__(self) -> ServerProcess:
        """The server."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Ends it in order."""
        self.stop()
        self._log.close()

    def _read_output(self) -> None:
        """Reads to the end, so that the server never waits for a full pipe."""
        assert self._process.stdout is not None  # it was asked for above
        for line in self._process.stdout:
            _, found, address = line.strip().partition(_READY)
            if found and not self._address:
                self._address = address
                self._ready.set()
        self._process.stdout.close()
        self._ready.set()
