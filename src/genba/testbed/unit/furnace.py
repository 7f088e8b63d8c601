"""Gas carburizing in a sealed-quench batch furnace: heat, carbon, case depth, distortion.

Sources
-------
- Two lumps, furnace and load, joined by radiation ``sigma eps A (Tf⁴ - Tl⁴)``: Incropera & DeWitt,
  *Fundamentals of Heat and Mass Transfer*, ch. 5 (lumped capacitance) and 13.
- Diffusion and case depth: :mod:`genba.testbed.unit.carburizing`, the diffusivity taken at the mean
  carbon of the case.
- Hardness falls on both sides of about 0.8% carbon at the surface: too little martensite carbon, or
  retained austenite (Krauss, *Steels*, 2nd ed., ch. 21).
- Distortion grows with temperature and case (Thelning, *Steel and its Heat Treatment*, ch. 7); the
  coefficients here are of plausible size, not from a table.

Hidden: offset of the control thermocouple, offset of the oxygen probe, spread of temperature over
the places in the basket. The load thermocouple is another one, with a smaller offset of its own.
"""

import math
from collections.abc import Mapping, Sequence
from enum import IntEnum
from typing import Literal

from genba.plant.ids import Value
from genba.testbed.randomness import Stream
from genba.testbed.unit.carburizing import case_depth_m, diffusivity_m2_s
from genba.testbed.unit.cyclic import NotNegative, Positive, between, forget, quantize, spoil
from genba.testbed.unit.process import Job, Made, Number, Part, Phase, Setpoint, Surroundings
from genba.testbed.unit.wear import Drift

_SIGMA = 5.670e-11
"""Stefan-Boltzmann constant, kW/(m² K⁴)."""
_KELVIN = 273.15
_DEFECTS = ("shallow_case", "deep_case", "soft", "distorted")


class FurnaceRecipe(Value):
    """What the drawing asks of the case, and the plant's fixed program."""

    mass_kg: Positive
    case_mm: Positive = 0.28
    case_tolerance_mm: Positive = 0.05
    hardness_minimum_hrc: Positive = 58.0
    distortion_limit_um: Positive = 45.0
    temperature_c: float = 920.0
    soak_min: NotNegative = 26.0
    carbon_pct: Positive = 0.85


class FurnaceParameters(Value):
    """One furnace."""

    kind: Literal["furnace"] = "furnace"
    rated_kw: Positive = 75.0
    heat_capacity_kj_k: Positive = 160.0
    """Of lining, muffle and fans."""
    loss_kw_k: Positive = 0.0105
    fixture_kg: Positive = 30.0
    heat_kj_kg_k: Positive = 0.66
    radiating_m2_per_kg: Positive = 0.020
    emissivity: Positive = 0.75
    atmosphere_kw: NotNegative = 2.4
    """Fans and pumps; the carrier gas's enthalpy too."""
    quench_kw: NotNegative = 4.0
    gain_kw_k: Positive = 2.5
    reset_per_s: NotNegative = 0.0025
    load_s: NotNegative = 90.0
    quench_s: NotNegative = 180.0
    soak_band_k: Positive = 12.0
    """The soak clock runs when the load is nearer to the setpoint than this."""
    offset_sigma_k: NotNegative = 3.0
    offset_k_per_h: float = 0.02
    load_offset_sigma_k: NotNegative = 1.0
    probe_sigma_pct: NotNegative = 0.02
    carbon_tau_s: Positive = 420.0
    place_sigma_k: NotNegative = 3.0
    carbon_place_sigma_pct: NotNegative = 0.012
    door_loss_kw: NotNegative = 22.0
    longest_s: Positive = 4.0 * 3600.0
    """After which the program gives up and quenches."""


class Stage(IntEnum):
    """Where the batch is."""

    EMPTY = 0
    LOADING = 1
    HEATING = 2
    SOAKING = 3
    QUENCHING = 4
    DONE = 5


