"""Learning anew: what is better on rows that neither knew is put in force, and nothing else."""

from pathlib import Path

import numpy as np
import pytest
from tests.control import press as shop
from tests.control.press import START, Press, plant_in, record

from genba.control.bound import Bound, bound
from genba.control.kept import HISTORY
from genba.control.relearn import relearn
from genba.control.relearned import Relearned
from genba.control.runs_kept import keep_runs, kept_runs, runs_of
from genba.control.runs_learned import learned_by_product
from genba.errors import ControlError
from genba.historian import Historian
from genba.learn.registry.history import History, What
from genba.plant import US, Plant, VirtualClock


@pytest.fixture
def plant(tmp_path: Path) -> Plant:
    return plant_in(tmp_path)


def learned(tmp_path: Path, plant: Plant) -> Bound:
    """Learn both products from a first shift."""
    joined, press = bound(plant, "molding"), Press()
    with record(tmp_path / "first", press, jobs=2, parts=45) as historian:
        runs = runs_of(historian, plant, joined, START, press.now)
    beliefs, _ = learned_by_product(joined, runs)
    keep_runs(joined, beliefs, (START, press.now), tmp_path / "processes", tmp_path / "key")
    return joined


def again(tmp_path: Path, plant: Plant, parts: int) -> Relearned:
    """Learn anew from a second shift: many cups, a few lids."""
    press = Press(seed=7)
    samples = [*press.shift(jobs=1, parts=parts)]
    samples += press.begin("lid", "O-2-1")
    for _ in range(10):
        samples += press.part()
    with Historian.open(tmp_path / "second", VirtualClock(press.now + US)) as historian:
        historian.append(samples)
        return relearn(
            plant, "molding", historian, tmp_path / "processes", tmp_path / "key",
            (START, press.now), "a test",
        )  # fmt: skip


def test_a_product_that_behaves_otherwise_is_learned_anew_and_others_stay(
    tmp_path: Path, plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    joined = learned(tmp_path, plant)
    before = kept_runs(joined, tmp_path / "processes", tmp_path / "key")
    monkeypatch.setitem(shop._WEIGHT, "cup", 44.0)
    found = again(tmp_path, plant, 130)
    assert found.taken, found.why
    after = kept_runs(joined, tmp_path / "processes", tmp_path / "key")
    assert found.model == after.model != before.model
    cup, lid = after.beliefs
    assert (cup.product, lid.product) == ("cup", "lid")
    assert not np.allclose(cup.belief.mean, before.beliefs[0].belief.mean)
    assert "lid: 9 parts are too few" in found.why
    assert np.array_equal(lid.belief.mean, before.beliefs[1].belief.mean)
    assert "cup: " in found.why
    assert "less error" in found.why


def test_a_shift_that_tells_nothing_new_changes_nothing(tmp_path: Path, plant: Plant) -> None:
    joined = learned(tmp_path, plant)
    before = kept_runs(joined, tmp_path / "processes", tmp_path / "key")
    found = again(tmp_path, plant, 130)
    assert not found.taken, found.why
    assert kept_runs(joined, tmp_path / "processes", tmp_path / "key").model == before.model
    told = History(tmp_path / "processes" / HISTORY).events()
    assert [one.what for one in told] == [What.STARTED, What.TRIGGERED, What.NOT_PROPOSED]
    assert told[1].data["why"] == "a test"


def test_too_few_parts_say_so(tmp_path: Path, plant: Plant) -> None:
    learned(tmp_path, plant)
    found = again(tmp_path, plant, 15)
    assert not found.taken
    assert "cup: 15 parts are too few, it takes 120" in found.why


def test_what_was_never_learned_is_not_learned_anew(tmp_path: Path, plant: Plant) -> None:
    with pytest.raises(ControlError, match="genba twin learn molding"):
        again(tmp_path, plant, 5)
