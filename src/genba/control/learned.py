"""Learn a process from the historian: its parameters, how good that is, and keep it, signed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from genba.control.bound import Bound
from genba.control.kept import BY_HAND, damaged, file_of, read, write
from genba.errors import ControlError
from genba.twin.process import Belief, Clock, Episode, Symbolic, identify, symbolic
from genba.twin.process.findings import Finding
from genba.twin.process.report import Standing, standing_of, standing_of_world
from genba.twin.process.residual import Ensemble, Lesson, World, completed, judged, taught, unknown
from genba.twin.process.residual.accept import left_out

_FRESH = 0.25
"""Share of the newest rows that is kept apart to judge by."""


@dataclass(frozen=True, slots=True, eq=False)
class Learned:
    """What is believed of a process, and what it was on rows that it had not seen.

    Attributes
    ----------
    belief : Belief
        From all rows.
    standing : Standing
        Of the model from the older rows on the newest quarter.
    period : tuple of int
        Microseconds UTC.
    ensemble : Ensemble or None
        What the physics leaves out, where networks were asked for and earned it.
    findings : tuple of Finding
        What is odd about the recording.
    """

    process: str
    belief: Belief
    standing: Standing
    period: tuple[int, int]
    findings: tuple[Finding, ...] = ()
    ensemble: Ensemble | None = None


def learn(
    bound: Bound,
    episodes: Sequence[Episode],
    period: tuple[int, int],
    *,
    lesson: Lesson | None = None,
) -> Learned:
    """Find a process' parameters, and judge them on the newest quarter of the rows.

    Parameters
    ----------
    lesson : Lesson, optional
        Teach networks what the physics leaves out, too. They are kept only where they were better
        on rows that neither they nor the physics beside them had learned from.

    Raises
    ------
    ControlError
        If there is too little to keep a part for judging.
    TwinError
        If nothing explains what was recorded, or networks are asked for without PyTorch.
    """
    older, newest = parted(episodes)
    model = bound.symbolic
    tried = identify(model, older)
    if lesson is None:
        standing = standing_of(model, tried, older, newest)
        belief = replace(identify(model, episodes), widening=standing.widening)
        return Learned(bound.process.id, belief, _of_all(model, standing, episodes), period)
    verdict = judged(model, older, lesson)
    physics = World(model, tried)
    ensemble = taught(model, tried, older, lesson)
    joined = World(model, left_out(model, tried, ensemble, older), ensemble)
    taken = joined if verdict.accepted else physics
    standing = standing_of_world(
        taken,
        older,
        newest,
        rivals=[
            ("physics alone", physics),
            ("physics and networks", joined),
            ("without physics", _black_box(bound, older, lesson)),
        ],
        verdict=verdict.why,
    )
    belief, kept_ensemble = identify(model, episodes), None
    if verdict.accepted:
        whole = completed(model, belief, episodes, lesson)
        belief, kept_ensemble = whole.belief, whole.ensemble
    belief = replace(belief, widening=standing.widening)
    standing = _of_all(model, standing, episodes)
    return Learned(bound.process.id, belief, standing, period, ensemble=kept_ensemble)


def _of_all(model: Symbolic, standing: Standing, episodes: Sequence[Episode]) -> Standing:
    """Say between what inputs and context were in all rows, since the belief is from all."""
    seen = {}
    for of, name in ((model.process.inputs, "inputs"), (model.process.context, "context")):
        for place, one in enumerate(of):
            values = np.concatenate([getattr(episode, name)[:, place] for episode in episodes])
            seen[one.name] = (float(values.min()), float(values.max()))
    return replace(standing, seen=seen)


def _black_box(bound: Bound, older: Sequence[Episode], lesson: Lesson) -> World:
    """Learn the same rows as if nobody knew the physics."""
    shown = np.concatenate([episode.shown for episode in older])
    seen = np.isfinite(shown).any(axis=0)
    process = unknown(bound.physics, bound.process.step_s, seen.tolist())
    model = symbolic(process, bound.process.step_s, 1)
    own = [replace(episode, shown=episode.shown[:, seen]) for episode in older]
    return completed(model, identify(model, own), own, lesson)


def parted(
    episodes: Sequence[Episode], share: float = _FRESH
) -> tuple[list[Episode], list[Episode]]:
    """Cut off the newest share of the rows.

    Raises
    ------
    ControlError
        If either part is too short to learn or to judge.
    """
    rows = sum(episode.rows for episode in episodes)
    left = rows - int(share * rows)
    older: list[Episode] = []
    newest: list[Episode] = []
    for episode in episodes:
        first = min(episode.rows, max(0, left))
        if first > 1:
            older.append(episode.cut(0, first))
        if episode.rows - first > 1:
            newest.append(episode.cut(first, episode.rows))
        left -= episode.rows
    if not older or not newest:
        raise ControlError(
            f"{rows} rows are too few to learn from and to judge by; record for longer"
        )
    return older, newest


def keep(learned: Learned, folder: Path, key: Path, *, by: str = BY_HAND) -> Path:
    """Write a learned process, signed with the plant's model key; ``by`` had it learned.

    Raises
    ------
    LearnError
        If the key cannot be used.
    TwinError
        If the file cannot be written.
    """
    content = {
        "process": learned.process,
        "physics": learned.belief.process.name,
        "parameters": [one.name for one in learned.belief.process.parameters],
        "mean": learned.belief.mean.tolist(),
        "covariance": learned.belief.covariance.tolist(),
        "noise": learned.belief.noise.tolist(),
        "rows": learned.belief.rows,
        "wander": learned.belief.wander,
        "period": list(learned.period),
        "seen": learned.standing.seen,
        "unmoved": list(learned.standing.unmoved),
        "widening": [[steps, list(factors)] for steps, factors in learned.belief.widening],
        "networks": None if learned.ensemble is None else learned.ensemble.as_plain(),
        "findings": [one.as_plain() for one in learned.findings],
    }
    return write(content, folder, key, by=by)


def kept(bound: Bound, folder: Path, key: Path) -> tuple[Belief, dict[str, tuple[float, float]]]:
    """Read what is believed of a process, and between what its inputs and context were then.

    Raises
    ------
    ControlError
        If nothing was learned, the file was changed, or the physics is not the one it is of.
    """
    world, seen = kept_world(bound, folder, key)
    return world.belief, seen


def kept_world(
    bound: Bound, folder: Path, key: Path
) -> tuple[World, dict[str, tuple[float, float]]]:
    """Read what was learned of a process, networks and all.

    Raises
    ------
    ControlError
        As :func:`kept`, or if the process goes by run, of which there is one belief a product.
    """
    if bound.physics.clock is Clock.RUN:
        raise ControlError(
            f"'{bound.process.id}' goes by run: rows are imagined of processes that go in time "
            "alone; take one of those"
        )
    content, _ = read(bound, folder, key)
    try:
        belief = Belief(
            bound.physics,
            np.array(content["mean"], float),
            np.array(content["covariance"], float),
            np.array(content["noise"], float),
            int(content["rows"]),
            float(content["wander"]),
            tuple((int(n), tuple(map(float, each))) for n, each in content.get("widening", [])),
        )
        networks = content.get("networks")
        ensemble = None if networks is None else Ensemble.from_plain(networks)
        seen = {str(n): (float(low), float(high)) for n, (low, high) in content["seen"].items()}
    except (ValueError, KeyError, TypeError) as error:
        raise damaged(file_of(bound.process.id, folder), error) from None
    return World(bound.symbolic, belief, ensemble), seen


def with_networks(bound: Bound, world: World) -> Bound:
    """Let a process be followed and looked ahead in with the mean of its networks."""
    return replace(bound, symbolic=world.symbolic)
