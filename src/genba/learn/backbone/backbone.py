"""A taught backbone: forecasts, summaries, its parts and its ONNX graph."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from genba.errors import LearnError
from genba.learn.arrays import AnyArray, Floats
from genba.learn.backbone.graph import backbone_graph
from genba.learn.backbone.instruments import late
from genba.learn.backbone.pool import Process, blended, long_enough, stretches
from genba.learn.backbone.shape import Shape
from genba.learn.backbone.synthetic import made_up
from genba.learn.backbone.window import heard, scaled
from genba.learn.scale import Scale, opened, scale_of

STRIDES = (1, 1, 2, 3, 4)
"""Strides in rows at which recordings are read while training: one recording, several paces."""


@dataclass(frozen=True, slots=True, eq=False)
class Backbone:
    """Weights by name, and how they came to be: ``steps`` and ``seconds`` of CPU."""

    weights: Mapping[str, AnyArray]
    steps: int = 0
    seconds: float = 0.0
    processes: tuple[str, ...] = ()

    @property
    def parameters(self) -> int:
        """How many numbers it holds."""
        return sum(array.size for array in self.weights.values())

    def forecast(self, windows: Floats, day: float = 0.0) -> Floats:
        """Say what comes after windows of one signal, (n, length) to (n, horizon), in its unit.

        NaN in a window is a value that nobody knows; a window with fewer than eight known values is
        answered with NaN. ``day`` is how many rows a day has, 0 where that is not known.

        Raises
        ------
        LearnError
            If the windows have another length.
        """
        return self.both(windows, day)[0]

    def summary(self, windows: Floats, day: float = 0.0) -> Floats:
        """Describe the course of windows of one signal, level and scale left out, (n, features)."""
        return self.both(windows, day)[1]

    def both(self, windows: Floats, day: float = 0.0) -> tuple[Floats, Floats]:
        """Return forecast and summary of the same windows, at the cost of one."""
        from genba.learn.backbone.teach import say

        seen = scaled(windows)
        ahead, summaries = say(dict(self.weights), seen.values, seen.known, heard(day))
        unknown = ~np.isfinite(seen.anchor)
        summaries[unknown] = np.nan
        return seen.undo(ahead), summaries

    def parts(self) -> dict[str, AnyArray]:
        """Return the arrays, and the story, as plain arrays."""
        told = {f"net_{name}": array for name, array in self.weights.items()}
        told["story"] = np.array([float(self.steps), self.seconds])
        told["processes"] = np.array(self.processes, np.str_)
        return told

    @classmethod
    def restore(cls, parts: Mapping[str, AnyArray]) -> "Backbone":
        """Make the backbone again.

        Raises
        ------
        LearnError
            If parts are missing.
        """
        weights = {n.removeprefix("net_"): a for n, a in parts.items() if n.startswith("net_")}
        for needed in ("experts", "embed.told", "period.day", "gate.weight", "ahead.weight"):
            if needed not in weights or "story" not in parts:
                raise LearnError(f"these are no parts of a backbone: no '{needed}' or no story")
        names = tuple(str(name) for name in parts.get("processes", np.empty(0, np.str_)))
        return cls(weights, int(parts["story"][0]), float(parts["story"][1]), names)

    def to_onnx(self, day: float = 0.0) -> bytes:
        """Write the graph: ``inputs`` (n, length) in, ``value`` (n, horizon) and ``summary`` out.

        NaN in the inputs means the same as in :meth:`forecast`.
        """
        return backbone_graph(self.weights, day)


def untaught(shape: Shape | None = None, seed: int = 0) -> Backbone:
    """Return a backbone with random weights: the honest rival of a taught one."""
    from genba.learn.backbone.network import new_weights

    drawn = new_weights(shape or Shape(), seed)
    return Backbone({name: tensor.numpy() for name, tensor in drawn.items()})


def pretrain(
    pool: Sequence[Process],
    *,
    shape: Shape | None = None,
    steps: int = 20_000,
    seconds: float | None = None,
    made: float = 0.5,
    seed: int = 0,
    memory: Path | None = None,
    told: Callable[[float], None] = lambda progress: None,
    shares: int = 1,
    scale: Scale | None = None,
) -> Backbone:
    """Train a backbone on many processes and on made-up signals.

    Parameters
    ----------
    pool : sequence of Process
        The target process must not be among them, if it is to be judged on it.
    shape : Shape, optional
        Its size.
    steps : int
        Steps of 256 windows at most; the same steps, pool and seed give the same backbone.
    seconds : float, optional
        Stop after so many seconds of CPU; the step size falls to nothing towards the nearer end.
    made : float
        Share of made-up windows, 1 where there is no pool.
    memory : Path, optional
        A file to remember the training in while it lasts: the same call goes on from there, and
        with ``steps`` alone it ends in the same backbone.
    told : callable
        Hears of the progress, 0 to 1.
    shares : int
        Parts in which the windows of each step are worked on, at once where there is room. Their
        number is part of the result, as the seed is.
    scale : Scale, optional
        Where shares are worked on; default as ``GENBA_SCALE`` says. The backbone is the same.

    Raises
    ------
    LearnError
        If a process of the pool is too short, there is nothing to learn from, or shares are to end
        after seconds of CPU, which no one process could count.
    """
    from genba.learn.backbone.memory import Memory
    from genba.learn.backbone.network import new_weights
    from genba.learn.backbone.teach import Lesson, teach

    if not 0 <= made <= 1 or (not pool and made < 1):
        raise LearnError(
            f"a share of made-up windows of {made} with {len(pool)} processes makes no sense; give "
            "0 to 1, and 1 where there is no process"
        )
    if shares < 1 or (shares > 1 and seconds is not None):
        raise LearnError(
            f"training in {shares} shares for {seconds} s of CPU makes no sense; give at least one "
            "share, and steps in place of seconds where there are several"
        )
    kept = [long_enough(process) for process in pool]

    def drawn(count: int, source: np.random.Generator) -> tuple[Floats, Floats]:
        few = round(count * made)
        parts = [made_up(few, source)] if few else []
        if few < count:
            parts.append(blended(*stretches(kept, count - few, source, STRIDES), source))
        cut, day = (np.concatenate(each) for each in zip(*parts, strict=True))
        return late(cut, source), day

    shape = shape or Shape()
    names = tuple(process.name for process in pool)
    sizes = [(process.name, process.rows, process.day) for process in kept]
    training = f"{shape}, {steps} steps, {seconds} s, {made} made up, seed {seed}, {sizes}"
    training += f", {shares} shares" if shares > 1 else ""
    kept_in = Memory(memory, training) if memory else None
    lesson = Lesson(steps, seconds=seconds)
    place = (scale_of() if scale is None else scale) if shares > 1 else Scale()
    with opened(place) as at:
        taught = teach(
            *(new_weights(shape, seed), drawn, lesson, seed),
            memory=kept_in, told=told, pool=at, shares=shares,
        )  # fmt: skip
    return Backbone(taught.weights, taught.steps, taught.seconds, names)


def refined(
    backbone: Backbone,
    windows: Floats,
    *,
    steps: int,
    rate: float = 3e-4,
    day: float = 0.0,
    seed: int = 0,
) -> Backbone:
    """Train a backbone, or an untaught one, further on stretches of one process alone.

    Parameters
    ----------
    backbone : Backbone
        It is left as it is; a new one is returned.
    windows : (n, length + horizon) float64
        Stretches of single signals.
    steps : int
        Steps of 64 of them, drawn at random.
    rate : float
        Step size.
    day : float
        Rows of a day, 0 where nobody knows.
    """
    import torch

    from genba.learn.backbone.teach import Lesson, teach

    weights = {n: torch.from_numpy(np.array(array)) for n, array in backbone.weights.items()}

    def drawn(count: int, source: np.random.Generator) -> tuple[Floats, Floats]:
        return windows[source.integers(len(windows), size=count)], np.full(count, heard(day))

    taught = teach(weights, drawn, Lesson(steps, batch=64, rate=rate), seed)
    made = backbone.steps + taught.steps
    return Backbone(taught.weights, made, backbone.seconds + taught.seconds, backbone.processes)
