"""Cylindrical plunge grinding: energy, wheel wear, burn, size and surface.

Sources
-------
- Power as chip energy plus rubbing of the wear flats, ``P = u_ch Q + mu p A vs``; chip energy of
  steels about 13.8 J/mm³; flats grow with the volume ground since dressing: Malkin & Guo,
  *Grinding Technology*, 2nd ed., ch. 5.
- Peak temperature of the grinding zone,
  ``theta = 1.13 (k rho c)^-1/2 e'' sqrt(l/vw)`` with contact length ``l = sqrt(a de)`` and heat
  flux ``e'' = eps P/(b l)``; temper burn about 450 to 650 °C over ambient: Malkin & Guo, ch. 6
  (Jaeger's moving source).
- Compliance: the real infeed lags by ``tau``, and in spark-out what is left decays as
  ``exp(-t/tau)``: Malkin & Guo, ch. 12.
- Roughness ``Ra = R1 Q'w^x`` and its fall in spark-out: Malkin & Guo, ch. 10.

Hidden: sharpness of the wheel, imbalance, thermal offset. Power and vibration carry traces of them.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

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
from genba.testbed.unit.wear import Drift

_STOCK_FROM = {"harden_distortion_um": 1.0, "mill_error_um": 0.35}
_DEFECTS = ("burn_mark", "seat_oversize", "seat_undersize", "seat_rough", "thin_case")


class GrindingRecipe(Value):
    """A ground seat, and the plant's fixed cycle."""

    diameter_mm: Positive
    width_mm: Positive
    stock_um: Positive = 90.0
    """To be taken off the radius."""
    idle_s: NotNegative
    tolerance_um: Positive = 5.0
    roughness_limit_um: Positive = 0.40
    case_minimum_mm: NotNegative = 0.0
    """Case that must be left after grinding; 0: not asked for."""
    wheel_m_s: Positive = 35.0
    infeed_um_s: Positive = 8.0
    spark_out_s: NotNegative = 6.0
    dress_interval: Positive = 20.0


class GrindingParameters(Value):
    """One grinder."""

    kind: Literal["grinding"] = "grinding"
    stock_from: dict[str, float] = Field(default=_STOCK_FROM)
    """Features of the part that add stock (or take some away), with their weights."""
    case_feature: str = "harden_case_mm"
    hardness_feature: str = "harden_hardness_hrc"
    wheel_new_mm: Positive = 400.0
    wheel_old_mm: Positive = 340.0
    work_m_s: Positive = 0.35
    chip_energy_j_mm3: float = 13.8
    flat_kw: NotNegative = 0.40
    """Rubbing power of a freshly dressed wheel at 35 m/s, per 15 mm of width."""
    flat_growth_per_mm3: float = 0.008
    """Relative growth of the flats per mm³ and mm of width since dressing."""
    partition: float = 0.60
    """Share of the heat that goes into the work."""
    effusivity: Positive = 11_500.0
    """sqrt(k rho c) of hardened steel, W s^0.5 / (m² K)."""
    burn_k: Positive = 560.0
    compliance_tau_s: Positive = 1.1
    """Time constant of wheel, work and machine with a sharp wheel."""
    roughness_um: NotNegative = 0.36
    """Ra at Q'w = 1 mm²/s, without spark-out."""
    roughness_exponent: float = 0.30
    size_noise_um: NotNegative = 0.9
    offset_sigma_um: NotNegative = 0.8
    thermal_um_k: float = 0.35
    dress_s: NotNegative = 110.0
    dress_um: NotNegative = 25.0
    dress_cost: NotNegative = 2.0
    wheel_change_s: NotNegative = 1800.0
    wheel_cost: NotNegative = 240.0
    base_kw: NotNegative = 2.1
    spindle_kw: NotNegative = 0.8
    standby_kw: NotNegative = 0.4
    imbalance_mm_s: NotNegative = 0.5
    drive_efficiency: Positive = 0.80


class _Grind(NamedTuple):
    power_kw: float
    """In the grinding zone."""
    zone_k: float
    """Peak rise of the temperature."""
    tau_s: float
    removal_mm2_s: float
    """Specific removal rate Q'w."""


