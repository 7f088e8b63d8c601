"""What ran where and when: lines that are only ever added, each chained to the one before.

A line that was changed or taken out in the middle breaks the chain, and reading says so.
"""

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genba.errors import LearnError

FIRST = "0" * 64


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that happened. ``time`` in microseconds UTC."""

    number: int
    time: int
    what: str
    facts: Mapping[str, Any]


class Ledger:
    """A file of JSON lines. Several processes may add to it; a torn last line is mended."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def add(self, time: int, what: str, **facts: Any) -> Line:
        """Add a line; it is on the disk when this returns.

        Raises
        ------
        LearnError
            If the ledger is damaged or cannot be written.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o644)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX)
                return self._append(handle, time, what, facts)
            finally:
                os.close(handle)
        except OSError as error:
            raise LearnError(
                f"the history {self.path} cannot be written ({error.strerror}); make room"
            ) from None

    def _append(self, handle: int, time: int, what: str, facts: Mapping[str, Any]) -> Line:
        last = _last_line(handle)
        number, previous = 1, FIRST
        if last:
            number = int(_parsed(self.path, last)["number"]) + 1
            previous = hashlib.sha256(last).hexdigest()
        told = {"number": number, "time": time, "what": what, "facts": facts, "previous": previous}
        text = json.dumps(told, separators=(",", ":"), sort_keys=True, default=str).encode()
        os.lseek(handle, 0, os.SEEK_END)
        os.write(handle, text + b"\n")
        os.fsync(handle)
        return Line(number, time, what, dict(facts))

    def lines(self) -> Iterator[Line]:
        """Read all lines, oldest first, and check the chain.

        Raises
        ------
        LearnError
            If a line was changed, taken out or put in.
        """
        if not self.path.exists():
            return
        previous = FIRST
        for number, raw in enumerate(self.path.read_bytes().split(b"\n"), 1):
            if not raw:
                continue
            told = _parsed(self.path, raw)
            if told.get("previous") != previous or told.get("number") != number:
                raise LearnError(
                    f"the history {self.path} was altered at line {number}; restore it from a "
                    "backup, and find out who did that"
                )
            previous = hashlib.sha256(raw).hexdigest()
            yield Line(number, int(told["time"]), str(told["what"]), told["facts"])


def _last_line(handle: int) -> bytes:
    """Return the last whole line, without its end; cut off what a crash left half written."""
    size = os.lseek(handle, 0, os.SEEK_END)
    start, tail = size, b""
    while start > 0 and tail.count(b"\n") < 2:
        step = min(start, 65536)
        start -= step
        tail = os.pread(handle, step, start) + tail
    whole, _, torn = tail.rpartition(b"\n")
    if torn:
        os.ftruncate(handle, size - len(torn))
    return whole.rpartition(b"\n")[2]


def _parsed(path: Path, raw: bytes) -> dict[str, Any]:
    try:
        told = json.loads(raw)
    except ValueError:
        told = None
    if not isinstance(told, dict) or "number" not in told:
        raise LearnError(f"the history {path} is damaged; restore it from a backup")
    return told
