"""A line as the kernel's records: what does not depend on the moment."""

import datetime as dt
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np

from genba.errors import TwinError
from genba.plant import US
from genba.plant.worktime import planned_intervals
from genba.twin.distribution import QUANTILES, Distribution, Shape
from genba.twin.hours import PRICE_BIN_S
from genba.twin.line import Line, Stop, Stoppage, Way
from genba.twin.records import (
    CALENDAR,
    CREW_RECORD,
    DIST,
    OP,
    PRICE,
    SECONDS,
    STOP,
    TOOL,
    WAY,
    WINDOW,
    Records,
)

MANY = 1 << 40
"""Places of a station without bound."""
_SHAPES = {shape: code for code, shape in enumerate(Shape)}
_MOST_SKILLS = 63


def key_of(name: str) -> np.uint64:
    """Return a number that stands for an id in random draws, the same in every run."""
    digest = hashlib.blake2b(name.encode(), digest_size=8).digest()
    return np.uint64(int.from_bytes(digest, "little"))


class Distributions:
    """Collects distributions; equal ones stand once."""

    def __init__(self) -> None:
        self._known: dict[Distribution, int] = {}

    def add(self, distribution: Distribution) -> int:
        """Return the index of a distribution in the table."""
        return self._known.setdefault(distribution, len(self._known))

    def table(self) -> tuple[Records, Records]:
        """Return the table and the quantiles, a row for each."""
        table = np.zeros(len(self._known), DIST)
        quantiles = np.zeros((len(self._known), QUANTILES), SECONDS)
        for distribution, index in self._known.items():
            table[index] = (_SHAPES[distribution.shape], distribution.a, distribution.b)
            if distribution.quantiles:
                quantiles[index]["seconds"] = distribution.quantiles
        return table, quantiles.ravel()


@dataclass(frozen=True)
class Names:
    """Which index stands for which id."""

    machines: Mapping[str, int]
    products: Mapping[str, int]
    families: Mapping[str, int]
    skills: Mapping[str, int]
    tools: Mapping[str, int]
    calendars: Mapping[str, int]
    vehicles: Mapping[str, int]
    places: Mapping[str, int]
    """Machines, source, sink, further locations."""
    first_op: tuple[int, ...]
    """Index of the first operation of each product."""


def names_of(line: Line) -> Names:
    """Number everything."""
    machines = {machine.id: index for index, machine in enumerate(line.machines)}
    ways = [way for product in line.products for step in product.steps for way in step.ways]
    families = dict.fromkeys(
        (*(f for m in line.machines for f in m.families), *(w.family for w in ways if w.family))
    )
    skills = dict.fromkeys(
        (
            *(s for c in line.crews for s in sorted(c.skills)),
            *(w.skill for w in ways if w.skill),
            *(s.skill for m in line.machines for s in m.stoppages if s.skill),
            *(s.skill for v in line.vehicles for s in v.stoppages if s.skill),
        )
    )
    if len(skills) > _MOST_SKILLS:
        raise TwinError(f"the line has {len(skills)} skills; {_MOST_SKILLS} is the most")
    places = dict(machines)
    if line.source is not None:
        places[line.source] = len(machines)
    if line.sink is not None:
        places.setdefault(line.sink, len(machines) + 1)
    further = [place for place in line.travel.locations if place not in places]
    places |= {place: len(machines) + 2 + n for n, place in enumerate(further)}
    first, firsts = 0, []
    for product in line.products:
        firsts.append(first)
        first += len(product.steps) + 1
    return Names(
        machines=machines,
        products={product.id: index for index, product in enumerate(line.products)},
        families=_numbered(families),
        skills=_numbered(skills),
        tools=_numbered(line.tools),
        calendars=_numbered(calendar.id for calendar in line.calendars),
        vehicles=_numbered(vehicle.id for vehicle in line.vehicles),
        places=places,
        first_op=tuple(firsts),
    )


def _numbered(names: Iterable[str]) -> dict[str, int]:
    return {name: index for index, name in enumerate(names)}


