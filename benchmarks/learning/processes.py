"""Readers of public process recordings, as runs of rows and signals."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from pyarrow import parquet

from genba.learn.backbone.pool import Process

ENERGY = (
    "Usage_kWh",
    "Lagging_Current_Reactive.Power_kVarh",
    "Leading_Current_Reactive_Power_kVarh",
    "Lagging_Current_Power_Factor",
    "Leading_Current_Power_Factor",
)


def columns(data: Path, name: str) -> dict[str, np.ndarray]:
    """Read a Parquet file as arrays by column."""
    table = parquet.read_table(data / name)
    return {column: table[column].to_numpy() for column in table.column_names}


def matrix(table: Mapping[str, np.ndarray], names: list[str]) -> np.ndarray:
    """Stack columns, (rows, columns)."""
    return np.column_stack([np.asarray(table[name], np.float64) for name in names])


def eastman(data: Path) -> dict[tuple[int, str], np.ndarray]:
    """Tennessee Eastman: 52 signals of each (fault, part), part being ``train`` or ``test``."""
    table = columns(data, "tep_braatz.parquet")
    names = [name for name in table if name not in ("fault", "split", "t")]
    values = matrix(table, names)
    runs = {}
    for fault in np.unique(table["fault"]):
        for part in np.unique(table["split"].astype(str)):
            rows = np.flatnonzero((table["fault"] == fault) & (table["split"].astype(str) == part))
            ordered = rows[np.argsort(table["t"][rows], kind="stable")]
            runs[int(fault), "test" if part.startswith("te") else "train"] = values[ordered]
    return runs


def debutanizer(data: Path) -> np.ndarray:
    """Debutanizer column: seven measurements and the butane content."""
    table = columns(data, "softsensor_debutanizer.parquet")
    return matrix(table, list(table))


def steel_energy(data: Path) -> np.ndarray:
    """Energy of a steel plant every quarter of an hour: use, reactive power, power factors."""
    return matrix(columns(data, "steel_energy.parquet"), list(ENERGY))


def turbofans(data: Path) -> dict[tuple[str, int], tuple[np.ndarray, float]]:
    """C-MAPSS FD001: sensors of each (part, engine), and how many cycles are left at the end."""
    table = columns(data, "cmapss_FD001.parquet")
    parts = table["split"].astype(str)
    sensors = [name for name in table if name[0] == "s" and name[1:].isdigit()]
    values = matrix(table, sensors)
    moving = values[parts == "train"].std(axis=0) > 1e-3
    left = next(name for name in table if name.lower() == "rul")
    engines = {}
    for part in ("train", "test"):
        for unit in np.unique(table["unit"][parts == part]):
            rows = np.flatnonzero((parts == part) & (table["unit"] == unit))
            rows = rows[np.argsort(table["cycle"][rows], kind="stable")]
            engines[part, int(unit)] = (values[rows][:, moving], float(table[left][rows[-1]]))
    return engines


def pool(data: Path) -> list[Process]:
    """Return the processes that are trained on: a machine, milling, bearings, molding."""
    mill = columns(data, "cnc_mill_tool_wear.parquet")
    axes = [name for name, column in mill.items() if column.dtype.kind == "f"]
    milled = matrix(mill, axes)
    molding = columns(data, "injection_iguzzini.parquet")
    shots = matrix(molding, [name for name in molding if name != "quality"])
    machine = columns(data, "nab_machine_temp.parquet")["value"].astype(float)
    bearings = np.load(data / "cwru_12k_de.npz", allow_pickle=False)
    turned = [bearings[n][:12_000, None].astype(float) for n in bearings if "#" not in n]
    return [
        Process("machine temperature", (machine[:, None],), 288.0),
        Process("milling", tuple(milled[mill["experiment"] == n] for n in range(1, 11))),
        Process("bearings", tuple(turned)),
        Process("injection molding", (shots,)),
    ]
