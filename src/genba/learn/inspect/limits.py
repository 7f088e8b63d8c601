"""Chances and the threshold of a model of pictures, set on pictures that it was not taught with."""

import numpy as np

from genba.errors import LearnError
from genba.learn.arrays import Booleans, Floats


def enough(bad: Booleans, what: str, fewest: int) -> None:
    """Refuse fewer good or defective pictures than that."""
    few = min(int(bad.sum()), int((~bad).sum()))
    if few < fewest:
        raise LearnError(
            f"of the pictures {what} {int(bad.sum())} show a defect and {int((~bad).sum())} are "
            f"good; give at least {fewest} of each, or use the recipe 'template', which needs only "
            "good ones"
        )


def sigmoid(logits: Floats) -> Floats:
    """Turn logits into chances."""
    return np.asarray(1 / (1 + np.exp(-np.clip(logits, -60, 60))))


def platt(logits: Floats, truth: Booleans) -> tuple[float, ...]:
    """Fit slopes and offset of a logistic curve (Platt, 1999, with his smoothed targets).

    Parameters
    ----------
    logits : (n,) or (n, k)
        What one or more judges say; more speaks for a defect, so that slopes are not negative.
    truth : (n,) bool

    Returns
    -------
    tuple of float
        The k slopes, and the offset.
    """
    from scipy.optimize import minimize

    each = logits.reshape(len(truth), -1)
    count = each.shape[1]
    good, bad = int((~truth).sum()), int(truth.sum())
    wanted = np.where(truth, (bad + 1) / (bad + 2), 1 / (good + 2))

    def loss(found: Floats) -> float:
        said = each @ found[:-1] + found[-1]
        pull = 1e-4 * float(np.square(found[:-1] - 1 / count).sum())
        return float(np.mean(np.logaddexp(0, said) - wanted * said)) + pull

    start = np.array([*[1.0 / count] * count, 0.0])
    bounds = [*[(1e-3 if count == 1 else 0.0, 20.0)] * count, (-50.0, 50.0)]
    found = minimize(loss, start, method="L-BFGS-B", bounds=bounds)
    return tuple(float(one) for one in found.x)


def threshold(chances: Floats, truth: Booleans) -> float:
    """Find the probability at which F1 is best, half way to the next one below."""
    order = np.argsort(-chances, kind="stable")
    hits = np.cumsum(truth[order])
    scores = 2 * hits / (np.arange(len(order)) + 1 + truth.sum())
    best = int(np.argmax(scores))
    upper = chances[order[best]]
    lower = chances[order[min(best + 1, len(order) - 1)]]
    return float((upper + lower) / 2)
