"""Calibrates what stops machines: breakdowns, people and hands, planned work on the machine."""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from genba.twin.line import Machine, Stop, Stoppage
from genba.twin.parameter import Basis, Findings, Parameter, kept
from genba.twin.pooling import Pooled, pool
from genba.twin.record_machines import running_between
from genba.twin.recording import Activity, Recording, Stopped
from genba.twin.renewal import Spans, fit_between

_GAP = math.log(2.0)
"""Planned work whose lengths lie a factor of two apart, with nothing between, is of two sorts: to
change a tool, to service the machine."""
_LEAST_S = 5.0
"""A shorter stop is no stop."""


@dataclass(frozen=True, slots=True)
class _Sort:
    """One sort of stop on one kind of machine."""

    name: str
    activity: Activity
    low_s: float = 0.0
    high_s: float = math.inf

    def holds(self, stop: Stopped) -> bool:
        return (
            stop.activity is self.activity
            and stop.working_s >= _LEAST_S
            and self.low_s <= stop.working_s < self.high_s
        )


def calibrate_stops(
    machines: dict[str, Machine],
    recording: Recording,
    kinds: Mapping[str, str],
    found: Findings,
) -> None:
    """Give every machine the stops that were recorded of it and of machines of its kind.

    The time until somebody comes cannot be told from the work itself in what machines say: it is
    part of the duration, and so nobody of the twin's crews is asked for.
    """
    groups: dict[str, list[str]] = defaultdict(list)
    for name in sorted(machines):
        groups[kinds.get(name, name)].append(name)
    for members in groups.values():
        stops = {m: [s for s in recording.stops if s.unit == m] for m in members}
        fresh: dict[str, list[Stoppage]] = {m: [] for m in members}
        for sort in _sorts([s for listed in stops.values() for s in listed]):
            _calibrate_sort(sort, members, stops, fresh, recording, found)
        for name in members:
            planned = machines[name].stoppages
            if fresh[name]:
                machines[name] = replace(machines[name], stoppages=tuple(fresh[name]))
                continue
            run_h = recording.seconds(name)[Activity.RUN] / 3600
            why = f"no stop in {run_h:.1f} h of running, nor of like machines"
            first = planned[0].every_s.mean if planned else None
            found.add(kept(name, "time between breakdowns", "s", first, why))


def _sorts(stops: Sequence[Stopped]) -> list[_Sort]:
    sorts = [_Sort("breakdowns", Activity.DOWN), _Sort("holds", Activity.HELD)]
    lengths = sorted(
        s.working_s for s in stops if s.activity is Activity.SERVICE and s.working_s >= _LEAST_S
    )
    bounds = [0.0]
    for shorter, longer in pairwise(lengths):
        if math.log(longer / shorter) > _GAP:
            bounds.append(math.sqrt(shorter * longer))
    bounds.append(math.inf)
    for number, (low, high) in enumerate(pairwise(bounds), start=1):
        name = "planned work" if len(bounds) == 2 else f"planned work of sort {number}"
        sorts.append(_Sort(name, Activity.SERVICE, low, high))
    return sorts


def _calibrate_sort(
    sort: _Sort,
    members: Sequence[str],
    stops: Mapping[str, Sequence[Stopped]],
    fresh: Mapping[str, list[Stoppage]],
    recording: Recording,
    found: Findings,
) -> None:
    mine = {m: [s for s in stops[m] if sort.holds(s)] for m in members}
    if not any(mine.values()):
        return
    spans = {m: _spans(recording, m, mine[m]) for m in members}
    lasted = pool({m: [s.working_s for s in mine[m]] for m in members}, members, found.next_seed())
    for name in members:
        like = [spans[m] for m in members if m != name]
        if spans[name].total_s == 0:
            continue
        between = fit_between(spans[name], like, found.next_seed())
        own = len(mine[name])
        basis = Basis.SHRUNK if like else Basis.OWN
        found.add(
            Parameter(
                name,
                f"running time between {sort.name}",
                "s",
                basis if own else Basis.LIKE,
                None,
                between.distribution.mean,
                own,
                sum(s.stops for s in like),
                between,
                between.note,
            )
        )
        duration: Pooled = lasted[name]
        found.add(
            Parameter(
                name,
                f"length of {sort.name}",
                "s",
                basis if own else Basis.LIKE,
                None,
                duration.fit.distribution.mean,
                duration.own,
                duration.like,
                duration.fit,
                duration.fit.note,
            )
        )
        lost = [s.spoiled for m in members for s in mine[m]]
        fresh[name].append(
            Stoppage(
                every_s=between.distribution,
                duration_s=duration.fit.distribution,
                kind=Stop.SERVICE if sort.activity is Activity.SERVICE else Stop.BREAKDOWN,
                skill=None,
                spoils=sum(lost) / len(lost),
            )
        )


def _spans(recording: Recording, machine: str, stops: Sequence[Stopped]) -> Spans:
    """Running time between stops of one sort."""
    return running_between(recording.pieces.get(machine, ()), [s.start for s in stops])
