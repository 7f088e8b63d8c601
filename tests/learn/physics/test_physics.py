"""Quantities of columns: read, found, computed alike in Python and ONNX, told in their words."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genba.errors import LearnError
from genba.learn import Column, Dataset, Lineage, Target, by_rows, climb, quality_ladder
from genba.learn.export.parity import parity_of
from genba.learn.physics.discover import _candidates, discover
from genba.learn.physics.quantity import Quantity, columns_of, parse_quantity
from genba.learn.physics.recipe import PhysicsRecipe
from genba.learn.quality.boosted import BoostedRecipe
from genba.learn.recipe.catalog import made_by, remade

COLUMNS = (
    Column("speed [rpm]", "/min", signal="mill.speed"),
    Column("torque", "N.m", signal="mill.torque"),
    Column("inlet-temp", "Cel"),
    Column("outlet-temp", "K"),
)


def mill(rows: int = 1500, seed: int = 0) -> Dataset:
    random = np.random.default_rng(seed)
    speed, torque = random.uniform(500, 3000, rows), random.uniform(5, 80, rows)
    warm = random.normal(20, 2, (2, rows))
    values = np.column_stack([speed, torque, warm[0], warm[1] + 273])
    power = speed * torque
    low, high = np.quantile(power, [0.08, 0.92])
    bad = ((power < low) | (power > high)).astype(float)
    target = Target("result", bad, classes=("good", "bad"))
    return Dataset("mill", COLUMNS, values, np.arange(rows), Lineage("made"), target=target)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("power=torque*speed", Quantity("power", "*", 1, 0)),
        ("power = mill.torque * Speed [rpm]", Quantity("power", "*", 1, 0)),
        ("warmed=outlet-temp-inlet-temp", Quantity("warmed", "-", 3, 2)),
        ("ease=speed/torque", Quantity("ease", "/", 0, 1)),
    ],
)
def test_a_quantity_is_read_in_the_words_of_columns_or_signals(text: str, wanted: Quantity) -> None:
    assert parse_quantity(text, mill(50)) == wanted


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("power", "is no quantity; write it like"),
        ("=torque*speed", "is no quantity"),
        ("power=torque*sped", "not both sides are columns"),
        ("odd=torque-speed", "a difference takes two columns of one kind"),
    ],
)
def test_what_is_no_quantity_is_refused_with_the_mend(text: str, why: str) -> None:
    with pytest.raises(LearnError, match=why):
        parse_quantity(text, mill(50))


def test_units_follow_from_those_of_the_sides() -> None:
    signs: list[Quantity] = [Quantity("a", "*", 1, 0), Quantity("b", "-", 2, 3)]
    made = columns_of(signs, COLUMNS)
    assert [column.unit for column in made] == ["(N.m).(/min)", "K"]


def test_the_power_that_makes_parts_bad_is_found_and_nothing_in_noise() -> None:
    data = mill()
    found = discover(data.values, data.labels(), "two", data.columns, 0)
    assert (found[0].sign, {found[0].left, found[0].right}) == ("*", {0, 1})
    random = np.random.default_rng(3)
    noise = (random.random(data.rows) < 0.1).astype(float)
    assert discover(data.values, noise, "two", data.columns, 0) == ()


def test_the_rung_with_physics_is_chosen_where_it_helps_and_names_the_formula() -> None:
    data = mill()
    assert data.target is not None
    found = climb(data, by_rows(data), quality_ladder(data.target))
    assert found.chosen is not None
    assert found.chosen.recipe.name == "lightgbm+physics"
    assert "mill.speed * mill.torque" in getattr(found.chosen.model, "notes", ())


def test_summaries_of_one_signal_make_quantities_of_names_of_their_own() -> None:
    columns = tuple(
        replace(COLUMNS[place], name=f"{COLUMNS[place].name} {which}")
        for which in ("mean", "largest")
        for place in (0, 1)
    )
    values = np.random.default_rng(0).uniform(1, 2, (50, 4))
    names = [one.name for one in _candidates(columns, values)]
    assert len(set(names)) == len(names)


@given(
    sign=st.sampled_from(["*", "/", "-"]),
    places=st.permutations([0, 1, 2, 3]),
    seed=st.integers(0, 5),
)
@settings(max_examples=12, deadline=None)
def test_onnx_computes_quantities_from_the_recorded_columns_alike(
    sign: str, places: list[int], seed: int
) -> None:
    data = mill(300, seed)
    names = ("speed", "torque", "inlet-temp", "inlet-temp")
    side = names[places[0]], "outlet-temp" if sign == "-" else names[places[1]]
    left = "inlet-temp" if sign == "-" else side[0]
    recipe = PhysicsRecipe(BoostedRecipe(rounds=20), (f"q={left}{sign}{side[1]}",), search=False)
    model = recipe.fit(data.take(np.arange(200)), data.take(np.arange(200, 300)), seed)
    inputs = data.values[:, None].copy()
    inputs[:20, 0, places[0]] = np.nan
    inputs[20:40, 0, places[1]] = 0.0
    assert parity_of(model, model.to_onnx((1, 4)), inputs).holds


def test_shares_are_told_by_recorded_columns_and_add_up_as_without_quantities() -> None:
    data = mill(600)
    recipe = PhysicsRecipe(BoostedRecipe(), ("power=torque*speed",), search=False)
    model = recipe.fit(data.take(np.arange(400)), data.take(np.arange(400, 600)), 0)
    inputs = data.values[:, None]
    shares = model.explain(inputs)
    assert shares.shape == (600, 4)
    bad = data.labels() == 1
    assert np.all(shares[bad][:, :2].sum(axis=1) > np.abs(shares[bad][:, 2:]).sum(axis=1))


def test_a_card_makes_the_same_recipe_and_parts_the_same_model_again() -> None:
    data = mill(400)
    recipe = PhysicsRecipe(BoostedRecipe(rounds=30), ("power=torque*speed",))
    model = recipe.fit(data.take(np.arange(300)), data.take(np.arange(300, 400)), 0)
    again = remade(made_by(recipe), recipe.settings())
    assert again == recipe
    inputs = data.values[:, None]
    restored = again.restore(model.parts())
    assert np.array_equal(restored.predict(inputs).value, model.predict(inputs).value)
    with pytest.raises(LearnError, match="no parts of a"):
        recipe.restore({})
