"""Healthy recordings of the house's physics with noise, drift and unlike operating points."""

from collections.abc import Callable

import numpy as np

from genba.twin.process import Episode, Numeric, Symbolic, symbolic
from genba.twin.process.findings import Source, Told
from genba.twin.process.library import physics_named

STEP_S = {
    "heated_body": 30.0,
    "furnace_heat": 60.0,
    "stirred_reactor": 25.0,
    "four_tanks": 1000 / 60,
}
STARTS = {
    "heated_body": [40.0],
    "furnace_heat": [300.0],
    "stirred_reactor": [0.8, 330.0],
    "four_tanks": [0.14, 0.11, 0.07, 0.2],
}
_MODELS: dict[str, Symbolic] = {}


def model_of(name: str) -> Symbolic:
    """Compile physics once for all tests."""
    if name not in _MODELS:
        _MODELS[name] = symbolic(physics_named(name), STEP_S[name], 8 if "reactor" in name else 4)
    return _MODELS[name]


def healthy(name: str, seed: int, rows: int = 480) -> Episode:
    """Record a drawn machine; draws whose values leave the physics' range are drawn anew."""
    source = np.random.default_rng(seed)
    for _ in range(50):
        episode = _drawn(name, source, rows)
        if episode is not None:
            return episode
    raise AssertionError(f"no machine of '{name}' stays within its range")


def _drawn(name: str, source: np.random.Generator, rows: int) -> Episode | None:
    model = model_of(name)
    process, numeric = model.process, Numeric(model)
    low, span = (np.array([getattr(v, a) for v in process.outputs]) for a in ("low", "span"))
    states = np.array([v.span for v in process.states])
    z = 0.5 * np.clip(source.standard_normal(len(process.parameters)), -1.5, 1.5)
    u, c = _chosen(name, model, source, rows), np.zeros((rows, len(process.context)))
    if len(process.context):
        hours = np.arange(rows) / rows * 6 * source.uniform(0.5, 1.5)
        c[:, 0] = source.uniform(15, 28) + source.uniform(1, 4) * np.sin(hours)
    x, shown, load = np.array([STARTS[name]]), np.zeros((rows, len(span))), 25.0
    for row in range(rows):
        if name == "furnace_heat":  # a cold load comes every 120 rows
            load = 25.0 if row % 120 == 0 else load + 0.03 * (x[0, 0] - load)
            c[row, 1] = load
        z = z + 0.001 * source.standard_normal(len(z))
        after, now = numeric.step(x, u[row][None], c[row][None], z[None])
        shown[row], x = now[0], after + 1e-4 * states * source.standard_normal(after.shape)
        if name == "four_tanks":
            x = np.maximum(x, 1e-4)
    if not (np.isfinite(shown).all() and (np.abs(shown - low - 0.5 * span) < 0.55 * span).all()):
        return None
    shown = shown + source.uniform(0.0005, 0.01) * span * source.standard_normal(shown.shape)
    if source.random() < 0.3:  # a display with coarse steps
        step = 1e-3 * span * source.choice([1, 2, 5])
        shown = np.round(shown / step) * step
    return Episode(u, c + 0.1 * source.standard_normal(c.shape), shown)


def _chosen(name: str, model: Symbolic, source: np.random.Generator, rows: int) -> np.ndarray:
    """Set-points that jump now and then within a part of their range."""
    inputs = model.process.inputs
    width, hold = source.uniform(0.1, 0.6), int(source.integers(8, 60))
    base = source.uniform(0, 1 - width, len(inputs))
    levels = base + width * source.random((-(-rows // hold), len(inputs)))
    share = np.repeat(levels, hold, axis=0)[:rows]
    if name == "stirred_reactor":  # where it neither goes out nor runs away
        return np.asarray(295.0 + 7.0 * share)
    low, span = (np.array([getattr(v, a) for v in inputs]) for a in ("low", "span"))
    return np.asarray(low + share * span)


def told(name: str, *episodes: Episode, steps: int = 0, **sources: Source) -> Told:
    """Put a recording before the findings."""
    return Told(model_of(name), episodes, sources, steps)


def spoiled(
    name: str, seed: int, by: Callable[[np.ndarray, np.ndarray, np.ndarray], None]
) -> Episode:
    """Put a fault into a healthy recording: inputs, context and shown are changed in place."""
    one = healthy(name, seed)
    episode = Episode(one.inputs.copy(), one.context.copy(), one.shown.copy())
    by(episode.inputs, episode.context, episode.shown)
    return episode
