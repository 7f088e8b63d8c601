"""What a connection does not hear: since when and why, signal by signal, told when it is over."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace

from genba.connect.driver import Missed
from genba.plant import Gap, GapReason, Recovery


@dataclass(frozen=True, slots=True)
class Outage:
    """Since when a source is not heard (microseconds UTC), and why."""

    start: int
    reason: GapReason
    detail: str = ""


class Outages:
    """The outages of one connection.

    What was delivered late by the device's own buffer is told with :meth:`recovered`: that part of
    the gap is told once more then, with how it was recovered.
    """

    def __init__(self, missed: Missed) -> None:
        self._missed = missed
        self._open: dict[str, Outage] = {}
        self._told: list[Gap] = []

    def open(self, signal: str) -> bool:
        """Whether a signal is not heard now."""
        return signal in self._open

    def begin(self, signals: Iterable[str], outage: Outage) -> None:
        """Note that signals are not heard; one that began earlier keeps its start.

        A reason that says more than a lost link replaces it: the attempts to reach the source
        again are what shows it.
        """
        for signal in signals:
            before = self._open.get(signal)
            if before is None:
                self._open[signal] = outage
            elif before.reason is GapReason.LINK and outage.reason is not GapReason.LINK:
                self._open[signal] = replace(outage, start=before.start)

    def end(self, signals: Iterable[str], end: int) -> None:
        """Tell of the outages of signals that are heard again, those of one cause as one gap."""
        over: defaultdict[Outage, list[str]] = defaultdict(list)
        for signal in signals:
            outage = self._open.pop(signal, None)
            if outage is not None:
                over[outage].append(signal)
        for outage, ids in over.items():
            if end <= outage.start:
                continue
            gap = Gap(tuple(sorted(ids)), outage.start, end, outage.reason, outage.detail)
            self._told = [*self._told[-_REMEMBERED:], gap]
            self._missed(gap)

    def recovered(self, since: int, until: int, recovery: Recovery, *, all_came: bool) -> None:
        """Tell again of what a buffer delivered late: the parts of gaps in ``[since, until)``.

        What a source believed delivered before it began to keep values is in no buffer, so the
        part of a gap before ``since`` stays as it is; so does the part after ``until``, unless
        ``all_came``: the source has kept nothing more.
        """
        left = []
        for gap in self._told:
            first = max(gap.start, since)
            reached = gap.start <= until if all_came else gap.start < until
            if gap.end is None or gap.end <= first or not reached:
                left.append(gap)
                continue
            last = gap.end if all_came else min(gap.end, until)
            self._missed(replace(gap, start=first, end=last, recovery=recovery))
            if gap.start < first:
                left.append(replace(gap, end=first))
            if last < gap.end:
                left.append(replace(gap, start=last))
        self._told = left


_REMEMBERED = 200
