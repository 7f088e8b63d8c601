"""A small network over all sites: each teaches a copy, and the hub takes in the mean change.

Federated averaging (McMahan et al., AISTATS 2017), weighted by rows. Masked changes cannot be
looked at one by one, so each site cuts its own to a length, the hub refuses a mean that no honest
sites can have, and one after which all sites' held-out rows are said worse.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from genba.errors import LearnError
from genba.learn.arrays import Floats
from genba.learn.federated.design import Design
from genba.learn.federated.line import WRONG, model_of
from genba.learn.federated.model import FederatedModel
from genba.learn.federated.network import Shape
from genba.learn.federated.polish import Looked, polished
from genba.learn.federated.total import Total, asked

WORSE = 1.1
"""A round after which the held-out loss is larger by more than this is not taken in."""
MOST_REFUSED = 5
"""After so many refused rounds in a row training ends, each with half the rate of the last."""


@dataclass(frozen=True, slots=True)
class Round:
    """How a round went: the held-out loss after it, and why it was not taken in, if so.

    Number 0 are steps of polishing.
    """

    number: int
    loss: float
    refused: str = ""


def network_of(
    total: Total,
    design: Design,
    line: FederatedModel,
    rows: float,
    told: Callable[[Round], None] = lambda one: None,
) -> FederatedModel:
    """Train from a line on; ``rows`` is the number of all sites' rows to learn from.

    Returns
    -------
    FederatedModel
        That of the round with the least held-out loss; without limits yet.

    Raises
    ------
    LearnError
        If too many rounds in a row gave a mean that no honest sites can have.
    """
    tuning = design.tuning
    shape = Shape(line.shape.inputs, tuning.hidden, design.outputs)
    at = _looked(total, line, shape.begun(line.flat, design.seed), rows)
    best, rate, refused, since = at, tuning.rate, 0, 0
    for number in range(1, tuning.rounds + 1):
        arrays = {**line.standards.arrays(), "flat": at.flat, "slope": at.slope}
        facts = {"round": number, "rate": rate, "rows": rows}
        change, strange = _mean(total(asked("train", arrays, "narrow", **facts)), tuning.clip)
        after = at if strange else _looked(total, line, at.flat + change, rows)
        why = strange
        if not strange and not after.held <= WORSE * at.held:
            why = f"the held-out loss would rise from {at.held:.4g} to {after.held:.4g}"
        told(Round(number, after.held, why))
        if why:
            refused, rate = refused + 1, rate / 2
            if refused >= MOST_REFUSED and not strange:
                break  # it only gets worse from here: that is no news of a network
            if refused >= MOST_REFUSED:
                raise LearnError(
                    f"{refused} rounds in a row were refused, the last since {why}; a site's rows "
                    "or Genba are not what the plan says, and a sum does not tell which"
                )
            continue
        at, refused, since = after, 0, since + 1
        if at.held < best.held:
            best, since = at, 0
        if since >= tuning.patience:
            break
    best = polished(
        lambda flat: _looked(total, line, flat, rows),
        best,
        tuning.decay,
        tuning.polish,
        tuning.patience,
        lambda step: told(Round(0, step.held)),
    )
    return model_of(design, line.view, line.standards, shape, best.flat)


def _looked(total: Total, line: FederatedModel, flat: Floats, rows: float) -> Looked:
    question = asked("slope", {**line.standards.arrays(), "flat": flat}, rows=rows)
    sums = total(question)
    held, loss, weight, fit = (float(one) for one in sums[:4])
    if held < 1 or not weight > 0 or not np.isfinite(sums).all():
        raise LearnError(WRONG.format("slopes and losses"))
    return Looked(flat, loss / held, fit / weight, sums[4:] / weight)


def _mean(sums: Floats, clip: float) -> tuple[Floats, str]:
    """Return the mean change, or why honest sites cannot have it."""
    weight, change = float(sums[0]), sums[1:]
    if not 0 < weight <= 1 + 1e-6:
        return change * 0, f"the sites' weights add up to {weight:.3g}, and not to 1 at most"
    change = change / weight
    length = float(np.linalg.norm(change))
    if not length <= clip * (1 + 1e-3):
        return change * 0, f"the mean change has length {length:.3g}, and each had {clip:g} at most"
    return change, ""
