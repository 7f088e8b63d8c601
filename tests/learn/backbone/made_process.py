"""Small processes that the tests of the backbone share."""

import numpy as np

from genba.learn.backbone.pool import WHOLE, Process


def noisy(seed: int, rows: int = 600, signals: int = 3) -> np.ndarray:
    """Slow swings under noise: persistence is poor, a mean is better."""
    source = np.random.default_rng(seed)
    times = np.arange(rows)[:, None]
    slow = np.sin(times / 40 + source.uniform(0, 6, signals))
    return slow + source.normal(0, 0.8, (rows, signals))


def process(seed: int = 0) -> Process:
    return Process(f"made-{seed}", (noisy(seed),))


def stretches(seed: int, count: int = 24) -> np.ndarray:
    run = noisy(seed)
    starts = np.linspace(0, len(run) - WHOLE, count).astype(int)
    return np.stack([run[start : start + WHOLE] for start in starts])
