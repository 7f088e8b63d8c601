"""Imagined episodes as a table of the plant's signals, and whether learning from them helps.

Whether it helps is asked of a soft sensor: one output of the process from all its other signals.
It is learned from real rows alone and from real and synthetic ones, both times judged on the same
newest real rows, which neither it nor the world model saw. Each seed draws other real rows and
imagines others; the difference is paired, with a 95% interval (Student's).
"""

import hashlib
import json
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import parquet
from scipy import stats

from genba import __version__
from genba.control.bound import Bound, Wire
from genba.control.learned import parted
from genba.errors import ControlError
from genba.learn.data.dataset import UNIT, Dataset
from genba.learn.data.release import from_table
from genba.learn.data.synthetic import METADATA, SYNTHETIC
from genba.learn.features.windows import windows_of
from genba.learn.softsensor.recipes import BoostedSensor
from genba.plant import US
from genba.twin.process import Episode, identify
from genba.twin.process.episode import Floats
from genba.twin.process.imagine import Event, Imagined, imagined
from genba.twin.process.residual import World

_EPOCH = 0
"""Imagined episodes begin in 1970, before anything that was recorded: nobody takes them for it."""
_WINDOW = 5
_SHARE = 0.3
"""Of the older real rows that a seed learns from."""
_BLOCK = 30


def table_of(
    bound: Bound,
    made: Imagined,
    world: World,
    event: Event | None,
    seed: int,
    *,
    real: bool = False,
) -> pa.Table:
    """Write episodes as columns of signals in the plant's units, each row marked as synthetic.

    Columns are ``time``, ``episode``, the signals, ``event`` (whether it held) and ``synthetic``.
    """
    columns: dict[str, Any] = {"time": [], "episode": [], "event": []}
    signals: dict[str, list[Floats]] = {}
    for number, (episode, holds) in enumerate(zip(made.episodes, made.happening, strict=True)):
        rows = np.arange(episode.rows)
        begin = _EPOCH + number * 366 * 86_400 * US // 1000
        columns["time"].append(begin + rows * round(bound.process.step_s * US))
        columns["episode"].append(
            np.full(episode.rows, f"{'real' if real else 'imagined'}-{number}")
        )
        columns["event"].append(holds)
        for wires, values in (
            (bound.inputs, episode.inputs),
            (bound.context, episode.context),
            (bound.outputs, episode.shown),
        ):
            for place, wire in enumerate(wires):
                if wire.signal is not None and wire.signal.id not in signals:
                    signals[wire.signal.id] = []
                if wire.signal is not None and len(signals[wire.signal.id]) == number:
                    signals[wire.signal.id].append(_as_signal(wire, values[:, place]))
    told = {
        "time": pa.array(np.concatenate(columns["time"]), pa.timestamp("us", "UTC")),
        "episode": pa.array(np.concatenate(columns["episode"])),
        **{name: pa.array(np.concatenate(values)) for name, values in signals.items()},
        "event": pa.array(np.concatenate(columns["event"])),
    }
    count = len(told["time"])
    told[SYNTHETIC] = pa.array(np.full(count, not real))
    table = pa.table(told)
    return table if real else table.replace_schema_metadata(
        {METADATA: json.dumps(origin(bound, world, event, seed)).encode()}
    )  # fmt: skip


def origin(bound: Bound, world: World, event: Event | None, seed: int) -> dict[str, Any]:
    """Say where synthetic rows come from."""
    return {
        "event": "none" if event is None else str(event),
        "genba": __version__,
        "model": digest_of(world),
        "process": bound.process.id,
        "seed": seed,
    }


def digest_of(world: World) -> str:
    """SHA-256 of what is believed and of the networks."""
    belief = world.belief
    content = {
        "physics": belief.process.name,
        "mean": belief.mean.tolist(),
        "covariance": belief.covariance.tolist(),
        "noise": belief.noise.tolist(),
        "wander": belief.wander,
        "networks": None if world.ensemble is None else world.ensemble.digest,
    }
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def write(table: pa.Table, path: Path) -> None:
    """Write a table as Parquet, whole or not at all.

    Raises
    ------
    ControlError
        If the name does not end in ``.parquet``, or it cannot be written.
    """
    if path.suffix.lower() != ".parquet":
        raise ControlError(
            f"{path} does not end in .parquet, where the mark of synthetic rows stays"
        )
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        parquet.write_table(table, draft)
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise ControlError(f"{path} cannot be written: {error.strerror or error}") from None


