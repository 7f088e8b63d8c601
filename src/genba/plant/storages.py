"""Where material enters the floor, and where finished goods leave it."""

from genba.plant.model import Plant


def storages(plant: Plant) -> tuple[str | None, str | None]:
    """Return where raw material comes from and where finished goods go.

    Of the equipment of kind ``storage``, the first in the file is the one, the last the other.
    """
    found = [equipment.id for equipment in plant.equipment if equipment.kind == "storage"]
    return (found[0], found[-1]) if found else (None, None)
