"""Charts of parts find small shifts that stay, name the signal, and end with their cause."""

from dataclasses import replace

import numpy as np
import pytest

from genba.errors import LearnError
from genba.learn import Column, Dataset, Lineage, anomaly_ladder, by_time, check_recipe, climb
from genba.learn.anomaly.chart import ChartRecipe
from genba.learn.anomaly.episodes import episodes_of
from genba.learn.data.column import ColumnKind
from genba.learn.export.parity import TOLERANCE, parity_of
from genba.learn.features.windows import windows_of
from genba.plant import US

RECIPE = ChartRecipe(a_week=2.0)
HELD = ("train", "held")


def parts(count: int, seed: int) -> Dataset:
    """A part a minute of three products in lots of 20, each with forces and sizes of its own."""
    random = np.random.default_rng(seed)
    product = np.repeat(random.integers(0, 3, count // 20 + 1), 20)[:count]
    level = np.array([[10.0, 3.0, 0.0], [14.0, 4.0, 2.0], [7.0, 2.5, -1.0]])
    alike = np.zeros((count, 3))
    for row in range(1, count):
        alike[row] = 0.5 * alike[row - 1] + random.normal(0, 1, 3)
    values = np.column_stack([level[product] + alike, product * 100.0 + 300])
    columns = (
        Column("force", "kN", signal="cell.force"),
        Column("torque", "N.m", signal="cell.torque"),
        Column("size", "um", signal="cell.size"),
        Column("recipe", kind=ColumnKind.SETPOINT, signal="cell.recipe"),
    )
    time = np.arange(count, dtype=np.int64) * 60 * US
    return Dataset("cell", columns, values, time, Lineage("made", {}, seed=seed))


def shifted(data: Dataset, column: int, by: float, rows: slice) -> Dataset:
    values = data.values.copy()
    values[rows, column] += by
    return replace(data, values=values)


def value(model: object, data: Dataset, window: int) -> np.ndarray:
    told = np.zeros(data.rows)
    seen = windows_of(data, window)
    told[seen.rows] = model.predict(seen.values).value  # type: ignore[attr-defined]
    return told


@pytest.fixture(scope="module")
def normal() -> Dataset:
    return parts(1500, 0)


def test_a_chart_keeps_what_every_recipe_promises() -> None:
    assert check_recipe(RECIPE) == ()


def test_a_shift_of_a_spread_and_a_half_is_found_named_and_over_when_it_is_mended(
    normal: Dataset,
) -> None:
    split = by_time(normal)
    model = RECIPE.fit(*(split.take(normal, part) for part in HELD), 0)  # type: ignore[call-arg, arg-type]
    for column in range(3):
        wrong = shifted(parts(600, 7), column, 2.5, slice(200, 400))
        alarms = value(model, wrong, RECIPE.window) > 1
        first = int(np.flatnonzero(alarms)[0])
        assert 200 < first < 260
        assert not alarms[: first - 1].any()
        assert alarms[260:400].mean() > 0.5
        assert not alarms[400 + RECIPE.window :].any()
        seen = windows_of(wrong, RECIPE.window)
        shares = model.explain(seen.values[alarms[seen.rows]])
        assert shares.sum(axis=0).argmax() == column


def test_normal_parts_of_other_weeks_alarm_no_more_than_twice_as_often_as_was_wished(
    normal: Dataset,
) -> None:
    """Eight weeks, two findings a week wished for; limits rest on 25 hours of parts alone."""
    split = by_time(normal)
    model = RECIPE.fit(*(split.take(normal, part) for part in HELD), 0)  # type: ignore[call-arg, arg-type]
    later = parts(8 * 7 * 24 * 60, 1)
    alarms = value(model, later, RECIPE.window) > 1
    assert len(episodes_of(alarms, later.units, RECIPE.window)) <= 2 * 16


def test_a_product_that_was_never_made_says_nothing(normal: Dataset) -> None:
    split = by_time(normal)
    model = RECIPE.fit(*(split.take(normal, part) for part in HELD), 0)  # type: ignore[call-arg, arg-type]
    strange = shifted(shifted(parts(200, 3), 3, 55.0, slice(None)), 0, 30.0, slice(None))
    assert value(model, strange, RECIPE.window).max() == 0


def test_a_value_that_is_unknown_says_nothing_here_and_in_the_graph(normal: Dataset) -> None:
    split = by_time(normal)
    model = RECIPE.fit(*(split.take(normal, part) for part in HELD), 0)  # type: ignore[call-arg, arg-type]
    seen = windows_of(shifted(parts(60, 4), 0, 5.0, slice(20, 60)), RECIPE.window).values.copy()
    calm = seen.copy()
    calm[:, :, 0] = np.nan
    assert model.predict(seen).value.max() > 1 > model.predict(calm).value.max()
    seen[:, ::3, 1] = np.nan
    assert parity_of(model, model.to_onnx(seen.shape[1:]), seen, TOLERANCE).holds


def test_a_signal_that_wanders_does_not_blind_the_others(normal: Dataset) -> None:
    wander = np.cumsum(np.random.default_rng(5).normal(0, 1, normal.rows))
    with_it = replace(
        normal,
        values=np.column_stack([normal.values, wander]),
        columns=(*normal.columns, Column("hall", "Cel", signal="cell.hall")),
    )
    limits = []
    for data in (normal, with_it):
        split = by_time(data)
        train = split.take(data, "train")
        limits.append(RECIPE._fitted(train).limits)
    assert np.allclose(limits[1][:3], limits[0], rtol=0.1)
    assert limits[1][3] > 1.8 * limits[0].max()


def test_few_parts_are_refused_with_the_mend(normal: Dataset) -> None:
    few = normal.take(np.arange(50))
    with pytest.raises(LearnError, match="too few"):
        RECIPE.fit(few, few, 0)


def test_the_ladder_of_parts_takes_a_chart_for_small_shifts(normal: Dataset) -> None:
    split = by_time(normal)
    ladder = anomaly_ladder(split.take(normal, "train"), a_week=2.0, parts=True)
    found = climb(normal, split, ladder)
    assert found.chosen is not None
    assert found.chosen.recipe.name.startswith("ewma")
    assert found.beats
