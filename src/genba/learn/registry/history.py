"""What ran where and when: lines that are only ever added, each chained to the one before.

One form for all: what happens to a plant's models, what runs at a machine, and how far a roll-out
came. A line that was changed or taken out in the middle breaks the chain, and reading says so; what
was cut off at the end cannot be seen here.
"""

import errno
import fcntl
import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from genba.errors import LearnError

_FIRST = "0" * 64
_NAMES = ("number", "time", "what", "model", "by", "where", "data", "previous")


class What(StrEnum):
    """What happened to a model."""

    REGISTERED = "registered"
    IMPORTED = "imported"
    EXPORTED = "exported"
    VERIFIED = "verified"
    REFUSED = "refused"
    """It was verified, or tried out at a machine, and did not pass."""
    TRIGGERED = "triggered"
    """A rule had it learned anew."""
    PROPOSED = "proposed"
    """Learned anew, and better than what is in force; somebody may release it."""
    NOT_PROPOSED = "not_proposed"
    """Learned anew, and no better, or nothing could be learned."""
    RELEASED = "released"
    """Somebody wants it to run."""
    RECEIVED = "received"
    """It came to a machine and passed there."""
    TRIAL = "trial"
    STARTED = "started"
    """It is in force."""
    STOPPED = "stopped"
    """Another one is in force instead."""
    ROLLED_BACK = "rolled_back"
    LEFT_UNDONE = "left_undone"
    """An order was not obeyed."""
    SENT = "sent"
    """A roll-out began with a machine; or with taking it back there."""
    FAILED = "failed"
    """A roll-out did not come through at a machine."""
    APPROVED = "approved"
    """A person let a group of a roll-out begin."""
    HALTED = "halted"
    """A roll-out stopped by itself."""
    JOINED = "joined"
    """A site takes part in a federation; ``model`` is the digest of the plan."""
    TOLD = "told"
    """A masked answer left a site."""
    AGREED = "agreed"
    """A site agreed on whose answers are added up."""
    SUMMED = "summed"
    """A hub added up masked answers."""


@dataclass(frozen=True, slots=True)
class Event:
    """One line.

    Parameters
    ----------
    number : int
        Counts up from 1.
    time : str
        ISO 8601, UTC.
    what : What
        What happened.
    model : str
        SHA-256 of the registered model; empty where it is not known.
    by, where : str
        Who wanted it; the machine, group or ``core`` where it happened.
    data : mapping
        Plain facts.
    """

    number: int
    time: str
    what: What
    model: str
    by: str = ""
    where: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)


class History:
    """A file of such lines. Several processes may add to it; a torn last line is mended."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def add(
        self,
        what: What,
        model: str,
        time: str,
        *,
        by: str = "",
        where: str = "",
        data: Mapping[str, Any] | None = None,
    ) -> Event:
        """Add a line, in a time that does not hang on how many there are.

        It is on the disk when this returns.

        Raises
        ------
        LearnError
            If the last line is damaged, the file is of another form, or cannot be written.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o644)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX)
                last = _last_line(handle)
                number, previous = 1, _FIRST
                if last:
                    number = int(self._told(last)["number"]) + 1
                    previous = hashlib.sha256(last).hexdigest()
                event = Event(number, time, What(what), model, by, where, dict(data or {}))
                _write(handle, _line(event, previous))
            finally:
                os.close(handle)
        except OSError as error:
            raise LearnError(
                f"the history {self.path} cannot be written ({error.strerror}); make room, or mend "
                "the rights of its folder"
            ) from None
        return event

    def events(self, model: str | None = None) -> tuple[Event, ...]:
        """Read all lines, or those of a model, oldest first; the whole chain is checked.

        What a crash left half written at the end is left out: nobody was told that it was there.

        Raises
        ------
        LearnError
            If a line was changed, taken out or put in, or the file is of another form.
        """
        return tuple(self._event(told) for told in self._all() if model in (None, told["model"]))

    def _all(self) -> list[dict[str, Any]]:
        """Read what all lines say, once the whole chain was found whole."""
        try:
            lines = self.path.read_bytes().split(b"\n")[:-1]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise LearnError(
                f"the history {self.path} cannot be read ({error.strerror}); mend its rights"
            ) from None
        found, previous = [], _FIRST
        for number, line in enumerate(lines, 1):
            told = self._told(line, number)
            if told["previous"] != previous or told["number"] != number:
                raise self._altered(f"at line {number} or the one before")
            previous = hashlib.sha256(line).hexdigest()
            found.append(told)
        return found

    def _event(self, told: Mapping[str, Any]) -> Event:
        try:
            what = What(told["what"])
        except ValueError:
            raise LearnError(
                f"line {told['number']} of the history {self.path} tells of '{told['what']}', "
                "which this Genba does not know; upgrade it"
            ) from None
        return Event(**{name: told[name] for name in _NAMES[:-1]} | {"what": what})

    def _told(self, line: bytes, number: int | None = None) -> dict[str, Any]:
        try:
            told = json.loads(line)
        except ValueError:
            told = None
        where = "at its end" if number is None else f"at line {number}"
        if not isinstance(told, dict):
            raise self._altered(where)
        if set(told) != set(_NAMES):
            raise LearnError(
                f"{self.path} is no history of models as this Genba writes it ({where}); move it "
                "to another place, and a new one begins"
            )
        return told

    def _altered(self, where: str) -> LearnError:
        return LearnError(
            f"the history {self.path} was altered or damaged {where}; restore it from a backup, "
            "and find out who could write to it"
        )


def _line(event: Event, previous: str) -> bytes:
    told = {name: getattr(event, name) for name in _NAMES[:-1]}
    told |= {"what": event.what.value, "data": dict(event.data), "previous": previous}
    return json.dumps(told, separators=(",", ":"), sort_keys=True, default=str).encode()


def _write(handle: int, line: bytes) -> None:
    end = os.lseek(handle, 0, os.SEEK_END)
    if os.write(handle, line + b"\n") < len(line) + 1:
        os.ftruncate(handle, end)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    os.fsync(handle)


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
