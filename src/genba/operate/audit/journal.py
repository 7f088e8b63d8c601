"""Appends to the files of the audit log: several processes, one chain, durable when it returns."""

import contextlib
import datetime as dt
import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from genba.errors import StateError
from genba.operate.audit.chain import (
    BROKEN,
    FIRST,
    LONGEST_DETAIL,
    MENDED,
    Act,
    Entry,
    Result,
    chained,
    digest,
    line_of,
    parse,
    segments,
)
from genba.operate.audit.seal import HEAD, Head, Seal, read_head
from genba.operate.state import locked

logger = logging.getLogger(__name__)
SEGMENT_BYTES = 8_000_000
KEY = "audit.key"


@dataclass(slots=True)
class _End:
    """Where the log ends: the open segment, its length in bytes, the last line.

    ``half`` is what a crash left of a line.
    """

    path: Path | None
    size: int
    head: Head
    half: bytes = b""


class Journal:
    """The log's folder (mode 0700, files 0600), and the key that seals it.

    Parameters
    ----------
    folder : Path
        Of the log.
    secrets : Path
        Where the key lies.
    segment_bytes : int
        A file that is longer is left, and the next one begun.
    """

    def __init__(self, folder: Path, secrets: Path, segment_bytes: int = SEGMENT_BYTES) -> None:
        self._folder = folder
        self._key = secrets / KEY
        self._segment_bytes = segment_bytes
        self.broken = ""
        """What somebody changed, as far as it is known; the log is not whole again after that."""
        self._seal: Seal | None = None
        self._end: _End | None = None
        self._newest: Head | None = None

    def append(self, acts: Sequence[Act]) -> list[Entry]:
        """Put acts on the log, in this order; they survive a power cut when this returns.

        Raises
        ------
        StateError
            If that cannot be done; nothing of them is on the log then.
        """
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with locked(self._folder / ".lock"):
                return self._append(acts)
        except OSError as error:
            self._end = None
            raise _unwritable(self._folder, error) from None

    def look_back(self) -> None:
        """Find out whether an earlier run told that the log was changed. Reads all of it.

        Raises
        ------
        StateError
            If it cannot be read.
        """
        mark = f'"action":"{BROKEN}"'.encode()  # inside a text its quotes would be escaped
        try:
            for path in segments(self._folder):
                for line in _split(path.read_bytes()):
                    entry = parse(line) if mark in line else None
                    if entry is not None:
                        self.broken = f"{entry.detail.get('what', '')} (told {entry.time})"
        except OSError as error:
            raise StateError(
                f"the audit log {self._folder} cannot be read: {error.strerror}; "
                "mend its access rights"
            ) from None

    def probe(self) -> None:
        """Find out whether the log can be written.

        Raises
        ------
        StateError
            If it cannot.
        """
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with locked(self._folder / ".lock"):
                files = segments(self._folder)
                if files:
                    os.close(os.open(files[-1], os.O_WRONLY | os.O_APPEND))
        except OSError as error:
            raise _unwritable(self._folder, error) from None

    def _append(self, acts: Sequence[Act]) -> list[Entry]:
        seal = self._seal or Seal(self._folder, self._key)
        end = self._find_end()
        wrong = "" if end is self._end else self._missing(seal, end)
        if wrong:
            self.broken = wrong
            logger.critical("the audit log %s is not whole: %s", self._folder, wrong)
            acts = [_own(BROKEN, "somebody changed the log", wrong), *acts]
        if self._seal is None and seal.fresh and end.head.number:
            acts = [_own("audit.key", "a new key seals the log", seal.public), *acts]
        self._seal = seal
        begun = b""
        if end.half:
            begun, acts = b"\n", [_mended(end), *acts]
        head, lines, entries = end.head, [], []
        for act in acts:
            entry = chained(act, head.number + 1, head.digest)
            lines.append(line_of(entry))
            entries.append(entry)
            head = Head(entry.number, digest(lines[-1]))
        self._write(end, begun + b"".join(line + b"\n" for line in lines), entries[0].number)
        self._end, self._newest = _End(end.path, end.size, head), head
        with contextlib.suppress(OSError):  # the lines are safe; the next seal covers them, too
            self._seal.put(head, entries[-1].time)
        return entries

    def _write(self, end: _End, text: bytes, number: int) -> None:
        """Append to the open segment or a new one, and move ``end`` there."""
        fresh = end.path is None or (end.size >= self._segment_bytes and not end.half)
        if fresh:
            end.path, end.size = self._folder / f"audit-{number:010d}.jsonl", 0
        assert end.path is not None  # noqa: S101 - just set
        handle = os.open(end.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            written = 0
            try:
                while written < len(text):
                    written += os.write(handle, text[written:])
                os.fsync(handle)
            except OSError:
                # Half of what nobody was told of: better none of it.
                with contextlib.suppress(OSError):
                    os.ftruncate(handle, end.size)
                raise
        finally:
            os.close(handle)
        end.size += len(text)
        if fresh:
            _sync_folder(self._folder)

    def _missing(self, seal: Seal, end: _End) -> str:
        """Say what was sealed or written and is not there now: sealing anew would hide it."""
        if end.path is None and self._newest is None and not (self._folder / HEAD).exists():
            # Sealed while empty, so that no log ever lies there without a seal.
            seal.put(Head(0, FIRST), "")
            return ""
        try:
            heads = [read_head(self._folder, seal.before)]
        except StateError as error:
            return str(error)
        if self._newest is not None:
            heads.append(self._newest)
        for head in heads:
            if not _is_there(self._folder, head):
                return f"entry {head.number} was written, and is missing or not the one any more"
        return ""

    def _find_end(self) -> _End:
        """Look where the log ends, unless nobody wrote since we did."""
        files = segments(self._folder)
        if not files:
            return _End(None, 0, Head(0, FIRST))
        size = files[-1].stat().st_size
        if self._end is not None and (self._end.path, self._end.size) == (files[-1], size):
            return self._end
        return _read_end(files, size)


def _unwritable(folder: Path, error: OSError) -> StateError:
    return StateError(
        f"the audit log {folder} cannot be written: {error.strerror}; "
        "make room or mend its access rights"
    )


def _read_end(files: Sequence[Path], size: int) -> _End:
    content = files[-1].read_bytes()
    whole, half = content, b""
    if content and not content.endswith(b"\n"):
        cut = content.rfind(b"\n") + 1
        whole, half = content[:cut], content[cut:]
    lines = _split(whole)
    if not lines and len(files) > 1:
        lines = _split(files[-2].read_bytes())
    if half and parse(half) is not None:  # all of it but the line's end
        lines.append(half)
    number, last = _last_number(lines)
    before = digest(half) if half else (digest(last) if last else FIRST)
    return _End(files[-1], size, Head(number, before), half)


def _is_there(folder: Path, head: Head) -> bool:
    """Whether the line that a head names is on the log."""
    if head.number == 0:
        return True
    for path in reversed(segments(folder)):
        for line in reversed(_split(path.read_bytes())):
            entry = parse(line)
            if entry is not None and entry.number <= head.number:
                return entry.number == head.number and digest(line) == head.digest
    return False


def _split(content: bytes) -> list[bytes]:
    return content.removesuffix(b"\n").split(b"\n") if content else []


def _last_number(lines: Sequence[bytes]) -> tuple[int, bytes]:
    """Number of the last entry, and the last line, which may be what a crash left of one."""
    last = lines[-1] if lines else b""
    for line in reversed(lines):
        entry = parse(line)
        if entry is not None:
            return entry.number, last
    return 0, last


def _mended(end: _End) -> Act:
    """Tell of the half line before: what it held was not acknowledged to anybody."""
    text = end.half.decode("ascii", "backslashreplace")[: LONGEST_DETAIL // 2]
    return _own(MENDED, "the line before was left half written by a crash", text)


def _own(action: str, why: str, what: str) -> Act:
    now = dt.datetime.now(dt.UTC).isoformat(timespec="microseconds")
    return Act(
        now, "", "genba", "", action, "audit", Result.DONE, "genba", {"why": why, "what": what}
    )


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
