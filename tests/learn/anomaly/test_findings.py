"""Findings say when, how far beyond the limit, and which signals, in words and as a picture."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.learn.anomaly.test_usual import high_mix, off_by

from genba.learn import Dataset, windows_of
from genba.learn.anomaly.distance import DistanceModel, DistanceRecipe
from genba.learn.anomaly.findings import findings_of
from genba.learn.anomaly.sigma import SigmaRecipe
from genba.learn.report.contributions import contributions_picture

WINDOW = 20


@pytest.fixture(scope="module")
def model() -> DistanceModel:
    return DistanceRecipe(window=WINDOW, a_week=0.2).fit(high_mix(0), high_mix(1), 0)


def faulty(first: int = 500, last: int = 600) -> Dataset:
    """The pressure is 5 of its spreads high for a while."""
    data = high_mix(4, rows=1200, products=(1,))
    values = data.values.copy()
    values[first:last, 2] += 15.0
    return replace(data, values=values)


def test_a_finding_tells_when_and_how_far_the_signal_is_off(model: DistanceModel) -> None:
    (found,) = findings_of(model, WINDOW, faulty())
    assert found.begin == pytest.approx(500 * 60_000_000, abs=WINDOW * 60_000_000)
    assert found.end == pytest.approx(600 * 60_000_000, abs=2 * WINDOW * 60_000_000)
    first = found.parts[0]
    assert first.column == "pressure"
    assert first.share > 0.8
    assert first.spreads == pytest.approx(5.5, abs=1.0)
    assert "times the limit: pressure +" in str(found)
    assert sum(part.share for part in found.parts) == pytest.approx(1.0)


def test_a_signal_that_is_only_restless_is_told_as_such(model: DistanceModel) -> None:
    data = high_mix(4, rows=1200, products=(1,))
    values = data.values.copy()
    values[500:600, 3] += 1.5 * np.cos(np.arange(100) * 2.4)
    found = findings_of(model, WINDOW, replace(data, values=values))
    assert len(found) == 1
    assert "power 5" in str(found[0])
    assert "times as restless as usual" in str(found[0])


def test_a_setting_that_was_never_seen_is_said() -> None:
    known = (0, 1)
    model = DistanceRecipe().fit(high_mix(0, products=known), high_mix(1, products=known), 0)
    strange = off_by(high_mix(2, 200, (2,)), 2, 2000.0)
    (found,) = findings_of(model, WINDOW, strange)
    assert str(found).endswith("at a setting that training never saw")


def test_where_all_is_normal_nothing_is_found(model: DistanceModel) -> None:
    calm = high_mix(6, rows=300, products=(1,))
    assert model.predict(windows_of(calm, WINDOW).values).value.max() < 1
    assert findings_of(model, WINDOW, calm) == ()


def test_a_model_that_knows_no_settings_still_names_the_signal() -> None:
    model = SigmaRecipe().fit(high_mix(0), high_mix(1), 0)
    found = findings_of(model, 1, off_by(high_mix(4, 50), 3, 90.0))
    assert "power (9" in str(found[0]) or "power (100%)" in str(found[0])


@pytest.mark.parametrize("suffix", [".png", ".svg"])
def test_the_picture_is_drawn_and_names_the_signals(
    model: DistanceModel, tmp_path: Path, suffix: str
) -> None:
    data = faulty()
    (found,) = findings_of(model, WINDOW, data)
    path = tmp_path / f"finding{suffix}"
    contributions_picture(model, WINDOW, data, found, path, "press")
    content = path.read_bytes()
    if suffix == ".png":
        assert content.startswith(b"\x89PNG")
    else:
        assert b"<!-- pressure -->" in content
        assert b"<!-- minutes since the finding began -->" in content or b"hours since" in content
