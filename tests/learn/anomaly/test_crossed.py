"""Few rows teach and set limits alike, and no row is judged by a model that saw it."""

from dataclasses import replace

import numpy as np
import pytest

from genba.learn import Dataset, Task, by_time, sample_for, windows_of
from genba.learn.anomaly.crossed import PLENTY, crossed
from genba.learn.anomaly.distance import DistanceModel, DistanceRecipe
from genba.learn.anomaly.limits import Wish
from genba.learn.data.joined import joined

RECIPE = DistanceRecipe(window=8, shrink=0.01)


@pytest.fixture(scope="module")
def parts() -> tuple[Dataset, Dataset, Dataset]:
    data = sample_for(Task.ANOMALY, 3, 1200)
    split = by_time(data)
    return split.take(data, "train"), split.take(data, "held"), split.take(data, "test")


def test_every_row_with_enough_past_is_judged_once_by_a_model_that_did_not_see_it(
    parts: tuple[Dataset, Dataset, Dataset],
) -> None:
    data = joined(parts[:2], "both", "joined")
    taught: list[set[float]] = []
    known = data.values[:, 0]

    def fitted(some: Dataset) -> DistanceModel:
        taught.append(set(some.values[:, 0].tolist()))
        return RECIPE.of_normal(some)

    rows, scores, kinds = crossed(data, 8, fitted)
    assert len(rows) == len(np.unique(rows)) == len(scores) == len(kinds)
    assert len(rows) > 0.9 * data.rows
    for fold, seen in enumerate(taught):
        first, last = fold * data.rows // 5, (fold + 1) * data.rows // 5
        assert not seen & set(known[first:last].tolist())


def test_few_rows_alarm_less_on_new_ones_than_where_a_part_alone_taught(
    parts: tuple[Dataset, Dataset, Dataset],
) -> None:
    train, held, test = parts
    few = train.take(np.arange(250), "few")
    sharp = replace(RECIPE, shrink=0.001)
    model = sharp.fit(few, held, 0)
    seen = windows_of(test, sharp.window).values
    assert np.mean(model.predict(seen).value > 1) < 0.05
    alone = sharp.of_normal(few)
    limits = alone.view.limits(few, sharp.window, alone, Wish(0.01))
    careless = replace(alone, limits=limits).predict(seen).value
    assert np.mean(careless > 1) > np.mean(model.predict(seen).value > 1)


def test_many_rows_keep_a_part_of_their_own_for_limits() -> None:
    data = sample_for(Task.ANOMALY, 0, 2 * PLENTY + 200)
    cut = PLENTY + 100
    train = data.take(np.arange(cut), "train")
    held = data.take(np.arange(cut, data.rows), "held")
    model = RECIPE.fit(train, held, 0)
    plain = RECIPE.of_normal(train)
    assert (model.variances == plain.variances).all()
