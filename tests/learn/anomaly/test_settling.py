"""How long a machine takes to settle is measured: from what its signals do after standstills."""

import numpy as np
import pytest

from genba.learn import Column, Dataset, Lineage
from genba.learn.anomaly.settling import LONGEST_S, settle_s_of
from genba.plant import US

MINUTE = 60 * US


def mornings(tau_min: float, days: int = 4, seed: int = 0) -> Dataset:
    """Ten hours of work a day, a row a minute; a temperature that warms up with ``tau_min``."""
    random = np.random.default_rng(seed)
    minute = np.tile(np.arange(600), days)
    day = np.repeat(np.arange(days), 600)
    warm = 1 - np.exp(-minute / tau_min) if tau_min else np.ones(len(minute))
    values = np.column_stack(
        [20 + 30 * warm + random.normal(0, 1, len(minute)), random.normal(5, 1, len(minute))]
    )
    columns = (Column("spindle", "Cel", signal="m.spindle"), Column("load", signal="m.load"))
    time = (day * 1440 + minute) * MINUTE
    return Dataset("m", columns, values, time, Lineage("made", {}, seed=seed))


@pytest.mark.parametrize("tau_min", [5.0, 15.0])
def test_it_lasts_until_the_signals_are_where_they_stay(tau_min: float) -> None:
    """A lag of 30 K is within a spread of 1 K after 3.4 time constants."""
    settle_s = settle_s_of(mornings(tau_min))
    assert settle_s is not None
    assert settle_s / 60 == pytest.approx(3.4 * tau_min, abs=6)


def test_a_machine_without_warm_up_has_none_and_one_without_standstill_tells_nothing() -> None:
    assert settle_s_of(mornings(0.0)) == 0
    assert settle_s_of(mornings(15.0).take(np.arange(600))) is None


def test_nothing_is_taken_to_settle_for_more_than_two_hours() -> None:
    assert (settle_s_of(mornings(300.0)) or 0) <= LONGEST_S
