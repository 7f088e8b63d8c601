"""Checks what must hold between the parts of a plant."""

from genba.plant.model import Plant
from genba.plant.problem import Problem


def check_plant(plant: Plant) -> list[Problem]:
    """Return everything that is wrong with a plant whose values are valid each by itself."""
    return []
