"""A step in shares has the gradient of all their windows, however unevenly they are divided."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from genba.learn.backbone.together import Shares  # noqa: E402
from genba.learn.scale.pool import Here  # noqa: E402


def drawn(count: int, source: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    return source.normal(size=(count, 3)), np.full(count, 2.0)


def loss(weights, windows, day, source):
    said = torch.from_numpy(windows).float() @ weights["w"]
    return ((said - torch.from_numpy(day).float()) ** 2).mean()


@pytest.mark.parametrize("count", [1, 2, 3])
def test_gradients_are_the_mean_over_all_windows_of_a_step(count: int) -> None:
    weights = {"w": torch.ones(3).requires_grad_(), "idle": torch.ones(2).requires_grad_()}
    Shares(Here(), drawn, loss, count).fill(weights, 7, 5, 11)
    sizes = [7 // count + (share < 7 % count) for share in range(count)]
    sources = [np.random.default_rng([5, 1, 11, share]) for share in range(count)]
    windows = np.concatenate([drawn(s, r)[0] for s, r in zip(sizes, sources, strict=True)])
    apart = windows @ np.ones(3) - 2
    expected = 2 * (windows * apart[:, None]).mean(axis=0)
    np.testing.assert_allclose(weights["w"].grad.numpy(), expected, rtol=1e-5)
    assert weights["idle"].grad is None
