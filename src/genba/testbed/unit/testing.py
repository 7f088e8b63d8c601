"""End-of-line test: what the assembled part does, and what the tester says of it.

The true value of each characteristic is the design's value plus what the part's hidden deviations
add, each with a weight: a linear tolerance chain (Whitney, *Mechanical Assemblies*, ch. 5). Which
deviations count for backlash follows ISO/TR 10064-2, which for noise Smith, *Gear Noise and
Vibration*, 2nd ed.; the weights are of plausible size. The tester adds its own error: bias, a
repeatability that shrinks with the square root of the test time (averaging), and too small a torque
leaves backlash partly hidden. Parts near a limit are therefore judged wrong at times, both ways:
the gauge decides ``passed``, the truth ``conforming``.

Hidden: bias of the gauges and wear of the coupling.
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
    quantize,
)
from genba.testbed.unit.process import Job, Made, Number, Part, Phase, Setpoint, Surroundings
from genba.testbed.unit.wear import Drift, Wear


class Characteristic(Value):
    """One thing that the tester measures; larger is worse."""

    design: float
    spread: NotNegative
    """Standard deviation between parts without any deviation."""
    limit: float
    gauge: Positive
    """Repeatability (standard deviation) of a 20 s test."""
    step: Positive = 0.01
    weights: dict[str, float]
    """Unit of the characteristic per unit of the feature's size (its absolute value)."""
    hidden_at_low_torque: float = 0.0
    """Share of it that a test at half the rated torque does not show."""


class TestingRecipe(Value):
    """The test of one product."""

    __test__ = False

    rated_nm: Positive
    idle_s: NotNegative
    limit_factor: Positive = 1.0
    """Factor on all limits, for products of another class."""
    torque_nm: Positive
    test_s: Positive


_CHARACTERISTICS = {
    "backlash_arcmin": Characteristic(
        design=0.55,
        spread=0.05,
        limit=0.96,
        gauge=0.03,
        weights={
            "mill_error_um": 0.010,
            "bore_error_um": 0.008,
            "grind_error_um": 0.040,
            "harden_distortion_um": 0.0035,
            "assemble_misalignment_um": 0.0030,
            "assemble_preload_lack": 1.6,
        },
        hidden_at_low_torque=0.35,
    ),
    "torque_ripple_pct": Characteristic(
        design=1.7,
        spread=0.15,
        limit=3.30,
        gauge=0.08,
        weights={
            "mill_roughness_um": 0.35,
            "mill_error_um": 0.015,
            "harden_distortion_um": 0.012,
            "grind_roughness_um": 0.6,
            "assemble_misalignment_um": 0.014,
            "mold_warp_um": 0.006,
            "assemble_dent": 3.0,
        },
    ),
    "vibration_mm_s": Characteristic(
        design=0.7,
        spread=0.08,
        limit=1.52,
        gauge=0.04,
        weights={
            "grind_error_um": 0.045,
            "grind_roughness_um": 0.5,
            "assemble_misalignment_um": 0.010,
            "assemble_dent": 2.2,
            "assemble_gap_um": 0.03,
        },
    ),
    "noise_db": Characteristic(
        design=53.0,
        spread=0.7,
        limit=58.3,
        gauge=0.3,
        step=0.1,
        weights={
            "mill_roughness_um": 1.6,
            "grind_error_um": 0.22,
            "assemble_misalignment_um": 0.045,
            "assemble_dent": 6.0,
            "mold_error_um": 0.006,
        },
    ),
}


class TestingParameters(Value):
    """One end-of-line tester."""

    __test__ = False

    kind: Literal["testing"] = "testing"
    characteristics: dict[str, Characteristic] = _CHARACTERISTICS
    bias_share: NotNegative = 0.3
    """Wandering bias of each gauge, as a share of its repeatability."""
    coupling_life_parts: Positive = 8000.0
    coupling_ripple: float = 0.4
    """What a worn coupling adds to a reading, in units of the gauge's repeatability, times 5."""
    overload: Positive = 1.7
    """Times the rated torque at which a gear is damaged."""
    base_kw: NotNegative = 0.5
    standby_kw: NotNegative = 0.2
    watt_per_nm: float = 18.0
    max_torque_nm: Positive = 150.0


