"""The desk in a process of its own: plans are made beside the core, never in it."""

import contextlib
import logging
import pickle
import struct
import subprocess
import sys
import threading
from typing import BinaryIO

from genba.errors import GenbaError, PlanError
from genba.plan.floor.desk import Answer, Question
from genba.plant import Plant

logger = logging.getLogger(__name__)

_LENGTH = struct.Struct("!Q")
_FAREWELL_S = 5.0


def send(pipe: BinaryIO, message: object) -> None:
    """Write one message: its length, and the message pickled."""
    data = pickle.dumps(message, protocol=pickle.HIGHEST_PROTOCOL)
    pipe.write(_LENGTH.pack(len(data)) + data)
    pipe.flush()


def receive(pipe: BinaryIO) -> object:
    """Read one message.

    Raises
    ------
    EOFError
        If the other side has ended.
    """
    head = pipe.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        raise EOFError
    (length,) = _LENGTH.unpack(head)
    data = pipe.read(length)
    if len(data) < length:
        raise EOFError
    return pickle.loads(data)  # noqa: S301 - from our own child process, over its own pipe


class WorkerDesk:
    """Satisfies :class:`~genba.plan.floor.desk.Desk` with a process that it keeps running.

    Both ends of the pipe are this same program, and nobody else has them.

    Parameters
    ----------
    plant : Plant
        Handed to the worker once.
    within_s : float
        Wall seconds for one plan.
    calibration : str
        File with the twin's calibration, read when the worker starts; it need not be there.
    """

    def __init__(self, plant: Plant, within_s: float, calibration: str = "") -> None:
        self._start_with = (plant, within_s, calibration)
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._open: Question | None = None
        self._ready: Answer | GenbaError | None = None
        self._closed = False

    @property
    def busy(self) -> bool:
        """Whether a question waits for its answer."""
        with self._lock:
            return self._open is not None

    def start(self) -> None:
        """Start the worker, so that the first question need not wait for that."""
        with self._lock:
            if not self._closed and self._process is None:
                self._process = self._start()

    def ask(self, question: Question) -> None:
        """Hand a question to the worker; one that is open already is dropped."""
        with self._lock:
            if self._closed:
                return
            self._open, self._ready = question, None
            process = self._process
            if process is None or process.poll() is not None:
                process = self._process = self._start()
            try:
                assert process.stdin is not None  # noqa: S101 - it was opened with a pipe
                send(process.stdin, question)  # type: ignore[arg-type]
            except OSError as error:
                self._open = None
                self._ready = PlanError(f"the planning process does not listen: {error.strerror}")

    def answer(self) -> Answer | None:
        """Return what came, once."""
        with self._lock:
            ready, self._ready = self._ready, None
        if isinstance(ready, GenbaError):
            raise ready
        return ready

    def close(self) -> None:
        """End the worker."""
        with self._lock:
            self._closed, self._open, process = True, None, self._process
        if process is None:
            return
        if process.stdin is not None:
            with contextlib.suppress(OSError):
                process.stdin.close()
        process.terminate()
        try:
            process.wait(_FAREWELL_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()

    def _start(self) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, "-m", "genba.operate.planning_worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is for the core, which then closes this
        )
        assert process.stdin is not None  # noqa: S101 - it was opened with a pipe
        send(process.stdin, self._start_with)  # type: ignore[arg-type]
        threading.Thread(
            target=self._listen, args=(process,), name="planning answers", daemon=True
        ).start()
        return process

    def _listen(self, process: subprocess.Popen[bytes]) -> None:
        """Take answers until the worker ends; what was open then has failed."""
        assert process.stdout is not None  # noqa: S101 - it was opened with a pipe
        while True:
            try:
                found = receive(process.stdout)  # type: ignore[arg-type]
            except (EOFError, OSError, ValueError, pickle.UnpicklingError):
                break
            with self._lock:
                if process is self._process and isinstance(found, Answer | GenbaError):
                    self._open, self._ready = None, found
        code = process.wait()
        with self._lock:
            if process is self._process and self._open is not None and not self._closed:
                self._open = None
                self._ready = PlanError(
                    f"the planning process ended with code {code}; it is started again with the "
                    "next question"
                )
                logger.warning("%s", self._ready)
