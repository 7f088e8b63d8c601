"""The names under which ``gymnasium.make`` finds the environments."""

from typing import Any

import gymnasium

_ROOM = "genba.testbed.environments"

ENVIRONMENTS: dict[str, tuple[str, dict[str, Any]]] = {
    "Genba/InjectionPress-v0": (f"{_ROOM}.unit_process:UnitProcessEnv", {"kind": "injection"}),
    "Genba/Mill-v0": (f"{_ROOM}.unit_process:UnitProcessEnv", {"kind": "milling"}),
    "Genba/Furnace-v0": (f"{_ROOM}.unit_process:UnitProcessEnv", {"kind": "furnace"}),
    "Genba/Grinder-v0": (f"{_ROOM}.unit_process:UnitProcessEnv", {"kind": "grinding"}),
    "Genba/AssemblyCell-v0": (f"{_ROOM}.unit_process:UnitProcessEnv", {"kind": "assembly"}),
    "Genba/Tester-v0": (f"{_ROOM}.unit_process:UnitProcessEnv", {"kind": "testing"}),
    "Genba/Packing-v0": (f"{_ROOM}.unit_process:UnitProcessEnv", {"kind": "packing"}),
    "Genba/Plant-v0": (f"{_ROOM}.whole_plant:PlantEnv", {}),
}
"""Entry point and arguments of each environment, by its name."""


def register() -> None:
    """Tell Gymnasium of every environment that it does not know yet. Safe to call twice."""
    for name, (entry_point, arguments) in ENVIRONMENTS.items():
        if name not in gymnasium.registry:
            gymnasium.register(name, entry_point=entry_point, kwargs=dict(arguments))
