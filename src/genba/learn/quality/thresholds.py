"""From which probability on a part is stopped: by what mistakes cost, else by F1."""

import numpy as np

from genba.errors import LearnError
from genba.learn.arrays import Floats


def by_cost(missed: float, false_alarm: float) -> float:
    """Probability from which stopping a part costs less than passing it.

    Elkan, *The foundations of cost-sensitive learning*, IJCAI 2001, equation 2. Holds for
    calibrated probabilities.

    Raises
    ------
    LearnError
        If a cost is not above 0.
    """
    if not (missed > 0 and false_alarm > 0):
        raise LearnError(
            f"costs of {missed:g} for a missed defect and {false_alarm:g} for a false alarm make "
            "no sense; give both above 0"
        )
    return false_alarm / (false_alarm + missed)


def by_f1(chance: Floats, labels: Floats) -> float:
    """Probability at which F1 is highest on held-out rows; 0.5 where one class is missing.

    Between two rows the threshold lies in the middle.
    """
    bad = labels == 1
    if not bad.any() or bad.all():
        return 0.5
    order = np.argsort(-chance, kind="stable")
    hits = np.cumsum(bad[order])
    f1 = 2 * hits / (np.arange(1, len(order) + 1) + bad.sum())
    last = np.append(chance[order][1:] < chance[order][:-1], True)  # equal chances go together
    best = int(np.argmax(np.where(last, f1, -1.0)))
    beside = chance[order][best + 1] if best + 1 < len(order) else 0.0
    return float((chance[order][best] + beside) / 2)
