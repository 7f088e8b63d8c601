"""A model in a child process: what it does there harms nobody."""

import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from types import TracebackType
from typing import IO, Self, cast

import numpy as np
from numpy.typing import NDArray

from genba.errors import LearnError
from genba.learn.edge.contract import Contract, Misfit
from genba.learn.edge.worker import HEAD, write_frame
from genba.learn.inspect.place import Box

LOAD_S = 60.0
"""Wall seconds that starting a process and loading a model may take."""
_PIECE = 1 << 20
_LONGEST = 1 << 28


class ModelCrashed(LearnError):
    """The process of a model died."""


class ModelHangs(LearnError):
    """A model did not answer in time; its process was ended."""


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """What a model said to ``n`` windows, and how long each took (microseconds).

    ``boxes`` (n, 4) is where a picture is worst, NaN where nothing is.
    """

    values: NDArray[np.float64]
    wall_us: NDArray[np.float64]
    cpu_us: NDArray[np.float64]
    boxes: NDArray[np.float64]

    def box(self, row: int) -> Box | None:
        """Return the place of one of them."""
        left, top, right, bottom = self.boxes[row]
        return None if np.isnan(left) else (int(left), int(top), int(right), int(bottom))


class Sandbox:
    """One model in a process of its own, with bounded memory.

    Parameters
    ----------
    model : bytes
        ONNX graph.
    contract : Contract
        Its card; ``memory_mb`` bounds the process.

    Raises
    ------
    LearnError
        If the model cannot be loaded, does not fit its card, crashes or hangs.
    """

    def __init__(self, model: bytes, contract: Contract, load_s: float = LOAD_S) -> None:
        self.contract = contract
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed in close()
        # No environment but what Python needs: the model has no business with any of it.
        kept = {n: v for n, v in os.environ.items() if n in ("PATH", "PYTHONPATH", "HOME")}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "genba.learn.edge.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env={**kept, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
            start_new_session=True,
        )
        try:
            told = self._ask(b"L", contract.to_json() + b"\n" + model, load_s)
            self.base_mb = float(told)
            """Memory of the process before the model came."""
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def answer(self, windows: NDArray[np.float32], within_s: float) -> Answers:
        """Answer windows (n, rows, columns), one by one.

        Raises
        ------
        ModelCrashed, ModelHangs
            If its process dies, or does not answer within so many wall seconds; it is over then.
        LearnError
            If the model fails on one of them.
        """
        content = np.ascontiguousarray(windows, np.float32).tobytes()
        told = np.frombuffer(self._ask(b"A", content, within_s), np.float64)
        values, wall, cpu, *boxes = told.reshape(7, -1)
        return Answers(values, wall / 1000, cpu / 1000, np.stack(boxes, axis=1))

    def peak_mb(self) -> float:
        """Most memory that the process had so far, Python and ONNX Runtime included."""
        try:
            with open(f"/proc/{self._process.pid}/status", encoding="ascii") as file:
                lines = dict(line.split(":", 1) for line in file)
            return int(lines["VmHWM"].split()[0]) / 1024
        except (OSError, KeyError):
            return float("nan")

    def close(self) -> None:
        """End the process. Safe to call twice."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._errors):
            try:
                cast("IO[bytes]", stream).close()
            except BrokenPipeError:
                continue

    def _ask(self, kind: bytes, content: bytes, within_s: float) -> bytes:
        end = time.monotonic() + within_s
        try:
            write_frame(cast("IO[bytes]", self._process.stdin), kind, content)  # type: ignore[arg-type]
        except (BrokenPipeError, ValueError):
            raise self._crashed() from None
        head = self._read(HEAD.size, end)
        told, length = HEAD.unpack(head)
        if length > _LONGEST:
            raise ModelCrashed(f"model '{self.contract.name}' answers garbage; roll it back")
        answer = self._read(length, end)
        if told != b"k":
            kind_of_error = Misfit if told == b"s" else LearnError
            raise kind_of_error(answer.decode("utf-8", "replace"))
        return answer

    def _read(self, count: int, end: float) -> bytes:
        pipe = cast("IO[bytes]", self._process.stdout).fileno()
        parts: list[bytes] = []
        while count > 0:
            ready, _, _ = select.select([pipe], [], [], max(0.0, end - time.monotonic()))
            if not ready:
                self._process.kill()
                raise ModelHangs(
                    f"model '{self.contract.name}' does not answer in time; take a lighter one"
                )
            part = os.read(pipe, min(count, _PIECE))
            if not part:
                raise self._crashed()
            parts.append(part)
            count -= len(part)
        return b"".join(parts)

    def _crashed(self) -> ModelCrashed:
        code = self._process.wait()
        how = signal.Signals(-code).name if code < 0 else f"exit status {code}"
        return ModelCrashed(f"model '{self.contract.name}' crashed its process ({how}); it is bad")
