"""What ran where and when: a log to which lines are only added, each sealed by the one before.

Whoever changes or removes a line breaks the chain behind it, and :meth:`History.events` says so.
"""

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from genba.errors import LearnError

_FIRST = "0" * 64


class What(StrEnum):
    """What happened to a model."""

    REGISTERED = "registered"
    VERIFIED = "verified"
    REFUSED = "refused"
    RELEASED = "released"
    STARTED = "started"
    STOPPED = "stopped"
    ROLLED_BACK = "rolled_back"
    IMPORTED = "imported"
    EXPORTED = "exported"


@dataclass(frozen=True, slots=True)
class Event:
    """One line: when (ISO 8601 text), what, which model, by whom, where, and plain facts."""

    number: int
    time: str
    what: What
    model: str
    by: str = ""
    where: str = ""
    data: dict[str, Any] | None = None


class History:
    """The log of one registry, in one file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def add(
        self,
        what: What,
        model: str,
        time: str,
        *,
        by: str = "",
        where: str = "",
        data: dict[str, Any] | None = None,
    ) -> Event:
        """Add a line; it is on the disk when this returns.

        Raises
        ------
        LearnError
            If the log was changed by somebody, or cannot be written.
        """
        with self._locked():
            lines = self._lines()
            seals = [seal for _, seal, _ in self._read(lines)]
            before = seals[-1] if seals else _FIRST
            event = Event(len(lines), time, what, model, by, where, data)
            body = _body(event)
            line = json.dumps({**body, "seal": _seal(before, body)}, separators=(",", ":"))
            with self._path.open("a", encoding="utf-8") as file:
                file.write(line + "\n")
                file.flush()
                os.fsync(file.fileno())
        return event

    def events(self, model: str | None = None) -> tuple[Event, ...]:
        """Read all lines, or those of a model, oldest first.

        Raises
        ------
        LearnError
            If a line was changed, removed or damaged.
        """
        found = (event for _, _, event in self._read(self._lines()))
        return tuple(event for event in found if model is None or event.model == model)

    def _lines(self) -> list[str]:
        if not self._path.exists():
            return []
        return self._path.read_text("utf-8").splitlines()

    def _read(self, lines: list[str]) -> Iterator[tuple[int, str, Event]]:
        before = _FIRST
        for number, line in enumerate(lines):
            try:
                told = json.loads(line)
                seal = str(told.pop("seal"))
                event = Event(**{**told, "what": What(told["what"])})
            except (ValueError, KeyError, TypeError):
                raise self._damaged(number) from None
            if event.number != number or seal != _seal(before, told):
                raise self._damaged(number)
            before = seal
            yield number, seal, event

    def _damaged(self, number: int) -> LearnError:
        return LearnError(
            f"line {number + 1} of {self._path} was changed or damaged; restore the file from a "
            "backup, and find out who could write to it"
        )

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(self._path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        except OSError as error:
            raise LearnError(f"{self._path} cannot be written: {error.strerror}") from None
        finally:
            os.close(handle)


def _body(event: Event) -> dict[str, Any]:
    return {
        "number": event.number,
        "time": event.time,
        "what": event.what.value,
        "model": event.model,
        "by": event.by,
        "where": event.where,
        "data": event.data,
    }


def _seal(before: str, body: dict[str, Any]) -> str:
    text = json.dumps(body, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(f"{before} {text}".encode()).hexdigest()
