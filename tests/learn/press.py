"""A press that was recorded: signals, a gap, a break, and parts of which every third was gauged."""

import json
from pathlib import Path

import numpy as np

from genba.historian import Historian
from genba.plant import US, PackMLState, Plant, Sample, VirtualClock, load_plant, parse_time

START = parse_time("2026-01-05T06:00:00Z")
MINUTE = 60 * US
PLANT = """\
genba: 1
id: works
connections: [{id: line, driver: replay, url: "recorded.csv", options: {times: shifted}}]
equipment:
  - id: press-1
    connection: line
    signals:
      - {id: state, role: state, kind: state, type: int, address: state}
      - {id: part, role: part, kind: event, type: json, address: part}
      - {id: note, type: string, address: note}
      - {id: hold, kind: setpoint, unit: bar, address: hold}
      - {id: melt, unit: Cel, sample_s: 10, address: melt}
      - {id: cavity, unit: bar, sample_s: 10, address: cavity}
"""


def plant_in(folder: Path) -> Plant:
    """Write the plant file, and load it."""
    path = folder / "plant.yaml"
    path.write_text(PLANT)
    return load_plant(path)


def record(folder: Path, minutes: int, seed: int = 0) -> Historian:
    """Fill a historian: a value of each signal every 10 s, a part a minute; open to write.

    It stands still in the last quarter of each hour. A part is bad where the cavity pressure of its
    minute was low. ``hold`` never changes.
    """
    random = np.random.default_rng(seed)
    steps = minutes * 6
    slow = np.convolve(random.normal(0, 1, steps + 59), np.full(60, 60**-0.5), "valid")
    melt = 230 + slow + random.normal(0, 0.5, steps)
    cavity = 300 + 4 * (melt - 230) + random.normal(0, 4, steps)
    samples = [
        Sample("press-1.hold", START, START, 500.0),
        Sample("press-1.note", START, START, "x"),
    ]
    for step in range(steps):
        time = START + step * 10 * US
        samples.append(Sample("press-1.melt", time, time, float(melt[step])))
        samples.append(Sample("press-1.cavity", time, time, float(cavity[step])))
        if step % 360 in (0, 270):
            state = PackMLState.EXECUTE if step % 360 == 0 else PackMLState.IDLE
            samples.append(Sample("press-1.state", time, time, int(state)))
        if step % 6 == 5:
            samples.append(_part(step, time + 1, cavity[step - 5 : step + 1].mean()))
    historian = Historian.open(folder, VirtualClock(START + minutes * MINUTE))
    historian.append(samples)
    return historian


def _part(step: int, time: int, pressure: float) -> Sample:
    gauged = step // 6 % 3 == 0
    document = {
        "lot": f"L{step // 360}",
        "serial": f"S{step}",
        "result": "bad" if gauged and pressure < 297 else "good",
        "inspected": gauged,
        "weight_g": pressure / 10,
    }
    if gauged:
        document["size_um"] = pressure * 2
    return Sample("press-1.part", time, time, json.dumps(document))
