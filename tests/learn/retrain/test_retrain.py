"""Learning anew: triggered, held against the one in force on unseen rows, and written down."""

import json
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import csv
from tests.cli.command import genba

from genba.errors import LearnError
from genba.learn import Registry, from_table, train
from genba.learn.physics.recipe import PhysicsRecipe
from genba.learn.quality.boosted import BoostedRecipe
from genba.learn.recipe.catalog import made_by
from genba.learn.recipe.protocol import Task
from genba.learn.recipe.samples import sample_for
from genba.learn.registry.history import What
from genba.learn.registry.store import Registered
from genba.learn.retrain.compare import compare
from genba.learn.retrain.protocol import ladder_again, split_again
from genba.learn.retrain.retrain import retrain
from genba.learn.softsensor.ladder import softsensor_ladder
from genba.learn.softsensor.recipes import LinearSensor
from genba.learn.split.parts import by_blocks, by_time
from genba.learn.watch.again import fitting, from_file

NOW = "2026-03-01T06:00:00Z"


def column(seed: int, rows: int = 2500, gain: float = 2.0) -> pa.Table:
    """A plant whose product hangs on two inputs, by ``gain`` on the first."""
    random = np.random.default_rng(seed)
    inputs = {name: random.normal(size=rows) for name in ("feed", "heat")}
    butane = gain * inputs["feed"] - inputs["heat"] + random.normal(0, 0.3, rows)
    return pa.table({**inputs, "butane": butane})


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> tuple[Registry, Registered]:
    """A registry with a soft sensor of the plant as it was."""
    folder = tmp_path_factory.mktemp("shelf")
    registry = Registry(folder / "models", folder / "key")
    data = from_table(column(0), name="column", target="butane")
    found = train(data, by_blocks(data, seed=3), softsensor_ladder(window=1), seed=3)
    return registry, found.keep(registry, NOW)


def newer(old: Registered, table: pa.Table) -> object:
    return fitting(old.card, from_table(table, name="newer", target="butane"))


def events(registry: Registry) -> list[tuple[What, str]]:
    return [(event.what, event.by) for event in registry.history.events()][-2:]


def test_a_changed_plant_brings_a_better_model_that_is_proposed_and_not_released(
    shelf: tuple[Registry, Registered],
) -> None:
    registry, old = shelf
    found = retrain(registry, old, newer(old, column(1, gain=2.6)), "drifted", NOW)
    assert found.proposed
    assert found.compared is not None
    assert found.compared.low > 0
    assert found.compared.new == pytest.approx(0.24, abs=0.03)
    assert "better" in found.why
    assert events(registry) == [
        (What.REGISTERED, "genba model retrain"),
        (What.PROPOSED, "genba model retrain"),
    ]
    last = registry.history.events()[-1]
    assert found.candidate is not None
    assert last.model == found.candidate.digest
    assert last.data["instead_of"] == old.digest
    assert last.data["compared"]["rows"] == found.compared.rows
    assert last.data["trigger"] == "drifted"
    assert What.RELEASED not in {event.what for event in registry.history.events()}


def test_the_same_plant_brings_nothing_better(shelf: tuple[Registry, Registered]) -> None:
    registry, old = shelf
    found = retrain(registry, old, newer(old, column(2)), "500 new labels", NOW)
    assert not found.proposed
    assert "no different beyond chance" in found.why
    assert events(registry)[-1][0] is What.NOT_PROPOSED


def test_where_the_old_one_is_broken_no_worse_is_enough(
    shelf: tuple[Registry, Registered],
) -> None:
    registry, old = shelf
    found = retrain(registry, old, newer(old, column(2)), "x", NOW, broken="intervals hold 60%")
    assert found.proposed
    assert "the one in force is broken (intervals hold 60%)" in found.why


def test_what_cannot_be_learned_is_written_down_with_the_reason(
    shelf: tuple[Registry, Registered],
) -> None:
    registry, old = shelf
    found = retrain(registry, old, newer(old, column(2, rows=60)), "x", NOW)
    assert not found.proposed
    assert found.candidate is None
    last = registry.history.events()[-1]
    assert last.what is What.NOT_PROPOSED
    assert last.data["why"] == found.why != ""


def test_the_candidate_never_saw_the_rows_it_is_judged_on(
    shelf: tuple[Registry, Registered],
) -> None:
    registry, old = shelf
    found = retrain(registry, old, newer(old, column(5, gain=2.6)), "x", NOW)
    assert found.candidate is not None
    assert found.compared is not None
    steps = found.candidate.card.lineage["steps"]
    assert any("older, to learn from" in step for step in steps)
    learned = int(next(s for s in steps if "older" in s).split()[0])
    assert learned + found.compared.rows == 2500


