"""Raw scores to probabilities that come true: a line for two classes, a temperature for more.

Platt, *Probabilistic outputs for support vector machines*, 1999, with his smoothed labels; Guo et
al., *On calibration of modern neural networks*, ICML 2017.
"""

import numpy as np

from genba.learn.arrays import Floats

_STEPS = 100


def platt(raw: Floats, labels: Floats, trust: float = 1.0) -> tuple[float, float]:
    """Fit ``a`` and ``b`` of ``sigmoid(a raw + b)`` to labels 0 and 1, both (n,).

    With fewer than five of either class the scores stay as they are: (1, 0). That is also where a
    normal prior of spread 1 draws both; each row counts as ``trust`` against it, less than 1 where
    rows come from few units and so are alike.
    """
    up, down = float(np.sum(labels == 1)), float(np.sum(labels == 0))
    if min(up, down) < 5:
        return 1.0, 0.0
    wanted = np.where(labels == 1, (up + 1) / (up + 2), 1 / (down + 2))
    center, scale = float(raw.mean()), float(raw.std()) or 1.0
    rows = np.column_stack([(raw - center) / scale, np.ones(len(raw))])
    weights = np.array([scale, center])
    back = np.array([[1 / scale, 0.0], [-center / scale, 1.0]])
    still = np.array([1.0, 0.0])

    def loss(at: Floats) -> float:
        said = rows @ at
        fit = trust * float(np.sum(np.logaddexp(0.0, said) - wanted * said))
        return fit + 0.5 * float(np.sum((back @ at - still) ** 2))

    least = loss(weights)
    for _ in range(_STEPS):  # Newton's, halved until it helps
        chance = sigmoid(rows @ weights)
        slope = trust * (rows.T @ (chance - wanted)) + back.T @ (back @ weights - still)
        bend = trust * (rows.T @ (rows * (chance * (1 - chance))[:, None])) + back.T @ back
        step = np.linalg.solve(bend, slope)
        while loss(weights - step) > least and np.abs(step).max() > 1e-12:
            step = step / 2
        weights = weights - step
        least = loss(weights)
        if np.abs(step).max() < 1e-10:
            break
    if weights[0] <= 0:  # the held rows say nothing: do not turn the order round
        return 1.0, 0.0
    return float(weights[0] / scale), float(weights[1] - weights[0] * center / scale)


def temperature(raw: Floats, labels: Floats) -> float:
    """Fit ``a`` of ``softmax(a raw)`` to class indexes; raw is (n, classes). Golden section."""
    place = labels.astype(np.int64)
    rows = np.arange(len(raw))

    def loss(log_a: float) -> float:
        chance = softmax(raw * np.exp(log_a))[rows, place]
        return -float(np.mean(np.log(np.maximum(chance, 1e-12))))

    low, high, ratio = -3.0, 3.0, (np.sqrt(5) - 1) / 2
    for _ in range(60):
        left, right = high - ratio * (high - low), low + ratio * (high - low)
        low, high = (low, right) if loss(left) < loss(right) else (left, high)
    return float(np.exp((low + high) / 2))


def sigmoid(raw: Floats) -> Floats:
    """Return 1 / (1 + exp(-raw)) without overflow."""
    return np.asarray(np.where(raw >= 0, 1, np.exp(-np.abs(raw))) / (1 + np.exp(-np.abs(raw))))


def softmax(raw: Floats) -> Floats:
    """Softmax of each row."""
    lifted = np.exp(raw - raw.max(axis=1, keepdims=True))
    return np.asarray(lifted / lifted.sum(axis=1, keepdims=True))
