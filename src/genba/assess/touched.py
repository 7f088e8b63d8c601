"""Which figures a gap touches: what was never received, and matters for an element."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from genba.assess.definitions import KPIS
from genba.assess.machines import machines
from genba.assess.series import ROLES, Records, Series
from genba.plant import US, Plant, Recovery, Role

Spans = dict[str, list[tuple[int, int]]]
"""Gaps of each signal, as begin and end in microseconds."""

FOREVER = 2**62
TOLD_AGAIN_US = 60 * US
"""How long after a gap the present values may take to arrive, at the plant's clock."""
_TIMES = ("production_s", "setup_s", "delay_s", "down_s", "maintenance_s", "unknown_s")
_BY_STATE = {
    Role.STATE: _TIMES,
    Role.MODE: ("production_s", "setup_s", "maintenance_s"),
}
"""Times: whatever the machine did unseen is missing in them, or taken for what it did before."""
_BY_COUNT = {
    Role.GOOD_COUNT: ("good", "output", "throughput"),
    Role.SCRAP_COUNT: ("scrap", "throughput"),
    Role.REWORK_COUNT: ("rework",),
    Role.ENERGY: ("energy_kwh",),
}
"""Differences of a counter, which goes on counting unseen: touched at the edges, or by a reset."""
_BY_MOMENT = {
    Role.GOOD_COUNT: ("planned_run_s", "finished", "material_cost"),
    Role.SCRAP_COUNT: ("planned_run_s", "material_cost"),
    Role.ENERGY: ("energy_cost", "carbon_kg"),
}
"""What depends on when it was counted: by which operation, at which price of the hour."""


@dataclass(frozen=True, slots=True)
class Touched:
    """Elements that rest on signals with a gap, and those signals with the gap's length in s."""

    elements: frozenset[str] = frozenset()
    signals: Mapping[str, float] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.elements)

    @property
    def kpis(self) -> tuple[str, ...]:
        """KPIs that are computed from such an element."""
        return tuple(kpi.id for kpi in KPIS if self.elements.intersection(kpi.elements))

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "elements": sorted(self.elements),
            "kpis": list(self.kpis),
            "signals": dict(self.signals),
        }

    def flag(self) -> tuple[str, ...]:
        """Say it in one line, or nothing where there is nothing to say."""
        if not self:
            return ()
        named = sorted(self.signals.items(), key=lambda one: -one[1])
        shown = ", ".join(f"{name} ({seconds:.0f} s)" for name, seconds in named[:4])
        more = f" and {len(named) - 4} more" if len(named) > 4 else ""
        return (
            f"not received: {shown}{more}; this touches {', '.join(sorted(self.elements))} "
            "(`genba historian gaps`)",
        )


def together(parts: Iterable[Touched]) -> Touched:
    """Return what is touched in a sum of groups."""
    listed = list(parts)
    signals: dict[str, float] = {}
    for part in listed:
        for name, seconds in part.signals.items():
            signals[name] = signals.get(name, 0.0) + seconds
    return Touched(frozenset().union(*(part.elements for part in listed)), signals)


def read_gaps(records: Records, plant: Plant, start: int, end: int) -> Spans:
    """Read the gaps of all signals that KPIs are computed from, as far as something is missing."""
    wanted = [
        plant.roles[unit.id, role].id
        for unit in machines(plant)
        for role in ROLES
        if (unit.id, role) in plant.roles
    ]
    if not wanted or start >= end:
        return {}
    table = records.gaps(wanted, start, end)
    begins, ends = (table[name].cast(pa.int64()).to_pylist() for name in ("start", "end"))
    rows = (begins, ends, table["signal"].to_pylist(), table["recovery"].to_pylist())
    found: Spans = {}
    for begin, until, name, recovery in zip(*rows, strict=True):
        if recovery in (Recovery.NONE, Recovery.PARTLY):
            found.setdefault(name, []).append((begin, FOREVER if until is None else until))
    return found


def touched(
    plant: Plant,
    unit: str,
    series: Mapping[str, Series],
    gaps: Spans,
    periods: Sequence[tuple[int, int]],
) -> Touched:
    """Say which elements of a machine in some periods rest on a gap.

    Times are touched by every gap of the state within the period. A counter's difference is
    right again with its first value after the gap: it is touched where a gap covers an edge of
    the period, or the counter began again meanwhile; and what hangs on the moment of counting is
    touched where it moved unseen.
    """
    elements: set[str] = set()
    signals: dict[str, float] = {}
    for role in ROLES:
        signal = plant.roles.get((unit, role))
        for gap in gaps.get(signal.id, ()) if signal is not None else ():
            assert signal is not None  # noqa: S101 - it has gaps
            for start, end in periods:
                first, last = max(gap[0], start), min(gap[1], end)
                if first >= last:
                    continue
                hit = _hit(role, series.get(signal.id), gap, start, end)
                elements |= hit
                if hit:
                    signals[signal.id] = signals.get(signal.id, 0.0) + (last - first) / US
    return Touched(frozenset(elements), signals)


def _hit(
    role: Role, series: Series | None, gap: tuple[int, int], start: int, end: int
) -> frozenset[str]:
    if role in _BY_STATE:
        return frozenset(_BY_STATE[role])
    if role not in _BY_COUNT:
        return frozenset()  # what a machine works on is recorded with its operation
    moved, began_again = _unseen(series, gap)
    at_edge = gap[0] < start or gap[1] > end
    hit = set(_BY_MOMENT.get(role, ())) if moved else set()
    if began_again or (at_edge and moved):
        hit |= set(_BY_COUNT[role])
    return frozenset(hit)


def _unseen(series: Series | None, gap: tuple[int, int]) -> tuple[bool, bool]:
    """Whether a counter moved during a gap, and whether it began again; if not known, it moved.

    When a device is heard again it tells its present values, and those that changed are recorded:
    a counter without a new value by then stood still.
    """
    if series is None or gap[1] == FOREVER:
        return True, False
    known = series.good & ~np.isnan(series.values)
    times, values = series.times[known], series.values[known]
    before = int(np.searchsorted(times, gap[0], side="right")) - 1
    after = int(np.searchsorted(times, gap[1] + TOLD_AGAIN_US, side="right"))
    if before < 0:
        return True, False
    steps = np.diff(values[before:after])
    return bool(np.any(steps != 0)), bool(np.any(steps < 0))
