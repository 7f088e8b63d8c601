"""Fits find the truth, say how well they fit, and say it honestly where data are few or cut off."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genba.errors import TwinError
from genba.twin.distribution import Shape
from genba.twin.families import PARAMETRIC, cdf, log_likelihood, maximum_likelihood
from genba.twin.fit import CONSTANT_CV, fit
from genba.twin.pooling import pool
from genba.twin.renewal import Spans, censored_weibull, fit_between, fit_together
from genba.twin.special import digamma, gamma_cdf, normal_cdf, trigamma

RANDOM = np.random.default_rng(20260105)
SAMPLES = {
    Shape.LOGNORMAL: 3.0 * np.exp(0.4 * RANDOM.standard_normal(600)),
    Shape.GAMMA: 0.5 * RANDOM.gamma(6.0, size=600),
    Shape.WEIBULL: 2.0 * RANDOM.weibull(3.0, size=600),
}
TRUTH = {Shape.LOGNORMAL: (3.0, 0.4), Shape.GAMMA: (0.5, 6.0), Shape.WEIBULL: (2.0, 3.0)}


@pytest.mark.parametrize("shape", PARAMETRIC)
def test_each_family_is_recognized_and_its_parameters_are_found(shape: Shape) -> None:
    found = fit(SAMPLES[shape].tolist(), seed=1)
    assert found.distribution.shape is shape
    assert found.distribution.a == pytest.approx(TRUTH[shape][0], rel=0.1)
    assert found.distribution.b == pytest.approx(TRUTH[shape][1], rel=0.1)
    assert found.goodness is not None
    assert found.goodness.p > 0.05
    assert min(found.aicc, key=lambda s: found.aicc[s]) is shape


@pytest.mark.parametrize("shape", PARAMETRIC)
def test_no_other_parameters_near_by_are_likelier(shape: Shape) -> None:
    row = SAMPLES[shape][np.newaxis, :]
    best = maximum_likelihood(shape, row)
    top = log_likelihood(best, row)[0]
    for a, b in ((1.01, 1.0), (0.99, 1.0), (1.0, 1.01), (1.0, 0.99), (1.01, 1.01)):
        moved = type(best)(shape, best.a * a, best.b * b)
        assert log_likelihood(moved, row)[0] < top


@pytest.mark.parametrize("shape", PARAMETRIC)
def test_the_distribution_function_is_the_integral_of_the_density(shape: Shape) -> None:
    found = maximum_likelihood(shape, SAMPLES[shape][np.newaxis, :])
    grid = np.linspace(0.5, 8.0, 4001)
    density = np.exp([log_likelihood(found, np.array([[x]]))[0] for x in grid])
    step = grid[1] - grid[0]
    integral = float((density[:-1] + density[1:]).sum() / 2 * step)
    ends = cdf(found, grid[[0, -1]][np.newaxis, :])[0]
    assert ends[1] - ends[0] == pytest.approx(integral, abs=1e-5)


def test_special_functions_agree_with_known_values() -> None:
    assert digamma(np.array([1.0]))[0] == pytest.approx(-0.5772156649, abs=1e-9)
    assert trigamma(np.array([1.0]))[0] == pytest.approx(math.pi**2 / 6, abs=1e-9)
    assert normal_cdf(np.array([1.959964]))[0] == pytest.approx(0.975, abs=1e-6)
    for x in (0.1, 1.0, 5.0, 30.0):
        one = gamma_cdf(np.array([x]), np.array([1.0]))[0]
        assert one == pytest.approx(1 - math.exp(-x), abs=1e-9)
    below, above = gamma_cdf(np.array([160.0, 160.0]), np.array([149.9, 150.1]))
    assert abs(below - above) < 8e-3


def test_data_of_no_family_are_rejected_and_their_quantiles_used() -> None:
    random = np.random.default_rng(3)
    found = fit(np.where(random.random(300) < 0.5, 1.0, 4.0 + random.random(300)).tolist())
    assert found.distribution.shape is Shape.EMPIRICAL
    assert "no family fits" in found.note
    assert found.distribution.mean == pytest.approx(found.mean, rel=0.05)


def test_p_values_do_not_reject_the_truth_too_often() -> None:
    random = np.random.default_rng(5)
    rejected = 0
    for number in range(100):
        found = fit(random.gamma(4.0, size=40).tolist(), seed=number, replicates=99)
        assert found.goodness is not None
        rejected += found.goodness.p < 0.05
    assert rejected <= 12


def test_values_without_spread_are_constant() -> None:
    found = fit([20.0, 20.0, 20.0 * (1 + CONSTANT_CV)])
    assert found.distribution.shape is Shape.CONSTANT
    assert found.distribution.mean == pytest.approx(20.0, rel=CONSTANT_CV)


def test_few_values_get_no_choice_of_family_and_say_so() -> None:
    found = fit([10.0, 14.0, 9.0])
    assert found.distribution.shape is Shape.LOGNORMAL
    assert found.goodness is None
    assert "too few" in found.note


@given(st.lists(st.floats(0.0, 1e6), min_size=1, max_size=60))
def test_any_times_get_a_distribution_of_about_their_mean(values: list[float]) -> None:
    found = fit(values, replicates=9)
    assert found.distribution.mean >= 0
    assert math.isfinite(found.distribution.mean)
    assert found.count == len(values)


@pytest.mark.parametrize("values", [[], [-1.0], [math.nan], [math.inf]])
def test_values_that_are_no_times_are_refused(values: list[float]) -> None:
    with pytest.raises(TwinError):
        fit(values)


def test_the_same_seed_gives_the_same_fit() -> None:
    values = SAMPLES[Shape.GAMMA][:50].tolist()
    assert fit(values, seed=4) == fit(values, seed=4)


# -- stops, most of which have not come yet -------------------------------------------------------


def renewals(random: np.random.Generator, shape: float, scale: float, length: float) -> Spans:
    now, ended = 0.0, []
    while (span := scale * float(random.weibull(shape))) + now < length:
        ended.append(span)
        now += span
    return Spans(tuple(ended), (length - now,))


def test_leaving_out_what_has_not_ended_would_shorten_the_time_between_stops() -> None:
    random = np.random.default_rng(8)
    machines = [renewals(random, 1.0, 10_000.0, 30_000.0) for _ in range(60)]
    naive = np.mean([x for m in machines for x in m.ended_s])
    assert naive < 9_000
    assert fit_together(machines).distribution.mean == pytest.approx(10_000.0, rel=0.2)


def test_wear_is_found_where_it_is_and_not_where_it_is_not() -> None:
    random = np.random.default_rng(9)
    worn = [renewals(random, 3.0, 10_000.0, 60_000.0) for _ in range(8)]
    chance = [renewals(random, 1.0, 10_000.0, 60_000.0) for _ in range(8)]
    assert fit_together(worn).distribution.b > 2.0
    assert fit_together(chance).distribution.b < 1.5


def test_the_censored_fit_is_at_the_top_of_its_likelihood() -> None:
    random = np.random.default_rng(10)
    ended = 5.0 * random.weibull(1.7, 80)
    opened = np.full(20, 4.0)
    shape, scale = censored_weibull(ended, opened)

    def value(k: float, c: float) -> float:
        whole = np.concatenate([ended, opened])
        density = np.log(k / c) + (k - 1) * np.log(ended / c)
        return float(density.sum() - ((whole / c) ** k).sum())

    for k, c in ((1.02, 1.0), (0.98, 1.0), (1.0, 1.02), (1.0, 0.98)):
        assert value(shape * k, scale * c) < value(shape, scale)


def test_a_machine_that_never_stopped_leans_on_those_like_it_by_its_running_time() -> None:
    like = Spans((3600.0,) * 9, (3600.0,))
    short, long = (fit_between(Spans((), (hours * 3600.0,)), [like]) for hours in (1, 50))
    assert 3600 < short.distribution.mean < long.distribution.mean


def test_no_stop_anywhere_is_refused_rather_than_made_up() -> None:
    with pytest.raises(TwinError, match="no stop"):
        fit_between(Spans((), (3600.0,)))


# -- few observations lean on many ----------------------------------------------------------------


def test_few_observations_are_drawn_to_their_group_and_many_are_not() -> None:
    random = np.random.default_rng(11)
    groups = {
        key: (mean * np.exp(0.1 * random.standard_normal(count))).tolist()
        for key, mean, count in (("a", 1.0, 200), ("b", 1.05, 200), ("c", 0.95, 200))
    } | {"few": [1.6]}
    found = pool(groups, [*groups, "none"], seed=1)
    assert found["a"].fit.distribution.mean == pytest.approx(np.mean(groups["a"]), rel=0.01)
    assert 1.0 < found["few"].fit.distribution.mean < 1.4
    assert found["few"].own == 1
    assert found["none"].fit.distribution.mean == pytest.approx(1.0, rel=0.1)
    assert found["none"].weight == 0.0


def test_a_thing_without_like_things_keeps_its_own_mean() -> None:
    found = pool({"alone": [2.0, 2.2, 1.8]}, ["alone"])
    assert found["alone"].fit.distribution.mean == pytest.approx(2.0, rel=0.02)


def test_nothing_observed_gives_nothing() -> None:
    assert pool({}, ["a", "b"]) == {}
