"""What all unit processes share: setpoints, the running cycle, the recipe of the job."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, TypeVar

from pydantic import Field

from genba.plant.ids import Value
from genba.testbed.randomness import Stream
from genba.testbed.unit.process import Cycle, Job, Maintenance, Number, Part, Phase, Setpoint

R = TypeVar("R", bound=Value)
Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]


def quantize(value: float, step: float) -> float:
    """Round as an analog-digital converter does: to whole steps."""
    return round(value / step) * step


def logistic(x: float) -> float:
    """Smooth threshold from 0 to 1, for risks that rise about a limit; any finite ``x``."""
    if x > 40.0:
        return 1.0
    if x < -40.0:
        return 0.0
    return 1.0 / (1.0 + math.exp(-x))


def between(value: float, low: float, high: float) -> float:
    """Where an actuator comes to its end stop."""
    return low if value < low else high if value > high else value


def forget(part: Part, names: Iterable[str]) -> None:
    """Take defects off a part that is worked on again: this cycle decides anew about them."""
    if part.defects:
        mendable = set(names)
        part.defects[:] = [name for name in part.defects if name not in mendable]


def spoil(parts: Iterable[Part]) -> None:
    """Mark parts that were lost with a cycle."""
    for part in parts:
        part.defects.append("cycle_lost")


class CyclicProcess:
    """Base of the unit processes: one part (or batch) in one cycle.

    A subclass gives ``_duration_s`` for the setpoints of the moment, and does its physics in
    ``tick`` after ``_advance``. A setpoint that is written inside a cycle acts on what is left
    of it.
    """

    power_kw: float
    motion_m_s: float

    __slots__ = (
        "_begun_s",
        "_cycle",
        "_job",
        "_names",
        "_pace",
        "_parts",
        "_random",
        "_recipes",
        "_set",
        "motion_m_s",
        "power_kw",
    )

    def __init__(self, setpoints: Mapping[str, Setpoint], stream: Stream) -> None:
        self._names = dict(setpoints)
        self._set = {name: float(setpoint.initial) for name, setpoint in setpoints.items()}
        self._random = stream
        self._cycle = Cycle()
        self._parts: list[Part] = []
        self._job: Job | None = None
        self._begun_s = 1.0
        self._pace = 1.0
        self._recipes: dict[tuple[str, str], Value] = {}
        self.power_kw = 0.0
        self.motion_m_s = 0.0

    @property
    def setpoints(self) -> Mapping[str, Setpoint]:
        """By short signal name."""
        return self._names

    @property
    def done(self) -> bool:
        """Whether the cycle that was begun is complete."""
        return self._cycle.done

    def write(self, name: str, value: Number) -> None:
        """Take a setpoint, at once also for the cycle that runs."""
        self._set[name] = float(value)
        if self._cycle.running:
            self._pace = self._begun_s / self._duration_s()

    def start_job(self, job: Job) -> None:
        """Set-up has ended."""
        self._job = job

    def end_job(self) -> None:
        """The job is complete or was ended."""
        self._job = None

    def maintenance_due(self) -> Maintenance | None:
        """None: this machine asks for nothing by itself."""
        return None

    def hazards(self) -> Sequence[str]:
        """Nothing is unsafe in itself."""
        return ()

    def _recipe(self, job: Job, model: type[R]) -> R:
        """The job's recipe as a validated value, read once per product and operation."""
        key = (job.product, job.operation)
        known = self._recipes.get(key)
        if not isinstance(known, model):
            known = model.model_validate(dict(job.recipe))
            self._recipes[key] = known
        return known

    def _duration_s(self) -> float:
        raise NotImplementedError

    def _begin_cycle(self, parts: Sequence[Part]) -> None:
        self._parts = list(parts)
        self._begun_s = self._duration_s()
        self._pace = 1.0
        self._cycle.begin(self._begun_s)

    def _advance(self, dt_s: float, phase: Phase) -> None:
        if phase is Phase.RUN and self._cycle.running:
            self._cycle.advance(dt_s * self._pace)

    def _progress(self) -> float:
        """Share of the running cycle that is over, 0 to 1."""
        if not self._cycle.running:
            return 0.0
        return between(1.0 - self._cycle.remaining_s / self._begun_s, 0.0, 1.0)

    def _end_cycle(self) -> list[Part]:
        parts, self._parts = self._parts, []
        self._cycle.end()
        return parts