@dataclass(frozen=True, slots=True)
class Benefit:
    """What imagined rows did for a soft sensor.

    Attributes
    ----------
    real, both : float
        Mean error (RMSE, in the output's unit) on real rows of what learned from real rows alone,
        and from both.
    gain, low, high : float
        By how much the error is less with both, with its 95% interval over seeds.
    verdict : str
        ``helps``, ``does not help`` or ``cannot tell``.
    """

    output: str
    real: float
    both: float
    gain: float
    low: float
    high: float
    seeds: int
    verdict: str


def benefit(
    bound: Bound,
    episodes: Sequence[Episode],
    output: str,
    rows: int,
    event: Event | None,
    *,
    seeds: int = 5,
) -> Benefit:
    """Ask whether learning from imagined rows helps a soft sensor of one output.

    The world model is identified from the older real rows alone.

    Raises
    ------
    ControlError
        If the process does not show that output, or too little was recorded.
    """
    known = [wire.variable.name for wire in bound.outputs if wire.signal is not None]
    if output not in known:
        raise ControlError(
            f"'{bound.process.id}' shows no '{output}'; take one of {', '.join(known)}"
        )
    older, newest = parted(episodes)
    world = World(bound.symbolic, identify(bound.symbolic, older))
    target = next(
        wire.signal.id
        for wire in bound.outputs
        if wire.variable.name == output and wire.signal is not None
    )
    test = _dataset(_real(bound, newest, world), target)
    alone, both = [], []
    for seed in range(seeds):
        real = _real(bound, _some(older, seed), world)
        made = imagined(world, older, rows, event, seed)
        synthetic = table_of(bound, made, world, event, seed).replace_schema_metadata(None)
        alone.append(_error(_dataset(real, target), test, seed))
        both.append(_error(_dataset(_joined(real, synthetic), target), test, seed))
    gains = np.array(alone) - np.array(both)
    wide = float(stats.t.ppf(0.975, seeds - 1) * gains.std(ddof=1) / math.sqrt(seeds))
    gain = float(gains.mean())
    low, high = gain - wide, gain + wide
    verdict = "helps" if low > 0 else "does not help" if high < 0 else "cannot tell"
    return Benefit(
        output, float(np.mean(alone)), float(np.mean(both)), gain, low, high, seeds, verdict
    )


def _real(bound: Bound, episodes: Sequence[Episode], world: World) -> pa.Table:
    quiet = tuple(np.zeros(one.rows, bool) for one in episodes)
    return table_of(bound, Imagined(tuple(episodes), quiet), world, None, 0, real=True)


def _some(episodes: Sequence[Episode], seed: int) -> list[Episode]:
    """Draw blocks of the real rows."""
    blocks = [
        episode.cut(first, first + _BLOCK)
        for episode in episodes
        for first in range(0, episode.rows - _BLOCK + 1, _BLOCK)
    ]
    if len(blocks) < 4:
        raise ControlError("too little was recorded to ask whether imagined rows help")
    source = np.random.default_rng([seed, 1])
    count = max(3, round(_SHARE * len(blocks)))
    return [blocks[k] for k in source.choice(len(blocks), count, replace=False)]


def _joined(real: pa.Table, synthetic: pa.Table) -> pa.Table:
    return pa.concat_tables([real, synthetic.select(real.column_names)])


def _dataset(table: pa.Table, target: str) -> Dataset:
    return from_table(
        table,
        name="imagined",
        target=target,
        numeric=True,
        time="time",
        groups={UNIT: "episode"},
        without=["event"],
    )


def _error(train: Dataset, test: Dataset, seed: int) -> float:
    """Root mean square error of the soft sensor on real rows."""
    marks = train.groups.get(SYNTHETIC)
    real = np.ones(train.rows, bool) if marks is None else marks == "no"
    # Limits and stopping are set on real rows in both cases: the last fifth of the real ones.
    held = np.flatnonzero(real)[-max(_BLOCK, int(0.2 * real.sum())) :]
    learned = np.setdiff1d(np.arange(train.rows), held)
    recipe = BoostedSensor(window=_WINDOW)
    model = recipe.fit(
        train.take(learned, "to learn from"), train.take(held, "real rows held out"), seed
    )
    seen = windows_of(test, _WINDOW)
    said = model.predict(seen.values).value
    wrong = said - test.labels()[seen.rows]
    wrong = wrong[np.isfinite(wrong)]
    return float(np.sqrt((wrong**2).mean())) if len(wrong) else math.nan


def _as_signal(wire: Wire, values: Floats) -> Floats:
    return (values - wire.shift) / wire.scale
