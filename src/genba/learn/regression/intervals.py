"""How wide an interval has to be to hold the truth as often as it says.

Conformalized quantile regression (Romano, Patterson and Candes, NeurIPS 2019): limits that a model
learned are moved by what held-out rows say. Where rows come from few machines, each machine counts
as one, spread over its rows (the pooled form of Dunn, Wasserman and Ramdas, *Distribution-free
prediction sets for two-layer hierarchical models*, JASA 2022): a hundred rows of one engine say
little about the next engine.
"""

import numpy as np

from genba.learn.arrays import Floats, Texts


def margin(
    truth: Floats, low: Floats, high: Floats, cover: float, units: Texts | None = None
) -> float:
    """Return how far both limits must move outward; infinite where there is too little to say.

    ``truth``, ``low`` and ``high`` are (rows,); ``units`` name the machine of each row, None where
    each row counts by itself.
    """
    beyond = np.maximum(low - truth, truth - high)
    if len(beyond) == 0:
        return float("inf")
    if units is None:
        weight, count = np.full(len(beyond), 1.0 / (len(beyond) + 1)), len(beyond)
    else:
        _, place, sizes = np.unique(units, return_inverse=True, return_counts=True)
        count = len(sizes)
        weight = 1.0 / (sizes[place] * (count + 1.0))
    if count / (count + 1.0) < cover - 1e-9:
        return float("inf")
    order = np.argsort(beyond, kind="stable")
    reached = np.cumsum(weight[order]) >= cover - 1e-9
    return float(beyond[order][np.argmax(reached)])
