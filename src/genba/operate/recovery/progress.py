"""What a round of backfilling came to, and how the record tells of it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from genba.operate.recovery.chunks import Piece
from genba.plant import format_time


@dataclass(slots=True)
class Progress:
    """A round: from when something was missing until nothing was left to be tried."""

    samples: int = 0
    """How many were stored that had been missing."""
    signals: set[str] = field(default_factory=set)
    none: set[str] = field(default_factory=set)
    """Signals of which the device has nothing."""
    partly: set[str] = field(default_factory=set)
    """Signals whose record does not go back far enough."""
    failed: dict[str, str] = field(default_factory=dict)
    """Signals whose record could not be read, and why."""
    start: int = 0
    end: int = 0

    def covered(self, pieces: Sequence[Piece]) -> None:
        """Note which span was looked at."""
        first, last = min(p.start for p in pieces), max(p.end for p in pieces)
        self.start = min(self.start, first) if self.end else first
        self.end = max(self.end, last)

    @property
    def lost(self) -> int:
        """Of how many signals something stays missing."""
        return len(self.none | self.partly | self.failed.keys())


def gaps_recovered(connection: str, now: int, progress: Progress) -> dict[str, Any]:
    """Return a row of the table ``events`` that tells of a round."""
    period = f"{format_time(progress.start)} to {format_time(progress.end)}"
    text = (
        f"connection {connection}: {progress.samples:,} samples of {period} fetched from what the "
        "device recorded"
    )
    if not progress.signals:
        text = f"connection {connection}: what was missed from {period} stays missing"
    if progress.none:
        text += f"; of {len(progress.none)} signals it has none"
    if progress.partly:
        text += f"; of {len(progress.partly)} signals it has only a part"
    if progress.failed:
        text += f"; of {len(progress.failed)} signals it could not be read"
    data = {
        "connection": connection,
        "start": progress.start,
        "end": progress.end,
        "samples": progress.samples,
        "signals": len(progress.signals),
        "none": sorted(progress.none),
        "partly": sorted(progress.partly),
        "failed": progress.failed,
    }
    return {
        "id": f"E-recovery-{connection}-{now}",
        "time": now,
        "equipment": None,
        "kind": "gap.recovered",
        "severity": "warning" if progress.lost else "info",
        "text": text,
        "data": json.dumps(data),
    }
