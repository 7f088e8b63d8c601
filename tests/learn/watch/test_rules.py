"""Rules, corrections, and where models run: small pieces of the watch."""

from pathlib import Path

import numpy as np
import pytest

from genba.errors import LearnError
from genba.learn.registry.history import Event, What
from genba.learn.watch.correction import discoveries, together
from genba.learn.watch.rules import Rules, read_rules, rules_from
from genba.learn.watch.where import Force, in_force, measured_us


def test_what_a_file_leaves_out_is_as_by_default(tmp_path: Path) -> None:
    file = tmp_path / "rules.yaml"
    file.write_text("age_days: 30\nroll_back: [latency]\n")
    rules = read_rules(file)
    assert rules == Rules(age_days=30, roll_back=("latency",))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("age_days: 0", "rule 'age_days' is 0; give a number above 0"),
        ("drift_rate: 0.6", "give less than 0.5"),
        ("new_labels: many", "'many'; give a number"),
        ("roll_back: [luck]", "rule 'roll_back' names 'luck'; name some of drift"),
        ("retrain: drift", "is no list; write it like"),
        ("luck: 3", "has no rule 'luck'; there are drift_rate"),
        ("- 3", "holds no rules"),
        ("a: [", "is no YAML"),
    ],
)
def test_rules_that_make_no_sense_are_refused(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "rules.yaml"
    file.write_text(text)
    with pytest.raises(LearnError, match=said.replace("[", r"\[")):
        read_rules(file)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(LearnError, match=r"rules.yaml cannot be read"):
        read_rules(tmp_path / "rules.yaml")
    assert rules_from({}, "here") == Rules()


def test_many_columns_have_to_be_surer() -> None:
    alone = discoveries(np.array([0.008]), 0.01)
    among = discoveries(np.array([0.008, *np.linspace(0.2, 1, 49)]), 0.01)
    assert alone.tolist() == [True]
    assert not among.any()
    half = np.array([*np.full(25, 0.004), *np.linspace(0.2, 1, 25)])
    assert discoveries(half, 0.01).sum() == 25
    assert discoveries(np.array([np.nan, np.nan]), 0.01).tolist() == [False, False]


def test_chances_together_are_level_under_no_effect_and_small_where_one_is() -> None:
    random = np.random.default_rng(0)
    single = random.random((20_000, 3))
    assert np.mean(together(single) < 0.01) == pytest.approx(0.01, abs=0.003)
    same = np.repeat(random.random((20_000, 1)), 3, axis=1)
    np.testing.assert_allclose(together(same), same[:, 0], rtol=1e-9)
    assert together(np.array([[1e-12, 0.5, 0.9]]))[0] == pytest.approx(3e-12, rel=0.01)


def event(what: What, model: str, where: str = "core", **data: object) -> Event:
    return Event(1, "2026-01-01", what, model, where=where, data=data)


def test_what_is_in_force_where_follows_from_the_history() -> None:
    events = [
        event(What.REGISTERED, "aa", ""),
        event(What.RECEIVED, "aa", address="a1", p99_us=40.0),
        event(What.RECEIVED, "aa", address="a1", p99_us=55.0),
        event(What.STARTED, "aa", address="a1"),
        event(What.STARTED, "bb", "press-2", of="b1"),
        event(What.STARTED, "cc", address="c1"),
        event(What.STOPPED, "aa", address="a1"),
        event(What.STARTED, "dd", "press-3", address="d1"),
        event(What.ROLLED_BACK, "dd", "press-3", address="d1"),
    ]
    assert in_force(events) == (
        Force("bb", "press-2", "2026-01-01", "b1"),
        Force("cc", "core", "2026-01-01", "c1"),
    )
    assert measured_us(events, "aa") == 55.0
    assert measured_us(events, "bb") is None
