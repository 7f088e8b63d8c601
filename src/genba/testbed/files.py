"""Loads the two halves of a testbed, and scenarios."""

from importlib.resources import files
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from genba.errors import PlantError, TestbedError
from genba.plant import Plant
from genba.plant.complaint import problems_of
from genba.plant.ids import Value
from genba.plant.load import load_plant
from genba.plant.yaml_source import read_yaml
from genba.testbed.physics_file import Physics, Scenario

Model = TypeVar("Model", bound=Value)

_PHYSICS_FILE = (
    "a simulated plant has one beside its plant file, see: genba testbed files DIR; "
    "or name it with --physics"
)


def reference_files() -> tuple[Path, Path]:
    """Paths of the reference plant's ``plant.yaml`` and ``physics.yaml``, as they are installed."""
    folder = Path(str(files("genba.testbed") / "reference"))
    return folder / "plant.yaml", folder / "physics.yaml"


def copy_reference(folder: Path | str) -> None:
    """Copy the reference plant's two files into a folder, to make another plant of them."""
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    for source in reference_files():
        (target / source.name).write_bytes(source.read_bytes())


def load_testbed(
    plant_path: Path | str | None = None, physics_path: Path | str | None = None
) -> tuple[Plant, Physics]:
    """Read both files of a testbed; those of the reference plant where none is given.

    Raises
    ------
    PlantError
        If ``plant.yaml`` is wrong.
    TestbedError
        If ``physics.yaml`` is: one line per error, ``file:line: field: what; mend``.
    """
    plant, physics = reference_files()
    loaded = load_plant(plant_path or plant)
    return loaded, _load(Path(physics_path or physics), Physics, _PHYSICS_FILE)


def load_scenario(path: Path | str) -> Scenario:
    """Read a file of scripted disturbances.

    Raises
    ------
    TestbedError
        One line per error: ``file:line: field: what; mend``.
    """
    return _load(Path(path), Scenario, "give the path of a scenario file")


def _load(path: Path, model: type[Model], mend: str) -> Model:
    try:
        data, source = read_yaml(path, mend)
    except PlantError as error:
        raise TestbedError(str(error)) from None
    try:
        return model.model_validate(data)
    except ValidationError as error:
        lines = [f"{path}:{source.line_of(p.path)}: {p}" for p in problems_of(error, data, model)]
        raise TestbedError("\n".join(lines)) from None