class Grinder(CyclicProcess):
    """A plunge grinder with a conventional wheel."""

    __slots__ = (
        "_coolant_c",
        "_dress_asked",
        "_flats",
        "_hall_c",
        "_hardness",
        "_imbalance",
        "_now",
        "_offset",
        "_p",
        "_plunging",
        "_recipe_now",
        "_since_dress",
        "_stock_um",
        "_volume",
        "_wheel_mm",
    )

    def __init__(self, parameters: GrindingParameters, stream: Stream) -> None:
        super().__init__(
            {
                "wheel_speed": Setpoint(35.0, 0.0, 55.0),
                "infeed_rate": Setpoint(8.0, 0.0, 60.0),
                "spark_out": Setpoint(6.0, 0.0, 60.0),
                "dress_interval": Setpoint(20, 0.0, 200.0),
            },
            stream,
        )
        self._p = parameters
        self._recipe_now: GrindingRecipe | None = None
        self._offset = Drift(parameters.offset_sigma_um, 12.0, 0.0, stream)
        self._imbalance = Drift(0.3, 30.0, 0.01, stream)
        self._wheel_mm = stream.uniform(
            0.7 * parameters.wheel_old_mm + 0.3 * parameters.wheel_new_mm, parameters.wheel_new_mm
        )
        self._since_dress = stream.integer(0, 8)
        self._volume = 25.0 * self._since_dress
        self._flats = 1.0
        self._dress_asked = False
        self._stock_um = 90.0
        self._hardness = 1.0
        self._plunging = False
        self._coolant_c = 21.0
        self._hall_c = 21.0
        self._now = _Grind(0.0, 0.0, 1.0, 0.0)

    def start_job(self, job: Job) -> None:
        """Set-up has ended; the first part is dressed for."""
        super().start_job(job)
        self._recipe_now = self._recipe(job, GrindingRecipe)
        self._dress_asked = True

    def recipe_setpoints(self, job: Job) -> Mapping[str, Number]:
        """The plant's fixed cycle."""
        r = self._recipe(job, GrindingRecipe)
        return {
            "wheel_speed": r.wheel_m_s,
            "infeed_rate": r.infeed_um_s,
            "spark_out": r.spark_out_s,
            "dress_interval": int(r.dress_interval),
        }

    def begin(self, parts: Sequence[Part], around: Surroundings) -> None:
        """Chuck the next part; its stock is what earlier operations left on it."""
        r = self._recipe_of()
        features = parts[0].features
        more = sum(w * features.get(name, 0.0) for name, w in self._p.stock_from.items())
        again = f"{self._name()}_error_um" in features
        self._stock_um = 8.0 if again else max(10.0, r.stock_um + more)
        hardness = features.get(self._p.hardness_feature, 60.0)
        self._hardness = max(0.5, hardness / 60.0)
        self._begin_cycle(parts)

    def tick(self, dt_s: float, phase: Phase, around: Surroundings) -> None:
        """Let one second pass."""
        p = self._p
        self._hall_c = around.hall_c
        self._offset.pass_time(dt_s)
        grinding_kw = 0.0
        self._plunging = False
        if phase is Phase.RUN and self._cycle.running:
            r = self._recipe_of()
            self._now = self._grind(r)
            elapsed = self._progress() * self._begun_s
            spark_s = self._spark_s()
            self._plunging = 0.5 * r.idle_s <= elapsed < self._begun_s - 0.5 * r.idle_s - spark_s
            if self._plunging:
                grinding_kw = self._now.power_kw
                removed = 1000.0 * self._now.removal_mm2_s * dt_s / 1000.0
                self._volume += removed
                self._flats = 1.0 + p.flat_growth_per_mm3 * self._volume * self._hardness**2
            turning = (self._wheel_speed() / 35.0) ** 2
            self.power_kw = (
                p.base_kw
                + p.standby_kw
                + p.spindle_kw * turning
                + min(grinding_kw, 20.0) / p.drive_efficiency
            )
            self._imbalance.pass_time(dt_s)
            self._advance(dt_s, phase)
        elif phase is Phase.OFF:
            self.power_kw = 0.12
        else:
            self.power_kw = p.standby_kw + (0.5 * p.base_kw if phase is Phase.SETUP else 0.0)
        goal = around.hall_c + 1.1 * (self.power_kw - p.standby_kw)
        self._coolant_c += (goal - self._coolant_c) * dt_s / 1800.0

    def finish(self, around: Surroundings) -> Sequence[Made]:
        """Unchuck: what the wheel left."""
        (part,) = self._end_cycle()
        r, p = self._recipe_of(), self._p
        grind = self._grind(r)
        name = self._name()
        self._since_dress += 1
        infeed = self._infeed()
        plunge_s = self._stock_um / infeed
        lag_um = infeed * grind.tau_s * (1.0 - math.exp(-plunge_s / grind.tau_s))
        left_um = lag_um * math.exp(-self._spark_s() / grind.tau_s)
        # The cycle's end position was set for the fixed recipe with a half-worn wheel.
        taught_um = 0.35
        imbalance = abs(self._imbalance.value)
        error = (
            2.0 * (left_um - taught_um)
            + self._offset.value
            + p.thermal_um_k * (self._coolant_c - 25.0)
            + self._random.normal(0.0, p.size_noise_um * (1.0 + 0.5 * imbalance))
        )
        plunged = p.roughness_um * max(0.02, grind.removal_mm2_s) ** p.roughness_exponent
        smooth = 0.45 + 0.55 * math.exp(-self._spark_s() / (2.5 * grind.tau_s))
        rough = plunged * smooth * (1.0 + 0.10 * (self._flats - 1.0) + 0.25 * imbalance)
        rough *= (35.0 / self._wheel_speed()) ** 0.4 * self._random.lognormal(1.0, 0.05)
        burn = logistic((grind.zone_k * self._random.lognormal(1.0, 0.04) - p.burn_k) / 14.0)
        forget(part, _DEFECTS)
        if self._random.chance(burn):
            part.defects.append("burn_mark")
        if error > r.tolerance_um:
            part.defects.append("seat_oversize")
        elif error < -r.tolerance_um:
            part.defects.append("seat_undersize")
        if rough > r.roughness_limit_um:
            part.defects.append("seat_rough")
        case = part.features.get(p.case_feature)
        if case is not None and case - 0.001 * self._stock_um < r.case_minimum_mm:
            part.defects.append("thin_case")
        part.features[f"{name}_error_um"] = error
        part.features[f"{name}_roughness_um"] = rough
        part.features[f"{name}_zone_k"] = grind.zone_k
        own = [defect for defect in part.defects if defect in _DEFECTS]
        mendable = bool(own) and set(own) <= {"seat_oversize", "seat_rough"}
        return [
            Made(
                part,
                conforming=not own,
                reworkable=mendable,
                measurements={
                    f"{name}_error_um": quantize(error + self._random.normal(0.0, 0.4), 0.1),
                    f"{name}_roughness_um": quantize(
                        rough * self._random.lognormal(1.0, 0.04), 0.01
                    ),
                },
                trace={"peak_power_kw": quantize(grind.power_kw, 0.01)},
            )
        ]

    def abort(self) -> Sequence[Part]:
        """A plunge that stops leaves a step one time in three."""
        spoiled = [part for part in self._parts if self._random.chance(0.33)]
        self._end_cycle()
        spoil(spoiled)
        return spoiled

    def readings(self) -> Mapping[str, Number]:
        """Sensors."""
        noise = self._random.normal
        power = self._now.power_kw if self._plunging else 0.0
        running = self._cycle.running
        shake = 0.06
        if running:
            # Imbalance force grows with the square of speed; a dull wheel chatters.
            turning = (self._wheel_speed() / 35.0) ** 2
            shake = self._p.imbalance_mm_s * (1.0 + 2.0 * abs(self._imbalance.value)) * turning
            shake += 0.35 * max(0.0, self._flats - 1.0)
        return {
            "grinding_power": max(0.0, quantize(power * (1.0 + noise(0.0, 0.03)), 0.01)),
            "vibration": max(0.0, quantize(shake * (1.0 + noise(0.0, 0.08)), 0.01)),
            "wheel_diameter": quantize(self._wheel_mm + noise(0.0, 0.02), 0.01),
            "coolant_temperature": quantize(self._coolant_c + noise(0.0, 0.15), 0.1),
        }

    def stress(self) -> float:
        """Breakdowns come sooner at high wheel speed and with imbalance."""
        speed = between(self._set["wheel_speed"] / 35.0, 0.3, 1.8)
        return 0.6 + 0.4 * speed**2 + 0.3 * min(3.0, abs(self._imbalance.value))

    def maintenance_due(self) -> Maintenance | None:
        """Dress after so many parts; a new wheel when it is used up."""
        p = self._p
        if self._wheel_mm <= p.wheel_old_mm:
            return Maintenance("wheel_change", p.wheel_change_s, p.wheel_cost)
        if self._dress_asked or self._since_dress >= max(1.0, self._set["dress_interval"]):
            return Maintenance("dress", p.dress_s, p.dress_cost)
        return None

    def maintain(self, kind: str) -> None:
        """Dressing sharpens; a new wheel is balanced; service calibrates."""
        if kind == "dress":
            self._wheel_mm -= 0.002 * self._p.dress_um
        else:
            self._offset.calibrate()
            self._imbalance.calibrate()
            if kind == "wheel_change":
                self._wheel_mm = self._p.wheel_new_mm
        self._since_dress = 0
        self._volume = 0.0
        self._flats = 1.0
        self._dress_asked = False

    def hazards(self) -> Sequence[str]:
        """A wheel above its permitted peripheral speed can burst (EN 12413: 50 m/s)."""
        too_fast = self._cycle.running and self._set["wheel_speed"] > 50.0
        return ("wheel over its permitted speed",) if too_fast else ()

    def truth(self) -> Mapping[str, float]:
        """Hidden state."""
        return {
            "wear_flats": self._flats,
            "imbalance": self._imbalance.value,
            "offset_um": self._offset.value,
            "zone_k": self._now.zone_k,
            "wheel_mm": self._wheel_mm,
        }

    def _recipe_of(self) -> GrindingRecipe:
        if self._recipe_now is None:
            raise RuntimeError("a cycle was run without a job")
        return self._recipe_now

    def _name(self) -> str:
        return "grind" if self._job is None else self._job.operation

    def _infeed(self) -> float:
        return between(self._set["infeed_rate"], 0.3, 60.0)

    def _spark_s(self) -> float:
        return between(self._set["spark_out"], 0.0, 120.0)

    def _wheel_speed(self) -> float:
        return between(self._set["wheel_speed"], 5.0, 60.0)

    def _duration_s(self) -> float:
        return self._recipe_of().idle_s + self._stock_um / self._infeed() + self._spark_s()

    def _grind(self, r: GrindingRecipe) -> _Grind:
        p = self._p
        infeed_mm_s = 0.001 * self._infeed()
        removal = math.pi * r.diameter_mm * infeed_mm_s
        speed = self._wheel_speed()
        chip_kw = 0.001 * p.chip_energy_j_mm3 * removal * r.width_mm * self._hardness
        # Faster grits take thinner chips and rub more per volume.
        rub_kw = p.flat_kw * r.width_mm / 15.0 * self._flats * speed / 35.0 * self._hardness**2
        power_kw = chip_kw + rub_kw
        depth_mm = removal / (1000.0 * p.work_m_s)
        diameter = self._wheel_mm * r.diameter_mm / (self._wheel_mm + r.diameter_mm)
        contact_m = 0.001 * math.sqrt(depth_mm * diameter)
        flux = p.partition * 1000.0 * power_kw / (0.001 * r.width_mm * contact_m)
        zone_k = 1.13 / p.effusivity * flux * math.sqrt(contact_m / p.work_m_s)
        tau = p.compliance_tau_s * (0.8 + 0.2 * self._flats) * self._hardness
        return _Grind(power_kw, zone_k, tau, removal)
