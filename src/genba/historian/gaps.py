"""The gap ledger: for every signal, what was never received, why, and what came of it."""

import itertools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from genba.historian.gap_report import by_signal
from genba.historian.queries import Queries
from genba.plant import Gap, GapReason, Recovery

Tell = Callable[[str, Mapping[str, Any]], None]
"""Takes a row for a table of records, and keeps it until the historian has room."""

KEPT = 50
"""Newest entries per signal that are kept at hand, for reports that come late."""
MISSING_KEPT = 1000
"""Older ones of which something is missing: whatever a device can still tell is asked for."""

_OUTAGES = frozenset({GapReason.LINK, GapReason.DEVICE, GapReason.BROKER})
_MOST_DETAIL = 300


@dataclass(frozen=True, slots=True)
class Entry:
    """A span in which one signal was not received: ``[start, end)`` in microseconds UTC.

    ``end`` is None while it lasts. ``recovered`` counts the samples that came after all.
    ``watched`` marks what was seen from outside, not told by the driver; it is not stored.
    """

    signal: str
    connection: str
    start: int
    end: int | None
    reason: GapReason
    detail: str = ""
    recovery: Recovery = Recovery.NONE
    recovered: int = 0
    watched: bool = False

    @property
    def id(self) -> str:
        """The name of the entry in the ledger: its signal and its start."""
        return f"G-{self.signal}-{self.start}"

    @property
    def missing(self) -> bool:
        """Whether it is over, and something of it is still missing."""
        return self.end is not None and self.recovery in (Recovery.NONE, Recovery.PARTLY)

    def row(self) -> dict[str, Any]:
        """Return the entry as a row of the table ``gaps``."""
        return {
            "id": self.id,
            "time": self.start,
            "signal": self.signal,
            "connection": self.connection,
            "start": self.start,
            "end": self.end,
            "reason": str(self.reason),
            "detail": self.detail,
            "recovery": str(self.recovery),
            "recovered": self.recovered,
        }


class GapLedger:
    """Keeps one entry per signal and outage, whoever reports it and how often. For one thread.

    A running outage is told with :meth:`open` and :meth:`close` by whoever watches the links; what
    a driver says of it afterwards with :meth:`tell` is more exact and takes its place. Reports
    that overlap become one entry: it begins with the earliest and keeps that one's reason.

    Parameters
    ----------
    tell : callable
        Takes rows for the table ``gaps``.
    connections : mapping of str to str
        The connection of each signal.
    """

    def __init__(self, tell: Tell, connections: Mapping[str, str]) -> None:
        self._tell = tell
        self._connections = connections
        self._entries: dict[str, list[Entry]] = {}

    # -- what is reported ---------------------------------------------------------------------

    def open(self, gap: Gap) -> None:
        """Note an outage that is seen from outside, as long as it lasts or when it is over."""
        self._take(gap, watched=True)

    def close(self, signals: Iterable[str], end: int) -> None:
        """Note that signals are heard again at ``end``; those that have no open entry stay so."""
        for signal in signals:
            entry = self.standing_of(signal)
            if entry is not None:
                self._replace(signal, [entry], [replace(entry, end=max(end, entry.start))])

    def tell(self, gap: Gap) -> None:
        """Take a driver's own report of an outage, or of how a part of one was made good."""
        if gap.recovery is Recovery.BUFFER and gap.end is not None:
            parts = [s for s in gap.signals if self._within_known(s, gap.start, gap.end)]
            for signal in parts:
                self.recovered(signal, gap.start, gap.end, 0, gap.recovery)
            gap = replace(gap, signals=tuple(s for s in gap.signals if s not in parts))
        self._take(gap, watched=False)

    def _within_known(self, signal: str, start: int, end: int) -> bool:
        """Whether a span is a part of an outage that its driver told before."""
        return any(
            entry.end is not None and entry.start <= start and end <= entry.end
            for entry in self._entries.get(signal, ())
            if not entry.watched
        )

    def recovered(
        self,
        signal: str,
        start: int,
        end: int,
        samples: int,
        how: Recovery = Recovery.HISTORY,
    ) -> None:
        """Note that what a signal said in ``[start, end)`` arrived after all.

        What of an entry lies outside of the span becomes an entry of its own, still missing. May
        be told span by span, newest first; adjoining spans of one outage become one entry again.

        Parameters
        ----------
        signal : str
            Its id.
        start, end : int
            Microseconds UTC.
        samples : int
            How many samples of the span came late; 0 where nothing had changed.
        how : Recovery
            Where they came from.
        """
        for entry in [e for e in self._entries.get(signal, ()) if e.missing]:
            first, last = max(start, entry.start), min(end, entry.end or end)
            if first >= last:
                continue
            pieces = [replace(entry, start=first, end=last, recovery=how, recovered=samples)]
            samples = 0
            if entry.start < first:
                pieces.insert(0, replace(entry, end=first, recovered=0))
            if entry.end is not None and last < entry.end:
                pieces.append(replace(entry, start=last, recovered=0))
            self._replace(signal, [entry], pieces)
        self._join(signal)

    # -- what is known ------------------------------------------------------------------------

    def standing(self) -> list[Entry]:
        """Return the entries that are still open."""
        found = (self.standing_of(signal) for signal in self._entries)
        return [entry for entry in found if entry is not None]

    def standing_of(self, signal: str) -> Entry | None:
        """Return the open entry of a signal."""
        for entry in reversed(self._entries.get(signal, ())):
            if entry.end is None:
                return entry
        return None

    def missing(self, connection: str | None = None) -> list[Entry]:
        """Return what is over and was not recovered, newest first; of one connection or all."""
        found = [
            entry
            for entries in self._entries.values()
            for entry in entries
            if entry.missing and connection in (None, entry.connection)
        ]
        return sorted(found, key=lambda entry: entry.start, reverse=True)

    def restore(self, historian: Queries) -> None:
        """Take up the ledger of earlier runs; what was open then still is.

        Raises
        ------
        HistorianError
            If it cannot be read.
        """
        for signal, rows in by_signal(historian).items():
            self._entries[signal] = _at_hand([_entry(row) for row in rows])

    # -- one entry per outage -----------------------------------------------------------------

    def _take(self, gap: Gap, *, watched: bool) -> None:
        start, end, detail = gap.start, gap.end, gap.detail
        if end is not None and end < start:
            start, end = end, start
            detail = _joined(detail, "the clock was set back meanwhile")
        if start == end:
            return
        for signal in gap.signals:
            told = Entry(
                signal,
                self._connections.get(signal, ""),
                start,
                end,
                gap.reason,
                detail,
                gap.recovery,
                watched=watched,
            )
            same = [entry for entry in self._entries.get(signal, ()) if _overlap(entry, told)]
            merged = told
            for entry in same:
                merged = _merge(entry, merged)
            if same != [merged]:
                self._replace(signal, same, [merged])

    def _join(self, signal: str) -> None:
        """Make one entry of adjoining recovered ones of the same outage."""
        entries = self._entries.get(signal, [])
        for before, after in itertools.pairwise(entries):
            if (
                before.end == after.start
                and before.recovery is after.recovery
                and before.recovery in (Recovery.HISTORY, Recovery.BUFFER)
                and (before.reason, before.detail) == (after.reason, after.detail)
            ):
                count = before.recovered + after.recovered
                joined = replace(before, end=after.end, recovered=count)
                self._replace(signal, [before, after], [joined])
                self._join(signal)
                return

    def _replace(self, signal: str, old: list[Entry], new: list[Entry]) -> None:
        entries = [entry for entry in self._entries.get(signal, ()) if entry not in old]
        entries = sorted([*entries, *new], key=lambda entry: entry.start)
        self._entries[signal] = _at_hand(entries)
        kept = {entry.id for entry in new}
        for entry in old:
            if entry.id not in kept:
                self._tell("gaps", replace(entry, end=entry.start).row())
        for entry in new:
            if entry not in old:
                self._tell("gaps", entry.row())


