"""Packing: sealing a carton liner with hot jaws.

Seal strength rises over a window of temperature and falls when the film burns; the dwell that a
seal needs shortens with temperature as a reaction does (Aithani et al., *Packaging Technology and
Science* 19, 2006; the coefficients are of plausible size). Hidden: fouling of the jaws, which
lowers the temperature that the film sees.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Literal

from genba.plant.ids import Value
from genba.testbed.randomness import Stream
from genba.testbed.unit.cyclic import (
    CyclicProcess,
    NotNegative,
    Positive,
    between,
    forget,
    logistic,
    quantize,
)
from genba.testbed.unit.process import Job, Made, Number, Part, Phase, Setpoint, Surroundings
from genba.testbed.unit.wear import Drift

_DEFECTS = ("weak_seal", "burnt_film")


class PackingRecipe(Value):
    """One carton, and the plant's fixed setting."""

    idle_s: NotNegative
    """Folding, inserting, labelling."""
    dwell_s: Positive = 4.0
    """Time that a seal takes at 150 °C."""
    seal_c: float = 150.0


class PackingParameters(Value):
    """One packing station."""

    kind: Literal["packing"] = "packing"
    jaw_tau_s: Positive = 180.0
    release_k: Positive = 6.0
    """The sealer waits while its jaws are colder than the setpoint by more than this."""
    fouling_sigma_k: NotNegative = 1.5
    fouling_k_per_h: float = -0.05
    weak_c: float = 128.0
    burnt_c: float = 172.0
    dwell_k: Positive = 30.0
    """Temperature that shortens the dwell by a factor of e."""
    base_kw: NotNegative = 0.35
    standby_kw: NotNegative = 0.12
    loss_kw_k: Positive = 0.0042


class Packer(CyclicProcess):
    """A carton sealer."""

    __slots__ = ("_fouling", "_jaw_c", "_p", "_recipe_now")

    def __init__(self, parameters: PackingParameters, stream: Stream) -> None:
        super().__init__({"seal_temperature": Setpoint(150.0, 0.0, 230.0)}, stream)
        self._p = parameters
        self._recipe_now: PackingRecipe | None = None
        self._fouling = Drift(parameters.fouling_sigma_k, 20.0, parameters.fouling_k_per_h, stream)
        self._jaw_c = 150.0

    def start_job(self, job: Job) -> None:
        """Cartons are in."""
        super().start_job(job)
        self._recipe_now = self._recipe(job, PackingRecipe)

    def recipe_setpoints(self, job: Job) -> Mapping[str, Number]:
        """The plant's fixed setting."""
        return {"seal_temperature": self._recipe(job, PackingRecipe).seal_c}

    def begin(self, parts: Sequence[Part], around: Surroundings) -> None:
        """Fold a carton."""
        self._begin_cycle(parts)

    def tick(self, dt_s: float, phase: Phase, around: Surroundings) -> None:
        """Let one second pass."""
        p = self._p
        heated = phase not in (Phase.OFF, Phase.DOWN, Phase.MAINTENANCE)
        goal = between(self._set["seal_temperature"], around.hall_c, 260.0)
        goal = goal if heated else around.hall_c
        self._jaw_c += (goal - self._jaw_c) * dt_s / p.jaw_tau_s
        self.power_kw = 0.04
        if heated:
            lag_kw = between(0.02 * (goal - self._jaw_c), 0.0, 1.0)
            self.power_kw = p.standby_kw + p.loss_kw_k * (self._jaw_c - around.hall_c) + lag_kw
        if phase is Phase.RUN and self._cycle.running:
            self.power_kw += p.base_kw
            self._fouling.pass_time(dt_s)
            if self._jaw_c > goal - p.release_k:
                self._advance(dt_s, phase)

    def finish(self, around: Surroundings) -> Sequence[Made]:
        """Put the carton down."""
        (part,) = self._end_cycle()
        p = self._p
        film_c = self._jaw_c + self._fouling.value + self._random.normal(0.0, 2.0)
        forget(part, _DEFECTS)
        if self._random.chance(logistic((p.weak_c - film_c) / 3.0)):
            part.defects.append("weak_seal")
        elif self._random.chance(logistic((film_c - p.burnt_c) / 3.0)):
            part.defects.append("burnt_film")
        own = any(defect in _DEFECTS for defect in part.defects)
        name = "pack" if self._job is None else self._job.operation
        part.features[f"{name}_film_c"] = film_c
        return [Made(part, conforming=not own, reworkable=own, detected=False)]

    def abort(self) -> Sequence[Part]:
        """Only a carton is lost."""
        self._end_cycle()
        return []

    def readings(self) -> Mapping[str, Number]:
        """Sensors."""
        noise = self._random.normal
        return {
            "seal_temperature_actual": quantize(self._jaw_c + noise(0.0, 0.3), 0.1),
        }

    def stress(self) -> float:
        """Nothing that the setpoint changes much."""
        return 1.0

    def maintain(self, kind: str) -> None:
        """The jaws are cleaned."""
        self._fouling.calibrate()

    def truth(self) -> Mapping[str, float]:
        """Hidden state."""
        return {"fouling_k": self._fouling.value}

    def _duration_s(self) -> float:
        r = self._recipe_now
        if r is None:
            raise RuntimeError("a cycle was run without a job")
        hotter = between(self._set["seal_temperature"], 60.0, 260.0) - 150.0
        return r.idle_s + r.dwell_s * math.exp(-hotter / self._p.dwell_k)
