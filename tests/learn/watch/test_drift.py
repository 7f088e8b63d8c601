"""Drift: quiet on more of the same, however slow the process; found where it matters."""

import numpy as np
import pytest
from scipy.signal import lfilter
from scipy.stats import ks_2samp

from genba.errors import LearnError
from genba.learn.watch.drift import RATE, Drift, Said, drift_of
from genba.learn.watch.memory import memory_of
from genba.learn.watch.reference import Sketch, sketch_of

COLUMNS = ("melt", "cavity", "hold", "speed", "load", "screw")
SEEDS = 60


def process(seed: int, rows: int, memory: float, columns: int = len(COLUMNS)) -> np.ndarray:
    """Columns of one spread that resemble the row before by ``memory``, (rows, columns)."""
    noise = np.random.default_rng(seed).normal(size=(rows + 2000, columns))
    return lfilter([np.sqrt(1 - memory**2)], [1, -memory], noise, axis=0)[2000:]


def told(seed: int, memory: float, then: int, now: int, shift: float = 0.0) -> Drift:
    values = process(seed, then + now, memory)
    values[then:, 0] += shift
    return drift_of(sketch_of(COLUMNS, values[:then]), values[then:])


@pytest.mark.parametrize(
    ("memory", "then", "now"),
    [
        (0.0, 500, 50),
        (0.0, 3000, 3000),
        (0.9, 500, 100),
        (0.9, 3000, 3000),
        (0.99, 3000, 300),
        (0.99, 6000, 6000),
        (0.999, 3000, 1000),
    ],
)
def test_more_of_the_same_process_is_no_drift(memory: float, then: int, now: int) -> None:
    alarms = sum(told(seed, memory, then, now).said is Said.DRIFTED for seed in range(SEEDS))
    # With a chance of 1% each, more than 4 of 60 come by chance once in 500 times.
    assert alarms <= 4, f"{alarms} of {SEEDS} at a rate of {RATE}"


def test_the_plain_test_cries_wolf_on_the_same_rows() -> None:
    wolf = 0
    for seed in range(20):
        values = process(seed, 6000, 0.9)
        wolf += min(ks_2samp(values[:3000, n], values[3000:, n]).pvalue for n in range(6)) < 0.01
    assert wolf >= 18


@pytest.mark.parametrize(("memory", "now"), [(0.0, 200), (0.9, 3000)])
def test_a_shift_by_one_spread_is_found_and_named(memory: float, now: int) -> None:
    found = [told(seed, memory, 5000, now, shift=1.0) for seed in range(20)]
    assert sum("melt" in {one.name for one in drift.drifted} for drift in found) >= 19
    first = found[0].columns[0]
    assert first.name == "melt"
    assert first.what.startswith("up by")
    assert first.moved == pytest.approx(1.0, abs=0.3)


def test_a_change_of_scatter_alone_is_found() -> None:
    values = process(1, 6000, 0.5)
    values[4000:, 2] *= 2.5
    (moved,) = drift_of(sketch_of(COLUMNS, values[:4000]), values[4000:]).drifted
    assert moved.name == "hold"
    assert "scatters 2." in moved.what


def test_a_sensor_that_sticks_is_found() -> None:
    values = process(1, 6000, 0.5)
    values[4000:, 3] = 0.05
    (moved,) = drift_of(sketch_of(COLUMNS, values[:4000]), values[4000:]).drifted
    assert moved.name == "speed"


def test_what_is_significant_but_small_does_not_matter() -> None:
    drift = told(3, 0.0, 50_000, 50_000, shift=0.1)
    (melt,) = [one for one in drift.columns if one.name == "melt"]
    assert melt.chance < 1e-6
    assert drift.said is Said.STEADY


def test_few_rows_say_so_and_do_not_guess() -> None:
    assert told(0, 0.0, 1000, 5).said is Said.TOO_FEW
    assert told(0, 0.0, 1000, 15, shift=9.0).said is Said.TOO_FEW
    slow = told(4, 0.99, 6000, 40)
    assert slow.said is Said.TOO_FEW
    assert max(one.effective for one in slow.columns) < 3


def test_a_reference_within_one_swing_says_too_few() -> None:
    assert told(0, 0.9995, 500, 5000).said is Said.TOO_FEW


def test_values_that_went_missing_are_a_drift() -> None:
    values = process(1, 4000, 0.0)
    values[3000:, 1] = np.where(np.arange(1000) % 3 == 0, np.nan, values[3000:, 1])
    (moved,) = drift_of(sketch_of(COLUMNS, values[:3000]), values[3000:]).drifted
    assert moved.name == "cavity"
    assert "unknown in 33% more of the rows" in moved.what


def test_a_column_that_never_changed_and_now_does_is_a_drift() -> None:
    values = process(1, 4000, 0.0)
    values[:, 5] = 7.0
    reference = sketch_of(COLUMNS, values[:3000])
    assert drift_of(reference, values[3000:]).said is Said.STEADY
    values[3500:, 5] = 8.0
    (moved,) = drift_of(reference, values[3000:]).drifted
    assert "never changed before, stood at 7" in moved.what


def test_levels_of_a_setpoint_with_few_values_are_compared_fairly() -> None:
    random = np.random.default_rng(5)
    levels = random.integers(0, 3, (6000, 1)).astype(float)
    reference = sketch_of(("mode",), levels[:4000])
    assert drift_of(reference, levels[4000:]).said is Said.STEADY
    assert drift_of(reference, np.full((500, 1), 2.0)).said is Said.DRIFTED


def test_memory_is_that_of_a_process_of_first_order() -> None:
    slow = memory_of(process(2, 40_000, 0.9, 2))
    assert slow.tau(2000)[0] == pytest.approx(np.full(2, 19.0), rel=0.35)
    assert memory_of(process(2, 40_000, 0.0, 2)).tau(2000)[0] == pytest.approx([1, 1], abs=0.6)


def test_blocks_see_wandering_that_no_single_lag_shows() -> None:
    wander = np.repeat(np.random.default_rng(1).normal(0, 0.3, 40), 500)
    values = np.random.default_rng(0).normal(size=20_000) + wander
    memory = memory_of(values[:, None])
    assert memory.tau(1000)[0][0] > 20


def test_a_reference_comes_back_from_its_arrays() -> None:
    values = process(1, 3000, 0.9)
    reference = sketch_of(COLUMNS, values[:2000])
    again = Sketch.from_arrays(reference.arrays("x_"), "x_")
    told, wanted = (drift_of(one, values[2000:]).columns for one in (again, reference))
    assert [(one.name, one.said) for one in told] == [(one.name, one.said) for one in wanted]
    chances = [one.chance for one in wanted]
    assert [one.chance for one in told] == pytest.approx(chances, nan_ok=True)
    with pytest.raises(LearnError, match="train the model anew"):
        Sketch.from_arrays({}, "x_")


def test_too_few_rows_make_no_reference() -> None:
    with pytest.raises(LearnError, match="49 rows are too few for a reference"):
        sketch_of(("a",), np.zeros((49, 1)))
