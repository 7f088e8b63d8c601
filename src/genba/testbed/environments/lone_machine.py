"""One machine that runs alone: its job, its lots, its cycles, and what each of them gave."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from genba.plant import Operation, Plant, Product
from genba.testbed.environments.hall import Hall
from genba.testbed.environments.incoming import IncomingLot
from genba.testbed.inspection import Gauge
from genba.testbed.physics_file import Physics
from genba.testbed.randomness import Chance
from genba.testbed.unit import build_material, build_process
from genba.testbed.unit.process import Job, Made, Maintenance, Part, Phase

WARM_UP_S = 2400
"""Time for which a machine stands ready at its fixed recipe before the first part."""


@dataclass(frozen=True, slots=True)
class Task:
    """What a machine makes in an episode."""

    machine: str
    product: Product
    operation: Operation
    cycle_s: float
    """Planned time of a part, or of a batch."""
    batch: int
    """Parts in one cycle: a batch holds two lots, or what the machine takes if that is less."""
    recipe: Mapping[str, float]
    """From ``physics.yaml``."""


def tasks_of(plant: Plant, physics: Physics, kind: str) -> tuple[Task, ...]:
    """All that the machines of a kind do in a plant, in the order of its files."""
    return tuple(
        Task(
            alternative.equipment,
            product,
            step,
            alternative.cycle_s,
            min(step.batch_parts, 2 * product.lot_size) if step.batch_parts else 1,
            physics.recipes.get(f"{product.id}/{step.id}", {}),
        )
        for product in plant.products
        for step in product.routing
        for alternative in step.alternatives
        if physics.machines[alternative.equipment].process.kind == kind
    )


@dataclass(slots=True)
class Outcome:
    """What became of one cycle."""

    made: Sequence[Made] = ()
    looked: Sequence[Made] = ()
    """Those of ``made`` that the tester judged or the sampling inspection gauged."""
    lost: int = 0
    """Parts that were spoiled by a cycle that was cut off."""
    seconds: int = 0
    energy_kwh: float = 0.0
    energy_cost: float = 0.0
    spares_cost: float = 0.0
    unsafe: list[str] = field(default_factory=list)


class LoneMachine:
    """A machine with a job that lasts, in a hall of its own."""

    def __init__(
        self, plant: Plant, physics: Physics, task: Task, seed: int, hour: float = 6.0
    ) -> None:
        chance = Chance(seed)
        machine = physics.machines[task.machine]
        self.task = task
        self.hall = Hall(plant, physics, chance, hour)
        self.process = build_process(machine.process, chance.stream(f"{task.machine}.process"))
        self.gauge = Gauge(machine.inspection)
        self._material = build_material(physics.material, chance.stream("material"))
        self._incoming = chance.stream("incoming")
        self._before: list[str] = []
        for step in task.product.routing:
            if step.id == task.operation.id:
                break
            self._before.append(step.id)
        job = Job(
            ("L-1",), task.product.id, task.operation.id, task.cycle_s, None, dict(task.recipe)
        )
        self.setpoints: Mapping[str, float] = {
            name: float(value) for name, value in self.process.recipe_setpoints(job).items()
        }
        """The fixed recipe. A set-point that it leaves out stays at the machine's first value."""
        self.setpoints = {
            name: self.setpoints.get(name, float(setpoint.initial))
            for name, setpoint in self.process.setpoints.items()
        }
        for name, value in self.setpoints.items():
            self.process.write(name, value)
        self.lot_number = 0
        self.lot_part = task.product.lot_size
        """Parts of the present lot that are begun."""
        self._lot = IncomingLot((), self._incoming)
        self._serial = 0
        around = self.hall.around
        for _ in range(WARM_UP_S):
            self.process.tick(1.0, Phase.IDLE, around)
        self.process.start_job(job)

    def cycle(self, setpoints: Mapping[str, float], left_s: float) -> Outcome:
        """Set what is to be set, do the upkeep that is due, and make one part or batch.

        Ends early where something unsafe happens, or ``left_s`` seconds are over.
        """
        outcome = Outcome()
        for name, value in setpoints.items():
            self.process.write(name, value)
        for _ in range(3):  # a wheel that is changed is dressed too
            due = self.process.maintenance_due()
            if due is None:
                break
            self._upkeep(due, outcome)
        parts = [self._next_part() for _ in range(self.task.batch)]
        self.process.begin(parts, self.hall.around)
        while not self.process.done and not outcome.unsafe and outcome.seconds < left_s:
            self._second(Phase.RUN, outcome)
        if not self.process.done or outcome.unsafe:
            outcome.lost = len(self.process.abort())
            return outcome
        outcome.made = self.process.finish(self.hall.around)
        self._look(outcome)
        return outcome

    def _upkeep(self, due: Maintenance, outcome: Outcome) -> None:
        for _ in range(round(due.duration_s)):
            self._second(Phase.MAINTENANCE, outcome)
        outcome.spares_cost += due.cost
        self.process.maintain(due.kind)

    def _look(self, outcome: Outcome) -> None:
        """Gauge as the plant does: a sample, and more of them after a bad part."""
        looked: list[Made] = []
        gauging_s = 0.0
        for item in outcome.made:
            if item.detected or item.passed is not None:
                looked.append(item)
            elif self.gauge.picks():
                looked.append(item)
                gauging_s += self.gauge.duration_s
                self.gauge.learn(item.conforming)
        for _ in range(round(gauging_s)):
            self._second(Phase.IDLE, outcome)
        outcome.looked = looked

    def _second(self, phase: Phase, outcome: Outcome) -> None:
        self.hall.second()
        self.process.tick(1.0, phase, self.hall.around)
        energy = self.process.power_kw / 3600.0
        outcome.seconds += 1
        outcome.energy_kwh += energy
        outcome.energy_cost += energy * self.hall.price_per_kwh
        hazards = self.process.hazards()
        if hazards:
            outcome.unsafe.extend(hazard for hazard in hazards if hazard not in outcome.unsafe)

    def _next_part(self) -> Part:
        product = self.task.product
        if self.lot_part >= product.lot_size:
            self.lot_part = 0
            self.lot_number += 1
            self._lot = IncomingLot(self._before, self._incoming)
        self.lot_part += 1
        self._serial += 1
        born = self._material.features(product.id, self.hall.around.now)
        return Part(f"S-{self._serial}", product.id, {**born, **self._lot.features()})