def _at_hand(entries: list[Entry]) -> list[Entry]:
    """Leave the newest, and those older ones that may still be recovered."""
    missing = [entry for entry in entries[:-KEPT] if entry.missing]
    return [*missing[-MISSING_KEPT:], *entries[-KEPT:]]


def _entry(row: Mapping[str, Any]) -> Entry:
    return Entry(
        row["signal"],
        row["connection"] or "",
        row["start"],
        row["end"],
        GapReason(row["reason"]),
        row["detail"] or "",
        Recovery(row["recovery"]),
        row["recovered"] or 0,
    )


def _overlap(one: Entry, other: Entry) -> bool:
    return (other.end is None or one.start < other.end) and (
        one.end is None or other.start < one.end
    )


def _merge(known: Entry, told: Entry) -> Entry:
    """Make one entry of two reports of the same outage."""
    first = known if known.start <= told.start else told
    driver = known if told.watched else told
    seen_twice = known.watched != told.watched
    if seen_twice and first.watched and first.reason in _OUTAGES:
        first = replace(driver, start=first.start)
    return Entry(
        known.signal,
        known.connection,
        first.start,
        _end(known, told, seen_twice),
        first.reason,
        _joined(first.detail, *(e.detail for e in (known, told) if not e.watched)),
        _recovery(known, told, driver if seen_twice else None),
        known.recovered + told.recovered,
        watched=known.watched and told.watched,
    )


def _end(known: Entry, told: Entry, seen_twice: bool) -> int | None:
    """Return the later end, or where a driver tells when it heard its device again, that one."""
    if told.reason in _OUTAGES and told.end is not None and not told.watched:
        if known.end is None or seen_twice:
            return told.end
    elif seen_twice and told.end is not None and known.reason in _OUTAGES:
        return known.end if known.end is not None else told.end
    return None if known.end is None or told.end is None else max(known.end, told.end)


def _recovery(known: Entry, told: Entry, driver: Entry | None) -> Recovery:
    if known.recovery is told.recovery:
        return known.recovery
    if told.recovery is Recovery.NONE and _covers(known, told):
        return known.recovery
    if driver is told or (known.recovery is Recovery.NONE and _covers(told, known)):
        return told.recovery if known.recovery is Recovery.NONE else Recovery.PARTLY
    return Recovery.PARTLY


def _covers(one: Entry, other: Entry) -> bool:
    return one.start <= other.start and (
        one.end is None or (other.end is not None and other.end <= one.end)
    )


def _joined(*details: str) -> str:
    return "; ".join(dict.fromkeys(filter(None, details)))[:_MOST_DETAIL]
