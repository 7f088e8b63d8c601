"""Reads a plant's two files once for all environments of a program."""

from functools import cache
from pathlib import Path

from genba.errors import TestbedError
from genba.plant import Plant
from genba.testbed.files import load_testbed
from genba.testbed.physics_file import Physics
from genba.testbed.simulation import PlantSimulation


@cache
def _read(plant_file: Path | str | None, physics_file: Path | str | None) -> tuple[Plant, Physics]:
    plant, physics = load_testbed(plant_file, physics_file)
    PlantSimulation(plant, physics)  # refuses halves that do not fit each other
    return plant, physics


def loaded(plant_file: Path | str | None, physics_file: Path | str | None) -> tuple[Plant, Physics]:
    """Both halves of a plant; of the reference plant where no file is named.

    Raises
    ------
    PlantError, TestbedError
        If a file is wrong, the two do not fit each other, or only one is named.
    """
    if (plant_file is None) != (physics_file is None):
        raise TestbedError(
            "a plant has two files; name both plant_file and physics_file, or neither"
        )
    return _read(plant_file, physics_file)
