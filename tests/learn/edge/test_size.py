"""A device is judged by what was measured; quantisation by what it does here."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.learn.edge import models
from tests.learn.edge.models import contract, graph, release, rows

from genba.errors import LearnError
from genba.learn.edge.bundle import open_bundle
from genba.learn.edge.keys import ReleaseKey, Trust
from genba.learn.edge.quantise import MOST_LOSS, _judged, auroc, quantise
from genba.learn.edge.size import Device, Measured, measure, operations_of, size_up
from genba.learn.export.graph import Graph

KEY = ReleaseKey.generate()
TRUST = Trust((KEY.public,))
BUNDLE = open_bundle(release(KEY, graph(twist=models.slow)), TRUST)
FOUND = Measured(1000, 100.0, 200.0, 900.0, 80.0, 20.0, 1e6)


def test_what_is_measured_is_there_and_positive() -> None:
    small = open_bundle(release(KEY), TRUST)
    found = measure(small, 300)
    assert found.answers == 300
    assert 0 < found.p50_us <= found.p99_us
    assert found.base_mb > 10
    assert found.memory_mb < 200


def test_operations_of_products_are_counted_by_their_shapes() -> None:
    assert operations_of(BUNDLE) >= 61 * 2 * 256**3
    assert operations_of(open_bundle(release(KEY), TRUST)) < 100


@given(st.floats(0.01, 100.0), st.floats(1.0, 4000.0), st.floats(0.001, 1.0))
def test_a_device_fits_exactly_if_one_as_heavy_would(
    speed: float, memory_mb: float, share: float
) -> None:
    sized = size_up(BUNDLE, FOUND, Device("box", speed, memory_mb, share))
    assert sized.fits == (not sized.problems)
    if abs(sized.scale - 1) > 1e-9:
        assert sized.fits == (sized.scale > 1)
    assert sized.p99_us == pytest.approx(200.0 / speed)


def test_a_device_that_is_too_small_is_told_why() -> None:
    sized = size_up(BUNDLE, FOUND, Device("box", 0.01, 50.0, 0.001))
    assert len(sized.problems) == 3
    assert "MB" in sized.problems[1]


def test_the_area_under_the_curve_counts_pairs() -> None:
    labels = np.array([True, False, True, False])
    assert auroc(np.array([3.0, 1.0, 2.0, 0.0]), labels) == 1.0
    assert auroc(np.array([1.0, 1.0, 1.0, 1.0]), labels) == 0.5
    assert auroc(np.array([3.0, 2.0, np.nan, 0.0]), labels) == 0.5


@pytest.mark.parametrize(
    ("speedup", "loss", "taken"),
    [(2.0, 0.0, True), (0.9, 0.0, False), (2.0, MOST_LOSS, False), (2.0, float("nan"), False)],
)
def test_eight_bits_are_taken_only_where_faster_and_as_good(
    speedup: float, loss: float, taken: bool
) -> None:
    told = _judged(b"before", b"after", speedup, loss)
    assert told.taken is taken
    assert told.content == (b"after" if taken else b"before")


def test_a_model_without_products_stays_as_it_is() -> None:
    labels = np.arange(60) % 2 == 0
    told = quantise(graph(), contract(), rows(), labels)
    assert (told.taken, told.content) == (False, graph())
    assert "no products" in told.why


def test_quantisation_is_measured_here_and_needs_both_kinds() -> None:
    made, rng = Graph("watch", models.SHAPE), np.random.default_rng(0)
    state = made.add("Flatten", "inputs", axis=1)
    for size in ((8, 256), (256, 256), (256, 1)):
        weights = made.constant((rng.normal(size=size) / 16 + 1 / 64).astype(np.float32))
        state = made.add("MatMul", state, weights)
    made.output("value", state, (1,))
    content, windows = made.to_bytes(), rows()
    labels = windows.mean(axis=(1, 2)) > 0
    told = quantise(content, contract(), windows, labels)
    assert told.speedup > 0
    assert told.loss == pytest.approx(0.0, abs=0.05)
    assert told.bytes_after < told.bytes_before
    assert told.taken == (told.content != content)
    with pytest.raises(LearnError, match="both kinds"):
        quantise(content, contract(), windows, labels | True)
