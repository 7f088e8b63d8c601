import numpy as np
import pytest

from genba.errors import LearnError
from genba.learn.data.column import Column
from genba.learn.data.dataset import UNIT, Dataset
from genba.learn.data.lineage import Lineage
from genba.learn.features.windows import windows_of
from genba.learn.regression import view as viewing
from genba.learn.regression.kernels import lag, mean
from genba.learn.regression.view import View, of_each


def made(rows=300, seed=0):
    random = np.random.default_rng(seed)
    values = random.normal([5.0, 300.0], [1.0, 20.0], (rows, 2))
    unit = np.where(np.arange(rows) < rows // 3, "a", "b")
    columns = (Column("flow"), Column("heat"))
    return Dataset("made", columns, values, np.arange(rows), Lineage("made"), {UNIT: unit})


def plain(window=6):
    return View.of([of_each([mean(window, window), lag(window, 0)], 2, [0, 1])])


def test_features_of_a_data_set_are_those_of_its_windows(monkeypatch):
    monkeypatch.setattr(viewing, "_CHUNK", 100)
    data, view = made(), plain()
    features, rows = view.of_data(data)
    windows = windows_of(data, 6)
    assert np.array_equal(rows, windows.rows)
    assert np.allclose(features, view.apply(windows.values))
    assert np.allclose(features[:, 0], windows.values[:, :, 0].mean(axis=1))
    assert np.allclose(features[:, 3], windows.values[:, -1, 1])


def test_standard_features_have_mean_nought_and_spread_one():
    data = made()
    features, _ = plain().standard(data).of_data(data)
    assert np.allclose(features.mean(axis=0), 0, atol=1e-9)
    assert np.allclose(features.std(axis=0), 1)


def test_what_is_unknown_is_unknown_only_where_it_is_looked_at():
    window = np.ones((1, 6, 2))
    window[0, 2, 0] = np.nan
    features = plain().apply(window)[0]
    assert np.isnan(features[0])
    assert np.isfinite(features[1:]).all()


def test_windows_of_another_shape_are_refused():
    with pytest.raises(LearnError, match="windows of shape"):
        plain().apply(np.ones((1, 5, 2)))


def test_units_that_are_too_short_are_refused():
    with pytest.raises(LearnError, match="record longer"):
        plain(6).of_data(made(rows=9).take(np.arange(4)))
