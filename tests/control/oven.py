"""An oven that was recorded: its set-point moved twice an hour, its sensors noisy."""

from pathlib import Path

import numpy as np

from genba.historian import Historian
from genba.plant import US, Plant, Sample, VirtualClock, load_plant, parse_time

START = parse_time("2026-01-05T06:00:00Z")
STEP_S = 20
PLANT = """\
genba: 1
id: works
connections: [{id: line, driver: replay, url: "recorded.csv", options: {times: shifted}}]
equipment:
  - id: oven
    connection: line
    signals:
      - {id: setpoint, kind: setpoint, unit: Cel, range: {low: 50, high: 250}, address: sp}
      - {id: air, unit: Cel, sample_s: 20, address: air}
      - {id: heat, unit: K, sample_s: 20, address: heat}
      - {id: drawn, unit: W, sample_s: 20, address: drawn}
      - {id: note, type: string, address: note}
processes:
  - id: oven-heat
    equipment: oven
    physics: heated_body
    step_s: 20
    horizon: 15
    signals: {setpoint: oven.setpoint, ambient: oven.air, temperature: oven.heat, power: oven.drawn}
    objective: {targets: {temperature: {value: 200, weight: 1}}, prices: {power: 0.01}}
"""
CAPACITY, LOSS, GAIN, BASE = 90.0, 0.02, 0.8, 1.5


def plant_in(folder: Path, text: str = PLANT) -> Plant:
    """Write the plant file, and load it."""
    path = folder / "plant.yaml"
    path.write_text(text)
    return load_plant(path)


def record(folder: Path, hours: float = 4, *, moved: bool = True, seed: int = 0) -> Historian:
    """Fill a historian; kelvin and watt, where the physics speaks of degrees and kilowatt."""
    source = np.random.default_rng(seed)
    heat, setpoint, samples = 150.0, 150.0, []
    for step in range(int(hours * 3600 / STEP_S)):
        time = START + step * STEP_S * US
        if step % 90 == 0:
            setpoint = float(source.uniform(100, 230)) if moved else 150.0
            samples.append(Sample("oven.setpoint", time, time, setpoint))
        air = 21.0 + np.sin(step / 200)
        drawn = BASE + _power(heat, setpoint, air)
        told = {
            "oven.air": air,
            "oven.heat": heat + 273.15 + source.normal(0, 0.2),
            "oven.drawn": 1000 * drawn + source.normal(0, 30),
        }
        samples += [Sample(name, time, time, float(value)) for name, value in told.items()]
        for _ in range(STEP_S):
            flow = _power(heat, setpoint, air) - LOSS * (heat - air)
            heat += flow / CAPACITY
    historian = Historian.open(folder, VirtualClock(START + round(hours * 3600) * US))
    historian.append(samples)
    return historian


def _power(heat: float, setpoint: float, air: float) -> float:
    return max(0.0, LOSS * (setpoint - air) + GAIN * (setpoint - heat))
