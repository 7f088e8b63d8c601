"""NASA's simulated turbofan engines (C-MAPSS; Saxena et al., PHM 2008): life left in cycles.

``cmapss_FD00?.parquet``: split (train, test), unit, cycle, three settings (os1..os3), 21 sensors
(s1..s21), and RUL of every row. Engines of ``train`` run to their end; those of ``test`` stop
before. Customary: life is capped at 125 cycles, and the last row of each test engine is judged.
"""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet

from genba.errors import LearnError
from genba.learn.arrays import Integers
from genba.learn.data.dataset import UNIT, Dataset
from genba.learn.data.fitness import misfits
from genba.learn.data.release import from_table
from genba.learn.features.windows import runs_of
from genba.learn.life.target import capped

CAP = 125.0


def fleets(folder: Path) -> list[str]:
    """Return which fleets a folder holds: ``FD001`` ..."""
    return sorted(file.stem.removeprefix("cmapss_") for file in folder.glob("cmapss_*.parquet"))


def engines(folder: Path, fleet: str) -> tuple[Dataset, Dataset]:
    """Return engines that ran to their end, and those to be judged; what never changes is left out.

    Raises
    ------
    LearnError
        If there is no such file.
    """
    file = folder / f"cmapss_{fleet}.parquet"
    if not file.exists():
        raise LearnError(f"{file} is not there; give the folder that holds it with --data")
    table = parquet.read_table(file)
    learned = table.filter(pc.equal(table["split"], "train"))
    constant = [
        name
        for name in table.column_names
        if name.startswith(("s", "os")) and name != "split" and len(pc.unique(learned[name])) == 1
    ]
    parts = [_part(table, part, fleet, constant) for part in ("train", "test")]
    return parts[0], parts[1]


def _part(table: pa.Table, part: str, fleet: str, constant: list[str]) -> Dataset:
    data = from_table(
        table.filter(pc.equal(table["split"], part)).drop_columns("split"),
        name=f"{fleet} {part}",
        target="RUL",
        numeric=True,
        groups={UNIT: "unit"},
        context=["cycle"],
        without=constant,
        release=f"cmapss_{fleet}",
    )
    return capped(data, CAP)


def last_rows(data: Dataset) -> Integers:
    """Return the last row of each engine."""
    return np.array([rows[-1] for rows in runs_of(data)])


def unfit(data: Dataset) -> list[str]:
    """Return what keeps the data from being learned from."""
    return [str(misfit) for misfit in misfits(data)]


def split_engines(data: Dataset, seed: int, held: float = 0.15) -> tuple[Dataset, Dataset]:
    """Part whole engines at random: to learn from, and to stop and calibrate on."""
    names = np.unique(data.units)
    order = np.random.default_rng(seed).permutation(names)
    apart = order[: round(held * len(names))]
    kept = np.isin(data.units, apart)
    return data.take(~kept, "engines learned from"), data.take(kept, "engines held out")
