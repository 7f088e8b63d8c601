"""Learning: from recorded data to a model that is checked, signed and watched.

Names are loaded when they are used, so that a process at a machine takes in no more than it runs.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from genba.learn.anomaly.ladder import anomaly_ladder
    from genba.learn.candidate import Candidate, train
    from genba.learn.data.column import Column, ColumnKind, Known
    from genba.learn.data.dataset import UNIT, Dataset, Images
    from genba.learn.data.equipment import Slice, slice_of_equipment
    from genba.learn.data.fitness import Misfit, misfits, refuse_misfits, without_constant
    from genba.learn.data.lineage import Lineage
    from genba.learn.data.parts import slice_of_parts
    from genba.learn.data.release import from_table, read_release
    from genba.learn.data.target import Target
    from genba.learn.export.graph import Graph
    from genba.learn.export.parity import OnnxModel, Parity, parity_of
    from genba.learn.export.trees import Trees
    from genba.learn.features.windows import Windows, runs_of, windows_of
    from genba.learn.forecast.ahead import ahead
    from genba.learn.forecast.ladder import forecast_ladder
    from genba.learn.inspect.ladder import inspect_ladder
    from genba.learn.life.ladder import life_ladder
    from genba.learn.life.target import with_life
    from genba.learn.quality.ladder import quality_ladder
    from genba.learn.recipe.card import Card
    from genba.learn.recipe.catalog import recipe_of
    from genba.learn.recipe.check import Complaint, check_recipe
    from genba.learn.recipe.examine import MEASURES, Measure, Scores
    from genba.learn.recipe.ladder import Climb, Ladder, Rung, climb
    from genba.learn.recipe.prediction import Prediction
    from genba.learn.recipe.protocol import Model, Parts, Recipe, Task, Weight
    from genba.learn.recipe.report import report_of
    from genba.learn.recipe.samples import sample_for
    from genba.learn.registry.history import Event, History, What
    from genba.learn.registry.store import Registered, Registry
    from genba.learn.releasing import release_to_core, rollback, running, sealed
    from genba.learn.scale import Scale, scale_of
    from genba.learn.softsensor.ladder import softsensor_ladder
    from genba.learn.split.leakage import Leak, LeakKind, leaks, refuse_leaks
    from genba.learn.split.parts import Split, by_blocks, by_group, by_rows, by_time, leave_out

_PLACES = {
    "anomaly.ladder": ("anomaly_ladder",),
    "data.column": ("Column", "ColumnKind", "Known"),
    "data.dataset": ("UNIT", "Dataset", "Images"),
    "data.equipment": ("Slice", "slice_of_equipment"),
    "data.fitness": ("Misfit", "misfits", "refuse_misfits", "without_constant"),
    "data.lineage": ("Lineage",),
    "data.parts": ("slice_of_parts",),
    "data.release": ("from_table", "read_release"),
    "data.target": ("Target",),
    "export.graph": ("Graph",),
    "export.parity": ("OnnxModel", "Parity", "parity_of"),
    "export.trees": ("Trees",),
    "features.windows": ("Windows", "runs_of", "windows_of"),
    "forecast.ahead": ("ahead",),
    "forecast.ladder": ("forecast_ladder",),
    "inspect.ladder": ("inspect_ladder",),
    "life.ladder": ("life_ladder",),
    "life.target": ("with_life",),
    "quality.ladder": ("quality_ladder",),
    "recipe.card": ("Card",),
    "recipe.catalog": ("recipe_of",),
    "recipe.check": ("Complaint", "check_recipe"),
    "recipe.examine": ("MEASURES", "Measure", "Scores"),
    "recipe.ladder": ("Climb", "Ladder", "Rung", "climb"),
    "recipe.prediction": ("Prediction",),
    "recipe.protocol": ("Model", "Parts", "Recipe", "Task", "Weight"),
    "recipe.report": ("report_of",),
    "recipe.samples": ("sample_for",),
    "registry.history": ("Event", "History", "What"),
    "registry.store": ("Registered", "Registry"),
    "releasing": ("release_to_core", "rollback", "running", "sealed"),
    "scale": ("Scale", "scale_of"),
    "softsensor.ladder": ("softsensor_ladder",),
    "split.leakage": ("Leak", "LeakKind", "leaks", "refuse_leaks"),
    "split.parts": ("Split", "by_blocks", "by_group", "by_rows", "by_time", "leave_out"),
    "candidate": ("Candidate", "train"),
}
_PLACE_OF = {name: place for place, names in _PLACES.items() for name in names}

__all__ = [
    "MEASURES",
    "UNIT",
    "Candidate",
    "Card",
    "Climb",
    "Column",
    "ColumnKind",
    "Complaint",
    "Dataset",
    "Event",
    "Graph",
    "History",
    "Images",
    "Known",
    "Ladder",
    "Leak",
    "LeakKind",
    "Lineage",
    "Measure",
    "Misfit",
    "Model",
    "OnnxModel",
    "Parity",
    "Parts",
    "Prediction",
    "Recipe",
    "Registered",
    "Registry",
    "Rung",
    "Scale",
    "Scores",
    "Slice",
    "Split",
    "Target",
    "Task",
    "Trees",
    "Weight",
    "What",
    "Windows",
    "ahead",
    "anomaly_ladder",
    "by_blocks",
    "by_group",
    "by_rows",
    "by_time",
    "check_recipe",
    "climb",
    "forecast_ladder",
    "from_table",
    "inspect_ladder",
    "leaks",
    "leave_out",
    "life_ladder",
    "misfits",
    "parity_of",
    "quality_ladder",
    "read_release",
    "recipe_of",
    "refuse_leaks",
    "refuse_misfits",
    "release_to_core",
    "report_of",
    "rollback",
    "running",
    "runs_of",
    "sample_for",
    "scale_of",
    "sealed",
    "slice_of_equipment",
    "slice_of_parts",
    "softsensor_ladder",
    "train",
    "windows_of",
    "with_life",
    "without_constant",
]


def __getattr__(name: str) -> Any:
    if name not in _PLACE_OF:
        raise AttributeError(f"genba.learn has no '{name}'")
    return getattr(import_module(f"genba.learn.{_PLACE_OF[name]}"), name)
