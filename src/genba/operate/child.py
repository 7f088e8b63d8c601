"""A process of the core's own, spoken to over its pipes. Nothing here ever waits for it."""

import contextlib
import logging
import os
import pickle
import queue
import signal
import subprocess
import sys
import threading
import time
from typing import BinaryIO, cast

from genba.operate.planning_desk import receive, send

logger = logging.getLogger(__name__)

FAREWELL_S = 5.0


class Child:
    """One run of ``python -m module``. Both ends are this same program, and nobody else has them.

    Every message that is put is answered once; ``open`` counts those that are not yet.
    """

    def __init__(self, module: str) -> None:
        self._changed = threading.Condition()
        self._outbox: queue.SimpleQueue[object] = queue.SimpleQueue()
        self._inbox: list[object] = []
        self._open = 0
        self._heard = time.monotonic()
        self._ended = ""
        self._closed = False
        self.process = subprocess.Popen(  # noqa: S603 - a module of this program
            [sys.executable, "-m", module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
            start_new_session=True,  # Ctrl-C is for the core, which then closes this
        )
        for work in (self._write, self._read):
            threading.Thread(target=work, name=module, daemon=True).start()

    def put(self, message: object) -> None:
        """Hand a message over."""
        with self._changed:
            self._heard = self._heard if self._open else time.monotonic()
            self._open += 1
        self._outbox.put(message)

    def taken(self) -> list[object]:
        """Return the answers that came since the last call."""
        with self._changed:
            found, self._inbox = self._inbox, []
        return found

    @property
    def open(self) -> int:
        """Messages that are not answered yet."""
        return self._open

    @property
    def ended(self) -> str:
        """How it ended; empty while it runs."""
        return self._ended

    @property
    def silent_s(self) -> float:
        """Wall seconds for which it owes an answer and says nothing."""
        with self._changed:
            return time.monotonic() - self._heard if self._open and not self._ended else 0.0

    def settle(self, within_s: float) -> None:
        """Wait until all messages so far are answered; for plants that step in process."""
        with self._changed:
            self._changed.wait_for(lambda: self._open == 0 or bool(self._ended), within_s)

    def kill(self) -> None:
        """End it at once."""
        self.process.kill()

    def close(self) -> None:
        """End it in good order. Safe to call twice."""
        self._closed = True
        self._outbox.put(None)
        try:
            self.process.wait(FAREWELL_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def _write(self) -> None:
        pipe = cast("BinaryIO", self.process.stdin)
        with contextlib.suppress(OSError, ValueError):
            while (message := self._outbox.get()) is not None:
                send(pipe, message)
        with contextlib.suppress(OSError):
            pipe.close()

    def _read(self) -> None:
        pipe, why = cast("BinaryIO", self.process.stdout), ""
        while True:
            try:
                found = receive(pipe)
            except EOFError:
                break
            except (OSError, ValueError, pickle.UnpicklingError, AttributeError) as error:
                why = f"it is not understood ({error})"
                self.process.kill()
                break
            with self._changed:
                self._open, self._heard = max(0, self._open - 1), time.monotonic()
                self._inbox.append(found)
                self._changed.notify_all()
        code = self.process.wait()
        how = signal.Signals(-code).name if code < 0 else f"exit status {code}"
        self._outbox.put(None)
        with self._changed:
            self._ended = why or f"it died ({how})"
            self._changed.notify_all()
        pipe.close()