def operations(
    line: Line, names: Names, distributions: Distributions
) -> tuple[Records, Records, Records]:
    """Return operations, ways, and the ragged list of the ways' tools."""
    ops: list[tuple[int, int, int, int]] = []
    ways: list[tuple[object, ...]] = []
    tools: list[int] = []
    sorts: dict[str, int] = {}
    knows = frozenset().union(*(crew.skills for crew in line.crews))
    for product in line.products:
        for step in product.steps:
            first = len(ways)
            for way in step.ways:
                begin = len(tools)
                tools.extend(_tools(line, names, way))
                if way.skill is not None and way.skill not in knows:
                    raise TwinError(
                        f"{product.id}/{step.operation} on {way.machine} needs the skill "
                        f"'{way.skill}', which nobody has; add people or drop the skill"
                    )
                kw = way.run_kw
                ways.append((
                    names.machines[way.machine],
                    way.cycle_s,
                    distributions.add(way.factor),
                    way.part_cv,
                    distributions.add(way.overhead_s),
                    -1 if way.family is None else names.families[way.family],
                    -1 if way.skill is None else names.skills[way.skill],
                    way.scrap,
                    line.machines_by_id[way.machine].power.run if kw is None else kw,
                    begin,
                    len(tools),
                ))  # fmt: skip
            sort = sorts.setdefault(step.operation, len(sorts))
            ops.append((first, len(ways), step.batch_parts or 0, sort))
        ops.append((len(ways), len(ways), 0, -1))
    return np.array(ops, OP), np.array(ways, WAY), np.array([(tool,) for tool in tools], TOOL)


def _tools(line: Line, names: Names, way: Way) -> list[int]:
    for tool in way.tools:
        if tool not in line.tools:
            raise TwinError(f"a way on {way.machine} needs the tool '{tool}', which is not there")
    return [names.tools[tool] for tool in way.tools]


def stoppage_rows(
    owner: str,
    stoppages: tuple[Stoppage, ...],
    ages_s: tuple[float, ...],
    names: Names,
    distributions: Distributions,
) -> list[tuple[object, ...]]:
    """Return the records of what stops one machine or vehicle."""
    return [
        (
            key_of(f"{owner}/{number}"),
            distributions.add(stoppage.every_s),
            distributions.add(stoppage.duration_s),
            stoppage.kind is Stop.SERVICE,
            -1 if stoppage.skill is None else names.skills[stoppage.skill],
            stoppage.spoils,
            ages_s[number] if number < len(ages_s) else 0.0,
            0.0,
            0,
        )
        for number, stoppage in enumerate(stoppages)
    ]


def stop_table(rows: list[tuple[object, ...]]) -> Records:
    """Turn stoppage rows into records."""
    return np.array(rows, STOP)


def crew_table(line: Line, names: Names) -> Records:
    """Return the crews, the least skilled first."""
    rows = [
        (
            sum(1 << names.skills[skill] for skill in crew.skills),
            crew.count,
            -1 if crew.calendar is None else _calendar(names, crew.calendar, f"crew {crew.id}"),
            0,
        )
        for crew in sorted(line.crews, key=lambda c: (len(c.skills), c.id))
    ]
    return np.array(rows, CREW_RECORD)


def _calendar(names: Names, calendar: str, whose: str) -> int:
    if calendar not in names.calendars:
        raise TwinError(f"{whose} works by calendar '{calendar}', which the line has not; add it")
    return names.calendars[calendar]


def calendar_index(names: Names, calendar: str | None, whose: str) -> int:
    """Return the index of a calendar; -1 for None: always open."""
    return -1 if calendar is None else _calendar(names, calendar, whose)


def open_windows(line: Line, calendar: str, start: int, end: int) -> list[tuple[int, int]]:
    """Return the working time of a calendar with what was added to it, without overlaps."""
    found = next(c for c in line.calendars if c.id == calendar)
    extra = [
        (max(a, start), min(b, end))
        for a, b in line.extra.get(calendar, ())
        if a < end and b > start
    ]
    merged: list[tuple[int, int]] = []
    for a, b in sorted([*planned_intervals(found, start, end), *extra]):
        if merged and a <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(b, merged[-1][1]))
        else:
            merged.append((a, b))
    return merged


def calendar_tables(line: Line, start: int, end: int) -> tuple[Records, Records]:
    """Return calendars and their windows in seconds from ``start``."""
    rows: list[tuple[int, ...]] = []
    windows: list[tuple[float, float]] = []
    for calendar in line.calendars:
        first = len(windows)
        windows += [
            ((a - start) / US, (b - start) / US)
            for a, b in open_windows(line, calendar.id, start, end)
        ]
        rows.append((first, len(windows), first, 0))
    return np.array(rows, CALENDAR), np.array(windows, WINDOW)


def price_table(line: Line, start: int, seconds: float) -> Records:
    """Return prices by bins of a quarter of an hour from the begin of that of ``start`` on."""
    zone = ZoneInfo(line.tariff.timezone)
    first = start // US // int(PRICE_BIN_S) * int(PRICE_BIN_S)
    count = int(seconds / PRICE_BIN_S) + 2
    table = np.zeros(count, PRICE)
    if any(line.tariff.price_per_kwh):
        hours = [
            dt.datetime.fromtimestamp(first + n * PRICE_BIN_S, zone).hour for n in range(count)
        ]
        table["rate"] = np.array([line.tariff.price_per_kwh[h] for h in hours]) / 3600.0
        table["before"][1:] = np.cumsum(table["rate"][:-1]) * PRICE_BIN_S
    return table
