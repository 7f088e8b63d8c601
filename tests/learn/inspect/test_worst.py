"""The worst places: few that are sure and many that may be bad both speak for their picture."""

import numpy as np
import pytest

from genba.learn.inspect.worst import weights_of_worst, worst_of


@pytest.mark.parametrize("places", [1, 16, 64, 1600, 10_000])
def test_weights_add_up_to_one_and_never_rise(places: int) -> None:
    weights = weights_of_worst(places)
    assert 1 <= len(weights) <= places
    assert weights.sum() == pytest.approx(1, abs=1e-5)
    assert np.all(np.diff(weights) <= 0)


def test_a_wide_faint_defect_is_heard_as_well_as_a_small_sharp_one() -> None:
    source = np.random.default_rng(0)
    places = source.normal(-3, 1, (3, 40, 40))
    places[1, 10, 10:14] = 3.0
    places[2, :20] += 2.0
    good, small, wide = worst_of(places)
    few_only = np.sort(places.reshape(3, -1), axis=1)[:, -4:].mean(axis=1)
    assert small > good + 0.3
    assert wide > good + 1.5
    assert few_only[2] < few_only[1]
