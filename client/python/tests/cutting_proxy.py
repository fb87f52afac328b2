"""A TCP proxy on loopback that can cut every connection at once, as a network does."""

import contextlib
import socket
import threading


class CuttingProxy:
    """Carries bytes both ways between its own port and a server, until told to cut."""

    def __init__(self, address):
        self._address = address
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._lock = threading.Lock()
        self._sockets = set()
        self._threads = []
        self._open = True
        self.cuts = 0
        self._start(self._accept)

    @property
    def endpoint(self):
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def cut(self):
        """Resets every connection; new ones are welcome."""
        with self._lock:
            self.cuts += 1
            for connection in self._sockets:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def close(self):
        """Cuts, and takes no more."""
        self._open = False
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()
        for thread in self._threads:
            thread.join()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()

    def _start(self, work, *arguments):
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self):
        while self._open:
            try:
                inner, _ = self._listener.accept()
                outer = socket.create_connection(self._address)
            except OSError:
                return
            with self._lock:
                self._sockets |= {inner, outer}
            self._start(self._carry, inner, outer)
            self._start(self._carry, outer, inner)

    def _carry(self, source, sink):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_RDWR)
        with self._lock:
            self._sockets.discard(source)
        source.close()
