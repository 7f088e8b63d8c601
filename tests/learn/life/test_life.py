import numpy as np
import pytest

from genba.errors import LearnError
from genba.learn.data.column import Column, ColumnKind
from genba.learn.data.dataset import UNIT, Dataset
from genba.learn.data.lineage import Lineage
from genba.learn.features.windows import windows_of
from genba.learn.life.ladder import life_ladder
from genba.learn.life.recipes import BoostedLife, LinearLife
from genba.learn.life.target import capped, with_life
from genba.learn.recipe.check import check_recipe
from genba.learn.recipe.ladder import climb
from genba.learn.regression.boost import Boost
from genba.learn.split.parts import by_group

SMALL = Boost(rounds=80, rate=0.1, leaves=8, random_cuts=True)


def machines(units=24, seed=0, timed=False):
    """Units that wear out after 60 to 140 rows; two of three signals show it, ever faster."""
    random = np.random.default_rng(seed)
    lives = random.integers(60, 140, units)
    age = np.concatenate([np.arange(life) for life in lives])
    unit = np.repeat([f"u{number:02}" for number in range(units)], lives)
    left = np.repeat(lives, lives) - 1 - age
    wear = np.exp(-left / 25)
    signals = [20 * wear, -3 * wear, np.zeros(len(age))]
    values = np.column_stack([*signals, age]) + random.normal(0, 1, (len(age), 4)) * [1, 0.3, 1, 0]
    columns = (
        Column("vibration", "mm/s"),
        Column("pressure", "bar"),
        Column("weather", "Cel"),
        Column("age", "1", ColumnKind.COUNTER),
    )
    time = age * 3_600_000_000 if timed else age
    return Dataset("machines", columns, values, time, Lineage("made"), {UNIT: unit}, timed=timed)


def learned(data):
    whole = with_life(data, set(data.units.tolist()), cap=60.0)
    return whole, by_group(whole, UNIT, (0.4, 0.4, 0.1, 0.1), seed=1)


@pytest.mark.parametrize("recipe", [LinearLife(window=10), BoostedLife(window=10, boost=SMALL)])
def test_the_recipes_keep_their_promises(recipe):
    assert check_recipe(recipe) == ()


def test_trees_know_wear_better_than_the_mean_and_their_intervals_cover_other_machines():
    data, split = learned(machines(30))
    parts = [split.take(data, part) for part in ("train", "held")]
    model = BoostedLife(window=12, boost=SMALL).fit(*parts, seed=0)
    fresh, _ = learned(machines(10, seed=5))
    seen = windows_of(fresh, 12)
    truth, said = fresh.labels()[seen.rows], model.predict(seen.values)
    assert np.sqrt(np.mean((said.value - truth) ** 2)) < 0.5 * truth.std()
    assert said.low is not None
    assert said.high is not None
    assert np.mean((said.low <= truth) & (truth <= said.high)) > 0.8
    assert said.low.min() >= 0
    assert said.high.max() <= 60


def test_few_machines_give_answers_but_no_interval():
    data, _ = learned(machines(8))
    few = np.isin(data.units, ["u00", "u01", "u02"])
    model = LinearLife(window=12).fit(data.take(~few), data.take(few), seed=0)
    said = model.predict(windows_of(data, 12).values)
    assert np.isfinite(said.value).all()
    assert said.low is None


def test_the_explanation_names_what_shows_the_wear():
    data, split = learned(machines())
    train, held = (split.take(data, part) for part in ("train", "held"))
    model = BoostedLife(window=12, boost=SMALL).fit(train, held, seed=0)
    ends = np.array([np.flatnonzero(data.units == u)[-1] for u in np.unique(data.units)])
    seen = windows_of(data, 12)
    shares = model.explain(seen.values[np.isin(seen.rows, ends)]).mean(axis=0)
    assert shares[0] < -5  # worn: the vibration speaks for little life
    assert abs(shares[2]) < 0.2 * abs(shares[0])


def test_what_it_cannot_see_it_does_not_guess():
    data, split = learned(machines())
    train, held = (split.take(data, part) for part in ("train", "held"))
    model = BoostedLife(window=12, boost=SMALL).fit(train, held, seed=0)
    inputs = windows_of(data, 12).values[:3].copy()
    inputs[1, 4, 0] = np.nan
    value = model.predict(inputs).value
    assert np.isnan(value).tolist() == [False, True, False]


def test_the_ladder_chooses_a_rung_that_beats_the_mean():
    data, split = learned(machines(30))
    found = climb(data, split, life_ladder(window=12))
    assert found.chosen is not None
    assert found.beats


def test_what_was_left_is_told_in_rows_or_hours_and_not_of_units_that_go_on():
    data = machines(4, timed=True)
    told = with_life(data, {"u00", "u01"})
    assert told.target is not None
    assert told.target.unit == "h"
    first = data.units == "u00"
    assert told.labels()[first].tolist() == list(range(first.sum()))[::-1]
    assert np.isnan(told.labels()[data.units == "u02"]).all()
    assert capped(told, 5).labels()[first].max() == 5


def test_nonsense_is_refused():
    data = machines(4)
    with pytest.raises(LearnError, match="no unit 'u99'"):
        with_life(data, {"u99"})
    with pytest.raises(LearnError, match="leaves no life"):
        with_life(data, {"u00"}, cap=0)
    with pytest.raises(LearnError, match="unknown"):
        LinearLife(window=12).fit(with_life(data, set()), data, seed=0)
    with pytest.raises(LearnError, match="at least 8 rows"):
        LinearLife(window=4).fit(with_life(data, {"u00"}), data, seed=0)
