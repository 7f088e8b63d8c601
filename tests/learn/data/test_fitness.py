"""Data that cannot be learned from are refused before anything is fitted, with the mend."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from genba.errors import LearnError
from genba.learn import Dataset, Target, Task, misfits, refuse_misfits, sample_for, without_constant
from genba.learn.data.column import Column, ColumnKind

Change = Callable[[np.ndarray], np.ndarray]


def spoiled(change: Change, column: int = 1) -> Dataset:
    data = sample_for(Task.ANOMALY)
    values = data.values.copy()
    values[:, column] = change(values[:, column])
    return replace(data, values=values)


def told(data: Dataset) -> str:
    return "\n".join(map(str, misfits(data)))


@pytest.mark.parametrize("task", [t for t in Task if t is not Task.INSPECT])
def test_plain_data_pass(task: Task) -> None:
    assert misfits(sample_for(task)) == ()


def _dies(values: np.ndarray) -> np.ndarray:
    return np.where(np.arange(len(values)) > 600, values[600], values)


def _storm(values: np.ndarray) -> np.ndarray:
    return np.where(np.arange(len(values)) % 2 == 0, np.nan, values)


def _other_unit(values: np.ndarray) -> np.ndarray:
    return np.where(np.arange(len(values)) >= 450, values * 14.5038, values)


def _infinite(values: np.ndarray) -> np.ndarray:
    return np.where(np.arange(len(values)) == 3, np.inf, values)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda values: np.full_like(values, 1.0), "never changes (always 1): it is dead"),
        (_dies, "stands still at"),
        (_storm, "is unknown in 50% of the rows; see `genba historian gaps`"),
        (_other_unit, "its unit changed near 1970-01-01T07:"),
        (_infinite, "is infinite in 1 rows"),
    ],
)
def test_a_spoiled_signal_is_told_by_its_name(change: Change, said: str) -> None:
    found = told(spoiled(change))
    assert found.startswith("signal 'machine.pressure' ")
    assert said in found
    assert "--without pressure" in found


def test_celsius_that_became_kelvin_is_told() -> None:
    change: Change = lambda v: np.where(np.arange(len(v)) >= 450, v + 273.15, v)  # noqa: E731
    assert "Celsius and kelvin" in told(spoiled(change, 0))


def test_a_step_of_the_process_is_no_change_of_unit() -> None:
    change: Change = lambda v: np.where(np.arange(len(v)) >= 450, v + 20, v)  # noqa: E731
    assert told(spoiled(change, 0)) == ""


def test_too_few_rows_are_refused() -> None:
    with pytest.raises(LearnError, match="has 99 rows, and it takes at least 100; widen"):
        refuse_misfits(sample_for(Task.ANOMALY).take(np.arange(99)))


def test_one_class_only_is_told_with_the_way_out() -> None:
    data = sample_for(Task.QUALITY)
    target = Target("quality", np.zeros(data.rows), classes=("good", "bad"))
    assert "all 900 labels are 'good'; record until others came, or watch for anomalies" in told(
        data.with_target(target)
    )


def test_labels_from_the_future_are_told() -> None:
    data = sample_for(Task.SOFT_SENSOR)
    assert data.target is not None
    late = Target("lab", data.target.values, "%", known=data.time + 3_600_000_000)
    at = replace(data.with_target(late), lineage=replace(data.lineage, as_of=int(data.time[-1])))
    assert "has 60 labels from the future" in told(at)


def test_setpoints_that_never_change_are_left_out_and_named() -> None:
    data = sample_for(Task.ANOMALY)
    setpoint = Column("speed_set", "/min", ColumnKind.SETPOINT, "machine.speed_set")
    more = data.with_columns([setpoint], np.full((data.rows, 1), 7.0), "a setpoint")
    assert misfits(more) == ()
    kept, gone = without_constant(more)
    assert gone == ("speed_set",)
    assert kept.names == data.names


def test_a_summary_that_never_changes_is_no_dead_signal() -> None:
    data = sample_for(Task.ANOMALY)
    least = Column("current.least", "A", signal="machine.current")
    more = data.with_columns([least], np.zeros((data.rows, 1)), "a summary")
    assert misfits(more) == ()
    assert without_constant(more)[1] == ("current.least",)
