"""Units that people write into the titles of columns: ``Torque [Nm]``, ``pressure (bar)``."""

import re

from genba.errors import PlantError
from genba.plant.unit_atoms import OFTEN_WRITTEN
from genba.plant.units import parse_unit

_BRACKETS = re.compile(r"[\[(]([^\[\]()]+)[\])]\s*$")


def unit_in_title(title: str) -> str:
    """Return the unit that a title ends with in brackets, spelled in UCUM; ``1`` if there is none.

    What is often written for a unit (``rpm``, ``Nm``) is taken for it, what is only near one not.
    """
    found = _BRACKETS.search(title)
    if found is None:
        return "1"
    text = found.group(1).strip()
    try:
        return parse_unit(text).text
    except PlantError:
        return OFTEN_WRITTEN.get(text.lower(), "1")
