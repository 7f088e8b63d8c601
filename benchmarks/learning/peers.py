"""What one gets from plain scikit-learn and raw LightGBM with their own settings, on windows."""

from collections.abc import Callable
from typing import Any

import numpy as np

from genba.learn.arrays import Floats

Fitted = Callable[[Floats], Floats]


def flat(windows: Floats) -> Floats:
    """Return every row of a window beside each other."""
    return windows.reshape(len(windows), -1)


def summary(windows: Floats) -> Floats:
    """Return mean, spread and last row, as is usual by hand."""
    return np.concatenate([windows.mean(axis=1), windows.std(axis=1), windows[:, -1]], axis=1)


def sklearn_ridge(features: Floats, labels: Floats, seed: int) -> Fitted:
    """Scale and fit a ridge line; penalty by scikit-learn's own cross-validation."""
    from sklearn.linear_model import RidgeCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    line = make_pipeline(StandardScaler(), RidgeCV(np.logspace(-2, 4, 13)))
    line.fit(features, labels)
    return lambda rows: np.asarray(line.predict(rows))


def sklearn_trees(features: Floats, labels: Floats, seed: int) -> Fitted:
    """Boost scikit-learn's histogram trees."""
    from sklearn.ensemble import HistGradientBoostingRegressor

    trees = HistGradientBoostingRegressor(random_state=seed).fit(features, labels)
    return lambda rows: np.asarray(trees.predict(rows))


def lightgbm(features: Floats, labels: Floats, seed: int, **settings: Any) -> Fitted:
    """Boost LightGBM's trees, one thread."""
    from lightgbm import LGBMRegressor

    trees = LGBMRegressor(
        random_state=seed, n_jobs=1, verbose=-1, subsample=0.8, subsample_freq=1, **settings
    )
    trees.fit(features, labels)
    return lambda rows: np.asarray(trees.predict(rows))


def versions() -> str:
    """Say which peers these are."""
    import lightgbm as raw
    import sklearn

    return f"scikit-learn {sklearn.__version__}, LightGBM {raw.__version__}, 1 thread"
