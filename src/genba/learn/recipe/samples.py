"""Small made-up data sets, one for each task, that any recipe must be able to fit."""

import numpy as np

from genba.learn.data.column import Column
from genba.learn.data.dataset import UNIT, Dataset, Images
from genba.learn.data.lineage import Lineage
from genba.learn.data.target import Target
from genba.learn.recipe.protocol import Task

_ROWS = 900
_MINUTE_US = 60_000_000


def sample_for(task: Task, seed: int = 0, rows: int = _ROWS) -> Dataset:
    """Make one: four related signals of a machine, and a target as the task needs it.

    ``anomaly`` has none (all is normal); ``quality`` two classes; ``softsensor`` and ``forecast`` a
    number; ``life`` what is left of each of nine units; ``inspect`` gray images with a dark spot.
    """
    if task is Task.INSPECT:
        return _images(seed, rows // 3)
    random = np.random.default_rng(seed)
    load = np.convolve(random.normal(0, 1, rows + 19), np.full(20, 1 / np.sqrt(20)), "valid")
    mix = np.array([1.0, 0.6, -0.8, 0.3])
    values = load[:, None] * mix + random.normal(0, 0.4, (rows, 4))
    values = values * [5.0, 0.2, 12.0, 1.0] + [60.0, 1.0, 220.0, 5.0]
    names = (("temperature", "Cel"), ("pressure", "bar"), ("speed", "/min"), ("current", "A"))
    columns = tuple(Column(name, unit, signal=f"machine.{name}") for name, unit in names)
    time = np.arange(rows) * _MINUTE_US
    groups = {}
    target = None
    if task is Task.QUALITY:
        raw = (values[:, 0] - 60) / 5 - (values[:, 3] - 5) + random.normal(0, 0.5, rows)
        target = Target("quality", (raw > 0.8).astype(float), classes=("good", "bad"))
    elif task is Task.LIFE:
        per = rows // 9
        age = np.arange(rows) % per
        unit = np.minimum(np.arange(rows) // per, 8)
        values[:, 0] += 0.2 * age
        groups[UNIT] = np.array([f"unit-{number}" for number in unit], np.str_)
        time = age * _MINUTE_US
        target = Target("life", np.asarray(per - 1 - age, np.float64), "min")
    elif task in (Task.SOFT_SENSOR, Task.FORECAST):
        truth = 0.3 * values[:, 0] + 2 * values[:, 3] + random.normal(0, 0.3, rows)
        target = Target("lab", truth, "%")
    lineage = Lineage("made", {"task": task.value, "rows": rows}, seed=seed)
    return Dataset(f"sample-{task.value}", columns, values, time, lineage, groups, target)


def _images(seed: int, rows: int, side: int = 32) -> Dataset:
    random = np.random.default_rng(seed)
    pixels = random.normal(150, 12, (rows, side, side))
    bad = random.random(rows) < 0.3
    masks = np.zeros(pixels.shape, np.bool_)
    for row in np.flatnonzero(bad):
        top, left = random.integers(0, side - 8, 2)
        masks[row, top : top + 8, left : left + 8] = True
    pixels[masks] -= 70
    return Dataset(
        "sample-inspect",
        (),
        np.empty((rows, 0)),
        np.arange(rows) * _MINUTE_US,
        Lineage("made", {"task": "inspect", "rows": rows}, seed=seed),
        target=Target("defect", bad.astype(float), classes=("good", "defect")),
        images=Images(np.clip(pixels, 0, 255).astype(np.uint8), masks),
    )
