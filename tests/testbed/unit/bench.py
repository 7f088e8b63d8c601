"""A bench on which one machine of the reference plant runs alone."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache

from genba.plant import Plant
from genba.testbed.files import load_testbed
from genba.testbed.physics_file import Physics
from genba.testbed.randomness import Chance
from genba.testbed.unit import build_process
from genba.testbed.unit.process import Job, Made, Part, Phase, Surroundings, UnitProcess

CASES = {
    "press-1": "JA14-P/mold",
    "mill-1": "JA17-S/mill",
    "furnace": "JA17-S/harden",
    "grinder": "JA17-S/grind",
    "cell-1": "JA17-S/assemble",
    "eol": "JA17-S/test",
    "pack": "JA17-S/pack",
}
"""One machine of each kind, and an operation that it does."""


@cache
def reference() -> tuple[Plant, Physics]:
    """The reference plant."""
    return load_testbed()


@dataclass
class Run:
    """What a number of cycles gave."""

    made: list[Made] = field(default_factory=list)
    seconds: float = 0.0
    energy_kwh: float = 0.0

    @property
    def bad_share(self) -> float:
        return sum(not item.conforming for item in self.made) / len(self.made)

    def mean(self, feature: str) -> float:
        return sum(item.part.features[feature] for item in self.made) / len(self.made)

    def count(self, defect: str) -> int:
        return sum(defect in item.part.defects for item in self.made)


class Bench:
    """A machine, its job, and the seconds that pass."""

    def __init__(self, machine: str, operation: str | None = None, seed: int = 1) -> None:
        _, physics = reference()
        self.operation = operation or CASES[machine]
        product, _, step = self.operation.rpartition("/")
        parameters = physics.machines[machine].process
        self.process: UnitProcess = build_process(parameters, Chance(seed).stream(machine))
        self.around = Surroundings()
        recipe = physics.recipes[self.operation]
        self.job = Job(
            ("L-01",), product, step, planned_cycle(machine, self.operation), None, recipe
        )
        for name, value in self.process.recipe_setpoints(self.job).items():
            self.process.write(name, value)
        self.process.start_job(self.job)

    def write(self, **setpoints: float) -> "Bench":
        for name, value in setpoints.items():
            self.process.write(name, value)
        return self

    def rest(self, seconds: int, phase: Phase = Phase.IDLE) -> "Bench":
        for _ in range(seconds):
            self.process.tick(1.0, phase, self.around)
        return self

    def part(self, **features: float) -> Part:
        return Part("S-1", self.job.product, dict(features))

    def run(
        self,
        cycles: int,
        part: Callable[[], Part] | None = None,
        batch: int = 1,
        upkeep: bool = True,
        longest_s: int = 20_000,
    ) -> Run:
        """Run cycles, with the upkeep that the machine asks for between them."""
        run = Run()
        for _ in range(cycles):
            for _ in range(3):
                due = self.process.maintenance_due() if upkeep else None
                if due is not None:
                    self.process.maintain(due.kind)
            self.process.begin([(part or self.part)() for _ in range(batch)], self.around)
            seconds = 0
            while not self.process.done:
                self.process.tick(1.0, Phase.RUN, self.around)
                run.energy_kwh += self.process.power_kw / 3600.0
                seconds += 1
                assert seconds < longest_s, "the cycle never ends"
            run.seconds += seconds
            run.made += self.process.finish(self.around)
        return run


def planned_cycle(machine: str, operation: str) -> float:
    """Planned cycle from the routing."""
    plant, _ = reference()
    product, _, step_id = operation.rpartition("/")
    for step in plant.products_by_id[product].routing:
        for alternative in step.alternatives:
            if step.id == step_id and alternative.equipment == machine:
                return alternative.cycle_s
    raise LookupError(f"{machine} does not do {operation}")


def snapshot(run: Run) -> list[tuple[Mapping[str, float], list[str], Mapping[str, float]]]:
    """Everything about the parts of a run that can be compared."""
    return [(dict(m.part.features), list(m.part.defects), dict(m.measurements)) for m in run.made]
