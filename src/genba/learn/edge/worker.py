"""The child process in which a model is tried out: it may crash, hang or fill its memory there.

Speaks frames over its standard input and output: a letter, the length (8 bytes, little-endian),
the content. ``L`` loads (contract as one line of JSON, then the model); ``A`` answers windows.
It replies ``k`` with plain numbers, ``s`` with what does not fit the card, ``e`` with what else
went wrong.
"""

import os
import resource
import struct
import time
from typing import BinaryIO

import numpy as np

from genba.errors import LearnError
from genba.learn.edge.contract import Contract, Misfit
from genba.learn.edge.session import EdgeModel

HEAD = struct.Struct("<cQ")
SPARE_MB = 64
"""Address space beyond what the card allows: thread stacks, and what the allocator rounds up."""


def write_frame(stream: BinaryIO, kind: bytes, content: bytes) -> None:
    """Send one frame."""
    stream.write(HEAD.pack(kind, len(content)))
    stream.write(content)
    stream.flush()


def read_frame(stream: BinaryIO) -> tuple[bytes, bytes] | None:
    """Take one frame; None where the other side has ended."""
    head = stream.read(HEAD.size)
    if len(head) < HEAD.size:
        return None
    kind, length = HEAD.unpack(head)
    return kind, stream.read(length)


def _limit(memory_mb: float) -> None:
    """Bound the memory that this process may still take, and let it write no files."""
    with open("/proc/self/statm", encoding="ascii") as file:
        pages = int(file.read().split()[0])
    most = pages * resource.getpagesize() + int((memory_mb + SPARE_MB) * 2**20)
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def _load(content: bytes) -> tuple[EdgeModel, float]:
    """Return the model, and the memory (MiB) that the process took before it came."""
    card, _, model = content.partition(b"\n")
    contract = Contract.from_json(card)
    import onnxruntime  # noqa: F401 - what it needs for itself does not count

    base = _resident_mb()
    _limit(contract.memory_mb)
    return EdgeModel(model, contract), base


def _resident_mb() -> float:
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * resource.getpagesize() / 2**20


def _answer(model: EdgeModel, content: bytes) -> bytes:
    """Answer each window: values float64, wall and CPU times in ns, and four sides of the place."""
    windows = np.frombuffer(content, np.float32).reshape(-1, *model.contract.shape)
    count = len(windows)
    values, wall, cpu = np.empty(count), np.empty(count), np.empty(count)
    boxes = np.full((4, count), np.nan)
    for number, window in enumerate(windows):
        model.window[0] = window
        begun, began = time.perf_counter_ns(), time.thread_time_ns()
        values[number] = model.answer()
        cpu[number] = time.thread_time_ns() - began
        wall[number] = time.perf_counter_ns() - begun
        if (box := model.place()) is not None:
            boxes[:, number] = box
    return np.concatenate([values, wall, cpu, *boxes]).tobytes()


def main() -> None:
    """Serve until the standard input ends."""
    inward = os.fdopen(os.dup(0), "rb")
    outward = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints must not look like a frame
    model: EdgeModel | None = None
    while (frame := read_frame(inward)) is not None:
        kind, content = frame
        try:
            if kind == b"L":
                model, base = _load(content)
                write_frame(outward, b"k", str(base).encode())
            elif model is not None:
                write_frame(outward, b"k", _answer(model, content))
        except Misfit as error:
            write_frame(outward, b"s", str(error).encode())
        except LearnError as error:
            write_frame(outward, b"e", str(error).encode())
        except MemoryError:
            write_frame(outward, b"e", b"the model needs more memory than its card allows")


if __name__ == "__main__":
    main()
