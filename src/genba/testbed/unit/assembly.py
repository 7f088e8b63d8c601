"""A robot cell: moves, press fit, screws.

Sources
-------
- Time of a move with a trapezoidal speed profile, ``d/v + v/a``, or ``2 sqrt(d/a)`` where top speed
  is not reached: any robotics text, e.g. Lynch & Park, *Modern Robotics*, ch. 9.
- Press fit after Lamé: pressure proportional to the interference, force ``pi d l mu p``: Shigley,
  *Mechanical Engineering Design*, ch. 3.14 and 3.16.
- Screw preload ``F = T/(K d)`` with the nut factor K about 0.2 and its scatter of 10 to 15%:
  Bickford, *Introduction to the Design and Behavior of Bolted Joints*, 4th ed., ch. 7; VDI 2230.
- Path error of a robot grows with speed (ISO 9283, path accuracy); here with its square.

Hidden: alignment offset of the fixture (drifts, and jumps when a part jams), wear of the gripper
fingers, friction of the single screw. Peak force and torque carry traces.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

from pydantic import Field

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
    spoil,
)
from genba.testbed.unit.process import Job, Made, Number, Part, Phase, Setpoint, Surroundings
from genba.testbed.unit.wear import Drift, Wear

_FIT_FROM = {
    "grind_error_um": 1.0,
    "mill_error_um": 0.12,
    "bore_error_um": -0.12,
    "mold_error_um": -0.04,
}
_DEFECTS = ("jam", "unseated", "brinelled", "loose_screw", "stripped_screw", "misaligned")


class AssemblyRecipe(Value):
    """What is joined, and the plant's fixed program."""

    moves: Annotated[int, Field(ge=1)]
    move_m: Positive
    join_s: NotNegative
    """Time for pressing and screwing, without moves."""
    fit_kn: Positive
    """Force that seats a part of nominal interference."""
    interference_um: Positive = 18.0
    brinell_kn: Positive
    """Force from which bearing races are dented."""
    screw_mm: Positive = 4.0
    preload_kn: Positive
    """Least preload that holds for life."""
    strip_nm: Positive
    """Torque from which threads strip, for the mean screw."""
    misalignment_limit_um: Positive = 60.0
    speed_m_s: Positive = 0.8
    press_kn: Positive
    torque_nm: Positive


class AssemblyParameters(Value):
    """One robot cell."""

    kind: Literal["assembly"] = "assembly"
    fit_from: dict[str, float] = Field(default=_FIT_FROM)
    """Features that add to (or take from) the interference, with their weights."""
    acceleration_m_s2: Positive = 3.5
    top_speed_m_s: Positive = 2.5
    path_um: NotNegative = 9.0
    """Path error at 1 m/s, with new fingers; grows with the square of speed."""
    repeat_um: NotNegative = 5.0
    alignment_sigma_um: NotNegative = 12.0
    alignment_um_per_h: float = 0.15
    jam_shift_um: NotNegative = 18.0
    finger_life_parts: Positive = 6000.0
    finger_um: NotNegative = 35.0
    """Extra scatter from worn fingers."""
    nut_factor: Positive = 0.20
    friction_sigma: NotNegative = 0.06
    base_kw: NotNegative = 0.55
    standby_kw: NotNegative = 0.22
    motion_kw: NotNegative = 0.9
    """At 1 m/s; grows with the square of speed."""
    joint_tau_s: Positive = 1800.0
    joint_heat_k: float = 24.0
    """Rise of the joints over the hall at 1 m/s."""
    axis_growth_um_k: float = 0.5


