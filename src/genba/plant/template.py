"""The plant file that a new plant begins with."""

from importlib.resources import files

EDITOR_LINE = "# yaml-language-server: $schema=plant.schema.json\n"
"""Lets editors with a YAML language server complete and explain the fields."""


def template_text(plant_id: str = "my-plant") -> str:
    """Return a commented plant file: one machine, one product, one of everything else."""
    text = files("genba.plant").joinpath("template.yaml").read_text(encoding="utf-8")
    return text.replace("id: my-plant", f'id: "{plant_id}"', 1)
