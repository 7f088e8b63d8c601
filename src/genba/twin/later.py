"""The state that a line comes to: one future up to a moment, read back as a state."""

import math
from collections.abc import Sequence

import numpy as np

from genba.plant import US
from genba.twin.future import play
from genba.twin.line import Line
from genba.twin.policy import Outage, Schedule
from genba.twin.records import (
    AHEAD,
    BRINGS,
    CREW,
    DONE,
    DOWN,
    FETCHES,
    FREE,
    OUTAGE,
    REPAIR,
    RESTS,
    RUN,
    SETUP,
    STANDS,
    WORKED,
    Records,
    Tables,
    fresh,
)
from genba.twin.state import LotPhase, LotState, MachineNow, State, VehicleNow
from genba.twin.tables import Names, names_of
from genba.twin.world import assemble

_PHASES = {
    AHEAD: LotPhase.AHEAD,
    STANDS: LotPhase.WAITING,
    WORKED: LotPhase.IN_WORK,
    DONE: LotPhase.DONE,
}


def state_after(
    line: Line,
    state: State,
    horizon_s: float,
    seed: int = 0,
    schedule: Schedule = (),
    outages: Sequence[Outage] = (),
) -> State:
    """Return the state after ``horizon_s`` seconds of one future.

    What goes on is told with what is left of it, so that simulating on from it gives the same as
    simulating through where nothing is left to chance.

    Raises
    ------
    TwinError
        As :func:`genba.twin.futures`.
    """
    tables = fresh(assemble(line, state, horizon_s, schedule, outages))
    play(tables, seed, horizon_s)
    return _Reading(line, state, tables, horizon_s).state()


class _Reading:
    """Reads the kernel's tables at the end of a run."""

    def __init__(self, line: Line, before: State, tables: Tables, now_s: float) -> None:
        self._line, self._before, self._tables, self._now = line, before, tables, now_s
        self._time = before.time + round(now_s * US)
        self._names: Names = names_of(line)
        self._places = {index: place for place, index in self._names.places.items()}
        self._families = list(self._names.families)

    def state(self) -> State:
        tables = self._tables
        return State(
            time=self._time,
            lots=tuple(
                self._lot(told, record)
                for told, record in zip(self._before.lots, tables.lots, strict=True)
            ),
            machines=tuple(
                self._machine(machine.id, index, tables.machines[index])
                for index, machine in enumerate(self._line.machines)
            ),
            vehicles=tuple(
                self._vehicle(vehicle.id, index, tables.vehicles[index])
                for index, vehicle in enumerate(self._line.vehicles)
            ),
        )

    def _moment(self, seconds: float) -> int:
        return self._before.time + round(seconds * US)

    def _lot(self, told: LotState, record: Records) -> LotState:
        place = self._places.get(int(record["place"]))
        return LotState(
            id=told.id,
            product=told.product,
            quantity=int(record["parts"]),
            due=told.due,
            order=told.order,
            weight=told.weight,
            release=told.release,
            step=int(record["op"] - record["first_op"]),
            place=place,
            phase=_PHASES.get(int(record["phase"]), LotPhase.MOVING),
            since=self._moment(float(record["since"])),
        )

    def _ids(self, first: int) -> tuple[str, ...]:
        found = []
        while first >= 0:
            found.append(self._before.lots[first].id)
            first = int(self._tables.lots[first]["next"])
        return tuple(found)

    def _left(self, unit: int) -> float:
        """Time until a unit's timer."""
        leaves = int(self._tables.whole["leaves"][0])
        return float(self._tables.timers[leaves + unit]["time"]) - self._now

    def _worked(self, calendar: int, left_s: float) -> float:
        """Working time of a calendar within the next ``left_s`` seconds."""
        if calendar < 0:
            return left_s
        found = self._tables.calendars[calendar]
        windows = self._tables.windows[found["first"] : found["last"]]
        begin = np.maximum(windows["begin"], self._now)
        end = np.minimum(windows["end"], self._now + left_s)
        return float(np.clip(end - begin, 0.0, None).sum())

    def _machine(self, name: str, index: int, record: Records) -> MachineNow:
        phase, job = int(record["phase"]), int(record["job"])
        left = self._left(index)
        calendar = int(record["calendar"])
        setup_left: float | None = None
        run_left: float | None = None
        if phase == CREW or (phase == OUTAGE and job >= 0 and record["segment"] < 0):
            setup_left = float(record["left"])
        elif phase == SETUP:
            setup_left = self._worked(calendar, left)
        if job >= 0:
            run_left = float(record["work"])
        if phase == RUN:
            to_stop = self._worked(-1 if record["through"] else calendar, left)
            run_left = float(record["work"] - record["segment"]) + to_stop
        down = phase in {DOWN, REPAIR, OUTAGE}
        down_left = left if phase in {REPAIR, OUTAGE} else None
        ages = self._ages(record, phase, run_left)
        family = int(record["family"])
        return MachineNow(
            id=name,
            family=self._families[family] if family >= 0 else None,
            lots=() if phase == FREE else self._ids(job),
            setup_left_s=setup_left,
            run_left_s=run_left,
            down=down,
            down_left_s=None if down_left is None or math.isinf(down_left) else down_left,
            ages_s=ages,
        )

    def _ages(self, record: Records, phase: int, run_left: float | None) -> tuple[float, ...]:
        """Running time since the last stop of each kind, the present run included."""
        present = float(record["work"]) - (run_left or 0.0) if phase == RUN else 0.0
        stops = self._tables.stops[record["stops_from"] : record["stops_to"]]
        repaired = int(record["stop"]) if phase in {DOWN, REPAIR} else -1
        return tuple(
            0.0 if record["stops_from"] + n == repaired else float(stop["age"]) + present
            for n, stop in enumerate(stops)
        )

    def _vehicle(self, name: str, index: int, record: Records) -> VehicleNow:
        phase, lot = int(record["phase"]), int(record["lot"])
        left = self._left(2 * len(self._line.machines) + index)
        heading = int(self._tables.lots[lot]["heading"]) if lot >= 0 else -1
        return VehicleNow(
            id=name,
            at=self._places.get(int(record["at"])),
            lot=self._before.lots[lot].id if phase in {FETCHES, BRINGS} else None,
            heading=self._places.get(heading),
            carries=phase == BRINGS,
            left_s=0.0 if phase == RESTS else left,
            idle_s=self._now - float(record["since"]) if phase == RESTS else 0.0,
            away=phase not in {RESTS, FETCHES, BRINGS},
        )
