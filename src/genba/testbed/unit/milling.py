"""Milling and boring: cutting force, tool life, surface and size.

Sources
-------
- Force, power, tool life, wear, roughness, chatter: :mod:`genba.testbed.unit.cutting`. Life falls
  with the work's hardness too; a worn flank raises the force (Altintas, *Manufacturing Automation*,
  2nd ed., ch. 2: edge forces).
- Spindle growth as a first-order lag on speed and load (ISO 230-3 test E).

Hidden: flank wear and the life of each single tool, thermal growth, runout of the spindle. Load and
vibration carry traces of the wear.
"""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from genba.testbed.randomness import Stream
from genba.testbed.unit.cutting import (
    chip_thickness_mm,
    cutting_power_kw,
    flank_wear_mm,
    ideal_roughness_um,
    specific_force_mpa,
    stable_depth_mm,
    taylor_life,
)
from genba.testbed.unit.cyclic import (
    CyclicProcess,
    between,
    forget,
    logistic,
    quantize,
    spoil,
)
from genba.testbed.unit.milling_parameters import MillingParameters, MillingRecipe
from genba.testbed.unit.process import (
    Job,
    Made,
    Maintenance,
    Number,
    Part,
    Phase,
    Setpoint,
    Surroundings,
)
from genba.testbed.unit.wear import Drift, Wear

_DEFECTS = ("oversize", "undersize", "rough", "tool_break")
_SERVICE = ("tool_change",)


class _Cut(NamedTuple):
    force_n: float
    power_kw: float
    life_min: float
    chatter: float
    """Depth over stable depth."""
    feed_tooth_mm: float