class RobotCell(CyclicProcess):
    """A robot with a press and a screwdriver."""

    __slots__ = (
        "_alignment",
        "_fingers",
        "_hall_c",
        "_joint_k",
        "_moving",
        "_p",
        "_press_kn",
        "_recipe_now",
        "_torque_nm",
    )

    def __init__(self, parameters: AssemblyParameters, stream: Stream) -> None:
        super().__init__(
            {
                "robot_speed": Setpoint(0.8, 0.0, parameters.top_speed_m_s),
                "press_force": Setpoint(10.0, 0.0, 32.0),
                "screw_torque": Setpoint(3.0, 0.0, 15.0),
            },
            stream,
        )
        self._p = parameters
        self._recipe_now: AssemblyRecipe | None = None
        self._alignment = Drift(
            parameters.alignment_sigma_um, 16.0, parameters.alignment_um_per_h, stream
        )
        self._fingers = Wear(parameters.finger_life_parts, 3.0, stream)
        self._joint_k = 0.0
        self._press_kn = 0.0
        self._torque_nm = 0.0
        self._moving = False
        self._hall_c = 21.0

    def start_job(self, job: Job) -> None:
        """Set-up has ended: gripper and fixture are in."""
        super().start_job(job)
        self._recipe_now = self._recipe(job, AssemblyRecipe)

    def recipe_setpoints(self, job: Job) -> Mapping[str, Number]:
        """The plant's fixed program."""
        r = self._recipe(job, AssemblyRecipe)
        return {
            "robot_speed": r.speed_m_s,
            "press_force": r.press_kn,
            "screw_torque": r.torque_nm,
        }

    def begin(self, parts: Sequence[Part], around: Surroundings) -> None:
        """Pick the first component."""
        self._begin_cycle(parts)

    def tick(self, dt_s: float, phase: Phase, around: Surroundings) -> None:
        """Let one second pass."""
        p = self._p
        self._hall_c = around.hall_c
        heat = 0.0
        self.motion_m_s = 0.0
        self._moving = phase is Phase.RUN and self._cycle.running
        if self._moving:
            speed = self._speed()
            self.motion_m_s = speed
            share = self._moving_share()
            self.power_kw = p.standby_kw + p.base_kw + p.motion_kw * speed**2 * share
            heat = p.joint_heat_k * speed**1.5 * share
            self._alignment.pass_time(dt_s)
            self._advance(dt_s, phase)
        elif phase is Phase.OFF:
            self.power_kw = 0.08
        elif phase in (Phase.DOWN, Phase.MAINTENANCE):
            self.power_kw = 0.5 * p.standby_kw
        else:
            self.power_kw = p.standby_kw + 0.3 * p.base_kw
        self._joint_k += (heat - self._joint_k) * dt_s / p.joint_tau_s

    def finish(self, around: Surroundings) -> Sequence[Made]:
        """Put the joined part down."""
        (part,) = self._end_cycle()
        r, p, normal = self._recipe_of(), self._p, self._random.normal
        self._fingers.use(1.0)
        misaligned_um = self._misalignment_um()
        name = "assemble" if self._job is None else self._job.operation
        forget(part, _DEFECTS)
        # A part far off its hole jams; the press stops on its force window, and the fixture shifts.
        jammed = self._random.chance(logistic((misaligned_um - 150.0) / 8.0))
        if jammed:
            part.defects.append("jam")
            self._alignment.shift(normal(0.0, p.jam_shift_um))
        gap_um = self._press(part, r, name, misaligned_um)
        stripped = self._screw(part, r, name)
        if misaligned_um > r.misalignment_limit_um and not jammed:
            part.defects.append("misaligned")
        part.features[f"{name}_misalignment_um"] = misaligned_um
        own = [defect for defect in part.defects if defect in _DEFECTS]
        seen_um = misaligned_um + normal(0.0, 3.0)
        return [
            Made(
                part,
                conforming=not own,
                reworkable=bool(own) and set(own) <= {"unseated", "loose_screw"},
                measurements={
                    f"{name}_gap_um": max(0.0, quantize(gap_um + normal(0.0, 1.0), 0.5)),
                    f"{name}_misalignment_um": max(0.0, quantize(seen_um, 1.0)),
                },
                trace={
                    "press_force_peak_kn": quantize(self._press_kn, 0.01),
                    "screw_torque_peak_nm": quantize(self._torque_nm, 0.01),
                },
                # The press and the driver watch their own windows; the rest they cannot feel.
                detected=jammed or stripped or gap_um > 25.0,
            )
        ]

    def _press(self, part: Part, r: AssemblyRecipe, name: str, misaligned_um: float) -> float:
        """Press the bearing in; returns the gap that is left, in micrometers."""
        p, features = self._p, part.features
        more_um = sum(w * features.get(key, 0.0) for key, w in p.fit_from.items())
        interference = max(2.0, r.interference_um + more_um)
        friction = self._random.lognormal(1.0, p.friction_sigma)
        needed_kn = r.fit_kn * interference / r.interference_um * friction
        needed_kn *= 1.0 + 0.003 * misaligned_um
        pressed_kn = between(self._set["press_force"], 0.0, 40.0)
        gap_um = max(0.0, 60.0 * (needed_kn / max(0.5, pressed_kn) - 1.0))
        if gap_um > 8.0:
            part.defects.append("unseated")
        dent = logistic((pressed_kn - r.brinell_kn) / (0.05 * r.brinell_kn))
        if self._random.chance(dent):
            part.defects.append("brinelled")
        features[f"{name}_fit_um"] = interference
        features[f"{name}_gap_um"] = gap_um
        features[f"{name}_dent"] = dent
        # A press that runs into its stop reads more than the part needed.
        peak_kn = 0.5 * (needed_kn + pressed_kn) if pressed_kn >= needed_kn else pressed_kn
        self._press_kn = peak_kn * (1.0 + self._random.normal(0.0, 0.01))
        return gap_um

    def _screw(self, part: Part, r: AssemblyRecipe, name: str) -> bool:
        """Drive the screws; returns whether a thread stripped."""
        p = self._p
        torque_nm = between(self._set["screw_torque"], 0.0, 20.0)
        nut_factor = p.nut_factor * self._random.lognormal(1.0, 1.5 * p.friction_sigma)
        stripped = self._random.chance(logistic((torque_nm - r.strip_nm) / (0.05 * r.strip_nm)))
        preload_kn = 0.0 if stripped else torque_nm / (nut_factor * r.screw_mm)
        if stripped:
            part.defects.append("stripped_screw")
        elif preload_kn < r.preload_kn:
            part.defects.append("loose_screw")
        part.features[f"{name}_preload_lack"] = max(0.0, 1.0 - preload_kn / r.preload_kn)
        scatter = self._random.normal(0.0, 0.015)
        self._torque_nm = torque_nm * (0.55 if stripped else 1.0 + scatter)
        return stripped

    def abort(self) -> Sequence[Part]:
        """A stop in the middle spoils one part in ten."""
        spoiled = [part for part in self._parts if self._random.chance(0.1)]
        self._end_cycle()
        spoil(spoiled)
        return spoiled

    def readings(self) -> Mapping[str, Number]:
        """Sensors."""
        noise = self._random.normal
        # The controller shows the tool's speed in the moment: now fast, now at rest in a join.
        now = self.motion_m_s if self._random.chance(self._moving_share()) else 0.0
        return {
            "robot_speed_actual": max(0.0, quantize(now * (1.0 + noise(0.0, 0.02)), 0.001)),
            "press_force_peak": max(0.0, quantize(self._press_kn + noise(0.0, 0.03), 0.01)),
            "screw_torque_peak": max(0.0, quantize(self._torque_nm + noise(0.0, 0.02), 0.01)),
            "joint_temperature": quantize(self._hall_c + self._joint_k + noise(0.0, 0.3), 0.1),
        }

    def stress(self) -> float:
        """Gears and belts of the robot fail sooner at high speed (life about with its cube)."""
        return 0.5 + 0.5 * between(self._set["robot_speed"] / 0.9, 0.1, 2.6) ** 3

    def maintain(self, kind: str) -> None:
        """The fixture is aligned, worn fingers are changed."""
        self._alignment.calibrate()
        if kind != "repair" or self._fingers.share > 0.9:
            self._fingers.renew()

    def truth(self) -> Mapping[str, float]:
        """Hidden state."""
        return {
            "alignment_um": self._alignment.value,
            "finger_wear": self._fingers.share,
            "joint_k": self._joint_k,
        }

    def _recipe_of(self) -> AssemblyRecipe:
        if self._recipe_now is None:
            raise RuntimeError("a cycle was run without a job")
        return self._recipe_now

    def _speed(self) -> float:
        return between(self._set["robot_speed"], 0.02, self._p.top_speed_m_s)

    def _moves_s(self) -> float:
        r, a, v = self._recipe_of(), self._p.acceleration_m_s2, self._speed()
        if r.move_m > v * v / a:
            return r.moves * (r.move_m / v + v / a)
        return r.moves * 2.0 * math.sqrt(r.move_m / a)

    def _moving_share(self) -> float:
        if not self._moving:
            return 0.0
        return self._moves_s() / max(1.0, self._duration_s())

    def _duration_s(self) -> float:
        return self._recipe_of().join_s + self._moves_s()

    def _misalignment_um(self) -> float:
        p = self._p
        worn = min(1.5, self._fingers.share)
        scatter = p.repeat_um + p.finger_um * worn**3 + p.path_um * self._speed() ** 2
        across = self._alignment.value + p.axis_growth_um_k * self._joint_k
        x = across + self._random.normal(0.0, scatter)
        y = self._random.normal(0.0, scatter)
        return math.hypot(x, y)