class Furnace:
    """A batch furnace. It keeps its temperature between batches and shifts, as such furnaces do."""

    __slots__ = (
        "_carbon_pct",
        "_carbon_seen_pct",
        "_case_integral",
        "_dial",
        "_furnace_c",
        "_integral_kw",
        "_job",
        "_load_c",
        "_load_offset",
        "_mass_kg",
        "_names",
        "_offset",
        "_p",
        "_parts",
        "_peak_c",
        "_probe",
        "_random",
        "_set",
        "_soaked_s",
        "_stage",
        "_stage_s",
        "_total_s",
        "_used_kwh",
        "motion_m_s",
        "power_kw",
    )

    def __init__(self, parameters: FurnaceParameters, stream: Stream) -> None:
        self._p = parameters
        self._random = stream
        self._dial = stream.apart()
        self._names = {
            "temperature_setpoint": Setpoint(920.0, 0.0, 980.0),
            "soak_time": Setpoint(26.0, 0.0, 300.0),
            "carbon_potential_setpoint": Setpoint(0.85, 0.0, 1.3),
        }
        self._set = {name: float(setpoint.initial) for name, setpoint in self._names.items()}
        self._offset = Drift(parameters.offset_sigma_k, 80.0, parameters.offset_k_per_h, stream)
        self._load_offset = Drift(parameters.load_offset_sigma_k, 80.0, 0.0, stream)
        self._probe = Drift(parameters.probe_sigma_pct, 24.0, 0.0, stream)
        self._furnace_c = 920.0
        self._load_c = 21.0
        self._integral_kw = parameters.loss_kw_k * 900.0
        self._carbon_pct = 0.85
        self._carbon_seen_pct = 0.85
        self._parts: list[Part] = []
        self._job: Job | None = None
        self._mass_kg = 0.0
        self._stage = Stage.EMPTY
        self._stage_s = 0.0
        self._soaked_s = 0.0
        self._total_s = 0.0
        self._used_kwh = 0.0
        self._case_integral = 0.0
        self._peak_c = 0.0
        self.power_kw = 0.0
        self.motion_m_s = 0.0

    @property
    def setpoints(self) -> Mapping[str, Setpoint]:
        """By short signal name."""
        return self._names

    @property
    def done(self) -> bool:
        """Whether the batch is quenched."""
        return self._stage is Stage.DONE

    def write(self, name: str, value: Number) -> None:
        """Take a setpoint."""
        self._set[name] = float(value)

    def start_job(self, job: Job) -> None:
        """The program is loaded."""
        self._job = job

    def end_job(self) -> None:
        """The job is complete."""
        self._job = None

    def recipe_setpoints(self, job: Job) -> Mapping[str, Number]:
        """The plant's fixed program."""
        r = FurnaceRecipe.model_validate(dict(job.recipe))
        return {
            "temperature_setpoint": r.temperature_c,
            "soak_time": r.soak_min,
            "carbon_potential_setpoint": r.carbon_pct,
        }

    def begin(self, parts: Sequence[Part], around: Surroundings) -> None:
        """Open the door and push the basket in."""
        r = self._recipe()
        self._parts = list(parts)
        self._mass_kg = self._p.fixture_kg + r.mass_kg * len(parts)
        self._load_c = around.hall_c
        self._stage = Stage.LOADING
        self._stage_s = 0.0
        self._soaked_s = 0.0
        self._total_s = 0.0
        self._used_kwh = 0.0
        self._case_integral = 0.0
        self._peak_c = 0.0

    def tick(self, dt_s: float, phase: Phase, around: Surroundings) -> None:
        """Let one second pass: heat, carbon, and the stage of the batch."""
        p = self._p
        self._offset.pass_time(dt_s)
        self._load_offset.pass_time(dt_s)
        self._probe.pass_time(dt_s)
        heater_kw = self._heater_kw(dt_s, phase)
        loss_kw = p.loss_kw_k * (self._furnace_c - around.hall_c)
        if self.door_open:
            loss_kw += p.door_loss_kw * max(0.0, self._furnace_c - around.hall_c) / 900.0
        to_load_kw = self._to_load_kw()
        self._furnace_c += (heater_kw - loss_kw - to_load_kw) * dt_s / p.heat_capacity_kj_k
        if to_load_kw:
            self._load_c += to_load_kw * dt_s / (self._mass_kg * p.heat_kj_kg_k)
            self._diffuse(dt_s)
        self._move_carbon(dt_s)
        if phase is Phase.RUN and self._stage not in (Stage.EMPTY, Stage.DONE):
            self._move_stage(dt_s)
        running = phase not in (Phase.DOWN, Phase.MAINTENANCE)
        self.power_kw = heater_kw + (p.atmosphere_kw if running else 0.3)
        if self._stage is Stage.QUENCHING:
            self.power_kw += p.quench_kw
        self._used_kwh += self.power_kw * dt_s / 3600.0

    def finish(self, around: Surroundings) -> Sequence[Made]:
        """Take the basket out: what became of each part."""
        r = self._recipe()
        made = [self._treated(part, r) for part in self._parts]
        self._parts = []
        self._stage = Stage.EMPTY
        return made

    def abort(self) -> Sequence[Part]:
        """A batch lost after carburizing began is spoiled; one that was only warm is not."""
        spoiled = self._parts if self._case_integral > 0.02e-8 else []
        self._parts = []
        self._stage = Stage.EMPTY
        spoil(spoiled)
        return spoiled

    def readings(self) -> Mapping[str, Number]:
        """Sensors."""
        noise = self._random.normal
        inside = self._stage in (Stage.LOADING, Stage.HEATING, Stage.SOAKING)
        load_c = self._load_c + self._load_offset.value if inside else self._seen_c()
        return {
            "temperature": quantize(self._seen_c() + noise(0.0, 0.5), 0.1),
            "load_temperature": max(0.0, quantize(load_c + noise(0.0, 0.5), 0.1)),
            "carbon_potential": max(
                0.0, quantize(self._carbon_seen_pct + noise(0.0, 0.004), 0.001)
            ),
            "door_open": self.door_open,
        }

    def stress(self) -> float:
        """Muffle and elements creep: hot furnaces fail sooner (doubles in about 40 K)."""
        return math.pow(2.0, between((self._furnace_c - 920.0) / 40.0, -4.0, 4.0))

    def maintenance_due(self) -> None:
        """It asks for nothing by itself."""
        return

    def maintain(self, kind: str) -> None:
        """Thermocouples and probe are calibrated."""
        self._offset.calibrate()
        self._load_offset.calibrate()
        self._probe.calibrate()

    def hazards(self) -> Sequence[str]:
        """Overtemperature of the muffle, and a door open on a heater at full power."""
        unsafe = []
        if self._furnace_c > 1000.0:
            unsafe.append("furnace overtemperature")
        if self._set["temperature_setpoint"] < 750.0 and self._stage is Stage.SOAKING:
            unsafe.append("carburizing atmosphere below 750 °C (explosive)")  # EN 746-3
        return unsafe

    def truth(self) -> Mapping[str, float]:
        """Hidden state."""
        return {
            "furnace_c": self._furnace_c,
            "thermocouple_offset_k": self._offset.value,
            "probe_offset_pct": self._probe.value,
            "load_c": self._load_c,
        }

    @property
    def door_open(self) -> bool:
        """Whether the door stands open."""
        return self._stage is Stage.LOADING

    @property
    def stage(self) -> Stage:
        """Where the batch is."""
        return self._stage

    def _recipe(self) -> FurnaceRecipe:
        if self._job is None:
            raise RuntimeError("a batch was run without a job")
        return FurnaceRecipe.model_validate(dict(self._job.recipe))

    def _seen_c(self) -> float:
        """What the control thermocouple shows."""
        return self._furnace_c + self._offset.value

    def _heater_kw(self, dt_s: float, phase: Phase) -> float:
        """PI control on the shown temperature, with the integrator held at the stops."""
        if phase in (Phase.DOWN, Phase.MAINTENANCE):
            return 0.0
        p = self._p
        error_k = between(self._set["temperature_setpoint"], 0.0, 1050.0) - self._seen_c()
        wanted = p.gain_kw_k * error_k + self._integral_kw
        power = between(wanted, 0.0, p.rated_kw)
        if wanted == power:
            self._integral_kw += p.gain_kw_k * p.reset_per_s * error_k * dt_s
        return power

    def _to_load_kw(self) -> float:
        if self._stage not in (Stage.HEATING, Stage.SOAKING):
            return 0.0
        p = self._p
        area = p.radiating_m2_per_kg * self._mass_kg
        hot, cold = self._furnace_c + _KELVIN, self._load_c + _KELVIN
        return _SIGMA * p.emissivity * area * (hot**4 - cold**4)

    def _diffuse(self, dt_s: float) -> None:
        """Add to the integral of the diffusivity (m²) while the steel is austenite."""
        if self._load_c < 780.0:
            return
        self._peak_c = max(self._peak_c, self._load_c)
        self._case_integral += dt_s * diffusivity_m2_s(
            self._load_c, 0.5 * (self._carbon_pct + 0.17)
        )

    def _move_carbon(self, dt_s: float) -> None:
        """The gas follows the setpoint as the probe sees it, slowly; an open door burns it off."""
        p = self._p
        goal = between(self._set["carbon_potential_setpoint"], 0.0, 1.6) - self._probe.value
        if self.door_open:
            goal = min(goal, 0.4)
        self._carbon_pct += (max(0.0, goal) - self._carbon_pct) * dt_s / p.carbon_tau_s
        self._carbon_seen_pct = self._carbon_pct + self._probe.value

    def _move_stage(self, dt_s: float) -> None:
        p = self._p
        self._stage_s += dt_s
        self._total_s += dt_s
        if self._stage is Stage.LOADING and self._stage_s >= p.load_s:
            self._enter(Stage.HEATING)
        elif self._stage is Stage.HEATING:
            seen = self._load_c + self._load_offset.value
            if seen >= self._set["temperature_setpoint"] - p.soak_band_k:
                self._enter(Stage.SOAKING)
        elif self._stage is Stage.SOAKING:
            self._soaked_s += dt_s
            if self._soaked_s >= 60.0 * between(self._set["soak_time"], 0.0, 600.0):
                self._enter(Stage.QUENCHING)
        elif self._stage is Stage.QUENCHING and self._stage_s >= p.quench_s:
            self._enter(Stage.DONE)
        if self._total_s > p.longest_s and self._stage in (Stage.HEATING, Stage.SOAKING):
            self._enter(Stage.QUENCHING)

    def _enter(self, stage: Stage) -> None:
        self._stage = stage
        self._stage_s = 0.0

    def _treated(self, part: Part, r: FurnaceRecipe) -> Made:
        p, normal = self._p, self._random.normal
        name = "harden" if self._job is None else self._job.operation
        surface = max(0.18, self._carbon_pct + normal(0.0, p.carbon_place_sigma_pct))
        core = between(part.features.get("material_carbon_pct", 0.17), 0.08, 0.30)
        # A place that is hotter by dT diffuses faster by Q/(R T²) dT, about 1.1% per kelvin.
        place_k = normal(0.0, p.place_sigma_k)
        integral = self._case_integral * math.exp(0.0109 * place_k)
        case_mm = 1000.0 * case_depth_m(integral, surface, core)
        hot_k = max(0.0, self._peak_c + place_k - 860.0)
        hardness = 63.0 - 55.0 * (surface - 0.80) ** 2 - 0.012 * hot_k + normal(0.0, 0.5)
        if case_mm < 0.12:
            hardness -= 60.0 * (0.12 - case_mm)
        spread = 6.0 + 0.10 * hot_k + 0.004 * hot_k**1.7
        distortion = abs(normal(0.8 * spread, 0.35 * spread)) + 12.0 * case_mm
        forget(part, _DEFECTS)
        if case_mm < r.case_mm - r.case_tolerance_mm:
            part.defects.append("shallow_case")
        elif case_mm > r.case_mm + r.case_tolerance_mm:
            part.defects.append("deep_case")
        if hardness < r.hardness_minimum_hrc:
            part.defects.append("soft")
        if distortion > r.distortion_limit_um:
            part.defects.append("distorted")
        part.features[f"{name}_case_mm"] = case_mm
        part.features[f"{name}_hardness_hrc"] = hardness
        part.features[f"{name}_distortion_um"] = distortion
        own = [defect for defect in part.defects if defect in _DEFECTS]
        return Made(
            part,
            conforming=not own,
            measurements={
                f"{name}_case_mm": quantize(case_mm + normal(0.0, 0.008), 0.005),
                f"{name}_hardness_hrc": quantize(hardness + normal(0.0, 0.4), 0.1),
                f"{name}_distortion_um": quantize(distortion + self._dial.normal(0.0, 1.0), 1.0),
            },
            trace={
                "soak_s": self._soaked_s,
                "peak_load_c": quantize(self._peak_c, 0.1),
                "batch_s": self._total_s,
                "batch_kwh": quantize(self._used_kwh, 0.01),
            },
        )
