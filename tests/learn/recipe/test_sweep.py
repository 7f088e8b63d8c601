"""A sweep finds better settings without looking at the test part; many runs keep their order."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from genba.learn import (
    Dataset,
    Ladder,
    Split,
    Task,
    ahead,
    anomaly_ladder,
    by_time,
    forecast_ladder,
    life_ladder,
    sample_for,
    softsensor_ladder,
    train,
)
from genba.learn.anomaly.sigma import SigmaRecipe
from genba.learn.quality.boosted import BoostedRecipe
from genba.learn.quality.ladder import examine_quality, quality_ladder
from genba.learn.quality.linear import LinearModel, LinearRecipe
from genba.learn.quality.prior import PriorRecipe
from genba.learn.recipe.protocol import Parts, Weight
from genba.learn.recipe.runs import Run, climb_each
from genba.learn.recipe.sweep import sweep, variants
from genba.learn.scale import Place, Scale
from genba.learn.softsensor.recipes import BoostedSensor


@dataclass(frozen=True)
class Biased:
    """A line whose answers are off the further its ``rate`` is from 2."""

    rate: float = 1.0
    name: str = "biased"
    window: int = 1
    task: Task = Task.SOFT_SENSOR
    weight: Any = Weight.LIGHT

    def settings(self) -> dict[str, Any]:
        return {"rate": self.rate}

    def fit(self, train: Dataset, held: Dataset, seed: int) -> LinearModel:
        model = LinearRecipe(task=self.task).fit(train, held, seed)
        return replace(model, offset=model.offset + 5 * abs(self.rate - 2))

    def restore(self, parts: Parts) -> LinearModel:
        return LinearRecipe(task=self.task).restore(parts)


def setup(seed: int = 0) -> tuple[Dataset, Split, Ladder]:
    data = sample_for(Task.SOFT_SENSOR, seed, 400)
    ladder = Ladder(Task.SOFT_SENSOR, (Biased(),), (PriorRecipe(),), examine_quality, "rmse")
    return data, by_time(data), ladder


def test_a_better_setting_is_found_and_an_equal_one_does_not_take_its_place() -> None:
    data, split, ladder = setup()
    found = sweep(data, split, ladder, 2)
    assert [rung.recipe.rate for rung in found.tries["biased"]].count(2.0) == 1
    assert found.ladder.rungs == (Biased(2.0),)
    again = sweep(data, split, found.ladder, 2)
    assert again.ladder.rungs == found.ladder.rungs


def test_a_sweep_does_not_look_at_the_test_part() -> None:
    data, split, ladder = setup()
    assert all(rung.tested is None for rung in sweep(data, split, ladder, 2).tries["biased"])
    ruined = data.labels().copy()
    ruined[split.test] = np.nan
    assert data.target is not None
    blind = data.with_target(replace(data.target, values=ruined))
    assert sweep(blind, split, ladder, 2).ladder.rungs == (Biased(2.0),)


def test_the_card_tells_the_settings_and_that_there_was_a_sweep() -> None:
    data, split, ladder = setup()
    found = train(data, split, ladder, variants=2)
    assert found.card.settings == {"rate": 2.0}
    assert any("chosen among 3 of 'biased'" in limit for limit in found.card.limits)
    assert not any("chosen among" in limit for limit in train(data, split, ladder).card.limits)


def test_variants_are_other_settings_by_the_seed_also_inside_of_settings() -> None:
    drawn = variants(BoostedSensor(), 6, 1)
    assert len(set(drawn)) == 6
    assert BoostedSensor() not in drawn
    assert drawn == variants(BoostedSensor(), 6, 1)
    assert drawn != variants(BoostedSensor(), 6, 2)
    assert len({one.boost for one in drawn}) > 1
    assert {one.name for one in drawn} == {BoostedSensor().name}


def test_a_window_of_one_row_stays_since_it_means_that_there_is_no_past() -> None:
    assert {one.window for one in variants(BoostedRecipe(window=1), 8, 0)} == {1}
    assert len({one.window for one in variants(BoostedRecipe(window=8), 8, 0)}) > 1


def test_a_setting_that_a_recipe_leaves_open_stays_open() -> None:
    @dataclass(frozen=True)
    class Open(Biased):
        window: int = 2
        shrink: float | None = None

    drawn: list[Any] = list(variants(Open(), 6, 0))
    assert len(drawn) == 6
    assert {one.shrink for one in drawn} == {None}
    assert min(one.window for one in drawn) == 1


@pytest.mark.parametrize(
    "recipe",
    [
        *anomaly_ladder(sample_for(Task.ANOMALY, 1, 700)).rungs,
        *life_ladder().rungs,
        *softsensor_ladder().rungs,
        *forecast_ladder(ahead(sample_for(Task.FORECAST))).rungs,
    ],
    ids=lambda recipe: f"{recipe.task}-{recipe.name}",
)
def test_our_own_rungs_have_variants_that_are_recipes_of_the_same_name(recipe: Any) -> None:
    drawn = variants(recipe, 2, 0)
    assert {one.name for one in drawn} <= {recipe.name}
    assert all(one.settings() != recipe.settings() for one in drawn)


@pytest.mark.parametrize("recipe", [SigmaRecipe(window=1), PriorRecipe()])
def test_a_recipe_without_settings_to_vary_has_no_variants(recipe: Any) -> None:
    assert variants(recipe, 5, 0) == ()


def test_many_runs_come_in_their_order_and_the_same_from_workers() -> None:
    data = sample_for(Task.QUALITY, 0, 500)
    assert data.target is not None
    ladder = quality_ladder(data.target)
    runs = [Run(by_time(data), ladder, seed) for seed in (3, 4)]
    here = climb_each(data, runs, scale=Scale())
    there = climb_each(data, runs, scale=Scale(Place.WORKERS, 2))
    figures = [[dict(rung.tested or {}) for rung in one.rungs] for one in here]
    assert figures == [[dict(rung.tested or {}) for rung in one.rungs] for one in there]
    assert figures[0] != figures[1]
    assert [one.chosen in one.rungs for one in there] == [True, True]
