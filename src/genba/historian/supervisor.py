"""Keeps the committer's process alive, and passes on what it complains about."""

import contextlib
import logging
import subprocess
import sys
import threading
from pathlib import Path

_LOG = logging.getLogger("genba.historian")
_RESTART_S = (0.2, 0.5, 1.0, 2.0, 5.0, 15.0)
_FAREWELL_S = 120.0


class Supervisor:
    """Starts the committer for a folder, and again whenever it ends without being told to.

    Parameters
    ----------
    root : Path
        The historian's folder.
    interval_s : float
        How long a batch may wait in the spool, in seconds of the wall clock.
    """

    def __init__(self, root: Path, interval_s: float) -> None:
        self._command = [
            sys.executable,
            "-m",
            "genba.historian.committer",
            str(root),
            str(interval_s),
        ]
        self._closing = threading.Event()
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self.starts = 0
        self.complaints = 0
        self.last_error: str | None = None
        self._start()
        self._thread = threading.Thread(target=self._watch, name="committer", daemon=True)
        self._thread.start()

    @property
    def pid(self) -> int | None:
        """Process id of the committer, while it runs."""
        process = self._process
        return None if process is None or process.poll() is not None else process.pid

    def _start(self) -> None:
        with self._lock:
            if self._closing.is_set():
                return
            self._process = subprocess.Popen(  # noqa: S603 - our own module
                self._command,
                stdin=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,  # Ctrl-C is for the core, which then closes this
            )
            self.starts += 1

    def _watch(self) -> None:
        failures = 0
        while (process := self._process) is not None:
            said = self._listen(process)
            process.wait()
            if self._closing.is_set():
                return
            failures = failures + 1 if said else 0
            self.last_error = said or f"the committer ended with code {process.returncode}"
            _LOG.warning("%s; it is started again", self.last_error)
            while not self._closing.wait(_RESTART_S[min(failures, len(_RESTART_S) - 1)]):
                try:
                    self._start()
                    break
                except OSError as error:  # no memory or no process to spare just now
                    failures += 1
                    self.last_error = f"the committer cannot be started: {error.strerror}"
                    _LOG.warning("%s; it is tried again", self.last_error)
            else:
                return

    def _listen(self, process: subprocess.Popen[bytes]) -> str:
        last = ""
        for line in process.stderr or ():
            last = line.decode("utf-8", "replace").strip() or last
            self.last_error = last
            self.complaints += 1
            _LOG.warning("committer: %s", last)
        return last

    def commit_now(self) -> None:
        """Ask for a commit; does not wait for it."""
        with self._lock:
            process = self._process
            try:
                if process is not None and process.stdin is not None:
                    process.stdin.write(b"commit\n")
                    process.stdin.flush()
            except OSError:  # it just ended; its successor commits by itself
                pass

    def close(self) -> None:
        """Let it move what is left, and wait for its end."""
        self._closing.set()
        with self._lock:
            process = self._process
        if process is None:
            return
        if process.stdin is not None:
            with contextlib.suppress(OSError):
                process.stdin.close()
        try:
            process.wait(_FAREWELL_S)
        except subprocess.TimeoutExpired:  # what it did not move stays in the spool
            process.kill()
            process.wait()
        self._thread.join()
        self._process = None
