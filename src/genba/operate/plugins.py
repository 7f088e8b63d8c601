"""Plug-ins: judges and planners that installed packages bring under an entry point."""

from importlib.metadata import entry_points
from typing import Any

from genba.errors import PlantError
from genba.plant import Plant


def registered(group: str, plant: Plant) -> list[Any]:
    """Build the plug-ins of a group: each entry point is called with the plant."""
    found = []
    for point in sorted(entry_points(group=group), key=lambda point: point.name):
        try:
            found.append(point.load()(plant))
        except Exception as error:
            raise PlantError(
                f"plug-in '{point.name}' ({point.value}) of {group} cannot be loaded: {error}; "
                "mend or uninstall its package"
            ) from error
    return found
