"""Draws have the distributions that were asked for, and depend on nothing but their keys."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from numba import njit
from numpy.typing import NDArray
from tests.twin.small_lines import NOW, serial

from genba.errors import TwinError
from genba.twin.distribution import (
    QUANTILES,
    Distribution,
    Shape,
    constant,
    empirical,
    exponential,
    gamma,
    lognormal,
    weibull,
)
from genba.twin.draws import OF_LIFE, OF_RUN, binomial, bits, draw, draw_left, uniform
from genba.twin.records import header
from genba.twin.state import State
from genba.twin.world import assemble

COUNT = 40_000


@njit(nogil=True)
def _many(w: int, index: int, seed: np.uint64, age: float, out: NDArray[np.float64]) -> None:
    for n in range(out.shape[0]):
        word = bits(seed, OF_RUN, np.uint64(n), 0)
        out[n] = draw(w, index, word) if age < 0 else draw_left(w, index, word, age)


@njit(nogil=True)
def _struck(count: int, probability: float, out: NDArray[np.float64]) -> None:
    for n in range(out.shape[0]):
        out[n] = binomial(count, probability, bits(np.uint64(1), OF_RUN, np.uint64(n), 0))


def sample(distribution: Distribution, age: float = -1.0, seed: int = 3) -> NDArray[np.float64]:
    """Draw many values with the kernel's own draws."""
    tables = assemble(serial([1.0], factor=distribution), State(NOW), 1.0)
    index = int(tables.ways[0]["factor"])
    addresses, out = header(tables), np.empty(COUNT)
    _many(addresses.ctypes.data, index, np.uint64(seed), age, out)
    return out


@pytest.mark.parametrize(
    ("distribution", "spread"),
    [
        (constant(3.0), 0.0),
        (lognormal(2.0, 0.4), 2.0 * math.exp(0.08) * math.sqrt(math.exp(0.16) - 1)),
        (exponential(5.0), 5.0),
        (weibull(2.0, 2.0), 2.0 * math.sqrt(1 - math.pi / 4)),
        (gamma(2.0, 3.0), 2.0 * math.sqrt(3.0)),
        (gamma(2.0, 0.5), 2.0 * math.sqrt(0.5)),
        (empirical([1.0, 2.0, 3.0, 4.0]), math.sqrt(9 / 12)),
    ],
)
def test_draws_have_the_mean_and_spread_of_their_distribution(
    distribution: Distribution, spread: float
) -> None:
    values = sample(distribution)
    error = 5 * max(spread, 1e-9) / math.sqrt(COUNT)
    assert values.mean() == pytest.approx(distribution.mean, abs=error)
    assert values.std() == pytest.approx(spread, rel=0.05, abs=1e-9)
    assert values.min() >= 0


def test_what_is_left_of_a_life_is_as_if_the_others_had_been_thrown_away() -> None:
    for distribution in (weibull(100.0, 2.5), gamma(20.0, 4.0), lognormal(60.0, 0.5)):
        lives = sample(distribution)
        expected = (lives[lives > 80.0] - 80.0).mean()
        assert sample(distribution, age=80.0, seed=4).mean() == pytest.approx(expected, rel=0.03)


def test_a_life_beyond_what_is_possible_ends_at_once() -> None:
    assert sample(constant(10.0), age=11.0).max() == 0.0


def test_a_memoryless_life_forgets_its_age() -> None:
    assert sample(exponential(50.0), age=500.0).mean() == pytest.approx(50.0, rel=0.03)


@pytest.mark.parametrize(("count", "probability"), [(1, 0.5), (10, 0.03), (40, 0.5), (40, 0.99)])
def test_scrap_is_binomial(count: int, probability: float) -> None:
    out = np.empty(COUNT)
    _struck(count, probability, out)
    variance = count * probability * (1 - probability)
    assert out.mean() == pytest.approx(count * probability, abs=5 * math.sqrt(variance / COUNT))
    assert out.var() == pytest.approx(variance, rel=0.05)
    assert 0 <= out.min() <= out.max() <= count


def test_bits_differ_by_seed_purpose_whose_and_count() -> None:
    keys = [
        (seed, purpose, whose, count)
        for seed in range(8)
        for purpose in (OF_RUN, OF_LIFE)
        for whose in range(16)
        for count in range(16)
    ]
    found = {bits(np.uint64(s), p, np.uint64(w), c) for s, p, w, c in keys}
    assert len(found) == len(keys)


def test_neighboring_keys_are_not_correlated() -> None:
    values = np.array(
        [
            [uniform(np.uint64(bits(np.uint64(s), OF_RUN, np.uint64(n), 0))) for n in range(3000)]
            for s in (1, 2)
        ]
    )
    along = np.corrcoef(values[0, :-1], values[0, 1:])[0, 1]
    across = np.corrcoef(values[0], values[1])[0, 1]
    assert abs(along) < 0.08
    assert abs(across) < 0.08


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: constant(-1.0),
        lambda: constant(math.nan),
        lambda: lognormal(0.0, 1.0),
        lambda: weibull(1.0, 0.0),
        lambda: gamma(0.0, 1.0),
        lambda: empirical([]),
        lambda: Distribution(Shape.EMPIRICAL, quantiles=(1.0, 2.0)),
        lambda: Distribution(Shape.EMPIRICAL, quantiles=(2.0,) * (QUANTILES - 1) + (1.0,)),
    ],
)
def test_a_distribution_without_sense_is_refused(wrong: Callable[[], Distribution]) -> None:
    with pytest.raises(TwinError):
        wrong()


def test_a_scaled_distribution_has_the_scaled_mean() -> None:
    for found in (constant(2.0), lognormal(2.0, 0.3), weibull(2.0, 1.5), empirical([1.0, 5.0])):
        assert found.scaled(3.0).mean == pytest.approx(3.0 * found.mean)
