"""Reads a plant file: YAML, values, and what must hold between them."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from genba.errors import PlantError
from genba.plant.check import check_plant
from genba.plant.complaint import problems_of
from genba.plant.model import Plant
from genba.plant.problem import Problem, Weight
from genba.plant.strictness import slips
from genba.plant.yaml_source import Source, parse_yaml, read_yaml

MOST_SHOWN = 20
"""Errors told at once; the first ones often cause the rest."""


@dataclass(frozen=True, slots=True)
class Examined:
    """A plant file as it was read: the plant, unless values are wrong, and every problem."""

    path: str
    plant: Plant | None
    problems: tuple[Problem, ...]

    @property
    def errors(self) -> tuple[Problem, ...]:
        """What keeps the plant from running."""
        return tuple(p for p in self.problems if p.severity is Weight.ERROR)

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """What deserves a look."""
        return tuple(p for p in self.problems if p.severity is Weight.WARNING)

    def tell(self, problem: Problem) -> str:
        """Write a problem as ``file:line: field: what; mend``."""
        return f"{self.path}:{problem.line}: {problem}"


def load_plant(path: Path | str) -> Plant:
    """Read, validate and check a plant file.

    Warnings do not stop it; :func:`examine` returns them.

    Raises
    ------
    PlantError
        One line per error: ``file:line: field: what; mend``.
    """
    examined = examine(path)
    errors = examined.errors
    if examined.plant is None or errors:
        lines = [examined.tell(problem) for problem in errors[:MOST_SHOWN]]
        if len(errors) > MOST_SHOWN:
            lines.append(f"{examined.path}: and {len(errors) - MOST_SHOWN} more; mend these first")
        raise PlantError("\n".join(lines))
    return examined.plant


def examine(path: Path | str) -> Examined:
    """Read a plant file and collect every problem in it, with its line.

    Raises
    ------
    PlantError
        If the file cannot be read or is not YAML.
    """
    data, source = read_yaml(Path(path))
    return _examine(str(path), data, source)


def examine_text(text: str, name: str = "plant.yaml") -> Examined:
    """Examine a plant file that is held as text; ``name`` stands for it in errors.

    Raises
    ------
    PlantError
        If the text is not YAML.
    """
    data, source = parse_yaml(text, name)
    return _examine(name, data, source)


def _examine(name: str, data: Any, source: Source) -> Examined:
    if not isinstance(data, dict):
        raise PlantError(f"{name}:1: this is no plant file; begin it with 'genba: 1' and 'id: ...'")
    version = data.get("genba", 1)
    if isinstance(version, int) and version > 1:
        raise PlantError(
            f"{name}:{source.line_of(('genba',))}: genba: this file has format {version}, "
            "and this Genba reads format 1; install a newer Genba"
        )
    plant: Plant | None = None
    try:
        plant = Plant.model_validate(data)
        problems = slips(data) or check_plant(plant)
    except ValidationError as error:
        problems = slips(data)
        told = {problem.path for problem in problems}
        problems += [one for one in problems_of(error, data) if one.path not in told]
    placed = [replace(problem, line=source.line_of(problem.path)) for problem in problems]
    placed.sort(key=lambda problem: problem.line)
    return Examined(name, plant, tuple(placed))
