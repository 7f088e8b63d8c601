"""What is learned of a process that goes by run: a belief for each product, each helped by others.

Products on one machine differ (weight, size), and have much in common (how pressure acts). First
each is learned by itself, from the author's guess; what they agree on becomes the guess from which
each is learned again, as wide as they differ (empirical Bayes: Efron & Morris 1975).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from genba.control.bound import Bound
from genba.control.learned import parted
from genba.control.runs import Run, episodes_by_program
from genba.errors import ControlError
from genba.twin.process import Belief, Episode, prior
from genba.twin.process.episode import Floats
from genba.twin.process.identify import fitted
from genba.twin.process.report import Standing, standing_of
from genba.twin.process.variable import STILL

Booleans = npt.NDArray[np.bool_]

_ROWS = 30
"""Parts of a product from which something can be learned."""
_NARROWEST = 0.1
"""Products are taken to differ at least by so many deviations of the author's guess."""


@dataclass(frozen=True, slots=True, eq=False)
class ProductBelief:
    """What is believed of one product under one program on one machine.

    Attributes
    ----------
    belief : Belief
    seen : (2, inputs) float
        Lowest and highest set-points that it was learned from.
    recipe : (inputs,) float
        What the machine writes for it at the start of a job.
    """

    product: str
    belief: Belief
    seen: Floats
    recipe: Floats
    standing: Standing | None = None
    """How good it was on the newest quarter, where that was asked for."""

    def moved(self, span: Floats) -> Booleans:
        """Say which inputs somebody moved, (inputs,); ``span``: of what may be chosen of each."""
        return np.asarray(self.seen[1] - self.seen[0] > STILL * span)


def learned_by_product(
    bound: Bound, runs: Sequence[Run], *, judged: bool = False
) -> tuple[list[ProductBelief], list[str]]:
    """Learn each product.

    Parameters
    ----------
    judged : bool
        Whether each is also held against the newest quarter of its parts, which takes twice the
        time.

    Returns
    -------
    beliefs : list
    left_out : list of str
        Products of which nothing could be learned, and why.

    Raises
    ------
    ControlError
        If there is nothing to learn from.
    """
    programs, left_out, elsewhere, own = [], [], {}, set[str]()
    for program in episodes_by_program(runs, bound.bounds()[1] - bound.bounds()[0]):
        product, recipe, episodes = program
        beyond = _beyond(bound, recipe)
        if beyond:
            elsewhere[product] = f"{product}: {beyond}"
            continue
        own.add(product)
        why = _too_little(bound, product, episodes)
        if why:
            left_out.append(f"{product}: {why}")
        else:
            programs.append(program)
    # What else a machine does with a product (it mills, too, what is bored) is nobody's lack.
    made = bound.process.tolerances or elsewhere
    left_out += [
        elsewhere[product] for product in elsewhere if product in made and product not in own
    ]
    if not programs:
        told = "; ".join(left_out or elsewhere.values()) or "no part was announced"
        raise ControlError(f"nothing can be learned of '{bound.process.id}': {told}")
    alone = [fitted(bound.symbolic, episodes)[0] for _, _, episodes in programs]
    shared = pooled(bound, alone) if len(alone) > 1 else None
    found = []
    for product, recipe, episodes in programs:
        inputs = np.concatenate([episode.inputs for episode in episodes])
        seen = np.array([inputs.min(axis=0), inputs.max(axis=0)])
        belief, _ = fitted(bound.symbolic, episodes, shared)
        standing = _standing(bound, episodes, shared) if judged else None
        found.append(ProductBelief(product, belief, seen, recipe, standing))
    return found, left_out


def _standing(bound: Bound, episodes: Sequence[Episode], shared: Belief | None) -> Standing:
    older, newest = parted(episodes)
    return standing_of(bound.symbolic, fitted(bound.symbolic, older, shared)[0], older, newest)


def _beyond(bound: Bound, recipe: Floats) -> str:
    """Say which of a program's set-points control may not choose: it is another process' then."""
    for wire, value, low, high in zip(bound.inputs, recipe, *bound.bounds(), strict=True):
        if not low <= value <= high:
            return (
                f"its recipe has '{wire.variable.name}' at {value:.5g}, beyond {low:g} to {high:g}"
            )
    return ""


def _too_little(bound: Bound, product: str, episodes: Sequence[Episode]) -> str:
    """Say why a product cannot be learned; empty where it can."""
    rows = sum(episode.rows for episode in episodes)
    if rows < _ROWS:
        return f"{rows} parts are too few, it takes {_ROWS}"
    names = [one.name for one in bound.physics.outputs]
    for name in bound.process.tolerances.get(product, {}):
        place = names.index(name) if name in names else -1
        wired = place >= 0 and bound.outputs[place].signal is not None
        if wired and not any(np.isfinite(e.shown[:, place]).any() for e in episodes):
            return f"'{name}' was measured of none of its {rows} parts"
    return ""


def pooled(bound: Bound, beliefs: Sequence[Belief]) -> Belief:
    """Say what may be expected of a product, from others on the same machine."""
    means = np.array([one.mean for one in beliefs])
    doubt = np.array([np.diag(one.covariance) for one in beliefs])
    weight = 1.0 / (doubt + _NARROWEST**2)
    middle = (weight * means).sum(axis=0) / weight.sum(axis=0)
    between = (weight * (means - middle) ** 2).sum(axis=0) / weight.sum(axis=0)
    # What hardly anybody knows stays as the author had it.
    known = 1.0 - doubt.min(axis=0)
    wide = np.clip(between + _NARROWEST**2 + doubt.min(axis=0), 0.0, 1.0)
    wide = known * wide + (1.0 - known)
    return replace(
        prior(bound.physics),
        mean=middle,
        covariance=np.diag(np.minimum(wide, 1.0)),
        noise=np.median([one.noise for one in beliefs], axis=0),
    )
