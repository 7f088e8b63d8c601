"""Learn a process anew from what was recorded of late, and take that only where it is better.

As with models of machines: triggered, gated and recorded. The newest third of the rows is set
apart. What was believed is the guess from which the rest is learned, wide enough for what drifted,
so that narrow rows ruin nothing: what they do not speak of stays. What comes of it has to err less
on the rows set apart than the model in force, beyond chance, and the recording has to pass the same
examination as by hand.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from genba.control.bound import Bound, bound
from genba.control.examined import examined
from genba.control.examined_runs import examined_runs, seen_after_runs
from genba.control.kept import note, read
from genba.control.learned import Learned, keep, kept_world, parted
from genba.control.recorded import episodes_of
from genba.control.relearned import Relearned
from genba.control.runs import episodes_by_program, same_program
from genba.control.runs_kept import keep_runs, kept_runs, runs_of
from genba.control.runs_learned import ProductBelief
from genba.errors import ControlError, GenbaError, TwinError
from genba.historian import Historian
from genba.learn.registry.history import What
from genba.plant import Plant
from genba.twin.process import Belief, Clock, Episode, identify
from genba.twin.process.findings import Finding, seen_after, spoilt
from genba.twin.process.identify import fitted
from genba.twin.process.report import standing_of_world
from genba.twin.process.residual import Gain, World, gain_ahead

BY = "genba, by itself"
CONTRADICTED = 9.0
"""Mean surprise on the newest rows from which a new model is refused: the pilot's own limit."""
_WORTH = 0.1
"""By so much less it has to err: what narrow rows say for chance is less than that."""
_NOISIER = 2.0
_SETTLED, _MOST = 3, 1e3
"""Rows after which surprise counts, and the most that one counts for."""
_DRIFT = 0.5
"""Deviations of the author's guess by which a parameter may have changed since."""
_ROWS = 120
"""Rows from which a process, or a product, is learned anew."""
_APART, _BLOCK = 1.0 / 3.0, 10
"""Share of the rows, the newest, that models are compared on, and rows that are drawn together."""


def relearn(
    plant: Plant,
    process: str,
    historian: Historian,
    folder: Path,
    key: Path,
    period: tuple[int, int],
    trigger: str,
) -> Relearned:
    """Learn a process anew from a period (microseconds UTC), and put it in force if it is better.

    Parameters
    ----------
    folder, key : Path
        Of what was learned of processes, and what signs it.
    trigger : str
        Why, for the history.

    Raises
    ------
    GenbaError
        If nothing was learned before, or what was kept was changed or cannot be written.
    """
    joined = bound(plant, process)
    _, before = read(joined, folder, key)
    note(What.TRIGGERED, process, before, folder, by=BY, data={"why": trigger})
    by_run = joined.physics.clock is Clock.RUN
    try:
        if by_run:
            why, taken = _products(plant, joined, historian, folder, key, period)
        else:
            why, taken = _in_time(joined, historian, folder, key, period)
    except GenbaError as error:
        why, taken = str(error), False
    _, now = read(joined, folder, key)
    if not taken:
        data = {"why": why, "period": list(period)}
        note(What.NOT_PROPOSED, process, before, folder, by=BY, data=data)
    return Relearned(process, taken, why, now[:12])


def _in_time(
    joined: Bound, historian: Historian, folder: Path, key: Path, period: tuple[int, int]
) -> tuple[str, bool]:
    world, seen = kept_world(joined, folder, key)
    episodes = episodes_of(historian, joined, *period)
    told, found = examined(historian, joined, episodes, period)
    _sound(found)
    rows = sum(episode.rows for episode in episodes)
    if rows < _ROWS:
        return f"{rows} rows since then are too few, it takes {_ROWS}", False
    older, newest = parted(episodes, _APART)
    loose = world.belief.loosened(_DRIFT)
    tried = world.with_belief(identify(world.symbolic, older, loose))
    gain = gain_ahead(world, tried, newest, _BLOCK)
    why, better = _gate(gain, tried, world.belief, newest)
    if not better:
        return why, False
    standing = standing_of_world(tried, older, newest)
    belief = replace(identify(world.symbolic, episodes, loose), widening=standing.widening)
    # What was seen before still counts: the belief began from what was learned there.
    reach = {
        name: (min(low, seen.get(name, (low, high))[0]), max(high, seen.get(name, (low, high))[1]))
        for name, (low, high) in _extent(joined, episodes).items()
    }
    findings = (*found, *seen_after(told, belief, joined.bounds()))
    learned = Learned(
        joined.process.id, belief, replace(standing, seen=reach), period, findings, world.ensemble
    )
    keep(learned, folder, key, by=BY)
    return why, True