class Tester(CyclicProcess):
    """A test bench with a load motor."""

    __test__ = False
    __slots__ = (
        "_biases",
        "_coupling",
        "_hall_c",
        "_p",
        "_recipe_now",
        "_ripple_pct",
        "_rise_k",
        "_torque_nm",
    )

    def __init__(self, parameters: TestingParameters, stream: Stream) -> None:
        super().__init__(
            {
                "test_torque": Setpoint(10.0, 0.0, parameters.max_torque_nm),
                "test_time": Setpoint(20.0, 0.0, 600.0),
            },
            stream,
        )
        self._p = parameters
        self._recipe_now: TestingRecipe | None = None
        self._biases = {
            name: Drift(parameters.bias_share * c.gauge, 40.0, 0.0, stream)
            for name, c in parameters.characteristics.items()
        }
        self._coupling = Wear(parameters.coupling_life_parts, 3.0, stream)
        self._torque_nm = 0.0
        self._ripple_pct = 0.0
        self._rise_k = 0.0
        self._hall_c = 21.0

    def start_job(self, job: Job) -> None:
        """Set-up has ended: the adapter is on."""
        super().start_job(job)
        self._recipe_now = self._recipe(job, TestingRecipe)

    def recipe_setpoints(self, job: Job) -> Mapping[str, Number]:
        """The plant's fixed test."""
        r = self._recipe(job, TestingRecipe)
        return {"test_torque": r.torque_nm, "test_time": r.test_s}

    def begin(self, parts: Sequence[Part], around: Surroundings) -> None:
        """Couple the part."""
        self._begin_cycle(parts)

    def tick(self, dt_s: float, phase: Phase, around: Surroundings) -> None:
        """Let one second pass."""
        p = self._p
        self._hall_c = around.hall_c
        goal_nm, goal_k = 0.0, 0.0
        if phase is Phase.RUN and self._cycle.running:
            r = self._recipe_of()
            elapsed = self._progress() * self._begun_s
            if 0.5 * r.idle_s <= elapsed < self._begun_s - 0.5 * r.idle_s:
                goal_nm = self._torque()
                goal_k = 14.0 * (goal_nm / r.rated_nm) ** 2
            for drift in self._biases.values():
                drift.pass_time(dt_s)
            self._advance(dt_s, phase)
            self.power_kw = p.standby_kw + p.base_kw + 0.001 * p.watt_per_nm * goal_nm
        elif phase is Phase.OFF:
            self.power_kw = 0.08
        else:
            self.power_kw = p.standby_kw
        self._torque_nm = goal_nm
        self._rise_k += (goal_k - self._rise_k) * dt_s / 45.0

    def finish(self, around: Surroundings) -> Sequence[Made]:
        """Judge the part."""
        (part,) = self._end_cycle()
        r, p = self._recipe_of(), self._p
        self._coupling.use(1.0)
        load = self._torque() / r.rated_nm
        forget(part, [*(f"high_{name}" for name in p.characteristics), "overloaded"])
        if load > p.overload:
            part.defects.append("overloaded")
        test_s = between(self._set["test_time"], 1.0, 600.0)
        measured: dict[str, float] = {}
        passed = True
        for name, c in p.characteristics.items():
            true = self._true_value(part, name) * (1.3 if load > p.overload else 1.0)
            part.features[f"test_{name}"] = true
            limit = c.limit * r.limit_factor
            if true > limit:
                part.defects.append(f"high_{name}")
            value = self._measure(name, c, true, load, test_s)
            measured[name] = value
            passed = passed and value <= limit
        self._ripple_pct = measured.get("torque_ripple_pct", 0.0)
        return [
            Made(
                part,
                conforming=not part.defects,
                measurements=measured,
                trace={**measured, "torque_nm": quantize(self._torque(), 0.1)},
                detected=not passed,
                passed=passed,
            )
        ]

    def abort(self) -> Sequence[Part]:
        """A test that stops does no harm."""
        self._end_cycle()
        return []

    def readings(self) -> Mapping[str, Number]:
        """Sensors."""
        noise = self._random.normal
        torque = self._torque_nm * (1.0 + noise(0.0, 0.01 + 0.005 * self._ripple_pct))
        return {
            "torque": max(0.0, quantize(torque, 0.05)),
            "torque_ripple": max(0.0, quantize(self._ripple_pct + noise(0.0, 0.02), 0.01)),
            "temperature_rise": max(0.0, quantize(self._rise_k + noise(0.0, 0.1), 0.1)),
        }

    def stress(self) -> float:
        """Breakdowns come sooner at high torque."""
        return 0.6 + 0.4 * between(self._set["test_torque"] / 60.0, 0.2, 2.5) ** 2

    def maintain(self, kind: str) -> None:
        """Gauges are calibrated, the coupling is changed when it is worn."""
        for drift in self._biases.values():
            drift.calibrate()
        if self._coupling.share > 0.7:
            self._coupling.renew()

    def truth(self) -> Mapping[str, float]:
        """Hidden state."""
        biases = {f"{name}_bias": drift.value for name, drift in self._biases.items()}
        return {"coupling_wear": self._coupling.share, **biases}

    def _recipe_of(self) -> TestingRecipe:
        if self._recipe_now is None:
            raise RuntimeError("a cycle was run without a job")
        return self._recipe_now

    def _torque(self) -> float:
        return between(self._set["test_torque"], 0.0, self._p.max_torque_nm)

    def _duration_s(self) -> float:
        return self._recipe_of().idle_s + between(self._set["test_time"], 1.0, 600.0)

    def _true_value(self, part: Part, name: str) -> float:
        """Design value, plus what the part's deviations add.

        Drawn once per part and kept, so that a second test finds the same part.
        """
        features, characteristic = part.features, self._p.characteristics[name]
        added = sum(w * abs(features.get(key, 0.0)) for key, w in characteristic.weights.items())
        own = f"own_{name}"
        if own not in features:
            features[own] = self._random.normal(0.0, characteristic.spread)
        return max(0.0, characteristic.design + features[own] + added)

    def _measure(
        self, name: str, c: Characteristic, true: float, load: float, test_s: float
    ) -> float:
        worn = self._p.coupling_ripple * min(1.5, self._coupling.share) ** 3
        scatter = c.gauge * math.sqrt(20.0 / test_s) * (1.0 + worn)
        hidden = c.hidden_at_low_torque * max(0.0, 1.0 - load) / 0.5
        seen = true * (1.0 - min(0.9, hidden))
        value = seen + self._biases[name].value + self._random.normal(0.0, scatter)
        return max(0.0, quantize(value, c.step))
