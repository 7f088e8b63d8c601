"""The shadow window finds what is wrong with a release, in a process of its own."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.learn.edge import models
from tests.learn.edge.models import graph, plus, release, rows

from genba.learn.edge.bundle import open_bundle
from genba.learn.edge.contract import Contract
from genba.learn.edge.keys import ReleaseKey, Trust
from genba.learn.edge.shadow import Limits, drift_of, try_out

KEY = ReleaseKey.generate()
TRUST = Trust((KEY.public,))
FORCE = open_bundle(release(KEY), TRUST)


def answers(model: bytes) -> NDArray[np.float32]:
    import onnxruntime as ort

    session = ort.InferenceSession(model, providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, {"inputs": rows()})[0], np.float32)


def honest(model: bytes, **changes: Any) -> bytes:
    """A release whose answers are those of its model, so that nothing but the model is wrong."""
    return release(KEY, model, answers=answers(model), **changes)


def live(_contract: Contract) -> NDArray[np.float32]:
    return rows(80, seed=5, level=2.0)


def test_a_good_release_passes_every_question_and_its_figures_are_told() -> None:
    report = try_out(
        release(KEY, version="2"), TRUST, in_force=FORCE, live=live, signals=models.COLUMNS
    )
    assert report.passed, report.why
    assert [check.name for check in report.checks] == [
        "signature", "shape", "crash", "sense", "parity", "latency", "drift",
    ]  # fmt: skip
    assert report.p99_us is not None
    assert 0 < report.p99_us <= 5000
    assert report.memory_mb is not None


def test_a_stranger_s_release_is_not_even_loaded() -> None:
    report = try_out(release(ReleaseKey.generate()), TRUST)
    assert [(c.name, c.passed) for c in report.checks] == [("signature", False)]


def test_a_release_for_signals_that_are_not_here_does_not_fit() -> None:
    report = try_out(release(KEY), TRUST, signals=["press.force"])
    assert "there is no signal press.heat here" in report.why


BAD = {
    "shape": graph(shape=(9, 2)),
    "latency": graph(twist=models.slow),
    "crash": graph(twist=models.hungry),
    "sense": graph(twist=models.nan),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_wrong_is_found_and_named(name: str) -> None:
    changes = {"budget_us": 50.0} if name == "latency" else {}
    report = try_out(release(KEY, BAD[name], **changes), TRUST, in_force=FORCE)
    assert not report.passed
    assert report.checks[-1].name == name, report.why


def test_answers_other_than_where_it_was_made_are_found() -> None:
    report = try_out(release(KEY, graph(scale=1.01)), TRUST)
    assert report.checks[-1].name == "parity"


@pytest.mark.parametrize(
    ("twist", "found"),
    [(plus(3.0), "drift"), (models.failing_above(1.5), "crash"), (plus(0.001), "")],
)
def test_beside_what_runs_a_release_shows_how_it_differs(twist: models.Twist, found: str) -> None:
    report = try_out(honest(graph(twist=twist)), TRUST, in_force=FORCE, live=live)
    assert ("" if report.passed else report.checks[-1].name) == found, report.why


def test_who_approves_may_let_it_differ_more() -> None:
    content = honest(graph(twist=plus(3.0)))
    wide = Limits(flips=1.0, shift=100.0)
    assert try_out(content, TRUST, in_force=FORCE, limits=wide).passed


def test_drift_counts_findings_and_distance_and_leaves_out_what_is_unknown() -> None:
    contract = models.contract()
    old = np.array([0.0, 0.5, 2.0, np.nan, 1.5])
    new = np.array([0.0, 1.5, 2.0, 1.0, 0.5])
    found = drift_of(new, contract, old, contract)
    assert found.windows == 4
    assert found.flips == 0.5
    none = drift_of(old * np.nan, contract, old, contract)
    assert (none.windows, none.flips) == (0, 0.0)
