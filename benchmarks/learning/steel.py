"""The electricity of a steel plant in Korea, 2018, every quarter of an hour (UCI 851, CC BY 4.0).

Reactive power, power factor and CO2 are computed from, or measured with, the energy of the same
quarter.
"""

from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from genba.learn.data.dataset import Dataset
from genba.learn.data.release import from_table

FILE = "steel_energy.parquet"
_QUARTER_US = 900_000_000
_BEGIN_US = 1_514_764_800_000_000 + _QUARTER_US - 9 * 3_600_000_000
"""2018-01-01 00:15 in Seoul."""


def steel(folder: Path) -> Dataset:
    """Read it with the energy of each quarter as target.

    The file dates midnight to the day that it ends, so times come from the order of the rows,
    which is whole: 35,040 quarters.
    """
    table = parquet.read_table(folder / FILE)
    time = _BEGIN_US + np.arange(table.num_rows, dtype=np.int64) * _QUARTER_US
    table = table.drop_columns(["date", "NSM", "WeekStatus", "Day_of_week", "Load_Type"])
    return from_table(
        table.append_column("time", pa.array(time)),
        name="steel plant",
        target="Usage_kWh",
        time="time",
        units={"Usage_kWh": "kWh"},
        release=FILE,
    )
