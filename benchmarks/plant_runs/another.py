"""A plant that nothing was tuned on: the reference plant with fewer machines, and other numbers.

A mill less, three products less, other ids of presses, molds that are larger and slower, another
hall. Both halves are plain YAML, as a user would write them.
"""

import re
from pathlib import Path
from typing import Any

import yaml

from genba.testbed.files import reference_files

PRESS = "molder-7"


def renamed(text: str) -> str:
    """Give the presses ids that nothing has seen."""
    for old, new in (("press-1", PRESS), ("press-2", "molder-9"), ("press-*", "molder-*")):
        text = text.replace(old, new)
    return text


def another(plant: dict[str, Any], physics: dict[str, Any]) -> None:
    """Make another plant of the reference: fewer machines and products, other numbers."""
    gone = {"mill-3", "JA14-P", "JA25-S", "JA40-X"}
    for half in (plant, physics):
        for name, value in half.items():
            half[name] = pruned(value, gone)
    plant["id"], plant["name"] = "another", "Another plant"
    for name, machine in physics["machines"].items():
        if name.startswith("molder"):
            machine["process"] |= {"mold_tau_s": 430.0, "mold_heating_k_kw": 2.5}


def pruned(value: Any, gone: set[str]) -> Any:
    """Take out of lists and mappings what names something that is gone."""

    def names(text: object) -> bool:
        return isinstance(text, str) and any(
            re.search(rf"(?<![A-Za-z0-9]){re.escape(one)}(?![A-Za-z0-9])", text) for one in gone
        )

    if isinstance(value, list):
        kept_items = [pruned(one, gone) for one in value if not names(one)]
        return [
            one
            for one in kept_items
            if not (isinstance(one, dict) and any(names(own) for own in one.values()))
        ]
    if isinstance(value, dict):
        return {key: pruned(one, gone) for key, one in value.items() if not names(key)}
    return value


def halves(*, other: bool) -> tuple[dict[str, Any], dict[str, Any]]:
    """Give the two halves of a plant with presses of other ids, or of quite another plant."""
    plant, physics = (yaml.safe_load(renamed(path.read_text())) for path in reference_files())
    if other:
        another(plant, physics)
    return plant, physics


def write_files(folder: Path, plant: dict[str, Any], physics: dict[str, Any]) -> tuple[Path, Path]:
    """Write the two files of a plant."""
    paths = folder / "plant.yaml", folder / "physics.yaml"
    for path, half in zip(paths, (plant, physics), strict=True):
        path.write_text(yaml.safe_dump(half, sort_keys=False))
    return paths
