import numpy as np
import pytest

from genba.errors import LearnError
from genba.learn.data.column import Column, Known
from genba.learn.data.dataset import Dataset
from genba.learn.data.lineage import Lineage
from genba.learn.data.target import Target
from genba.learn.features.windows import windows_of
from genba.learn.forecast.ahead import HOUR, WEEKDAY, ahead
from genba.learn.forecast.ladder import examine_forecast, forecast_ladder
from genba.learn.forecast.recipes import BoostedForecast, LinearForecast, Naive, lags_of
from genba.learn.recipe.check import check_recipe
from genba.learn.recipe.ladder import climb
from genba.learn.regression.boost import Boost
from genba.learn.split.leakage import leaks
from genba.learn.split.parts import by_time

HOUR_US = 3_600_000_000
MONDAY = 1_767_571_200_000_000  # 2026-01-05T00:00:00Z
SMALL = Boost(rounds=60, rate=0.1, leaves=8)


def load(days=60, seed=0):
    """Energy by the hour: a working day from 6 to 18, nothing on Sundays, and noise."""
    random = np.random.default_rng(seed)
    rows = days * 24
    hour, day = np.arange(rows) % 24, np.arange(rows) // 24 % 7
    work = ((hour >= 6) & (hour < 18) & (day < 6)) * 50.0
    usage = 10 + work + random.normal(0, 1, rows)
    values = random.normal(20, 3, (rows, 1))
    time = MONDAY + np.arange(rows) * HOUR_US
    target = Target("usage", usage, "kWh")
    return Dataset("works", (Column("air", "Cel"),), values, time, Lineage("made"), {}, target)


@pytest.mark.parametrize(
    "recipe",
    [
        Naive(),
        Naive(6, 2, name="season"),
        LinearForecast(window=9, steps=3),
        BoostedForecast(window=9, steps=2, boost=SMALL),
    ],
)
def test_the_recipes_keep_their_promises(recipe):
    assert check_recipe(recipe) == ()


def test_the_next_row_is_asked_for_and_the_present_one_is_known():
    data = load(4)
    asked = ahead(data)
    assert asked.names == ("usage", "air", HOUR, WEEKDAY)
    assert np.array_equal(asked.labels()[:-1], data.labels()[1:])
    assert np.isnan(asked.labels()[-1])
    assert np.array_equal(asked.column("usage"), data.labels())
    assert {column.known for column in asked.columns} == {Known.BEFORE}
    assert asked.column(HOUR)[:3].tolist() == [1, 2, 3]
    assert asked.column(WEEKDAY)[22:25].tolist() == [0, 1, 1]
    assert leaks(asked) == ()


def test_the_calendar_is_that_of_the_place_and_of_its_summer_time():
    asked = ahead(load(120), zone="Europe/Berlin")
    assert asked.column(HOUR)[0] == 2
    assert asked.column(HOUR)[-1] == 2  # two hours ahead of UTC since March 29


def test_persistence_and_season_say_what_they_are_called():
    data = ahead(load(10))
    inputs = windows_of(data, 24).values
    now = Naive(steps=2).fit(data, data, 0).predict(inputs[:, -1:]).value
    assert np.allclose(now, np.repeat(inputs[:, -1:, 0], 2, axis=1))
    before = Naive(24, 25, name="season").fit(data, data, 0).predict(inputs).value
    assert np.allclose(before[:, :24], inputs[:, :, 0])
    assert np.allclose(before[:, 24], inputs[:, 0, 0])


def test_the_ladder_beats_persistence_and_yesterday_with_intervals_that_hold():
    data = ahead(load())
    found = climb(data, by_time(data), forecast_ladder(data))
    assert found.chosen is not None
    assert found.beats
    assert found.chosen.tested is not None
    assert found.rungs[0].tested is not None
    assert found.chosen.tested["mae"] < 0.7 * found.rungs[0].tested["mae"]
    assert found.chosen.tested["covered"] == pytest.approx(0.9, abs=0.08)


def test_steps_are_judged_one_by_one_against_what_came():
    data = ahead(load(20))
    recipe = Naive(24, 3, name="season")
    model = recipe.fit(data, data, 0)
    seen = windows_of(data, 24)
    said = model.predict(seen.values)
    truth = data.column("usage")
    apart = [
        abs(said.value[place, step] - truth[row + 1 + step])
        for place, row in enumerate(seen.rows)
        for step in range(3)
        if row + 1 + step < data.rows
    ]
    scores = examine_forecast(model, recipe, data, seen, said)
    assert scores["mae"] == pytest.approx(np.mean(apart))


def test_lags_hold_the_present_and_the_far_end():
    for window in (2, 9, 25, 97):
        lags = lags_of(window)
        assert lags[0] == 0
        assert lags[-1] == window - 1


def test_what_cannot_be_forecast_is_refused_with_the_mend():
    data = load(3)
    with pytest.raises(LearnError, match="Europe/Berlin"):
        ahead(data, zone="Mars/Base")
    gaps = data.take(np.arange(0, 72) % 3 != 1)
    with pytest.raises(LearnError, match="resample"):
        ahead(gaps)
    with pytest.raises(LearnError, match="present value"):
        Naive().fit(data, data, 0)
    with pytest.raises(LearnError, match="at most 48"):
        BoostedForecast(steps=96).fit(ahead(data), ahead(data), 0)
