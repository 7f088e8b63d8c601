"""A press that makes two products, told in the words that a machine would use.

Its truth is not the model's: size and weight follow shrinkage, the holding pressure loses what a
lot's viscosity takes, and a size scatters by what nobody can know.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from genba.historian import Historian
from genba.plant import US, Plant, Sample, Scalar, VirtualClock, load_plant, parse_time

START = parse_time("2026-01-05T06:00:00Z")
PLANT = """\
genba: 1
id: works
connections: [{id: line, driver: replay, url: "recorded.csv", options: {times: shifted}}]
equipment:
  - id: press
    connection: line
    hourly_cost: 55
    signals:
      - {id: lots, role: lots, kind: state, type: string, address: lots}
      - {id: mode, role: mode, kind: state, type: int, address: mode}
      - {id: part, role: part, kind: event, type: json, address: part}
      - {id: energy, role: energy, kind: counter, unit: kWh, address: energy}
      - {id: hold, kind: setpoint, unit: bar, range: {low: 200, high: 800}, address: hold}
      - {id: cooling, kind: setpoint, unit: s, range: {low: 5, high: 40}, address: cooling}
      - {id: mold, unit: Cel, sample_s: 5, address: mold}
      - {id: melt, unit: K, sample_s: 5, address: melt}
products:
  - id: cup
    lot_size: 40
    material_cost: 5
    routing: [{id: mold, alternatives: [{equipment: press, cycle_s: 30}]}]
  - id: lid
    lot_size: 40
    material_cost: 3
    routing: [{id: mold, alternatives: [{equipment: press, cycle_s: 30}]}]
orders:
  - {id: O-1, product: cup, quantity: 400, release: "2026-01-05T06:00:00Z",
     due: "2026-01-06T06:00:00Z"}
  - {id: O-2, product: lid, quantity: 400, release: "2026-01-05T06:00:00Z",
     due: "2026-01-06T06:00:00Z"}
processes:
  - id: molding
    equipment: press
    physics: injection
    signals: {hold: press.hold, cooling: press.cooling, mold: press.mold, melt: press.melt,
      size: "press.part#mold_error_um", weight: "press.part#weight_g",
      cavity: "press.part#peak_pressure_bar", cycle: "press.part#seconds", energy: press.energy}
    inputs: {hold: {low: 350, high: 550, step: 10}, cooling: {low: 10, high: 30, step: 0.5}}
    objective: {prices: {cycle: 0.0153, energy: 0.15}}
    tolerances: {cup: {size: {low: -40, high: 40}}, lid: {size: {low: -30, high: 30}}}
    experiments: true
"""
RECIPES = {"cup": (450.0, 15.0), "lid": (430.0, 18.0)}
_LENGTH = {"cup": 60.0, "lid": 40.0}
_WEIGHT = {"cup": 40.0, "lid": 25.0}


def plant_in(folder: Path, text: str = PLANT) -> Plant:
    """Write the plant file, and load it."""
    path = folder / "plant.yaml"
    path.write_text(text)
    return load_plant(path)


@dataclass
class Press:
    """The machine: it announces jobs and parts, and takes set-points."""

    seed: int = 0
    lost_bar: float = 100.0
    every: int = 5
    """One of so many parts is measured."""
    now: int = START
    size_um: float = 0.0
    """True size of the last part."""
    values: dict[str, float] = field(default_factory=lambda: {"hold": 400.0, "cooling": 20.0})

    def __post_init__(self) -> None:
        self._source = np.random.default_rng(self.seed)
        self._count = 0
        self._energy = 0.0
        self._product = ""
        self._lot = ""

    def say(self, name: str, value: Scalar) -> Sample:
        """One sample, now."""
        return Sample(f"press.{name}", self.now, self.now, value)

    def begin(self, product: str, lot: str, hold: float | None = None) -> list[Sample]:
        """A job begins: the machine shows its lot, and writes its own recipe."""
        self._product, self._lot = product, lot
        usual, cooling = RECIPES[product]
        hold = usual if hold is None else hold
        self.values = {"hold": hold, "cooling": cooling}
        told = [self.say("lots", lot), *(self.say(n, v) for n, v in self.values.items())]
        return [*told, self.say("mold", 70.0), self.say("melt", 250.0 + 273.15)]

    def write(self, writes: Mapping[str, Scalar]) -> list[Sample]:
        """Take set-points, and show them."""
        self.now += US
        for name, value in writes.items():
            self.values[name.removeprefix("press.")] = float(value or 0.0)
        return [self.say(name.removeprefix("press."), value) for name, value in writes.items()]

    def part(self) -> list[Sample]:
        """Make a part, and announce it."""
        hold, cooling = self.values["hold"], self.values["cooling"]
        cycle = 12.0 + cooling
        self.now += round(cycle * US)
        cavity = hold - self.lost_bar
        shrinkage = -0.005 * (cavity - 350.0) + 0.3 * np.exp(-(cooling - 8.0) / 2.0)
        product, length = self._product, _LENGTH[self._product]
        self.size_um = float(-10.0 * length / 3.0 * shrinkage + self._source.normal(0.0, 8.0))
        self._count += 1
        self._energy += 5.0 * cycle / 3600.0 + 0.02
        told: dict[str, Scalar] = {
            "lot": self._lot,
            "serial": f"S{self._count}",
            "result": "good",
            "weight_g": _WEIGHT[product] * (1 - 0.01 * shrinkage) + self._source.normal(0, 0.01),
            "peak_pressure_bar": cavity + self._source.normal(0.0, 3.0),
        }
        if self._count % self.every == 0:
            told["mold_error_um"] = self.size_um + float(self._source.normal(0.0, 3.0))
        return [self.say("energy", self._energy), self.say("part", json.dumps(told))]

    def shift(self, jobs: int = 6, parts: int = 60, moved: float = 10.0) -> Iterator[Sample]:
        """Make some jobs of both products, with the holding pressure moved around the recipe."""
        for job in range(jobs):
            product = ("cup", "lid")[job % 2]
            yield from self.begin(product, f"O-{1 + job % 2}-{job}")
            self.now += 60 * US
            for number in range(parts):
                if moved and number % 5 == 0:
                    away = float(self._source.uniform(-moved, moved))
                    yield from self.write({"press.hold": RECIPES[product][0] + away})
                yield from self.part()
            self.now += 300 * US
            yield self.say("lots", "")


def record(folder: Path, press: Press, **shift: float) -> Historian:
    """Fill a historian with a shift."""
    samples = list(press.shift(**shift))  # type: ignore[arg-type]
    historian = Historian.open(folder, VirtualClock(press.now + US))
    historian.append(samples)
    return historian
