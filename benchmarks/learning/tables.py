"""Public tables of quality, as the benchmark of quality takes them: without what leaks."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
from pyarrow import parquet

from genba.learn.data.dataset import Dataset
from genba.learn.data.release import from_table, read_release

MODES = ("TWF", "HDF", "PWF", "OSF", "RNF")
ELECTRIC = ("CurrentFeedback", "OutputCurrent", "OutputPower", "OutputVoltage", "DCBus")


@dataclass(frozen=True)
class Table:
    """A data set, how it is parted, what is declared of it, and what is to be reached."""

    name: str
    data: Dataset
    bars: Mapping[str, float]
    shown: tuple[str, ...]
    blocks: bool = True
    physics: tuple[str, ...] = ()
    window: int = field(default=1)


def tables(folder: Path, only: Collection[str]) -> list[Table]:
    """Read those that are asked for."""
    makers = {"AI4I": _ai4i, "injection": _injection, "mill": _mill, "plates": _plates}
    return [make(folder) for name, make in makers.items() if name in only]


def _ai4i(folder: Path) -> Table:
    data = read_release(
        folder / "ai4i2020.parquet",
        target="Machine failure",
        classes=("good", "failure"),
        without=("UDI", "Product ID", *MODES),
    )
    physics = (
        "power=Torque*Rotational speed",
        "overstrain=Torque*Tool wear",
        "warmed=Process temperature-Air temperature",
    )
    bars = {"f1": 0.86, "ap": 0.88}
    return Table("AI4I", data, bars, ("f1", "ap", "ece", "ece_by_chance"), physics=physics)


def _injection(folder: Path) -> Table:
    data = read_release(
        folder / "injection_iguzzini.parquet", target="quality", classes=("1", "2", "3", "4")
    )
    bars = {"accuracy": 0.90, "ece": 0.05}
    return Table("injection molding", data, bars, ("accuracy", "ece", "ece_by_chance"))


def _mill(folder: Path) -> Table:
    data = read_release(
        folder / "cnc_mill_tool_wear.parquet",
        target="tool_condition",
        classes=("unworn", "worn"),
        groups={"unit": "experiment"},
        without=("Machining_Process",),
    )
    electric = [name for name in data.names if any(part in name for part in ELECTRIC)]
    return Table("mill", data.select(electric), {"accuracy": 0.85}, (), window=30)


def _plates(folder: Path) -> Table:
    table = parquet.read_table(folder / "steel_plates_faults.parquet")
    faults = table.column_names[27:]
    flags = table.select(faults).to_pandas().to_numpy()
    told = table.select(table.column_names[:27])
    told = told.append_column("fault", pa.array([faults[place] for place in flags.argmax(axis=1)]))
    data = from_table(told, name="steel plates", target="fault")
    shown = ("macro_f1", "accuracy", "ece", "ece_by_chance")
    return Table("steel plates", data, {"macro_f1": 0.83}, shown, blocks=False)