class Mill(CyclicProcess):
    """A machining center with one critical tool."""

    __slots__ = (
        "_break_due",
        "_broken",
        "_cut_now",
        "_growth_k",
        "_hall_c",
        "_hardness",
        "_in_cut",
        "_p",
        "_recipe_now",
        "_runout",
        "_tool",
        "_tool_min",
        "_vibration",
        "_zero_k",
    )

    def __init__(self, parameters: MillingParameters, stream: Stream) -> None:
        super().__init__(
            {
                "spindle_speed": Setpoint(3600.0, 0.0, parameters.max_rpm * 1.02),
                "feed_rate": Setpoint(900.0, 0.0, parameters.max_feed_mm_min),
                "tool_life_limit": Setpoint(30.0, 0.0, 240.0),
            },
            stream,
        )
        self._p = parameters
        self._recipe_now: MillingRecipe | None = None
        self._tool = Wear(1.0, parameters.life_shape, stream)
        self._tool_min = self._tool.used * 40.0
        self._runout = Drift(parameters.runout_sigma_um, 30.0, 0.02, stream)
        self._growth_k = 0.0
        self._zero_k = 0.0
        self._vibration = 0.0
        self._hardness = 1.0
        self._broken = False
        self._break_due = False
        self._in_cut = False
        self._hall_c = 21.0
        self._cut_now: _Cut | None = None

    def start_job(self, job: Job) -> None:
        """Set-up has ended: fixture, program, and the work's zero is probed."""
        super().start_job(job)
        self._recipe_now = self._recipe(job, MillingRecipe)
        self._zero_k = self._growth_k
        self._cut_now = None

    def recipe_setpoints(self, job: Job) -> Mapping[str, Number]:
        """The plant's fixed program."""
        r = self._recipe(job, MillingRecipe)
        return {
            "spindle_speed": r.spindle_rpm,
            "feed_rate": r.feed_mm_min,
            "tool_life_limit": r.tool_life_limit_min,
        }

    def write(self, name: str, value: Number) -> None:
        """Take a setpoint."""
        super().write(name, value)
        self._cut_now = None

    def begin(self, parts: Sequence[Part], around: Surroundings) -> None:
        """Clamp the next part."""
        hardness = parts[0].features.get("material_hardness_hb", 0.0)
        reference = self._recipe_of().hardness_reference_hb
        self._hardness = hardness / reference if hardness > 0 else 1.0
        self._cut_now = None
        self._broken = False
        self._begin_cycle(parts)

    def tick(self, dt_s: float, phase: Phase, around: Surroundings) -> None:
        """Let one second pass."""
        p = self._p
        self._hall_c = around.hall_c
        self._in_cut = False
        heat = 0.0
        if phase is Phase.RUN and self._cycle.running:
            cut = self._cut()
            r = self._recipe_of()
            idle_s = r.idle_s * p.idle_factor
            # The first half of the idle time lies before the cut, the second after it.
            elapsed = self._progress() * self._begun_s
            self._in_cut = 0.5 * idle_s <= elapsed < self._begun_s - 0.5 * idle_s
            turning = self._speed() / p.max_rpm
            power = p.base_kw + p.standby_kw + p.idle_spindle_kw * turning
            if self._in_cut:
                power += min(cut.power_kw, 1.6 * p.rated_kw) / p.drive_efficiency
                self._wear_out(dt_s / 60.0, cut, r)
            self.power_kw = power
            heat = p.spindle_heat_k * (turning + 0.5 * min(1.5, cut.power_kw / p.rated_kw))
            self._runout.pass_time(dt_s)
            self._advance(dt_s, phase)
        elif phase is Phase.OFF:
            self.power_kw = 0.15
        elif phase in (Phase.DOWN, Phase.MAINTENANCE):
            self.power_kw = 0.6 * p.standby_kw
        else:
            self.power_kw = p.standby_kw + (0.5 * p.base_kw if phase is Phase.SETUP else 0.0)
        self._growth_k += (heat - self._growth_k) * dt_s / p.spindle_tau_s

    def finish(self, around: Surroundings) -> Sequence[Made]:
        """Unclamp: what the cut left."""
        (part,) = self._end_cycle()
        r, cut = self._recipe_of(), self._cut()
        name = "mill" if self._job is None else self._job.operation
        again = f"{name}_error_um" in part.features
        error = self._size_error_um(cut, r, around.hall_c, again=again)
        rough = self._roughness_um(cut, r)
        forget(part, _DEFECTS)
        if self._broken:
            part.defects.append("tool_break")
        if rough > r.roughness_limit_um:
            part.defects.append("rough")
        if error > r.tolerance_um:
            part.defects.append("oversize")
        elif error < -r.tolerance_um:
            part.defects.append("undersize")
        part.features[f"{name}_error_um"] = error
        part.features[f"{name}_roughness_um"] = rough
        own = [defect for defect in part.defects if defect in _DEFECTS]
        return [
            Made(
                part,
                conforming=not own,
                reworkable=own == ["oversize"],
                measurements={
                    f"{name}_error_um": quantize(error + self._random.normal(0.0, 1.5), 0.5),
                    f"{name}_roughness_um": quantize(
                        rough * self._random.lognormal(1.0, 0.05), 0.01
                    ),
                },
                trace={"peak_load_pct": quantize(self._load_pct(cut), 0.5)},
                detected=self._broken,
            )
        ]

    def abort(self) -> Sequence[Part]:
        """A cut that stops leaves a mark one time in two."""
        spoiled = [part for part in self._parts if self._random.chance(0.5)]
        self._end_cycle()
        spoil(spoiled)
        return spoiled

    def readings(self) -> Mapping[str, Number]:
        """Sensors."""
        noise = self._random.normal
        running = self._cycle.running
        cut = self._cut() if running and self._in_cut else None
        load = 0.0 if cut is None else self._load_pct(cut)
        self._vibration = self._vibration_mm_s(cut, running)
        return {
            "spindle_speed_actual": (
                max(0.0, quantize(self._speed() + noise(0.0, 4.0), 1.0)) if running else 0.0
            ),
            "spindle_load": between(quantize(load * (1.0 + noise(0.0, 0.03)), 0.1), 0.0, 200.0),
            "vibration": max(0.0, quantize(self._vibration * (1 + noise(0.0, 0.06)), 0.01)),
            "spindle_temperature": quantize(self._hall_c + self._growth_k + noise(0.0, 0.2), 0.1),
        }

    def stress(self) -> float:
        """Breakdowns come sooner under load and vibration."""
        cut = self._cut_now
        if cut is None:
            return 1.0
        load = cut.power_kw / self._p.rated_kw
        return 0.7 + 0.6 * min(4.0, load**2) + 0.4 * max(0.0, min(3.0, cut.chatter) - 1.0)

    def maintenance_due(self) -> Maintenance | None:
        """A new tool, after the set life or a break."""
        p = self._p
        if self._break_due:
            return Maintenance("tool_change", p.break_change_s, p.tool_cost)
        if self._tool_min >= max(1.0, self._set["tool_life_limit"]):
            return Maintenance("tool_change", p.change_s, p.tool_cost)
        return None

    def maintain(self, kind: str) -> None:
        """A tool change renews the tool; service and repairs align the spindle."""
        if kind in _SERVICE or self._break_due:
            self._tool.renew()
            self._tool_min = 0.0
            self._break_due = False
            self._cut_now = None
        if kind not in _SERVICE:
            self._runout.calibrate()
        self._zero_k = self._growth_k

    def hazards(self) -> Sequence[str]:
        """A spindle far over its rating can throw the tool."""
        if not self._in_cut or self._cut_now is None:
            return ()
        return ("spindle overload",) if self._load_pct(self._cut_now) > 150.0 else ()

    def truth(self) -> Mapping[str, float]:
        """Hidden state."""
        return {
            "flank_wear_mm": self.flank_wear_mm,
            "tool_life_used": self._tool.share,
            "tool_cut_min": self._tool_min,
            "runout_um": self._runout.value,
            "growth_k": self._growth_k,
        }

    @property
    def flank_wear_mm(self) -> float:
        """Flank wear of the tool in the spindle; 0.3 mm at the end of its life."""
        share = self._tool.share
        return flank_wear_mm(share)

    def _recipe_of(self) -> MillingRecipe:
        if self._recipe_now is None:
            raise RuntimeError("a cycle was run without a job")
        return self._recipe_now

    def _speed(self) -> float:
        return between(self._set["spindle_speed"], 100.0, self._p.max_rpm)

    def _feed(self) -> float:
        return between(self._set["feed_rate"], 5.0, self._p.max_feed_mm_min)

    def _duration_s(self) -> float:
        r = self._recipe_of()
        return r.idle_s * self._p.idle_factor + 60.0 * r.path_mm / self._feed()

    def _cut(self) -> _Cut:
        """Force, power, life and stability now; kept until something changes."""
        if self._cut_now is None:
            self._cut_now = self._calculate()
        return self._cut_now

    def _calculate(self) -> _Cut:
        r, p = self._recipe_of(), self._p
        rpm = self._speed()
        speed = math.pi * r.tool_mm * rpm / 1000.0
        tooth = self._feed() / (r.teeth * rpm)
        chip = chip_thickness_mm(tooth, r.radial_mm, r.tool_mm)
        kc = specific_force_mpa(r.kc11_mpa, r.mc, chip) * self._hardness
        kc *= 1.0 + p.wear_force_per_mm * self.flank_wear_mm
        power = cutting_power_kw(r.axial_mm, r.radial_mm, self._feed(), kc)
        force = 60_000.0 * power / speed
        life = taylor_life(
            r.life_min,
            speed / r.speed_reference_m_min,
            max(0.2, tooth / r.feed_reference_mm),
            r.axial_mm / r.axial_reference_mm,
            (p.taylor_n, p.taylor_m, p.taylor_p),
        )
        life *= math.pow(self._hardness, -p.hardness_exponent)
        softness = max(0.1, r.kc11_mpa / 2100.0)
        stable = stable_depth_mm(p.stable_depth_mm, p.lobe_gain, p.natural_hz, r.teeth, rpm)
        stable /= softness
        return _Cut(force, power, max(0.05, life), r.axial_mm / stable, tooth)

    def _size_error_um(self, cut: _Cut, r: MillingRecipe, hall_c: float, *, again: bool) -> float:
        """What is left standing: tool and edge give way, the spindle grows into the work."""
        p = self._p
        return (
            0.001 * cut.force_n * p.deflection_um_per_kn * (0.3 if again else 1.0)
            + p.wear_size_um_per_mm * self.flank_wear_mm
            - p.growth_um_per_k * (self._growth_k - self._zero_k + 0.6 * (hall_c - 21.0))
            + 0.3 * self._runout.value
            + self._random.normal(0.0, p.size_noise_um * (1.0 + 2.0 * max(0.0, cut.chatter - 1.0)))
            - r.allowance_um
        )

    def _roughness_um(self, cut: _Cut, r: MillingRecipe) -> float:
        rough: float = (
            0.35
            + ideal_roughness_um(cut.feed_tooth_mm, r.corner_mm)
            + 2.0 * self.flank_wear_mm**1.5
            + 0.9 * max(0.0, cut.chatter - 0.85) ** 2
            + 0.02 * abs(self._runout.value)
        ) * self._random.lognormal(1.0, 0.08)
        return rough

    def _wear_out(self, dt_min: float, cut: _Cut, r: MillingRecipe) -> None:
        self._tool.use(dt_min / cut.life_min)
        self._tool_min += dt_min
        overfeed = cut.feed_tooth_mm / r.feed_reference_mm
        rate = self._p.break_per_min * min(
            1e3, math.exp(3.0 * (self.flank_wear_mm / 0.3)) * max(0.2, overfeed) ** 3
        )
        if not self._broken and self._random.chance(min(1.0, rate * dt_min)):
            self._broken = True
            self._break_due = True
        if self._tool_min % 0.5 < dt_min:
            self._cut_now = None  # wear has moved the force

    def _load_pct(self, cut: _Cut) -> float:
        # Below base speed the torque limits, above it the power.
        torque = 9549.0 * cut.power_kw / self._speed()
        share = max(cut.power_kw / self._p.rated_kw, torque / self._p.rated_torque_nm)
        return 100.0 * share

    def _vibration_mm_s(self, cut: _Cut | None, running: bool) -> float:
        if not running:
            return 0.05
        idle = 0.4 + 0.5 * self._speed() / self._p.max_rpm + 0.06 * abs(self._runout.value)
        if cut is None:
            return idle
        unstable = logistic((cut.chatter - 1.0) / 0.08)
        rough = 0.8 * self._load_pct(cut) / 50.0 * (1.0 + 2.5 * self.flank_wear_mm / 0.3)
        return min(50.0, idle + rough + unstable * 9.0 * max(0.3, cut.chatter))
