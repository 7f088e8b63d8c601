"""A model as it is watched, wherever it lies: in the registry, or as a release on a shelf."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from genba.errors import LearnError
from genba.learn.arrays import Floats
from genba.learn.edge.bundle import Bundle
from genba.learn.export.parity import OnnxModel
from genba.learn.recipe.card import Card
from genba.learn.recipe.prediction import Prediction
from genba.learn.registry.store import Registered, read_arrays
from genba.learn.watch.kept import Reference, reference_in

INPUTS = "inputs"
_AT_ONCE = 2048
"""Windows that are answered at once: so many that it is fast, so few that they fit into memory."""


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """What a look needs of a model.

    ``inputs`` (n, window, columns) are a few real windows; ``reference`` is what it is watched by,
    None where it keeps nothing of the kind.
    """

    digest: str
    card: Card
    onnx: bytes
    inputs: Floats
    reference: Reference | None

    def answer(self, windows: Floats) -> Prediction:
        """Answer windows (n, window, columns) by the very graph that runs.

        Raises
        ------
        LearnError
            If the graph cannot be run, or the windows have another shape.
        """
        graph = OnnxModel(self.onnx)
        told = [
            graph.predict(windows[begin : begin + _AT_ONCE])
            for begin in range(0, max(len(windows), 1), _AT_ONCE)
        ]
        joined: dict[str, Any] = {}
        for one in fields(Prediction):
            parts = [getattr(answer, one.name) for answer in told]
            joined[one.name] = None if parts[0] is None else np.concatenate(parts)
        return Prediction(**joined)


def of_registered(model: Registered) -> Subject:
    """Return a model of the registry as it is watched.

    Raises
    ------
    LearnError
        If it cannot be read.
    """
    inputs = np.asarray(model.rows()[INPUTS], np.float64)
    return Subject(model.digest, model.card, model.onnx(), inputs, reference_in(model))


def of_bundle(bundle: Bundle) -> Subject:
    """Return a release as it is watched: all that a look needs is signed with it.

    Raises
    ------
    LearnError
        If it does not say how its model was made.
    """
    reference = None
    if bundle.reference is not None:
        reference = Reference.from_arrays(read_arrays(bundle.reference))
    return Subject(
        bundle.digest,
        _card_in(bundle.card, bundle.address),
        bundle.model,
        np.asarray(bundle.rows, np.float64),
        reference,
    )


def _card_in(told: Mapping[str, Any], address: str) -> Card:
    try:
        return Card.from_json(told["card"])
    except (KeyError, TypeError, ValueError, AttributeError):
        raise LearnError(
            f"release {address[:12]} does not say how its model was made, so that nobody can watch "
            "it; pack it anew with `genba edge pack`"
        ) from None
