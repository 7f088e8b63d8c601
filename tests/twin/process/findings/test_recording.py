"""What can be seen of a recording without a model is named, and healthy ones pass."""

import numpy as np
import pytest
from tests.twin.process.findings.recordings import STEP_S, healthy, spoiled, told

from genba.plant.problem import Weight
from genba.twin.process import Episode
from genba.twin.process.findings import Finding, Source, clock_of, seen_in

S = 1_000_000


def named(found: list[Finding]) -> list[tuple[str, str]]:
    return [(one.rule, one.grade.value) for one in found]


@pytest.mark.parametrize("name", STEP_S)
def test_healthy_recordings_pass(name: str) -> None:
    for seed in range(5):
        assert seen_in(told(name, healthy(name, seed))) == []


def test_a_sensor_that_froze_while_the_set_point_moved_is_named() -> None:
    def freeze(_: np.ndarray, __: np.ndarray, shown: np.ndarray) -> None:
        shown[200:330, 0] = shown[200, 0]

    (found,) = seen_in(told("heated_body", spoiled("heated_body", 1, freeze)))
    assert (found.rule, found.grade, found.about) == ("frozen", Weight.ERROR, ("temperature",))
    assert "for 130 rows, while 'setpoint' moved" in found.text


def test_a_sensor_that_was_dead_from_the_beginning_is_named() -> None:
    def kill(_: np.ndarray, __: np.ndarray, shown: np.ndarray) -> None:
        shown[:, 1] = 7.0

    (found,) = seen_in(told("heated_body", spoiled("heated_body", 1, kill)))
    assert (found.rule, found.about) == ("frozen", ("power",))


def test_a_value_that_stands_while_nothing_moves_is_not_called_frozen() -> None:
    one = healthy("heated_body", 1, 120)
    still = Episode(np.full_like(one.inputs, 150.0), one.context, one.shown.copy())
    still.shown[40:, 0] = 150.0
    assert seen_in(told("heated_body", still)) == []


def test_a_heater_that_rests_at_nothing_is_not_called_frozen() -> None:
    def rest(_: np.ndarray, __: np.ndarray, shown: np.ndarray) -> None:
        low = np.quantile(shown[:, 1], 0.4)
        shown[:, 1] = np.maximum(shown[:, 1], low)
        shown[100:200, 1] = low

    assert seen_in(told("heated_body", spoiled("heated_body", 1, rest))) == []


def test_too_few_rows_are_refused_with_how_many_are_needed() -> None:
    (found,) = seen_in(told("four_tanks", healthy("four_tanks", 1, 20)))
    assert (found.rule, found.grade) == ("rows", Weight.ERROR)
    assert "20 rows" in found.text
    assert "30 are the least" in found.text
    assert named(seen_in(told("four_tanks"))) == [("rows", "error")]


def test_a_storm_of_unknown_values_is_refused_and_a_shower_is_told() -> None:
    def holes(share: float) -> list[tuple[str, str]]:
        def pierce(_: np.ndarray, __: np.ndarray, shown: np.ndarray) -> None:
            shown[np.random.default_rng(0).random(len(shown)) < share] = np.nan

        return named(seen_in(told("heated_body", spoiled("heated_body", 1, pierce))))

    assert holes(0.1) == []
    assert holes(0.4) == [("missing", "warning")] * 2
    assert holes(0.8) == [("missing", "error")]


def test_a_period_of_which_most_is_unknown_is_refused() -> None:
    one = healthy("heated_body", 1, 120)
    assert named(seen_in(told("heated_body", one, steps=130))) == []
    assert named(seen_in(told("heated_body", one, steps=180))) == [("missing", "warning")]
    assert named(seen_in(told("heated_body", one, steps=300))) == [("missing", "error")]


def test_a_plant_file_that_lies_about_a_range_is_told_so() -> None:
    one = healthy("heated_body", 1)
    low, high = one.inputs.min(), one.inputs.max()
    lie = Source("oven.sp", "Cel", high + 10, high + 50)
    (found,) = seen_in(told("heated_body", one, setpoint=lie))
    assert (found.rule, found.grade) == ("range", Weight.ERROR)
    assert "100% of it outside of its range in the plant file" in found.text
    assert "'setpoint' (oven.sp)" in found.text
    tight = Source("oven.sp", "Cel", low, np.quantile(one.inputs, 0.9))
    assert named(seen_in(told("heated_body", one, setpoint=tight))) == [("range", "warning")]
    wide = Source("oven.sp", "Cel", -100 * (high - low), 100 * (high - low))
    assert named(seen_in(told("heated_body", one, setpoint=wide))) == [("narrow", "warning")]
    honest = Source("oven.sp", "Cel", low, high)
    assert seen_in(told("heated_body", one, setpoint=honest)) == []


def test_values_where_the_physics_mean_nothing_are_named() -> None:
    def hot(_: np.ndarray, __: np.ndarray, shown: np.ndarray) -> None:
        shown[:, 0] += 500.0

    (found,) = seen_in(told("heated_body", spoiled("heated_body", 1, hot)))
    assert (found.rule, found.grade) == ("outside", Weight.ERROR)
    assert "speaks of 0 to 350" in found.text


def test_a_clock_that_jumps_is_named_and_a_link_that_was_down_is_not() -> None:
    came = np.arange(600, dtype=np.int64) * S
    assert clock_of("oven.heat", came, came + S // 5, 10.0) == []
    for jump in (-3600, 90):
        own = came + np.where(np.arange(600) >= 300, jump * S, 0)
        (found,) = clock_of("oven.heat", own, came, 10.0)
        assert (found.rule, found.grade) == ("clock", Weight.WARNING)
        assert f"at most by {abs(jump)} s {'back' if jump < 0 else 'forward'}" in found.text
    late = came.copy()
    late[200:400] = came[400] + np.arange(200)  # all at once, when the link was back
    assert clock_of("oven.heat", came, late, 10.0) == []
    down = np.concatenate([came[:200], came[400:]])
    assert clock_of("oven.heat", down, down, 10.0) == []


def test_a_clock_that_runs_ahead_is_told() -> None:
    came = np.arange(60, dtype=np.int64) * S
    (found,) = clock_of("oven.heat", came + 7200 * S, came, 10.0)
    assert (found.rule, found.grade) == ("clock", Weight.WARNING)
    assert "7200 s ahead" in found.text
