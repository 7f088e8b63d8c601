"""Many futures of a line: what comes of a state under rules or a plan, and how sure that is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from genba.errors import TwinError
from genba.plant import US
from genba.twin.kernel import begin, run
from genba.twin.line import Line
from genba.twin.policy import Outage, Schedule, Scrapped
from genba.twin.records import DONE, STATE_COUNT, STATES, Tables, fresh, header
from genba.twin.state import State
from genba.twin.tables import open_windows
from genba.twin.world import assemble

MOST_EVENTS = 50_000_000
"""Events of one future beyond which it is given up."""
MEASURES = ("output", "lots", "tardiness_h", "energy_kwh", "cost")
"""What is told of each future: good parts delivered, lots done, weighted hours late, energy, cost.
"""


@dataclass(frozen=True)
class Futures:
    """Results of ``n`` futures, one row or value for each."""

    start: int
    """Microseconds UTC."""
    horizon_s: float
    seeds: tuple[int, ...]
    lot_ids: tuple[str, ...]
    machine_ids: tuple[str, ...]
    output: NDArray[np.float64]
    """Good parts delivered."""
    lots: NDArray[np.float64]
    """Lots delivered."""
    tardiness_h: NDArray[np.float64]
    """Sum over lots of weight times hours late; of lots that are not done, until the horizon."""
    energy_kwh: NDArray[np.float64]
    """Of what the line knows the power of; before calibration it knows none."""
    cost: NDArray[np.float64]
    """Machines and people in their working time, energy by tariff, material of lots begun."""
    scrapped: NDArray[np.float64]
    """Parts."""
    done_s: NDArray[np.float64]
    """(n, lots): seconds from start to the end of each lot; infinite: not within the horizon."""
    seconds: NDArray[np.float64]
    """(n, machines, states): time by state, in the order of ``STATES``."""
    setups: NDArray[np.float64]
    """(n, machines)"""
    stops: NDArray[np.float64]
    """(n, machines)"""
    moves: NDArray[np.float64]
    events: NDArray[np.int64]

    def quantile(self, measure: str, share: float) -> float:
        """Return a quantile of a measure over the futures, by linear interpolation."""
        return float(np.quantile(getattr(self, measure), share))

    def p50(self, measure: str) -> float:
        """Return the median of a measure."""
        return self.quantile(measure, 0.5)

    def p90(self, measure: str) -> float:
        """Return what a measure does not exceed in 90 % of the futures."""
        return self.quantile(measure, 0.9)

    @cached_property
    def utilization(self) -> Mapping[str, float]:
        """Mean share of working time that each machine runs."""
        off = STATES.index("off")
        total = self.seconds.sum(axis=2) - self.seconds[:, :, off]
        running = self.seconds[:, :, STATES.index("run")]
        shares = np.divide(running, total, out=np.zeros_like(running), where=total > 0)
        return dict(zip(self.machine_ids, shares.mean(axis=0).tolist(), strict=True))


def futures(
    line: Line,
    state: State,
    horizon_s: float,
    n: int = 100,
    seed: int = 0,
    schedule: Schedule = (),
    outages: Sequence[Outage] = (),
    scrapped: Scrapped | None = None,
) -> Futures:
    """Simulate ``n`` futures of ``horizon_s`` seconds; future ``i`` has the seed ``seed + i``.

    Parameters
    ----------
    line, state : Line, State
        The line, and what is on it at the start.
    horizon_s : float
        How far to look.
    n, seed : int
        How many futures, and the seed of the first. The same seeds give the same numbers.
    schedule : Schedule
        A plan to follow; what it does not speak of, and all where it is empty, is decided by the
        plain rules (earliest due date within set-up families, nearest vehicle).
    outages : sequence of Outage
        Machines and vehicles that are out for a known time.
    scrapped : Scrapped, optional
        Parts that lots lose, where that is known; else it is drawn.

    Raises
    ------
    TwinError
        If the state or the plan does not fit the line, or a future does not come to an end.
    """
    if n < 1:
        raise TwinError(f"{n} futures make no sense; ask for 1 or more")
    tables = assemble(line, state, horizon_s, schedule, outages, scrapped)
    fixed = _standing_cost(line, state.time, horizon_s)
    material = np.array([line.products_by_id[lot.product].material_cost for lot in state.lots])
    rows = []
    for number in range(n):
        future = fresh(tables)
        play(future, seed + number, horizon_s)
        rows.append(_row(future, tables, fixed, material, horizon_s))
    return _gathered(line, state, horizon_s, tuple(range(seed, seed + n)), rows)


def play(tables: Tables, seed: int, horizon_s: float) -> int:
    """Let one future happen in fresh tables; return how many events it had.

    Raises
    ------
    TwinError
        If it has more than ``MOST_EVENTS``.
    """
    addresses = header(tables)
    w = addresses.ctypes.data
    begin(w, np.uint64(seed))
    events = run(w, np.uint64(seed), horizon_s, MOST_EVENTS)
    if events >= MOST_EVENTS:
        raise TwinError(
            f"a future of {horizon_s:.0f} s has more than {MOST_EVENTS:,} events; look for times "
            "of 0 s in the line, or shorten the horizon"
        )
    return events


def _standing_cost(line: Line, start: int, horizon_s: float) -> float:
    """Return what machines and people cost in their working time, whatever they do."""
    end = start + round(horizon_s * US)
    hours = {
        calendar.id: sum(b - a for a, b in open_windows(line, calendar.id, start, end)) / US / 3600
        for calendar in line.calendars
    }
    always = horizon_s / 3600

    def open_h(calendar: str | None) -> float:
        return always if calendar is None else hours[calendar]

    machines = sum(m.hourly_cost * open_h(m.calendar) for m in line.machines)
    return machines + sum(c.hourly_cost * c.count * open_h(c.calendar) for c in line.crews)


@dataclass(frozen=True, slots=True)
class _Row:
    numbers: tuple[float, ...]
    done_s: NDArray[np.float64]
    seconds: NDArray[np.float64]
    setups: NDArray[np.float64]
    stops: NDArray[np.float64]


def _row(
    future: Tables, before: Tables, fixed: float, material: NDArray[np.float64], horizon_s: float
) -> _Row:
    lots, first = future.lots, before.lots
    fresh_done = (lots["phase"] == DONE) & (first["phase"] != DONE)
    good = lots["parts"][fresh_done]
    counted = first["phase"] != DONE
    end = np.where(lots["phase"] == DONE, lots["done_at"], horizon_s)
    late = np.clip(end - lots["due"], 0.0, None) * lots["weight"] * counted
    begun = (lots["began_at"] >= 0.0) & (first["began_at"] < 0.0)
    numbers = (
        float(good.sum()),
        float((good > 0).sum()),
        float(late.sum() / 3600.0),
        float(future.machines["kwh"].sum()),
        float(fixed + future.whole["cost"][0] + (material * first["parts"])[begun].sum()),
        float((first["parts"] - lots["parts"]).sum()),
        float(future.vehicles["moves"].sum()),
        float(future.whole["events"][0]),
    )
    return _Row(
        numbers,
        np.where(lots["phase"] == DONE, lots["done_at"], np.inf),
        future.uses["seconds"].reshape(len(future.machines), STATE_COUNT),
        future.machines["setups"].astype(np.float64),
        future.machines["stopped"].astype(np.float64),
    )


def _gathered(
    line: Line, state: State, horizon_s: float, seeds: tuple[int, ...], rows: Sequence[_Row]
) -> Futures:
    table = np.array([row.numbers for row in rows])
    return Futures(
        start=state.time,
        horizon_s=horizon_s,
        seeds=seeds,
        lot_ids=tuple(lot.id for lot in state.lots),
        machine_ids=tuple(machine.id for machine in line.machines),
        output=table[:, 0],
        lots=table[:, 1],
        tardiness_h=table[:, 2],
        energy_kwh=table[:, 3],
        cost=table[:, 4],
        scrapped=table[:, 5],
        done_s=np.array([row.done_s for row in rows]),
        seconds=np.array([row.seconds for row in rows]),
        setups=np.array([row.setups for row in rows]),
        stops=np.array([row.stops for row in rows]),
        moves=table[:, 6],
        events=table[:, 7].astype(np.int64),
    )
