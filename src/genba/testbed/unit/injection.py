"""Injection molding: how melt, mold, pressure and time become a part's size and faults.

Sources
-------
- Shrinkage from the two-domain Tait equation: :mod:`genba.testbed.unit.tait`.
- Viscosity after a power law with an Arrhenius shift, and the narrowing of the gap by the frozen
  layer (thickness of the order of ``sqrt(alpha t)``): Osswald & Turng, *Injection Molding
  Handbook*, 2nd ed., ch. 3 to 6; Tadmor & Gogos, *Principles of Polymer Processing*, 2nd ed.,
  ch. 13.
- Cooling of a plate, mean temperature ``Tw + (Tm - Tw) 8/pi² exp(-pi² a t / h²)``, the first term
  of the Fourier series (Ballman & Shusman 1959); solved for the time it is the usual cooling-time
  formula ``h²/(pi² a) ln(8/pi² (Tm - Tw)/(Te - Tw))``.
- Energy: enthalpy of the melt, injection work ``p V``, heat losses of barrel and mold, base load
  (Thiriez & Gutowski, *An environmental analysis of injection molding*, IEEE ISEE 2006).

Hidden: thermocouple offset, wear of the check ring (leaks pressure while holding), fouling of the
cooling channels, the material lot's melt flow and moisture. None of them is a signal; the cavity
pressure and the cushion carry traces of the ring and the melt flow.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

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
from genba.testbed.unit.tait import Tait, specific_volume, volumetric_shrinkage
from genba.testbed.unit.wear import Drift, Wear

_GAS = 8.314e-3  # kJ/(mol K)
_DEFECTS = ("short_shot", "flash", "sink", "splay", "burn", "weld_line", "warp", "dimension")


class InjectionRecipe(Value):
    """A molded part, its mold, and the fixed recipe of the plant."""

    wall_mm: Positive
    shot_g: Positive
    projected_cm2: Positive
    flash_bar: Positive = 460.0
    """Cavity pressure from which the parting line of this mold opens locally."""
    length_mm: Positive
    """Controlled dimension."""
    tolerance_um: Positive
    cut_shrinkage_pct: Positive
    """Linear shrinkage that the mold was cut for."""
    flow_bar: Positive
    """Pressure to fill the mold at reference viscosity and speed with an unfrozen gap."""
    hold_s: NotNegative
    dry_s: Positive
    """Mold open, eject, close."""
    melt_c: float
    mold_c: float
    hold_bar: Positive
    speed_mm_s: Positive
    cooling_s: Positive


class InjectionParameters(Value):
    """One injection press."""

    kind: Literal["injection"] = "injection"
    tait: Tait = Tait()
    screw_mm: Positive = 35.0
    clamp_kn: Positive = 1800.0
    pressure_limit_bar: Positive = 1400.0
    diffusivity_mm2_s: Positive = 0.09
    melt_reference_c: float = 255.0
    speed_reference_mm_s: Positive = 60.0
    mfi_reference_g_10min: Positive = 18.0
    activation_kj_mol: float = 75.0
    power_law_n: Positive = 0.35
    hold_loss_share: NotNegative = 0.40
    """Share of the (viscosity-scaled) filling pressure that is lost on the way while holding."""
    seal_share: NotNegative = 0.30
    """Where the mean temperature stands between mold and melt when the gate freezes."""
    barrel_tau_s: Positive = 240.0
    mold_tau_s: Positive = 700.0
    release_k: Positive = 8.0
    """The controller waits while barrel or mold is colder than its setpoint by more than this."""
    mold_heating_k_kw: NotNegative = 4.0
    """Mold above its setpoint per kW of melt heat that it takes up."""
    mold_hall_k_k: float = 0.25
    """Mold above its setpoint per kelvin of hall above 21 °C (cooling water follows the hall)."""
    ring_life_shots: Positive = 9000.0
    ring_leak: float = 0.10
    """Share of the holding pressure that a ring leaks at the end of its life."""
    offset_sigma_k: NotNegative = 2.0
    fouling_k_per_h: float = 0.03
    size_noise_um: NotNegative = 9.0
    base_kw: NotNegative = 3.2
    standby_kw: NotNegative = 0.9
    clamp_kj: NotNegative = 24.0
    drive_efficiency: Positive = 0.60
    barrel_loss_kw_k: Positive = 0.0075
    mold_loss_kw_k: Positive = 0.018


class _Shot(NamedTuple):
    """What one shot gave."""

    size_um: float
    warp_um: float
    weight_g: float
    risks: tuple[tuple[str, float], ...]


class InjectionPress(CyclicProcess):
    """An injection press with one mold; one part per shot."""

    __slots__ = (
        "_barrel_c",
        "_cavity_bar",
        "_cushion_mm",
        "_fill_s",
        "_fouling",
        "_hall_c",
        "_melt_kw",
        "_mold_c",
        "_offset",
        "_p",
        "_recipe_now",
        "_ring",
    )

    def __init__(self, parameters: InjectionParameters, stream: Stream) -> None:
        super().__init__(
            {
                "melt_temperature": Setpoint(parameters.melt_reference_c, 0.0, 325.0),
                "mold_temperature": Setpoint(70.0, 0.0, 125.0),
                "hold_pressure": Setpoint(550.0, 0.0, 1250.0),
                "injection_speed": Setpoint(parameters.speed_reference_mm_s, 0.0, 210.0),
                "cooling_time": Setpoint(15.0, 2.0, 120.0),
            },
            stream,
        )
        self._p = parameters
        self._recipe_now: InjectionRecipe | None = None
        self._offset = Drift(parameters.offset_sigma_k, 60.0, 0.0, stream)
        self._fouling = Drift(0.4, 40.0, parameters.fouling_k_per_h, stream)
        self._ring = Wear(parameters.ring_life_shots, 3.0, stream)
        self._barrel_c = parameters.melt_reference_c
        self._mold_c = 70.0
        self._cavity_bar = 0.0
        self._cushion_mm = 6.0
        self._fill_s = 0.5
        self._melt_kw = 0.0
        self._hall_c = 21.0

    def start_job(self, job: Job) -> None:
        """Set-up has ended: the mold is in."""
        super().start_job(job)
        self._recipe_now = self._recipe(job, InjectionRecipe)

    def recipe_setpoints(self, job: Job) -> Mapping[str, Number]:
        """The plant's fixed recipe."""
        r = self._recipe(job, InjectionRecipe)
        return {
            "melt_temperature": r.melt_c,
            "mold_temperature": r.mold_c,
            "hold_pressure": r.hold_bar,
            "injection_speed": r.speed_mm_s,
            "cooling_time": r.cooling_s,
        }

    def begin(self, parts: Sequence[Part], around: Surroundings) -> None:
        """Close the mold."""
        self._begin_cycle(parts)

    def tick(self, dt_s: float, phase: Phase, around: Surroundings) -> None:
        """Let one second pass."""
        if self._warm:
            self._advance(dt_s, phase)
        self._offset.pass_time(dt_s)
        self._hall_c = hall_c = around.hall_c
        p = self._p
        heated = phase is not Phase.OFF
        melt_goal = between(self._set["melt_temperature"], hall_c, 350.0) if heated else hall_c
        mold_goal = between(self._set["mold_temperature"], 10.0, 150.0) if heated else hall_c
        if heated:
            mold_goal += (
                p.mold_heating_k_kw * self._melt_kw
                + p.mold_hall_k_k * (hall_c - 21.0)
                + self._fouling.value
            )
        barrel_tau = p.barrel_tau_s if heated else 12.0 * p.barrel_tau_s
        self._barrel_c += (melt_goal - self._barrel_c) * dt_s / barrel_tau
        self._mold_c += (mold_goal - self._mold_c) * dt_s / p.mold_tau_s
        drive_kw = 0.0
        if phase is Phase.RUN and self._warm:
            self._fouling.pass_time(dt_s)
            drive_kw = self._drive_kw()
        else:
            self._melt_kw = 0.0
        if not heated:
            self.power_kw = 0.3
            return
        # Heaters hold losses and make up (bounded by their rating) what the barrel is short of.
        lag_kw = between(0.08 * (melt_goal - self._barrel_c), -2.0, 8.0)
        heater_kw = p.barrel_loss_kw_k * (self._barrel_c - hall_c) + lag_kw
        mold_kw = p.mold_loss_kw_k * (self._mold_c - hall_c) - 0.5 * self._melt_kw
        self.power_kw = max(0.0, heater_kw) + max(0.1, mold_kw) + drive_kw + p.standby_kw

    def finish(self, around: Surroundings) -> Sequence[Made]:
        """Open the mold: what the shot became."""
        (part,) = self._end_cycle()
        r = self._recipe_of()
        self._ring.use(1.0)
        shot = self._shoot(r, part)
        forget(part, _DEFECTS)
        for name, risk in shot.risks:
            if self._random.chance(risk):
                part.defects.append(name)
        if abs(shot.size_um) > r.tolerance_um:
            part.defects.append("dimension")
        name = "mold" if self._job is None else self._job.operation
        part.features[f"{name}_error_um"] = shot.size_um
        part.features[f"{name}_warp_um"] = shot.warp_um
        part.features[f"{name}_weight_g"] = shot.weight_g
        own = any(defect in _DEFECTS for defect in part.defects)
        measured = quantize(shot.size_um + self._random.normal(0.0, 3.0), 1.0)
        return [
            Made(
                part,
                conforming=not own,
                measurements={f"{name}_error_um": measured},
                trace={
                    "peak_pressure_bar": quantize(self._cavity_bar, 1.0),
                    "weight_g": quantize(shot.weight_g + self._random.normal(0.0, 0.01), 0.01),
                },
            )
        ]

    def abort(self) -> Sequence[Part]:
        """A shot that is stopped in the mold is lost."""
        spoiled = self._parts
        self._end_cycle()
        spoil(spoiled)
        return spoiled

    def readings(self) -> Mapping[str, Number]:
        """Sensors."""
        noise = self._random.normal
        return {
            "melt_temperature_actual": quantize(self._barrel_c + noise(0.0, 0.4), 0.1),
            "mold_temperature_actual": quantize(self._mold_c + noise(0.0, 0.3), 0.1),
            "cavity_pressure": max(0.0, quantize(self._cavity_bar + noise(0.0, 2.0), 0.5)),
            "cushion": max(0.0, quantize(self._cushion_mm + noise(0.0, 0.05), 0.01)),
        }

    def stress(self) -> float:
        """Breakdowns come sooner at high pressure and with a worn ring."""
        pressure = between(self._set["hold_pressure"] / 700.0, 0.3, 2.5)
        return (0.5 + 0.5 * pressure**2) * (1.0 + 0.5 * max(0.0, self._ring.share - 0.8))

    def maintain(self, kind: str) -> None:
        """Service cleans and calibrates, and renews the ring when it is near its end."""
        self._offset.calibrate()
        if kind != "repair":
            self._fouling.calibrate()
        if self._ring.share > 0.7:
            self._ring.renew()

    def truth(self) -> Mapping[str, float]:
        """Hidden state."""
        return {
            "ring_wear": self._ring.share,
            "melt_offset_k": self._offset.value,
            "mold_fouling_k": self._fouling.value,
        }

    @property
    def _warm(self) -> bool:
        """Whether the controller lets shots go on: barrel and mold near their setpoints."""
        p = self._p
        return (
            self._barrel_c > self._set["melt_temperature"] - p.release_k
            and self._mold_c > self._set["mold_temperature"] - p.release_k
        )

    def _recipe_of(self) -> InjectionRecipe:
        if self._recipe_now is None:
            raise RuntimeError("a cycle was run without a job")
        return self._recipe_now

    def _speed(self) -> float:
        return between(self._set["injection_speed"], 5.0, 220.0)

    def _duration_s(self) -> float:
        r = self._recipe_of()
        volume = r.shot_g * specific_volume(self._p.tait, self._p.melt_reference_c, 30.0)
        area_mm2 = 0.25 * math.pi * self._p.screw_mm**2
        self._fill_s = 1000.0 * volume / area_mm2 / self._speed()
        cooling_s = between(self._set["cooling_time"], 1.0, 600.0)
        return r.dry_s + self._fill_s + r.hold_s + cooling_s

    def _drive_kw(self) -> float:
        """Mean electric power of the drives over the cycle's stages."""
        r, p = self._recipe_of(), self._p
        duration = self._begun_s
        elapsed = self._progress() * duration
        melt_kj = r.shot_g * 2.1e-3 * max(0.0, self._barrel_c - self._hall_c)
        self._melt_kw = melt_kj / duration
        pushing = self._fill_s + r.hold_s
        if elapsed < pushing:
            work_kj = 1e-4 * (r.flow_bar + self._set["hold_pressure"]) * r.shot_g
            return p.base_kw + max(0.0, work_kj) / p.drive_efficiency / pushing
        if elapsed < duration - r.dry_s:  # plasticizing: 60% of the melt's heat comes from shear
            cooling = max(1.0, duration - r.dry_s - pushing)
            return p.base_kw + 0.6 * melt_kj / p.drive_efficiency / cooling
        return p.base_kw + p.clamp_kj / p.drive_efficiency / r.dry_s

    def _shoot(self, r: InjectionRecipe, part: Part) -> _Shot:
        p = self._p
        melt_c = self._barrel_c + self._offset.value + 0.05 * (self._speed() - 60.0)
        mfi = part.features.get("material_mfi_g_10min", p.mfi_reference_g_10min)
        inverse = 1.0 / (melt_c + 273.15) - 1.0 / (p.melt_reference_c + 273.15)
        viscosity = p.mfi_reference_g_10min / mfi * math.exp(p.activation_kj_mol / _GAS * inverse)
        frozen = min(0.9, 1.8 * math.sqrt(p.diffusivity_mm2_s * self._fill_s) / r.wall_mm)
        pace = (self._speed() / p.speed_reference_mm_s) ** p.power_law_n
        fill_bar = r.flow_bar * viscosity * pace / (1.0 - frozen) ** 2
        # Holding: what reaches the cavity past the ring's leak and the way's loss.
        hold_bar = between(self._set["hold_pressure"], 0.0, 1500.0)
        leak = p.ring_leak * self._ring.share**2
        loss_bar = p.hold_loss_share * r.flow_bar * viscosity
        cavity_bar = max(10.0, hold_bar * (1.0 - leak) - loss_bar)
        self._cavity_bar = cavity_bar + self._random.normal(0.0, 3.0)
        self._cushion_mm = max(0.0, 6.0 - 20.0 * leak + self._random.normal(0.0, 0.1))
        sealed_c = self._mold_c + p.seal_share * (melt_c - self._mold_c)
        shrinkage = volumetric_shrinkage(p.tait, sealed_c, 0.1 * cavity_bar)
        # Cooling: what is still warm at ejection warps and shrinks freely.
        cooled_s = r.hold_s + between(self._set["cooling_time"], 1.0, 600.0)
        fourier = math.pi**2 * p.diffusivity_mm2_s * cooled_s / r.wall_mm**2
        ejected_c = self._mold_c + (melt_c - self._mold_c) * 8 / math.pi**2 * math.exp(-fourier)
        warm_k = max(0.0, ejected_c - (p.tait.b5_c - 26.0))
        linear_pct = 100.0 * shrinkage / 3.0 + 0.004 * warm_k
        size_um = 10.0 * r.length_mm * (r.cut_shrinkage_pct - linear_pct)
        size_um += self._random.normal(0.0, p.size_noise_um)
        warp_um = abs(self._random.normal(15.0, 6.0)) + 5.0 * warm_k
        moisture = part.features.get("material_moisture_pct", 0.02)
        clamped = 0.01 * cavity_bar * r.projected_cm2 / p.clamp_kn
        opening = max(clamped, cavity_bar / r.flash_bar)
        front_c = melt_c - 0.5 * frozen * (melt_c - self._mold_c)
        return _Shot(
            size_um,
            warp_um,
            r.shot_g * (1.0 - shrinkage) / (1.0 - 0.03 * r.cut_shrinkage_pct),
            (
                ("short_shot", logistic((fill_bar - p.pressure_limit_bar) / 60.0)),
                ("flash", logistic((opening - 0.92) / 0.025)),
                ("sink", logistic((100.0 * shrinkage - 2.30) / 0.10)),
                ("splay", logistic((moisture - 0.060) / 0.004)),
                ("burn", logistic((melt_c + 0.15 * self._speed() - 302.0) / 3.0)),
                ("weld_line", logistic((188.0 - front_c) / 5.0)),
                ("warp", logistic((warp_um - 75.0) / 8.0)),
            ),
        )
