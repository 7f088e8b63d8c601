"""Unit processes: the physics of each kind of machine, and of what surrounds them.

:func:`build_process` makes one from its parameters; :data:`ProcessParameters` is the union that
``physics.yaml`` is read with, told apart by ``kind``.
"""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from genba.plant.ids import Value
from genba.testbed.randomness import Stream
from genba.testbed.unit.assembly import AssemblyParameters, AssemblyRecipe, RobotCell
from genba.testbed.unit.environment import (
    Climate,
    ClimateParameters,
    Material,
    MaterialParameters,
)
from genba.testbed.unit.furnace import Furnace, FurnaceParameters, FurnaceRecipe
from genba.testbed.unit.grinding import Grinder, GrindingParameters, GrindingRecipe
from genba.testbed.unit.injection import InjectionParameters, InjectionPress, InjectionRecipe
from genba.testbed.unit.milling import Mill
from genba.testbed.unit.milling_parameters import MillingParameters, MillingRecipe
from genba.testbed.unit.packing import Packer, PackingParameters, PackingRecipe
from genba.testbed.unit.process import ClimateModel, MaterialModel, UnitProcess
from genba.testbed.unit.testing import Tester, TestingParameters, TestingRecipe

ProcessParameters = Annotated[
    InjectionParameters
    | MillingParameters
    | FurnaceParameters
    | GrindingParameters
    | AssemblyParameters
    | TestingParameters
    | PackingParameters,
    Field(discriminator="kind"),
]
"""Parameters of any unit process."""

RECIPES: Mapping[str, type[Value]] = {
    "injection": InjectionRecipe,
    "milling": MillingRecipe,
    "furnace": FurnaceRecipe,
    "grinding": GrindingRecipe,
    "assembly": AssemblyRecipe,
    "testing": TestingRecipe,
    "packing": PackingRecipe,
}
"""What a recipe of each kind must hold."""


def build_process(parameters: ProcessParameters, stream: Stream) -> UnitProcess:
    """Make the machine that the parameters describe, with a stream of chance of its own."""
    match parameters:
        case InjectionParameters():
            return InjectionPress(parameters, stream)
        case MillingParameters():
            return Mill(parameters, stream)
        case FurnaceParameters():
            return Furnace(parameters, stream)
        case GrindingParameters():
            return Grinder(parameters, stream)
        case AssemblyParameters():
            return RobotCell(parameters, stream)
        case TestingParameters():
            return Tester(parameters, stream)
        case PackingParameters():
            return Packer(parameters, stream)


def check_recipe(kind: str, recipe: Mapping[str, float]) -> Value:
    """Read a recipe for a process of this kind.

    Raises
    ------
    pydantic.ValidationError
        If a parameter is missing, unknown or no number.
    """
    return RECIPES[kind].model_validate(dict(recipe))


def build_climate(parameters: ClimateParameters, stream: Stream) -> ClimateModel:
    """Make the hall's air."""
    return Climate(parameters, stream)


def build_material(parameters: MaterialParameters, stream: Stream) -> MaterialModel:
    """Make the suppliers of raw material."""
    return Material(parameters, stream)


__all__ = [
    "RECIPES",
    "ClimateParameters",
    "MaterialParameters",
    "ProcessParameters",
    "build_climate",
    "build_material",
    "build_process",
    "check_recipe",
]
