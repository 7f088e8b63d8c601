"""Sister machines teach what few rows of one's own cannot, and never more than helps."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genba.errors import LearnError
from genba.learn import (
    Column,
    ColumnKind,
    Dataset,
    Lineage,
    Target,
    by_time,
    climb,
    quality_ladder,
)
from genba.learn.arrays import Floats
from genba.learn.export.parity import NET_TOLERANCE, parity_of
from genba.learn.pooled.ladder import starting_from, with_sisters
from genba.learn.pooled.recipe import PooledRecipe, known_by_then, machines_of
from genba.learn.pooled.scales import scales_of
from genba.learn.pooled.transfer import TransferRecipe
from genba.learn.quality.boosted import BoostedRecipe
from genba.learn.quality.linear import LinearRecipe
from genba.learn.recipe.catalog import made_by, remade
from genba.learn.recipe.protocol import Recipe

COLUMNS = (
    Column("current", "A"),
    Column("force", "kN"),
    Column("pressure", "bar"),
    Column("speed", "mm/s", ColumnKind.SETPOINT),
)


def machine(
    name: str, rows: int, seed: int, level: float = 0.0, offset: float = 0.0, *, classes: bool
) -> Dataset:
    """Make a press that reads ``level`` too high everywhere, and wears ``offset`` more."""
    random = np.random.default_rng(seed)
    inner = random.normal(0, 1, (rows, 4))
    raw = inner[:, 0] + 0.5 * inner[:, 1] * inner[:, 1] - inner[:, 3] + offset
    raw = raw + random.normal(0, 0.2, rows)
    values = inner + level * np.array([1.0, 1.0, 1.0, 0.0])
    truth: Floats = (raw > 0.5).astype(float) if classes else raw
    target = Target("wear", truth, classes=("good", "bad") if classes else ())
    unit = {"unit": np.full(rows, name)}
    time = np.arange(rows)
    made = Dataset(name, COLUMNS, values, time, Lineage("made"), unit, target)
    return replace(made, timed=False)


def fleet(*, classes: bool, seed: int = 0) -> Dataset:
    from genba.learn.data.joined import joined

    levels = (0.0, 4.0, -3.0)
    made = [
        machine(f"m{n}", 400, seed + n, level, classes=classes) for n, level in enumerate(levels)
    ]
    return joined(made, "fleet", f"with {len(made) - 1} sister machines")


def rmse(recipe: Recipe, train: Dataset, held: Dataset, test: Dataset) -> float:
    said = recipe.fit(train, held, 0).predict(test.values[:, None])
    return float(np.sqrt(np.mean((said.value - test.labels()) ** 2)))


def test_pooled_and_transferred_are_better_than_few_rows_alone() -> None:
    own = machine("new", 1060, 9, 7.0, 0.4, classes=False)
    train, held, test = (own.take(np.arange(*ends)) for ends in ((0, 40), (40, 60), (60, 1060)))
    light = BoostedRecipe()
    alone = rmse(light, train, held, test)
    assert rmse(PooledRecipe(light, fleet(classes=False)), train, held, test) < 0.9 * alone
    near = machine("near", 1060, 9, 0.0, 0.4, classes=False)
    train, held, test = (near.take(np.arange(*ends)) for ends in ((0, 40), (40, 60), (60, 1060)))
    sister = machine("old", 800, 3, classes=False)
    assert rmse(TransferRecipe(light, sisters=sister), train, held, test) < 0.8 * alone


def test_a_machine_that_reads_higher_is_seen_as_its_sisters_and_setpoints_as_they_are() -> None:
    machines = [machine(f"m{n}", 300, n, 5.0 * n, classes=False) for n in range(3)]
    seen = [
        scale.apply(one.values) for one, scale in zip(machines, scales_of(machines), strict=True)
    ]
    levels = np.array([one.mean(axis=0) for one in seen])
    assert np.ptp(levels[:, :3], axis=0).max() < 0.3
    for one, raw in zip(seen, machines, strict=True):
        assert np.array_equal(one[:, 3], raw.values[:, 3])


@given(seed=st.integers(0, 50))
@settings(max_examples=15, deadline=None)
def test_machines_that_differ_by_chance_alone_are_hardly_moved(seed: int) -> None:
    machines = [machine(f"m{n}", 60, 100 * seed + n, classes=False) for n in range(4)]
    for scale in scales_of(machines):
        assert np.abs(scale.shift).max() < 0.45
        assert np.abs(np.log(scale.factor)).max() < 0.35


@pytest.mark.parametrize("classes", [False, True])
def test_onnx_says_the_same_and_a_card_and_parts_make_the_model_again(classes: bool) -> None:
    own = machine("new", 400, 9, 2.0, classes=classes)
    train, held = own.take(np.arange(0, 80)), own.take(np.arange(80, 140))
    sisters = fleet(classes=classes)
    inputs = own.values[140:, None].copy()
    inputs[:5, 0, 1] = np.nan
    for recipe in (
        PooledRecipe(BoostedRecipe(rounds=40), sisters),
        TransferRecipe(LinearRecipe(), sisters=sisters),
        TransferRecipe(BoostedRecipe(rounds=40), sisters=sisters),
    ):
        model = recipe.fit(train, held, 1)
        assert parity_of(model, model.to_onnx((1, 4)), inputs, NET_TOLERANCE).holds, recipe.name
        again = remade(made_by(recipe), recipe.settings())
        restored = again.restore(model.parts())
        assert np.array_equal(restored.predict(inputs).value, model.predict(inputs).value)
        assert model.explain(inputs).shape == (len(inputs), 4)
        with pytest.raises(LearnError, match="no parts of a"):
            again.restore({})


def test_the_ladder_shows_all_ways_and_keeps_to_the_machine_where_sisters_are_of_no_use() -> None:
    own = machine("new", 400, 5, classes=False)
    odd = machine("odd", 400, 6, classes=False)
    assert odd.target is not None
    strange = odd.with_target(replace(odd.target, values=-3 * odd.target.values))
    assert own.target is not None
    found = climb(own, by_time(own), with_sisters(quality_ladder(own.target), strange))
    names = [rung.recipe.name for rung in found.rungs]
    assert {"zero-shot", "linear+pooled", "lightgbm+transferred", "lightgbm"} <= set(names)
    assert found.chosen is not None
    assert found.chosen.recipe.name in ("linear", "lightgbm", "lightgbm+physics")


def test_starting_from_a_sisters_model_it_is_chosen_where_own_rows_are_few() -> None:
    sister = machine("old", 1500, 3, classes=False)
    source = BoostedRecipe()
    model = source.fit(sister.take(np.arange(1200)), sister.take(np.arange(1200, 1500)), 0)
    own = machine("new", 90, 8, 0.0, 0.8, classes=False)
    assert own.target is not None
    found = climb(own, by_time(own), starting_from(quality_ladder(own.target), source, model))
    assert found.chosen is not None
    assert found.chosen.recipe.name == "lightgbm+transferred"
    tested = {rung.recipe.name: (rung.tested or {}).get("rmse") for rung in found.rungs}
    assert (tested["lightgbm+transferred"] or 9) < (tested["zero-shot"] or 0)


def test_what_sisters_did_later_is_not_known_yet() -> None:
    own = machine("new", 50, 1, classes=False)
    sisters = machine("old", 400, 2, classes=False)
    timed = [replace(one, timed=True) for one in (sisters, own)]
    assert known_by_then(*timed).time.max() == 49
    assert known_by_then(sisters, own).rows == 400


def test_sisters_that_lack_a_column_or_have_another_target_are_refused() -> None:
    own = machine("new", 100, 1, classes=False)
    train, held = own.take(np.arange(60)), own.take(np.arange(60, 100))
    with pytest.raises(LearnError, match="no sister machines"):
        PooledRecipe(LinearRecipe()).fit(train, held, 0)
    with pytest.raises(LearnError, match="different targets"):
        PooledRecipe(LinearRecipe(), fleet(classes=True)).fit(train, held, 0)
    with pytest.raises(LearnError, match="has no column 'force'"):
        PooledRecipe(LinearRecipe(), fleet(classes=False).without(["force"])).fit(train, held, 0)
    assert len(machines_of(fleet(classes=False))) == 3