def _products(
    plant: Plant,
    joined: Bound,
    historian: Historian,
    folder: Path,
    key: Path,
    period: tuple[int, int],
) -> tuple[str, bool]:
    """Learn each product anew; one that is no better keeps what was believed of it."""
    beliefs = list(kept_runs(joined, folder, key).beliefs)
    runs = runs_of(historian, plant, joined, *period)
    found = examined_runs(joined, runs)
    _sound(found)
    span = joined.bounds()[1] - joined.bounds()[0]
    told, taken = [], False
    for product, recipe, episodes in episodes_by_program(runs, span):
        rows = sum(episode.rows for episode in episodes)
        for place, one in enumerate(beliefs):
            if one.product != product or not same_program(one.recipe, recipe, span):
                continue
            if rows < _ROWS:
                told.append(f"{product}: {rows} parts are too few, it takes {_ROWS}")
                continue
            why, new = _product(joined, one, episodes)
            told.append(f"{product}: {why}")
            if new is not None:
                beliefs[place], taken = new, True
    if not told:
        raise ControlError("no part of a product that was learned was made since")
    if taken:
        found += seen_after_runs(joined, beliefs)
        keep_runs(joined, beliefs, period, folder, key, by=BY, findings=found)
    return "; ".join(told), taken


def _product(
    joined: Bound, one: ProductBelief, episodes: Sequence[Episode]
) -> tuple[str, ProductBelief | None]:
    older, newest = parted(episodes, _APART)
    loose = one.belief.loosened(_DRIFT)

    def learned(of: Sequence[Episode]) -> Belief:
        return replace(fitted(joined.symbolic, of, loose)[0], wander=one.belief.wander)

    tried = World(joined.symbolic, learned(older))
    gain = gain_ahead(World(joined.symbolic, one.belief), tried, newest, _BLOCK)
    why, better = _gate(gain, tried, one.belief, newest)
    if not better:
        return why, None
    inputs = np.concatenate([one.seen, *(episode.inputs for episode in episodes)])
    seen = np.array([inputs.min(axis=0), inputs.max(axis=0)])
    return why, replace(one, belief=learned(episodes), seen=seen, standing=None)


def _gate(
    gain: Gain | None, tried: World, before: Belief, newest: Sequence[Episode]
) -> tuple[str, bool]:
    """Ask whether the new model errs less beyond chance, and is not contradicted itself."""
    if gain is None:
        return "nothing could be compared on the newest rows", False
    between = f"({gain.low:.0%} to {gain.high:.0%})"
    why = f"{gain.told()} {between} on the newest {gain.rows:,} rows, which neither learned from"
    if gain.share < _WORTH or gain.low <= 0:
        return why, False
    surprise = _surprise(tried, before, newest)
    if surprise > CONTRADICTED:
        return (
            f"{why}, and yet these rows contradict it (surprise {surprise:.0f}): the physics does "
            "not explain what changed; look at the process and its sensors",
            False,
        )
    return why, True


def _surprise(tried: World, before: Belief, newest: Sequence[Episode]) -> float:
    """Mean surprise of a new model; about 1 where it is right.

    What it cannot explain it calls noise. Sensors are no noisier than before, by and large, so that
    noise counts no more than twice what it was, and what the physics leaves out likewise.
    """
    believed = replace(
        tried.belief,
        noise=np.minimum(tried.belief.noise, _NOISIER * before.noise),
        wander=min(tried.belief.wander, _NOISIER * before.wander),
    )
    told = []
    for episode in newest:
        tracker = tried.with_belief(believed).tracker()
        for row, shown in enumerate(episode.shown):
            u, c = episode.inputs[row], episode.context[row]
            try:
                surprise = tracker.seen(shown, u, c)
                if row >= _SETTLED and np.isfinite(shown).any():
                    told.append(min(surprise, _MOST))
                tracker.went(u, c)
            except TwinError:
                tracker.restart()
                told.append(_MOST)
    return float(np.mean(told)) if told else 0.0


def _sound(found: Sequence[Finding]) -> None:
    wrong = spoilt(found)
    if wrong:
        lines = "; ".join(str(one) for one in wrong)
        raise ControlError(f"what was recorded since is spoilt: {lines}")


def _extent(joined: Bound, episodes: Sequence[Episode]) -> dict[str, tuple[float, float]]:
    """Between what each input and piece of context was."""
    told = {}
    for wires, name in ((joined.inputs, "inputs"), (joined.context, "context")):
        for place, wire in enumerate(wires):
            column = np.concatenate([getattr(episode, name)[:, place] for episode in episodes])
            told[wire.variable.name] = (float(column.min()), float(column.max()))
    return told
