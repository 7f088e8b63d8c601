"""What happens in one future, event by event."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from genba.errors import TwinError
from genba.plant import US
from genba.twin.future import play
from genba.twin.line import Line
from genba.twin.policy import Outage, Schedule
from genba.twin.records import LOGGED, PICKED, fresh
from genba.twin.state import State
from genba.twin.tables import names_of
from genba.twin.world import assemble


class What(StrEnum):
    """Kinds of events. Those of jobs are told once per job, with its first lot."""

    RELEASED = "released"
    SETUP_BEGUN = "setup_begun"
    RUN_BEGUN = "run_begun"
    FINISHED = "finished"
    """For each lot of the job, with the parts that remain good."""
    STOPPED = "stopped"
    RESUMED = "resumed"
    PICKED = "picked"
    DROPPED = "dropped"
    DONE = "done"
    """Delivered, or all of it scrapped."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event. ``unit`` is a machine, a vehicle (PICKED) or a station."""

    time: int
    """Microseconds UTC."""
    what: What
    unit: str
    lot: str | None
    step: int
    """Index of the operation; -1 without a lot."""
    parts: int


def happenings(
    line: Line,
    state: State,
    horizon_s: float,
    seed: int = 0,
    schedule: Schedule = (),
    outages: Sequence[Outage] = (),
    most: int = 1_000_000,
) -> tuple[Event, ...]:
    """Return what happens in the future with a seed, in order: the same as in :func:`futures`.

    Raises
    ------
    TwinError
        As :func:`genba.twin.futures`, or if there are more than ``most`` events.
    """
    tables = fresh(assemble(line, state, horizon_s, schedule, outages, log_rows=most))
    play(tables, seed, horizon_s)
    count = int(tables.whole["logged"][0])
    if count == most:
        raise TwinError(f"more than {most:,} events; shorten the horizon, or ask for more")
    names = names_of(line)
    places = {index: place for place, index in names.places.items()}
    places.setdefault(len(line.machines), "source")
    places.setdefault(len(line.machines) + 1, "sink")
    vehicles = tuple(vehicle.id for vehicle in line.vehicles)
    found = []
    for row in tables.log[:count]:
        lot, unit = int(row["lot"]), int(row["unit"])
        first = int(tables.lots[lot]["first_op"]) if lot >= 0 else 0
        found.append(
            Event(
                time=state.time + round(float(row["time"]) * US),
                what=What(LOGGED[row["what"]]),
                unit=vehicles[unit] if row["what"] == PICKED else places[unit],
                lot=state.lots[lot].id if lot >= 0 else None,
                step=int(row["op"]) - first if lot >= 0 else -1,
                parts=int(row["parts"]),
            )
        )
    return tuple(found)
