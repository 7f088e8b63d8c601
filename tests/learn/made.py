"""Made-up data shaped like public sets: the same traps, none of the rows."""

import numpy as np
import pyarrow as pa


def steel_works(seed: int = 0, rows: int = 3000) -> pa.Table:
    """Power of a works every quarter of an hour; CO2 follows from it, reactive power nearly."""
    random = np.random.default_rng(seed)
    hour = np.arange(rows) * 0.25 % 24
    load = 40 + 30 * np.sin((hour - 6) / 24 * 2 * np.pi) + _walk(random, rows, 3.0)
    usage = np.maximum(load + random.normal(0, 4, rows), 2.0)
    factor = np.clip(random.normal(0.85, 0.08, rows), 0.4, 0.999)
    reactive = usage * np.sqrt(1 / factor**2 - 1)
    return pa.table(
        {
            "usage_kwh": usage,
            "co2": np.round(usage * 0.00045, 4),
            "reactive_kvarh": reactive,
            "power_factor": factor,
            "hour": hour,
        }
    )


def milling_failures(seed: int = 0, rows: int = 6000) -> pa.Table:
    """Independent-looking rows with a rare failure, and flags that say why it failed."""
    random = np.random.default_rng(seed)
    air = 300 + _walk(random, rows, 2.0)
    torque, wear = random.normal(40, 10, rows), random.uniform(0, 250, rows)
    wear_out = (wear > 200) & (random.random(rows) < 0.05)
    overstrain = (wear * torque > 11500) & (random.random(rows) < 0.8)
    failed = wear_out | overstrain
    return pa.table(
        {
            "air_k": air,
            "torque_nm": torque,
            "wear_min": wear,
            "TWF": wear_out.astype(int),
            "OSF": overstrain.astype(int),
            "failure": failed.astype(int),
        }
    )


def column_still(seed: int = 0, rows: int = 2000) -> pa.Table:
    """A chemical plant, slow in all its values: neighbors in time are nearly alike."""
    random = np.random.default_rng(seed)
    inputs = {f"u{n}": _walk(random, rows, 1.0) for n in range(1, 5)}
    target = inputs["u1"] + 0.5 * inputs["u2"] ** 2 + random.normal(0, 0.3, rows)
    return pa.table({**inputs, "butane": target})


def mill_experiments(seed: int = 0, experiments: int = 10, rows: int = 200) -> pa.Table:
    """Experiments with a worn or an unworn tool; within one the answer never changes."""
    random = np.random.default_rng(seed)
    number = np.repeat(np.arange(experiments), rows)
    level = random.normal(0, 2, experiments)[number]
    current = level + random.normal(0, 1, len(number))
    worn = (np.arange(experiments) % 2).astype(int)[number]
    return pa.table(
        {
            "experiment": number,
            "current": current,
            "power": current * 3 + random.normal(0, 1, len(number)),
            "worn": worn,
        }
    )


def molding(seed: int = 0, rows: int = 1400) -> pa.Table:
    """Cycles of a press whose quality comes in stretches, as it does when a setting is changed."""
    random = np.random.default_rng(seed)
    setting = np.repeat(random.integers(0, 4, rows // 50 + 1), 50)[:rows]
    fill = setting + random.normal(0, 0.4, rows)
    quality = np.where(random.random(rows) < 0.9, setting, random.integers(0, 4, rows))
    return pa.table(
        {"fill_s": fill, "torque": random.normal(0, 1, rows), "quality": quality.astype(str)}
    )


def _walk(random: np.random.Generator, rows: int, spread: float) -> np.ndarray:
    """A slow wandering value with a given spread."""
    values = np.zeros(rows)
    steps = random.normal(0, spread * 0.14, rows)
    for row in range(1, rows):
        values[row] = 0.99 * values[row - 1] + steps[row]
    return values
