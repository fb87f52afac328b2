"""`CallbackThread`: runs done-callbacks one after another, beside the thread that reads a queue pair.

Why: a callback may cancel, close and send, and waits for the answer, which only the reading thread can bring. Laws:
callbacks run in the order in which their requests ended, and what is told after them comes after them; each holds a
place in the window until it has run, which bounds how many wait.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from typing import Callable

from lowerdeck.window import Window

_log = logging.getLogger(__name__)


class CallbackThread:
    """One thread, started by the first callback."""

    def __init__(self, window: Window) -> None:
        """Nothing runs yet."""
        self._window = window
        self._changed = threading.Condition()
        self._waiting: deque[Callable[[], object]] = deque()
        self._busy = self._finished = False
        self._thread: threading.Thread | None = None

    def put(self, callback: Callable[[], object]) -> None:
        """Runs a callback soon, and counts it in the window until then."""
        self._window.hold()

        def run() -> None:
            try:
                callback()
            finally:
                self._window.leave(1)

        self._add(run)

    def tell(self, word: Callable[[], object]) -> None:
        """Says `word`, which waits for nothing, behind the callbacks that wait: at once if there are none."""
        with self._changed:
            is_free = not (self._busy or self._waiting)
        if is_free:
            word()
        else:
            self._add(word)

    def is_this_thread(self) -> bool:
        """Whether the caller is a callback."""
        return threading.current_thread() is self._thread

    def finish(self) -> None:
        """Runs what waits, and returns when all has; from a callback it returns at once."""
        with self._changed:
            self._finished = True
            self._changed.notify()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def _add(self, work: Callable[[], object]) -> None:
        with self._changed:
            finished = self._finished
            if not finished:
                self._waiting.append(work)
                self._changed.notify()
                if self._thread is None:
                    self._thread = threading.Thread(target=self._run, name="lowerdeck-callbacks", daemon=True)
                    self._thread.start()
        if finished:
            work()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._busy = False
                self._changed.wait_for(lambda: self._waiting or self._finished)
                if not self._waiting:
                    return
                work = self._waiting.popleft()
                self._busy = True
            try:
                work()
            except Exception:  # the user's; the callbacks of others must go on
                _log.exception("a done-callback failed")
