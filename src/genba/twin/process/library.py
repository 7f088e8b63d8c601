"""Which physics there are: those of the house, and those that packages bring.

A package names its own as entry points ``genba.processes`` (``module:Class``).
"""

from importlib import import_module
from importlib.metadata import entry_points

from genba.errors import TwinError
from genba.twin.process.unit import UnitProcess

_HOUSE = {
    "assembly": "genba.twin.process.physics.assembly:Assembly",
    "cutting": "genba.twin.process.physics.cutting:Cutting",
    "diffusion": "genba.twin.process.physics.diffusion:Diffusion",
    "drive": "genba.twin.process.physics.drive:Drive",
    "grinding": "genba.twin.process.physics.grinding:Grinding",
    "injection": "genba.twin.process.physics.injection:Injection",
    "furnace_heat": "genba.twin.process.physics.furnace:FurnaceHeat",
    "heated_body": "genba.twin.process.physics.thermal:HeatedBody",
    "stirred_reactor": "genba.twin.process.physics.reactor:StirredReactor",
    "four_tanks": "genba.twin.process.physics.tanks:FourTanks",
}


def physics_named(name: str) -> UnitProcess:
    """Load physics by name.

    Raises
    ------
    TwinError
        If nothing has that name, or what has it cannot be loaded.
    """
    places = {**{one.name: one.value for one in entry_points(group="genba.processes")}, **_HOUSE}
    if name not in places:
        raise TwinError(
            f"there is no physics '{name}'; take one of {', '.join(sorted(places))}, or name your "
            "own under the entry points 'genba.processes'"
        )
    module, _, attribute = places[name].partition(":")
    try:
        made: UnitProcess = getattr(import_module(module), attribute)()
    except (ImportError, AttributeError, TypeError) as error:
        raise TwinError(f"physics '{name}' cannot be loaded from {places[name]}: {error}") from None
    return made
