"""Calibrates vehicles: driving times, handling, breakdowns."""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from genba.twin.fit import fit
from genba.twin.line import Line, Stop, Stoppage, Travel, Vehicle
from genba.twin.parameter import Basis, Findings, Parameter, kept
from genba.twin.pooling import pool
from genba.twin.recording import Activity, Recording, Trip
from genba.twin.renewal import Spans, fit_together

_LEAST_PLANNED_S = 1.0
Leg = tuple[str, str]
"""Origin and destination."""


def calibrate_fleet(line: Line, recording: Recording, found: Findings) -> Line:
    """Return the line with vehicles and driving times as they were recorded."""
    kinds = {vehicle.id: vehicle.kind for vehicle in line.vehicles}
    groups: dict[str, list[str]] = defaultdict(list)
    for name, kind in kinds.items():
        groups[kind].append(name)
    vehicles = {vehicle.id: vehicle for vehicle in line.vehicles}
    ratios: list[float] = []
    times = dict(line.travel.times)
    for kind, members in sorted(groups.items()):
        trips = [t for t in recording.trips if t.vehicle in members]
        _handling(kind, members, trips, vehicles, found)
        _stops(kind, members, recording, vehicles, found)
        ratios += _driving(kind, members, trips, line.travel, times, found)
    travel = line.travel
    if ratios:
        spread = fit(ratios, found.next_seed())
        note = f"around the mean of its leg; {len(ratios)} legs driven"
        planned = line.travel.factor.mean
        mean = spread.distribution.mean
        own = len(ratios)
        found.add(
            Parameter(
                "fleet", "driving factor", "1", Basis.OWN, planned, mean, own, 0, spread, note
            )
        )
        travel = replace(line.travel, times=times, factor=spread.distribution)
    return replace(line.with_vehicles(vehicles), travel=travel)


def _handling(
    kind: str,
    members: Sequence[str],
    trips: Sequence[Trip],
    vehicles: dict[str, Vehicle],
    found: Findings,
) -> None:
    planned = vehicles[members[0]].handling_s.mean
    handled = [seconds for trip in trips for seconds in trip.handling_s if seconds > 0]
    if not handled:
        found.add(kept(kind, "handling", "s", planned, "no transport recorded"))
        return
    got = fit(handled, found.next_seed())
    mean = got.distribution.mean
    found.add(
        Parameter(kind, "handling", "s", Basis.OWN, planned, mean, len(handled), 0, got, got.note)
    )
    for name in members:
        vehicles[name] = replace(vehicles[name], handling_s=got.distribution)


def _stops(
    kind: str,
    members: Sequence[str],
    recording: Recording,
    vehicles: dict[str, Vehicle],
    found: Findings,
) -> None:
    """Breakdowns of all vehicles of a kind together: one vehicle's are too few."""
    spans = [recording.running.get((m, Activity.DOWN), Spans()) for m in members]
    driven_h = sum(s.total_s for s in spans) / 3600
    if not any(s.stops for s in spans):
        why = f"no breakdown in {driven_h:.1f} h of driving"
        found.add(kept(kind, "driving time between breakdowns", "s", None, why))
        return
    count = sum(s.stops for s in spans)
    between = fit_together(spans, found.next_seed())
    lasted = fit(
        [s.working_s for s in recording.stops if s.unit in members and s.working_s > 0],
        found.next_seed(),
    )
    for name, unit, got in (
        ("driving time between breakdowns", "s", between),
        ("length of breakdowns", "s", lasted),
    ):
        mean = got.distribution.mean
        found.add(Parameter(kind, name, unit, Basis.OWN, None, mean, count, 0, got, got.note))
    stoppage = Stoppage(between.distribution, lasted.distribution, Stop.BREAKDOWN)
    for name in members:
        vehicles[name] = replace(vehicles[name], stoppages=(stoppage,))


def _driving(
    kind: str,
    members: Sequence[str],
    trips: Sequence[Trip],
    travel: Travel,
    times: dict[str, tuple[tuple[float, ...], ...]],
    found: Findings,
) -> list[float]:
    """Bring each leg's time to what was driven; return real over mean of every drive."""
    index = {name: place for place, name in enumerate(travel.locations)}
    ratios: dict[Leg, list[float]] = defaultdict(list)
    legs: list[Leg] = []
    for trip in trips:
        table = travel.times.get(trip.vehicle)
        for origin, destination, seconds in (
            (trip.origin, trip.pick_at, trip.empty_s),
            (trip.pick_at, trip.drop_at, trip.loaded_s),
        ):
            if table is None or origin not in index or destination not in index:
                continue
            planned = table[index[origin]][index[destination]]
            if planned >= _LEAST_PLANNED_S and seconds > 0:
                ratios[origin, destination].append(seconds / planned)
    if not ratios:
        found.add(kept(kind, "driving factor of legs", "1", 1.0, "no drive recorded"))
        return []
    legs = sorted(ratios)
    pooled = pool(ratios, [*legs, ("", "")], found.next_seed())
    other = pooled["", ""]
    count = sum(map(len, ratios.values()))
    note = f"{len(legs)} legs, each with its own mean"
    mean = other.fit.distribution.mean
    name = "driving factor of legs"
    found.add(Parameter(kind, name, "1", Basis.OWN, 1.0, mean, count, 0, None, note))
    factors = {leg: pooled[leg].fit.distribution.mean for leg in legs}
    for vehicle in members:
        if vehicle in travel.times:
            times[vehicle] = _table(travel, vehicle, factors, mean)
    return [ratio / factors[leg] for leg, values in ratios.items() for ratio in values]


def _table(
    travel: Travel, vehicle: str, factors: Mapping[Leg, float], other: float
) -> tuple[tuple[float, ...], ...]:
    return tuple(
        tuple(
            seconds
            if seconds < 0 or math.isinf(seconds)
            else seconds * factors.get((origin, destination), other)
            for destination, seconds in zip(travel.locations, row, strict=True)
        )
        for origin, row in zip(travel.locations, travel.times[vehicle], strict=True)
    )
