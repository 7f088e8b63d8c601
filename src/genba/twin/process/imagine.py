"""Episodes that never were: what a process would show, run in the world model, with a rare event.

Each episode follows a stretch of recorded set-points and context, under one likely set of
parameters, one member of the networks, and noise. An event begins part of the way through. What
comes out is synthetic, and says so; see :mod:`genba.control.synthetic`.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from genba.errors import TwinError
from genba.twin.process.episode import Episode, Floats
from genba.twin.process.residual.world import World
from genba.twin.process.unit import UnitProcess

_LENGTH = 120
_TEXT = re.compile(r"^(drift|offset|stuck|extreme):([A-Za-z_]\w*)(?:=(.+))?$")
_ASK = (
    "write drift:PARAMETER=-30%, offset:OUTPUT=5 (in its unit), stuck:INPUT, "
    "extreme:CONTEXT=low or extreme:CONTEXT=high"
)


class Kind(StrEnum):
    """What sort of event."""

    DRIFT = "drift"
    """A parameter is another from then on."""
    OFFSET = "offset"
    """A sensor shows too much or too little."""
    STUCK = "stuck"
    """A set-point moves, and what it sets does not."""
    EXTREME = "extreme"
    """A piece of context is at the end of its range."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something rare: what, of what, and by how much (a share, a number, or -1 low and 1 high)."""

    kind: Kind
    of: str
    size: float = 0.0

    def __str__(self) -> str:
        """As it is written on the command line."""
        match self.kind:
            case Kind.DRIFT:
                return f"drift:{self.of}={100 * self.size:+g}%"
            case Kind.OFFSET:
                return f"offset:{self.of}={self.size:g}"
            case Kind.EXTREME:
                return f"extreme:{self.of}={'low' if self.size < 0 else 'high'}"
            case _:
                return f"stuck:{self.of}"


@dataclass(frozen=True, slots=True, eq=False)
class Imagined:
    """Episodes, and whether the event held in each row, one array an episode."""

    episodes: tuple[Episode, ...]
    happening: tuple[npt.NDArray[np.bool_], ...]


def event_of(text: str, process: UnitProcess) -> Event:
    """Read an event.

    Raises
    ------
    TwinError
        If it is not written as one, or the process has nothing of that name.
    """
    found = _TEXT.match(text.strip())
    if found is None:
        raise TwinError(f"'{text}' is no event; {_ASK}")
    kind, of, size = Kind(found[1]), found[2], found[3]
    names = {
        Kind.DRIFT: [one.name for one in process.parameters],
        Kind.OFFSET: [one.name for one in process.outputs],
        Kind.STUCK: [one.name for one in process.inputs],
        Kind.EXTREME: [one.name for one in process.context],
    }[kind]
    if of not in names:
        raise TwinError(
            f"'{process.name}' has no '{of}' for '{text}'; there is {', '.join(names) or 'none'}"
        )
    if kind is Kind.EXTREME and size in ("low", "high"):
        return Event(kind, of, -1.0 if size == "low" else 1.0)
    if kind is Kind.STUCK and size is None:
        return Event(kind, of)
    try:
        value = float(str(size).removesuffix("%")) / (100.0 if kind is Kind.DRIFT else 1.0)
    except ValueError:
        value = math.nan
    percent = str(size).endswith("%")
    if kind in (Kind.EXTREME, Kind.STUCK) or not math.isfinite(value) or value == 0:
        raise TwinError(f"'{text}' does not say how much; {_ASK}")
    if percent != (kind is Kind.DRIFT) or (kind is Kind.DRIFT and value <= -1):
        raise TwinError(f"'{text}' does not say how much in the right way; {_ASK}")
    return Event(kind, of, value)


