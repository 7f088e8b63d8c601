"""Windows hold the past of a row, all of one unit, and nothing that comes later."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genba.errors import LearnError
from genba.learn import Dataset, Lineage, windows_of
from genba.learn.data.column import Column


def data_of(lengths: list[int]) -> Dataset:
    unit = np.repeat([f"u{n}" for n in range(len(lengths))], lengths)
    rows = int(sum(lengths))
    time = np.concatenate([np.arange(n) for n in lengths])
    values = np.column_stack([np.arange(rows), -np.arange(rows)]).astype(float)
    columns = (Column("a"), Column("b"))
    return Dataset("x", columns, values, time, Lineage("made"), {"unit": unit})


@given(
    lengths=st.lists(st.integers(1, 20), min_size=1, max_size=4),
    length=st.integers(1, 8),
    step=st.integers(1, 3),
)
@settings(max_examples=60, deadline=None)
def test_a_window_ends_at_its_row_and_stays_in_its_unit(
    lengths: list[int], length: int, step: int
) -> None:
    data = data_of(lengths)
    if max(lengths) < length:
        with pytest.raises(LearnError, match=f"no unit of data set 'x' has {length} rows"):
            windows_of(data, length, step)
        return
    seen = windows_of(data, length, step)
    wanted = sum(-(-(n - length + 1) // step) for n in lengths if n >= length)
    assert seen.values.shape == (wanted, length, 2)
    for window, row in zip(seen.values, seen.rows, strict=True):
        assert np.array_equal(window, data.values[row - length + 1 : row + 1])
        assert len(set(data.units[row - length + 1 : row + 1])) == 1


def test_windows_of_nothing_are_refused() -> None:
    with pytest.raises(LearnError, match="both must be at least 1"):
        windows_of(data_of([5]), 0)
