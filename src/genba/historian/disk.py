"""The disk that the historian lies on: how full, how fast it fills, when to take no more."""

import os
import statistics
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from genba.errors import HistorianError
from genba.plant import Storage

_GIB = 2**30
_WINDOW_S = 24 * 3600.0
_LEAST_SPAN_S = 600.0
_APART_S = 60.0
_LAST_PART = 0.25
"""Of the reserve, that nothing but Genba's own files may use: SQLite and Delta finish there."""


class DiskFull(HistorianError):
    """There is too little room left to take more samples; it goes on when there is more."""


class Room(StrEnum):
    """How much room is left."""

    ENOUGH = "enough"
    LITTLE = "little"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class DiskState:
    """What was seen of a disk: bytes in all and free, and how fast it fills.

    ``growth_bytes_h`` and ``full_in_days`` (until the reserve is reached) are None until it was
    watched for ten minutes; ``full_in_days`` also while nothing grows.
    """

    folder: Path
    total: int
    free: int
    reserve: int
    growth_bytes_h: float | None
    full_in_days: float | None
    room: Room

    @property
    def told(self) -> str:
        """How it is, in words."""
        text = f"{self.free / _GIB:.1f} GiB of {self.total / _GIB:.0f} are free for {self.folder}"
        if self.full_in_days is not None:
            text += f", full in {self.full_in_days:.1f} days as it fills now"
        if self.room is Room.NONE:
            text += f"; no more samples are taken below {self.reserve / _GIB:.2f} GiB"
        return text

    @property
    def mend(self) -> str:
        """What to do about it; empty while there is nothing to do."""
        if self.room is Room.NONE:
            return "make room"
        return "make room, or keep less (retention)" if self.room is Room.LITTLE else ""

    def __str__(self) -> str:
        return f"{self.told}; {self.mend}" if self.mend else self.told


@dataclass(frozen=True, slots=True)
class Usage:
    """Bytes of a file system: in all, and free for whoever is not root."""

    total: int
    free: int


def usage_of(folder: Path) -> Usage:
    """Ask the file system that a folder lies on.

    Raises
    ------
    HistorianError
        If it does not answer.
    """
    try:
        found = os.statvfs(folder)
    except OSError as error:
        raise HistorianError(
            f"the disk of {folder} cannot be looked at: {error.strerror}; mend the file system"
        ) from None
    return Usage(found.f_frsize * found.f_blocks, found.f_frsize * found.f_bavail)


class DiskWatch:
    """Watches the room of one historian, and refuses when it is used up.

    All methods may be called from several threads.

    Parameters
    ----------
    folder : Path
        The historian's folder.
    rules : Storage
        When it is too full.
    usage : callable
        Looks at the disk.
    """

    def __init__(
        self, folder: Path, rules: Storage, usage: Callable[[Path], Usage] = usage_of
    ) -> None:
        self._folder, self._rules, self._usage = folder, rules, usage
        self._seen: deque[tuple[float, int]] = deque()
        self._lock = threading.Lock()

    def reserve(self, total: int) -> int:
        """Return the bytes that stay free."""
        rules = self._rules
        return round(min(rules.reserve_gib * _GIB, rules.reserve_fraction * total))

    def check(self, *, records: bool = False) -> None:
        """Refuse to take more when the reserve is reached.

        Parameters
        ----------
        records : bool
            For records (events, gaps, decisions) alone, which may use most of the reserve.

        Raises
        ------
        DiskFull
            If there is no room.
        HistorianError
            If the disk cannot be looked at.
        """
        usage = self._usage(self._folder)
        reserve = self.reserve(usage.total) * (_LAST_PART if records else 1.0)
        if usage.free < reserve:
            raise DiskFull(
                f"historian {self._folder} takes no more samples: the disk is full ("
                f"{usage.free / _GIB:.2f} GiB are free, {reserve / _GIB:.2f} GiB are the reserve); "
                "make room. Nothing of this batch was acknowledged"
            )

    def look(self, now_s: float) -> DiskState:
        """Measure, and judge by what was measured before.

        Parameters
        ----------
        now_s : float
            Seconds of a clock that only goes forward.

        Raises
        ------
        HistorianError
            If the disk cannot be looked at.
        """
        usage = self._usage(self._folder)
        with self._lock:
            if not self._seen or now_s - self._seen[-1][0] >= _APART_S:
                self._seen.append((now_s, usage.total - usage.free))
            while now_s - self._seen[0][0] > _WINDOW_S:
                self._seen.popleft()
            growth = self._growth_bytes_s()
        reserve = self.reserve(usage.total)
        days = None
        if growth is not None and growth > 0:
            days = max(0.0, usage.free - reserve) / growth / 86_400
        return DiskState(
            self._folder,
            usage.total,
            usage.free,
            reserve,
            None if growth is None else growth * 3600,
            days,
            self._judge(usage, reserve, days),
        )

    def _judge(self, usage: Usage, reserve: int, days: float | None) -> Room:
        if usage.free < reserve:
            return Room.NONE
        little = usage.free < self._rules.warn_fraction * usage.total
        soon = days is not None and days < self._rules.warn_days
        return Room.LITTLE if little or soon else Room.ENOUGH

    def _growth_bytes_s(self) -> float | None:
        """Median growth between the earlier and the later half of what was seen (robust slope)."""
        if len(self._seen) < 4 or self._seen[-1][0] - self._seen[0][0] < _LEAST_SPAN_S:
            return None
        half = len(self._seen) // 2
        seen = list(self._seen)
        pairs = zip(seen[:half], seen[-half:], strict=True)
        return statistics.median((b[1] - a[1]) / (b[0] - a[0]) for a, b in pairs)
