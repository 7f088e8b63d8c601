"""One line of the audit log, and how it hangs on the line before it."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from enum import StrEnum
from pathlib import Path
from typing import Any

FIRST = "0" * 64
"""What the first line of all names as the SHA-256 of the line before it."""
LONGEST_TEXT = 500
LONGEST_DETAIL = 4000
MENDED = "audit.mended"
"""Action of the line that follows one that a crash left half written."""
BROKEN = "audit.broken"
"""Action of the line by which Genba says that what it sealed is not there any more."""


class Result(StrEnum):
    """What came of an act."""

    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Act:
    """What somebody did or tried.

    ``time`` is the computer's clock, ``plant_time`` the plant's (ISO 8601, UTC; "" where no core
    runs). ``origin`` says from where: an address, or the user of this computer.
    """

    time: str
    plant_time: str
    actor: str
    role: str
    action: str
    target: str
    result: Result
    origin: str
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Entry(Act):
    """An act on the log. ``previous`` is the SHA-256 of the line before, lower-case hex."""

    number: int = 0
    previous: str = FIRST


def chained(act: Act, number: int, previous: str) -> Entry:
    """Return the entry that puts an act at a place of the log."""
    values = {one.name: getattr(act, one.name) for one in fields(Act)}
    return Entry(**values, number=number, previous=previous)


def line_of(entry: Entry) -> bytes:
    """Write an entry as one line of JSON, without the line's end."""
    told = {"number": entry.number, **asdict(entry)}
    for name, value in told.items():
        if isinstance(value, str):
            told[name] = value[:LONGEST_TEXT]
    told["detail"] = _bounded(entry.detail)
    return json.dumps(told, separators=(",", ":"), default=str).encode("ascii")


def parse(line: bytes) -> Entry | None:
    """Read a line; None if it is not one that :func:`line_of` writes."""
    try:
        told = json.loads(line)
        entry = Entry(**{**told, "result": Result(told["result"])})
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    texts = (entry.time, entry.actor, entry.action, entry.target, entry.origin, entry.previous)
    sound = isinstance(entry.number, int) and all(isinstance(text, str) for text in texts)
    return entry if sound else None


def digest(line: bytes) -> str:
    """SHA-256 of a line without its end."""
    return hashlib.sha256(line).hexdigest()


def segments(folder: Path) -> list[Path]:
    """The files of the log, oldest first; each is named for the number that it begins with."""
    return sorted(folder.glob("audit-*.jsonl"))


def _bounded(detail: Mapping[str, Any]) -> Any:
    """Keep details short: whoever may ask for something may not fill the disk with it."""
    text = json.dumps(detail, default=str)
    if len(text) <= LONGEST_DETAIL:
        return dict(detail)
    return {"cut": text[:LONGEST_DETAIL], "length": len(text)}
