"""What is learned of a process that goes by run: a belief for each product, each helped by others.

Products on one machine differ (weight, size), and have much in common (how pressure acts). First
each is learned by itself, from the author's guess; what they agree on becomes the guess from which
each is learned again, as wide as they differ (empirical Bayes: Efron & Morris 1975).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from genba.control.bound import Bound
from genba.errors import TwinError
from genba.twin.process import Belief, Episode, identify, prior
from genba.twin.process.episode import Floats
from genba.twin.process.identify import fitted

_NARROWEST = 0.1
"""Products are taken to differ at least by so many deviations of the author's guess."""


@dataclass(frozen=True, slots=True, eq=False)
class ProductBelief:
    """What is believed of one product on one machine.

    Attributes
    ----------
    belief : Belief
    seen : (2, inputs) float
        Lowest and highest set-points that it was learned from.
    around : (inputs,) float
        Those that were usual: the product's recipe.
    """

    belief: Belief
    seen: Floats
    around: Floats


def learned_by_product(
    bound: Bound, episodes: Mapping[str, Sequence[Episode]]
) -> tuple[dict[str, ProductBelief], dict[str, str]]:
    """Learn each product.

    Returns
    -------
    beliefs : dict
        By product.
    left_out : dict
        Products of which nothing could be learned, and why.
    """
    alone: dict[str, Belief] = {}
    left_out: dict[str, str] = {}
    for product, own in episodes.items():
        try:
            alone[product] = fitted(bound.symbolic, own)[0]
        except TwinError as error:
            left_out[product] = str(error)
    if not alone:
        return {}, left_out
    shared = pooled(bound, list(alone.values()))
    found = {}
    for product in alone:
        before = shared if len(alone) > 1 else None
        own = np.concatenate([episode.inputs for episode in episodes[product]])
        found[product] = ProductBelief(
            identify(bound.symbolic, episodes[product], before),
            np.array([own.min(axis=0), own.max(axis=0)]),
            np.median(own, axis=0),
        )
    return found, left_out


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
    return replace(prior(bound.physics), mean=middle, covariance=np.diag(np.minimum(wide, 1.0)))
