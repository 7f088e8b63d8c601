"""Where misfits go while Genba runs: kept whole, and counted."""

import itertools
import logging
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from genba.historian.admission import Misfit
from genba.historian.correction import value_to_json
from genba.plant import US, Sample, parse_time

_LOG = logging.getLogger("genba.historian")
_FIRST, _LAST = parse_time("0001-01-02T00:00:00Z"), parse_time("9999-12-30T00:00:00Z")

MOST_PER_MIN = 60_000
"""Samples of one connection that are kept in a minute: the disk is for what fits."""

Tell = Callable[[str, Mapping[str, Any]], None]


class Quarantine:
    """Takes what does not fit. For one thread.

    Parameters
    ----------
    tell : callable
        Takes rows for tables of records, and keeps them until the historian has room.
    now : callable
        The plant's time, in microseconds UTC.
    connections : mapping of str to str
        The connection of each signal.
    """

    def __init__(self, tell: Tell, now: Callable[[], int], connections: Mapping[str, str]) -> None:
        self._tell = tell
        self._now = now
        self._connections = connections
        self._numbers = itertools.count(1)
        self.counts: Counter[tuple[str, str]] = Counter()
        """How many were set apart since the start, by signal and reason."""
        self.left_out = 0
        """How many of them were counted and not kept: a device that sends nothing else."""
        self._minute: dict[str, tuple[int, int]] = {}

    def hold(self, sample: Sample, misfit: Misfit) -> None:
        """Keep a sample whole; the first of a signal and reason is told as an event.

        Beyond ``MOST_PER_MIN`` of one connection they are counted alone, and told once.
        """
        now = self._now()
        if self._floods(self._connections.get(sample.signal, ""), now):
            self.counts[str(sample.signal), str(misfit.reason)] += 1
            return
        source, receive = _storable(sample.source_time), sample.receive_time
        row = {
            "id": f"Q-{now}-{next(self._numbers)}",
            "time": now,
            "signal": str(sample.signal),
            "connection": self._connections.get(sample.signal, ""),
            "source_time": source,
            "receive_time": receive if _is_time(receive) else now,
            "number": _storable(sample.sequence),
            "value": value_to_json(sample.value),
            "quality": _storable(sample.quality),
            "reason": str(misfit.reason),
            "detail": misfit.detail,
            "status": "held",
        }
        self._tell("quarantine", row)
        key = (str(sample.signal), str(misfit.reason))
        self.counts[key] += 1
        if self.counts[key] == 1:
            self._announce(row)

    def _floods(self, connection: str, now: int) -> bool:
        minute, count = self._minute.get(connection, (0, 0))
        if now // (60 * US) != minute:
            minute, count = now // (60 * US), 0
        self._minute[connection] = minute, count + 1
        if count < MOST_PER_MIN:
            return False
        if not self.left_out:
            _LOG.warning(
                "connection %s sends more than %d samples/min that do not fit; the others are "
                "counted and not kept: mend the device or the plant file",
                connection,
                MOST_PER_MIN,
            )
        self.left_out += 1
        return True

    def by_reason(self) -> dict[str, int]:
        """Count by reason."""
        sums: Counter[str] = Counter()
        for (_, reason), count in self.counts.items():
            sums[reason] += count
        return dict(sums)

    def _announce(self, row: Mapping[str, Any]) -> None:
        text = f"a sample of {row['signal']} does not fit ({row['reason']}): {row['detail']}"
        _LOG.warning("%s; see `genba historian quarantine list`", text)
        self._tell(
            "events",
            {
                "id": f"E-{row['id']}",
                "time": row["time"],
                "equipment": None,
                "kind": "quarantine",
                "severity": "warning",
                "text": text,
                "data": "{}",
            },
        )


def _storable(number: object) -> int | None:
    return number if isinstance(number, int) and -(2**63) <= number < 2**63 else None


def _is_time(moment: object) -> bool:
    return isinstance(moment, int) and _FIRST <= moment <= _LAST
