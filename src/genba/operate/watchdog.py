"""Watches the loop itself: one that stands still is told to systemd, logged, and ended.

Devices watch Genba by its heartbeats: when the loop stands still, these stop by themselves, and the
devices' own controllers take over. A process that hangs would stay that way, so it ends: what runs
it (systemd, with ``Restart=on-failure``) starts it anew, and the journals say where it was.
"""

import contextlib
import faulthandler
import logging
import os
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

logger = logging.getLogger(__name__)

STALLED_TICKS = 30
LEAST_STALL_S = 30.0
"""Wall seconds without a tick that are never called a stall: disks and debuggers are slow."""
EXIT_STALLED = 70
"""Exit status of a process that ended itself; ``EX_SOFTWARE`` of sysexits.h."""


class Watchdog:
    """Is told of every tick, and ends the process when none comes for too long.

    Parameters
    ----------
    tick_s : float
        Wall seconds between two ticks.
    file : Path
        Where the stacks of all threads are written when the loop stands still; the next start
        finds it there.
    end : callable
        Ends the process; for tests, something else.
    """

    def __init__(
        self,
        tick_s: float,
        file: Path,
        *,
        limit_s: float | None = None,
        end: Callable[[int], object] = os._exit,
    ) -> None:
        self.limit_s = limit_s or max(STALLED_TICKS * tick_s, LEAST_STALL_S)
        self._file = file
        self._end = end
        self._last = time.monotonic()
        self._told = 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)
        self._systemd = Notifier(os.environ.get("NOTIFY_SOCKET", ""))
        usec = os.environ.get("WATCHDOG_USEC", "")
        self._every_s = int(usec) / 4e6 if usec.isdigit() else self.limit_s / 4

    def left_behind(self) -> tuple[str, str] | None:
        """Return what an earlier run that stood still said, and the file; told only once."""
        kept = self._file.with_suffix(".last.txt")
        try:
            self._file.replace(kept)
            with kept.open(encoding="utf-8", errors="replace") as file:
                return file.readline(1000).strip(), kept.name
        except FileNotFoundError:
            return None
        except OSError as error:
            logger.warning("%s: %s", self._file, error.strerror)
            return None

    def start(self) -> None:
        """Begin to watch, and tell systemd that Genba is ready."""
        self._last = time.monotonic()
        self._thread.start()
        self._systemd.send("READY=1")

    def tick(self) -> None:
        """Note that the loop moves on; called by the loop after each tick."""
        now = self._last = time.monotonic()
        if now - self._told >= self._every_s:
            self._told = now
            self._systemd.send("WATCHDOG=1")

    def stop(self) -> None:
        """Watch no more: the loop is about to end on purpose. Safe to call twice."""
        if not self._stop.is_set():
            self._systemd.send("STOPPING=1")
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(self.limit_s / 20):
            stalled_s = time.monotonic() - self._last
            if stalled_s > self.limit_s:
                self._ended(stalled_s)
                return

    def _ended(self, stalled_s: float) -> None:
        # Not through the loop, and not through the historian: both may be what hangs.
        logger.critical(
            "the loop has not moved for %.0f s; ending, the stacks are in %s", stalled_s, self._file
        )
        with contextlib.suppress(OSError), self._file.open("w", encoding="utf-8") as file:
            file.write(f"The loop had not moved for {stalled_s:.0f} s. All threads:\n\n")
            file.flush()
            faulthandler.dump_traceback(file, all_threads=True)
        self._end(EXIT_STALLED)


class Notifier:
    """Speaks to systemd as ``sd_notify(3)`` does; to nobody where there is no socket."""

    def __init__(self, address: str) -> None:
        self._address = f"\0{address[1:]}" if address.startswith("@") else address

    def send(self, state: str) -> None:
        """Send one message; nothing depends on its arrival."""
        if not self._address:
            return
        with (
            contextlib.suppress(OSError),
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as line,
        ):
            line.setblocking(False)
            line.sendto(state.encode(), self._address)
