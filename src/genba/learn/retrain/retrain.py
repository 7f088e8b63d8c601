"""Learn a model anew from newer rows, hold it against the one in force, and write all of it down.

The newest rows are set apart before anything is learned: neither model has seen them. The rest goes
through the same ladder and the same split as the card says. Nothing here releases anything: a
candidate that passes is *proposed*, which is a line in the history and a model in the registry.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from genba.errors import LearnError
from genba.learn.candidate import Candidate, train
from genba.learn.data.dataset import Dataset
from genba.learn.data.fitness import without_constant
from genba.learn.recipe.catalog import recipe_of
from genba.learn.recipe.examine import Scores
from genba.learn.recipe.ladder import measure
from genba.learn.recipe.protocol import Model, Recipe, Task
from genba.learn.registry.history import What
from genba.learn.registry.store import Registered, Registry
from genba.learn.retrain.compare import Comparison, compare
from genba.learn.retrain.protocol import ladder_again, split_again
from genba.learn.verify.unseen import learned_from

APART = 0.2
"""Share of the rows, the newest, that models are compared on."""
BY = "genba model retrain"
_BLINDER = 0.05
"""So much less of the drills a detector may find and still be no worse."""


@dataclass(frozen=True, slots=True, eq=False)
class Retrained:
    """What came of it; ``candidate`` is None where nothing could be learned."""

    old: Registered
    trigger: str
    proposed: bool
    why: str
    candidate: Registered | None = None
    compared: Comparison | None = None
    scores: tuple[Scores, Scores] | None = None
    """Figures of the old and the new model on the rows set apart, for detectors."""

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "model": self.old.digest,
            "trigger": self.trigger,
            "proposed": self.proposed,
            "why": self.why,
            "candidate": None if self.candidate is None else self.candidate.digest,
            "compared": None if self.compared is None else self.compared.as_json(),
            "scores": None if self.scores is None else [dict(one) for one in self.scores],
        }


def retrain(
    registry: Registry,
    old: Registered,
    data: Dataset,
    trigger: str,
    time: str,
    *,
    broken: str = "",
    by: str = BY,
    told: Callable[[str], None] = lambda name: None,
) -> Retrained:
    """Learn a model anew and propose it where it is better, or where the old one is broken.

    Parameters
    ----------
    old : Registered
        The model in force.
    data : Dataset
        Newer rows of its columns (:mod:`genba.learn.watch.again`), the newest last.
    trigger : str
        Why, for the history.
    time : str
        Now, ISO 8601 text.
    broken : str
        What is wrong with the old one, where it is broken: then the new one has to be no worse
        beyond chance, else it has to be better beyond chance.
    told : callable
        Hears the name of each recipe before it is fitted.

    Returns
    -------
    Retrained
        Also written into the history: the trigger, the figures of the gate, and the outcome.

    Raises
    ------
    LearnError
        If the history or the registry cannot be written.
    """
    registry.history.add(What.TRIGGERED, old.digest, time, by=by, data={"why": trigger})
    try:
        found, apart = _learned(old, data, told)
    except LearnError as error:
        return _noted(registry, Retrained(old, trigger, False, str(error)), time, by)
    kept = found.keep(registry, time, by=by)
    if kept.digest == old.digest:
        same = "the same model came out: nothing is new in these rows"
        return _noted(registry, Retrained(old, trigger, False, same), time, by)
    try:
        outcome = _judged(old, found, apart, broken)
    except LearnError as error:
        outcome = (False, str(error), None, None)
    proposed, why, compared, scores = outcome
    told_all = Retrained(old, trigger, proposed, why, kept, compared, scores)
    return _noted(registry, told_all, time, by)


def _learned(
    old: Registered, data: Dataset, told: Callable[[str], None]
) -> tuple[Candidate, Dataset]:
    """Set the newest rows apart and learn from the rest, as the card says."""
    card = old.card
    rest, apart = _set_apart(data, learned_from(card))
    rest, _ = without_constant(rest)
    split = split_again(card, rest)
    ladder = ladder_again(card, rest, split.take(rest, "train"))
    limits = tuple(text for text in card.limits if text.startswith("All of the period"))
    found = train(
        rest,
        split,
        ladder,
        equipment=card.equipment,
        vouched=card.vouched,
        limits=limits,
        seed=card.seed,
        told=told,
    )
    return found, apart


def _set_apart(data: Dataset, seen: tuple[int, int] | None) -> tuple[Dataset, Dataset]:
    """Part off the newest rows, and of them those that the old model was not learned from.

    Raises
    ------
    LearnError
        If there are none.
    """
    order = np.sort(data.time)
    cut = int(order[int((1 - APART) * (len(order) - 1))]) if len(order) else 0
    newest = data.time > cut
    apart = newest if seen is None else newest & (data.time >= seen[1])
    if not apart.any() or newest.all():
        raise LearnError(
            "no newest rows are left that the model in force has not learned from; record longer, "
            "or take a later period with --to"
        )
    return (
        data.take(~newest, "older, to learn from"),
        data.take(apart, "newest, that neither model has seen"),
    )


def _judged(
    old: Registered, found: Candidate, apart: Dataset, broken: str
) -> tuple[bool, str, Comparison | None, tuple[Scores, Scores] | None]:
    """Hold both models against the rows set apart."""
    card = old.card
    before = recipe_of(card)
    pair: tuple[tuple[Model, Recipe], tuple[Model, Recipe]] = (
        (before.restore(old.parts()), before),
        (found.model, recipe_of(found.card)),
    )
    shown = [apart.select([column.name for column in one.columns]) for one in (card, found.card)]
    if shown[0].names != shown[1].names:
        raise LearnError(
            "the new model sees other columns than the one in force (one never changed in these "
            "rows), so that they are not compared by themselves; train it by hand"
        )
    compared = compare(card.task, pair[0], pair[1], shown[0])
    if card.task is not Task.ANOMALY:
        return *_gate(compared, broken), compared, None
    ladder = found.climb.ladder
    old_scores, new_scores = (measure(ladder, recipe, model, shown[0]) for model, recipe in pair)
    proposed, why = _gate_of_detectors(compared, old_scores, new_scores, broken)
    return proposed, why, compared, (old_scores, new_scores)


def _gate(compared: Comparison, broken: str) -> tuple[bool, str]:
    if compared.better:
        return True, compared.told()
    if broken and not compared.worse:
        return True, f"the one in force is broken ({broken}); {compared.told()}"
    return False, compared.told()


def _gate_of_detectors(
    compared: Comparison, old: Scores, new: Scores, broken: str
) -> tuple[bool, str]:
    """Fewer alarms alone are no gain where less is found: drills, or faults, count as well."""
    name = "auc" if new.get("auc") is not None and old.get("auc") is not None else "drills"
    mine, theirs = new.get(name), old.get(name)
    told = compared.told()
    if mine is None or theirs is None:
        return False, f"{told}; what either finds is not known"
    told += f"; {name} {mine:.3g} against {theirs:.3g}"
    finds_more, finds_less = mine > theirs + _BLINDER, mine < theirs - _BLINDER
    if (compared.better and not finds_less) or (finds_more and not compared.worse):
        return True, told
    if broken and not compared.worse and not finds_less:
        return True, f"the one in force is broken ({broken}); {told}"
    return False, told


def _noted(registry: Registry, outcome: Retrained, time: str, by: str) -> Retrained:
    """Write the outcome down."""
    about = outcome.old.digest if outcome.candidate is None else outcome.candidate.digest
    told = {**outcome.as_json(), "instead_of": outcome.old.digest}
    what = What.PROPOSED if outcome.proposed else What.NOT_PROPOSED
    registry.history.add(what, about, time, by=by, data=told)
    return outcome
