"""Shares of columns add up to the answer, and thresholds follow costs all the way to the model."""

import numpy as np
import pytest

from genba.learn import Task, by_time, sample_for
from genba.learn.quality.boosted import BoostedModel, BoostedRecipe
from genba.learn.quality.linear import LinearModel, LinearRecipe


@pytest.mark.parametrize("window", [1, 3])
@pytest.mark.parametrize("kind", [BoostedRecipe, LinearRecipe])
def test_shares_of_columns_add_up_to_the_log_odds_but_for_a_constant(
    kind: type[BoostedRecipe] | type[LinearRecipe], window: int
) -> None:
    from genba.learn import windows_of

    data = sample_for(Task.QUALITY, 2)
    split = by_time(data)
    model = kind(window=window).fit(split.take(data, "train"), split.take(data, "held"), 0)
    assert isinstance(model, BoostedModel | LinearModel)
    inputs = windows_of(split.take(data, "test"), window).values
    chance = model.predict(inputs).value
    odds = np.log(chance / (1 - chance))
    raw = (odds - model.head.offset) / model.head.slope
    rest = raw - model.explain(inputs).sum(axis=1)
    assert np.ptp(rest) < 1e-6 * (1 + np.abs(raw).max())


def test_costs_set_the_threshold_of_the_model_and_not_its_chances() -> None:
    data = sample_for(Task.QUALITY, 2)
    split = by_time(data)
    parts = split.take(data, "train"), split.take(data, "held")
    plain = LinearRecipe().fit(*parts, 0)
    dear = LinearRecipe(costs=(9.0, 1.0)).fit(*parts, 0)
    assert dear.threshold == pytest.approx(0.1)
    inputs = data.values[:, None]
    assert np.array_equal(dear.predict(inputs).value, plain.predict(inputs).value)
