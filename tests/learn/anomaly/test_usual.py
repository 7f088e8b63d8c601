"""One model serves a machine that makes many products: what is usual goes by the setting."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genba.learn import Column, ColumnKind, Dataset, Lineage, Recipe, parity_of, windows_of
from genba.learn.anomaly.distance import DistanceRecipe
from genba.learn.anomaly.forest import ForestRecipe
from genba.learn.anomaly.limits import CHANGED, STEADY, UNKNOWN
from genba.learn.anomaly.pca import PcaRecipe
from genba.learn.anomaly.sigma import SigmaRecipe
from genba.learn.anomaly.usual import Usual, settings_told

COLUMNS = (
    Column("hold", "bar", ColumnKind.SETPOINT),
    Column("cooling", "s", ColumnKind.SETPOINT),
    Column("pressure", "bar"),
    Column("power", "kW"),
)
PRODUCTS = np.array([[450.0, 14.0], [460.0, 21.0], [470.0, 35.0]])
LEVELS = np.array([[300.0, 5.0], [360.0, 9.0], [340.0, 4.0]])


def high_mix(seed: int, rows: int = 3000, products: tuple[int, ...] = (0, 1, 2)) -> Dataset:
    """A press that changes its product every hundred rows; a row a minute."""
    random = np.random.default_rng(seed)
    made = np.repeat(random.choice(products, rows // 100 + 1), 100)[:rows]
    values = LEVELS[made] + random.normal(0, [3.0, 0.2], (rows, 2))
    time = np.arange(rows) * 60_000_000
    return Dataset("press", COLUMNS, np.hstack([PRODUCTS[made], values]), time, Lineage("made"))


def off_by(data: Dataset, column: int, much: float) -> Dataset:
    values = data.values.copy()
    values[:, column] += much
    return replace(data, values=values)


def found(recipe: Recipe, train: Dataset, held: Dataset, later: Dataset) -> float:
    model = recipe.fit(train, held, 0)
    return float(np.mean(model.predict(windows_of(later, recipe.window).values).value > 1))


def test_a_fault_of_one_product_that_another_has_as_its_normal_is_found() -> None:
    train, held = high_mix(0), high_mix(1)
    calm = high_mix(2, products=(0,))
    wrong = off_by(calm, 2, 20.0)
    assert found(DistanceRecipe(), train, held, calm) < 0.03
    assert found(DistanceRecipe(), train, held, wrong) > 0.95
    assert found(SigmaRecipe(), train, held, wrong) < 0.05


def test_a_setting_never_seen_is_known_as_such_and_judged_widely() -> None:
    usual = Usual.learn(high_mix(0, products=(0, 1)))
    strange = windows_of(high_mix(3, rows=300, products=(2,)), 20).values
    left, _, kinds = usual.of_windows(strange)
    assert set(kinds) == {UNKNOWN}
    known, _, steady = usual.of_windows(windows_of(high_mix(3, 300, (1,)), 20).values)
    assert set(steady) == {STEADY}
    assert np.abs(left).max() < np.abs(known).max()


def test_windows_across_a_change_are_a_kind_of_their_own() -> None:
    data = high_mix(5, rows=400)
    _, _, kinds = Usual.learn(high_mix(0)).of_windows(windows_of(data, 20).values)
    setting = data.values[:, 0]
    crossing = np.array([np.ptp(setting[row : row + 20]) > 0 for row in range(len(kinds))])
    assert np.array_equal(kinds == CHANGED, crossing)


@pytest.mark.parametrize(
    "recipe",
    [DistanceRecipe(), PcaRecipe(window=8), ForestRecipe(window=8, trees=20)],
    ids=lambda one: one.name,
)
def test_onnx_says_the_same_at_known_changed_and_unseen_settings(recipe: Recipe) -> None:
    model = recipe.fit(high_mix(0, products=(0, 1)), high_mix(1, products=(0, 1)), 0)
    inputs = windows_of(high_mix(2, rows=600), recipe.window).values
    assert parity_of(model, model.to_onnx((recipe.window, 4)), inputs).holds
    again = recipe.restore(model.parts())
    assert np.array_equal(again.predict(inputs).value, model.predict(inputs).value)
    assert not model.explain(inputs)[:, :2].any()


def test_onnx_says_the_same_where_setpoints_are_a_range() -> None:
    random = np.random.default_rng(0)
    data = high_mix(0)
    values = data.values.copy()
    values[:, 0] = 450 + 20 * random.random(len(values))
    values[:, 2] = 2 * values[:, 0] + random.normal(0, 1, len(values))
    ranged = replace(data, values=values)
    assert Usual.learn(ranged).continuous
    model = DistanceRecipe().fit(ranged, ranged, 0)
    beyond = off_by(ranged, 0, 10.0)
    inputs = windows_of(beyond, 20).values[::7]
    assert parity_of(model, model.to_onnx((20, 4)), inputs).holds


@given(seed=st.integers(0, 50), factor=st.floats(0.1, 100), shift=st.floats(-500, 500))
@settings(max_examples=15, deadline=None)
def test_what_is_left_over_does_not_hang_on_the_unit_of_a_measurement(
    seed: int, factor: float, shift: float
) -> None:
    data = high_mix(seed, rows=400)
    values = data.values.copy()
    values[:, 2] = factor * values[:, 2] + shift
    other = replace(data, values=values)
    ours, _ = Usual.learn(data).left_over(data.values)
    theirs, _ = Usual.learn(other).left_over(values)
    assert np.allclose(ours, theirs, atol=1e-6)


def test_the_card_says_which_settings_it_knows_and_how_much_was_at_others() -> None:
    (told,) = settings_told(high_mix(0, products=(0, 1)), high_mix(1, 200, (2,)))
    assert told.startswith("It knows 2 settings of hold, cooling")
    assert "100.0% of the rows it was tested on were at others" in told
    alone = high_mix(0).select(["pressure", "power"])
    assert settings_told(alone, alone) == ()