def test_split_seed_and_ladder_are_those_of_the_card(shelf: tuple[Registry, Registered]) -> None:
    _, old = shelf
    data = from_table(column(0), name="column", target="butane")
    split = split_again(old.card, data)
    assert split.how == old.card.split
    np.testing.assert_array_equal(split.test, by_blocks(data, seed=3).test)
    ladder = ladder_again(old.card, data, split.take(data, "train"))
    assert [rung.window for rung in ladder.rungs] == [1, 1]


def test_declared_physics_and_costs_are_wished_again(shelf: tuple[Registry, Registered]) -> None:
    _, old = shelf
    data = from_table(column(0), name="column", target="butane")
    physics = PhysicsRecipe(BoostedRecipe(costs=(50.0, 2.0)), ("power=feed*heat",))
    told = json.loads(json.dumps(physics.settings()))
    card = replace(old.card, task=Task.QUALITY, made_by=made_by(physics), settings=told)
    again = ladder_again(card, data, data).rungs
    assert again[-1].settings()["declared"] == ["power=feed*heat"]
    assert all(rung.costs == (50.0, 2.0) for rung in again[:2])


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("genba.learn.backbone.forecast_recipe:BackboneForecast", "--backbone NAME"),
        ("genba.learn.pooled.recipe:PooledRecipe", "taught by sister machines"),
        ("genba.learn.pooled.transfer:TransferRecipe", "began with another machine's model"),
    ],
)
def test_what_a_card_does_not_tell_is_left_to_people(
    kind: str, said: str, shelf: tuple[Registry, Registered]
) -> None:
    registry, old = shelf
    module, _, name = kind.partition(":")
    assert getattr(import_module(module), name).__name__ == name
    other = replace(old, card=replace(old.card, made_by=kind))
    found = retrain(registry, other, newer(old, column(1)), "x", NOW)
    assert not found.proposed
    assert found.candidate is None
    assert said in found.why


def test_a_model_of_pictures_takes_no_file_of_rows(
    tmp_path: Path, shelf: tuple[Registry, Registered]
) -> None:
    card = replace(shelf[1].card, task=Task.INSPECT)
    with pytest.raises(LearnError, match="judges pictures, and a file holds rows"):
        from_file(card, tmp_path / "rows.csv")


def test_a_comparison_of_rows_that_go_together_is_less_sure() -> None:
    data = sample_for(Task.SOFT_SENSOR)
    split = by_time(data)
    recipe = LinearSensor(window=1)
    parts = split.take(data, "train"), split.take(data, "held")
    model = recipe.fit(*parts, 0)
    plain = compare(Task.SOFT_SENSOR, (model, recipe), (model, recipe), split.take(data, "test"))
    assert plain.gain == 0
    assert not plain.better
    assert not plain.worse


def test_a_model_without_truth_cannot_be_compared() -> None:
    data = sample_for(Task.SOFT_SENSOR)
    recipe = LinearSensor(window=1)
    split = by_time(data)
    model = recipe.fit(split.take(data, "train"), split.take(data, "held"), 0)
    with pytest.raises(LearnError, match="no truth is known"):
        compare(Task.SOFT_SENSOR, (model, recipe), (model, recipe), data.with_target(None))


def test_the_command_looks_first_and_then_learns(
    tmp_path: Path, shelf: tuple[Registry, Registered]
) -> None:
    from genba.operate.state import StateFolder

    state = tmp_path / "state"
    StateFolder(state)
    then, now = tmp_path / "then.csv", tmp_path / "now.csv"
    csv.write_csv(column(0), then)
    told = genba(
        *("train", "softsensor", "--file", then, "--target", "butane", "--window", "1"),
        *("--split", "blocks", "--state", state),
    )
    assert told.exit_code == 0, told.output
    (listed,) = json.loads(genba("model", "list", "--state", state, "--json").stdout)
    words = ("model", "retrain", listed["model"][:10], "--state", state)
    told = genba(*words, "--file", then)
    assert told.exit_code == 1
    assert "is what the model learned from; give newer rows" in told.stderr
    csv.write_csv(column(7, rows=400), now)
    told = genba(*words, "--file", now)
    assert "nothing triggers it" in told.stdout
    csv.write_csv(column(7, gain=2.8), now)
    told = genba(*words, "--file", now)
    assert told.exit_code == 0, told.output
    assert "Triggered: mae" in told.stdout
    assert "Proposed; nothing runs it." in told.stdout
    shown = json.loads(genba("model", "history", "--state", state, "--json").stdout)
    assert [event["what"] for event in shown][-3:] == ["triggered", "registered", "proposed"]
