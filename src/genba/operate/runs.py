"""What machines made: from job to job, with set-up time, counts and energy, one row per lot."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from genba.operate.production import Production, Tell, TrackedLot
from genba.plan.demand.setup import SetupTimes
from genba.plant import (
    US,
    Alternative,
    Operation,
    PackMLMode,
    PackMLState,
    Plant,
    Role,
    Sample,
    Scalar,
)

COUNTERS = (Role.GOOD_COUNT, Role.SCRAP_COUNT, Role.REWORK_COUNT, Role.ENERGY)


@dataclass(slots=True)
class Run:
    """One job on one machine, from when its lots went in until they came out."""

    equipment: str
    lots: list[TrackedLot]
    operation: Operation
    way: Alternative
    start: int
    family_before: str | None
    base: dict[Role, float]
    """Counters when it began."""
    setup_us: int = 0
    setup_since: int | None = None
    completed: bool = False
    """Whether the machine showed COMPLETE."""
    end: int | None = None
    scrapped: Counter[str] = field(default_factory=Counter)
    """Scrapped parts by lot, where the machine announces each part."""

    @property
    def parts(self) -> int:
        """Parts that went in."""
        return sum(lot.quantity for lot in self.lots)

    def planned_s(self, setup_s: float) -> float:
        """Planned duration, with this set-up."""
        if self.operation.batch_parts is None:
            return setup_s + self.parts * self.way.cycle_s
        return setup_s + -(-self.parts // self.operation.batch_parts) * self.way.cycle_s


class Runs:
    """Follows the job on every machine by its ``lots``, ``state``, ``mode`` and counters."""

    def __init__(self, plant: Plant, production: Production, tell: Tell) -> None:
        self._plant = plant
        self._production = production
        self._tell = tell
        self._setups = SetupTimes(plant)
        self._values: dict[tuple[str, Role], Scalar] = {}
        self._running: dict[str, Run] = {}
        self._ending: list[Run] = []
        self.family: dict[str, str | None] = {}
        """Set-up family that each machine is set up for."""
        self.finished = 0

    def sample(self, equipment: str, role: Role, sample: Sample) -> None:
        """Take one sample of a machine's signal, in the order of receiving."""
        self._values[equipment, role] = sample.value
        run = self._running.get(equipment)
        if role is Role.LOTS:
            self._lots(equipment, names_in(sample.value), sample.source_time)
        elif role is Role.STATE and sample.value == PackMLState.COMPLETE:
            for open_run in (run, *self._ending):
                if open_run is not None and open_run.equipment == equipment:
                    open_run.completed = True
        elif run is not None and role is Role.MODE:
            _follow_setup(run, sample)
        elif run is not None and role is Role.PART:
            _count_part(run, sample)
        elif run is not None and role in COUNTERS and role not in run.base:
            run.base[role] = _number(sample.value)

    def run_on(self, equipment: str) -> Run | None:
        """Return the job that a machine works on."""
        return self._running.get(equipment)

    def unsettled(self) -> frozenset[str]:
        """Return machines and lots whose last job has just ended and is not booked yet."""
        ending = {run.equipment for run in self._ending}
        return frozenset(ending | {lot.id for run in self._ending for lot in run.lots})

    def free_at(self, equipment: str, now: int) -> int:
        """Return when a machine's present job should end, by planned times."""
        run = self._running.get(equipment)
        if run is None:
            return now
        setup_s = self._setups.duration_s(equipment, run.family_before, run.way.setup_family)
        return max(now, run.start + round(run.planned_s(setup_s) * US))

    def settle(self, now: int) -> None:
        """Book the jobs that ended before this tick; their last counts have come by now."""
        ready = [run for run in self._ending if run.end is not None and run.end < now]
        self._ending = [run for run in self._ending if run not in ready]
        for run in ready:
            self._book(run)

    # -- begin and end ------------------------------------------------------------------------

    def _lots(self, equipment: str, names: Sequence[str], time: int) -> None:
        before = self._running.get(equipment)
        if before is not None and [lot.id for lot in before.lots] == list(names):
            return
        if before is not None:
            del self._running[equipment]
            before.end = time
            if before.setup_since is not None:
                before.setup_us += time - before.setup_since
            self._ending.append(before)
        if names:
            self._begin(equipment, names, time)

    def _begin(self, equipment: str, names: Sequence[str], time: int) -> None:
        for late in [run for run in self._ending if run.equipment == equipment]:
            self._ending.remove(late)
            self._book(late)
        lots = self._production.in_work(equipment, names, time)
        found = self._operation(equipment, lots)
        if found is None:
            return
        operation, way = found
        base = {
            role: _number(self._values[equipment, role])
            for role in COUNTERS
            if self._values.get((equipment, role)) is not None
        }
        run = Run(equipment, lots, operation, way, time, self.family.get(equipment), base)
        if self._values.get((equipment, Role.MODE)) == PackMLMode.SETUP:
            run.setup_since = time
        self.family[equipment] = way.setup_family or self.family.get(equipment)
        self._running[equipment] = run

    def _operation(
        self, equipment: str, lots: Sequence[TrackedLot]
    ) -> tuple[Operation, Alternative] | None:
        """Return what the machine does: by its job, else by what the first lot needs next."""
        if not lots:
            return None
        routing = self._plant.products_by_id[lots[0].order.product].routing
        told = str(self._values.get((equipment, Role.JOB_OPERATION)) or "").rpartition("/")[2]
        steps = [i for i, operation in enumerate(routing) if operation.id == told]
        for step in (*steps, *range(lots[0].step, len(routing)), *range(len(routing))):
            for way in routing[step].alternatives:
                if way.equipment == equipment:
                    return routing[step], way
        return None

    # -- booking ------------------------------------------------------------------------------

    def _book(self, run: Run) -> None:
        """Write one row per lot, and send the lots on to their next step.

        What the lots of a batch share (set-up, energy, the batch's planned time) is split evenly.
        """
        made = {role: self._made(run, role) for role in COUNTERS}
        scrap = _share_out(round(made[Role.SCRAP_COUNT]), run)
        rework = _spread(round(made[Role.REWORK_COUNT]), run.lots)
        good_all = round(made[Role.GOOD_COUNT])
        complete = run.completed or good_all + sum(scrap) >= run.parts
        good = (
            [lot.quantity - bad for lot, bad in zip(run.lots, scrap, strict=True)]
            if complete
            else _spread(good_all, run.lots)
        )
        for index, lot in enumerate(run.lots):
            counts = (good[index], scrap[index], rework[index])
            self._row(run, lot, counts, made[Role.ENERGY] / len(run.lots))
            step = self._step_after(lot, run) if complete else lot.step
            self._production.finish_operation(lot, step, lot.quantity - scrap[index], run.end or 0)
        self.finished += len(run.lots)

    def _step_after(self, lot: TrackedLot, run: Run) -> int:
        """Return a lot's next step; lots of one batch may be of different products."""
        routing = self._plant.products_by_id[lot.order.product].routing
        names = [operation.id for operation in routing]
        return names.index(run.operation.id) + 1 if run.operation.id in names else lot.step + 1

    def _made(self, run: Run, role: Role) -> float:
        now = self._values.get((run.equipment, role))
        if now is None or role not in run.base:
            return 0.0
        return max(0.0, _number(now) - run.base[role])

    def _row(
        self, run: Run, lot: TrackedLot, counts: tuple[int, int, int], energy_kwh: float
    ) -> None:
        share = len(run.lots)
        planned_setup_s = self._setups.duration_s(
            run.equipment, run.family_before, run.way.setup_family
        )
        cycle_s = run.way.cycle_s
        if run.operation.batch_parts is not None:
            cycle_s *= -(-run.parts // run.operation.batch_parts) / share
        self._tell(
            "operations",
            {
                "id": f"R-{run.equipment}-{run.start}-{lot.id}",
                "time": run.end,
                "lot": lot.id,
                "order": lot.order.id,
                "product": lot.order.product,
                "operation": run.operation.id,
                "equipment": run.equipment,
                "start": run.start,
                "end": run.end,
                "setup_s": run.setup_us / US / share,
                "planned_cycle_s": cycle_s,
                "planned_setup_s": planned_setup_s / share,
                "quantity": lot.quantity,
                "good": counts[0],
                "scrap": counts[1],
                "rework": counts[2],
                "energy_kwh": energy_kwh,
            },
        )


def names_in(value: Scalar) -> list[str]:
    """Split lot ids that are joined by commas."""
    return [name for name in str(value or "").split(",") if name]


def _follow_setup(run: Run, sample: Sample) -> None:
    if sample.value == PackMLMode.SETUP:
        run.setup_since = sample.source_time if run.setup_since is None else run.setup_since
    elif run.setup_since is not None:
        run.setup_us += sample.source_time - run.setup_since
        run.setup_since = None


def _count_part(run: Run, sample: Sample) -> None:
    """Count a scrapped part against its lot; announcements of another form are left alone."""
    try:
        part = json.loads(str(sample.value))
        if part["result"] == "scrap":
            run.scrapped[part["lot"]] += 1
    except (ValueError, KeyError, TypeError):
        return


def _share_out(scrap: int, run: Run) -> list[int]:
    """Return scrapped parts by lot: as announced where that adds up, else in proportion."""
    told = [run.scrapped[lot.id] for lot in run.lots]
    if sum(told) == scrap:
        return told
    return _spread(min(scrap, run.parts), run.lots)


def _spread(count: int, lots: Sequence[TrackedLot]) -> list[int]:
    """Split a count over lots in proportion to their parts (largest remainder)."""
    total = sum(lot.quantity for lot in lots)
    if total == 0:
        return [0] * len(lots)
    exact = [count * lot.quantity / total for lot in lots]
    shares = [int(x) for x in exact]
    order = sorted(range(len(lots)), key=lambda i: shares[i] - exact[i])
    for index in order[: count - sum(shares)]:
        shares[index] += 1
    return shares


def _number(value: Scalar) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
