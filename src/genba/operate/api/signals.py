"""Signals that a question names: all of them must be there."""

from collections.abc import Iterable

from fastapi import HTTPException

from genba.historian.correction import unknown_signal
from genba.plant import Plant


def must_know(plant: Plant, names: Iterable[str]) -> None:
    """Answer 404, and name those that are near, where the plant has no such signal."""
    for name in names:
        if name not in plant.signals:
            raise HTTPException(404, unknown_signal(name, plant.signals))
