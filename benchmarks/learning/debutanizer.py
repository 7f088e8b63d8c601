"""A debutanizer column: butane in the bottom product from seven signals.

Fortuna, Graziani, Rizzo and Xibilia, *Soft Sensors for Monitoring and Control of Industrial
Processes*, Springer 2007. ``softsensor_debutanizer.parquet``: u1..u7 and y, scaled to 0..1, a row
every six minutes, without times.
"""

from pathlib import Path

from genba.learn.data.dataset import Dataset
from genba.learn.data.release import read_release


def debutanizer(folder: Path) -> Dataset:
    """Read it, in the order in which it was recorded."""
    return read_release(folder / "softsensor_debutanizer.parquet", target="y", numeric=True)