def imagined(
    world: World, recorded: Sequence[Episode], rows: int, event: Event | None = None, seed: int = 0
) -> Imagined:
    """Let the world model run until there are so many rows.

    Parameters
    ----------
    recorded : sequence of Episode
        Whose set-points and context are followed, stretch by stretch.

    Raises
    ------
    TwinError
        If nothing that was recorded is long enough, or the model runs away again and again.
    """
    source = np.random.default_rng(seed)
    long = [one for one in recorded if one.rows >= 10]
    if not long or rows < 1:
        raise TwinError("there are no ten rows on end to follow; record for longer")
    begins = [_begins(world, one) for one in long]
    weights = np.array([one.rows for one in long], float)
    told: list[Episode] = []
    happening: list[npt.NDArray[np.bool_]] = []
    left, failed = rows, 0
    while left > 0:
        at = int(source.choice(len(long), p=weights / weights.sum()))
        length = min(_LENGTH, long[at].rows, max(left, 10))
        first = int(source.integers(long[at].rows - length + 1))
        piece = long[at].cut(first, first + length)
        found = _run(world, piece, begins[at][first], event, source)
        if found is None:
            failed += 1
            if failed > 20 + rows // 10:
                raise TwinError(
                    f"the model of '{world.plain.process.name}' runs away with '{event}'; take "
                    "less of it"
                )
            continue
        episode, holds = found
        keep = min(left, episode.rows)
        told.append(episode.cut(0, keep))
        happening.append(holds[:keep])
        left -= keep
    return Imagined(tuple(told), tuple(happening))


def _begins(world: World, episode: Episode) -> Floats:
    """Where the process was in each row, (rows, states)."""
    tracker, states = world.tracker(), []
    for row in range(episode.rows):
        u, c = episode.inputs[row], episode.context[row]
        try:
            tracker.seen(episode.shown[row], u, c)
            states.append(tracker.state)
            tracker.went(u, c)
        except TwinError:
            tracker.restart()
            states.append(tracker.state)
    return np.array(states)


def _run(
    world: World, piece: Episode, begin: Floats, event: Event | None, source: np.random.Generator
) -> tuple[Episode, npt.NDArray[np.bool_]] | None:
    process, belief = world.plain.process, world.belief
    onset = int(source.integers(piece.rows // 4, max(piece.rows // 2, 1) + 1))
    holds = np.zeros(piece.rows, bool)
    holds[onset:] = event is not None
    real, context = piece.inputs.copy(), piece.context.copy()
    z = belief.drawn(1, source)[0]
    after = z.copy()
    if event is not None:
        match event.kind:
            case Kind.DRIFT:
                place = [one.name for one in process.parameters].index(event.of)
                one = process.parameters[place]
                if one.signed:
                    after[place] += event.size * one.value(float(z[place])) / one.spread
                else:
                    after[place] += math.log1p(event.size) / one.spread
            case Kind.STUCK:
                place = [one.name for one in process.inputs].index(event.of)
                real[onset:, place] = real[onset, place]
            case Kind.EXTREME:
                place = [one.name for one in process.context].index(event.of)
                where = process.context[place]
                context[onset:, place] = where.low if event.size < 0 else where.high
            case Kind.OFFSET:
                pass
    shown, member = [], 1 + int(source.integers(64))
    start = begin
    for part, values in ((slice(0, onset), z), (slice(onset, piece.rows), after)):
        steps = piece.rows - onset if part.start else onset
        if not steps:
            continue
        with np.errstate(over="ignore", invalid="ignore"):
            states, seen = world.alone(start, real[part], context[part], values, source, member)
        shown.append(seen)
        start = states[-1]
    told = np.concatenate(shown)
    told = told + belief.noise * source.standard_normal(told.shape)
    if event is not None and event.kind is Kind.OFFSET:
        told[onset:, [one.name for one in process.outputs].index(event.of)] += event.size
    span = np.array([one.span for one in process.outputs])
    middle = np.array([one.middle for one in process.outputs])
    if not (np.abs(told - middle) < 5 * span).all():
        return None
    told = np.where(np.isnan(piece.shown).all(axis=0), np.nan, told)
    return Episode(piece.inputs, context, told), holds
