"""One step of training in shares: each has windows of its own, and their gradients are averaged.

How many shares there are is part of the result; where they are worked on is not. Every share draws
from a seed of its own, and gradients are added up in the order of the shares (synchronous data
parallelism; Goyal et al., *Accurate, large minibatch SGD*, 2017). Imports PyTorch.
"""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import torch

from genba.learn.arrays import AnyArray, Floats
from genba.learn.backbone.network import Tensor, Weights
from genba.learn.scale import Pool
from genba.learn.threads import threads

Drawn: TypeAlias = Callable[[int, np.random.Generator], tuple[Floats, Floats]]
Loss: TypeAlias = Callable[[Weights, Floats, Floats, np.random.Generator], Tensor]
_Task: TypeAlias = tuple[int, int, int, int]


class Shares:
    """Fills the gradients of a step from so many shares of it.

    ``drawn`` goes to where they are worked on once; the weights go there at every step.
    """

    def __init__(self, pool: Pool, drawn: Drawn, loss: Loss, count: int) -> None:
        self._pool = pool
        self._common = pool.share((drawn, loss))
        self._count = count

    def fill(self, weights: Weights, windows: int, seed: int, step: int) -> None:
        """Set ``grad`` of all weights to the mean over the shares of ``windows`` in all."""
        count = self._count
        sizes = [windows // count + (share < windows % count) for share in range(count)]
        tasks = [(seed, step, share, size) for share, size in enumerate(sizes)]
        arrays = {name: tensor.detach().numpy() for name, tensor in weights.items()}
        sums: dict[str, AnyArray] = {}
        for size, found in zip(
            sizes, self._pool.run(_gradients, tasks, arrays, self._common), strict=True
        ):
            for name, gradient in found.items():
                part = gradient * np.float32(size / windows)
                sums[name] = part if name not in sums else sums[name] + part
        for name, tensor in weights.items():
            tensor.grad = torch.from_numpy(sums[name]) if name in sums else None


def _gradients(
    task: _Task, arrays: dict[str, AnyArray], common: tuple[Drawn, Loss]
) -> dict[str, AnyArray]:
    """Work on one share: weights in, gradients out."""
    seed, step, share, size = task
    drawn, loss = common
    torch.set_num_threads(threads())
    source = np.random.default_rng([seed, 1, step, share])
    weights = {name: torch.from_numpy(np.array(array)) for name, array in arrays.items()}
    for tensor in weights.values():
        tensor.requires_grad_()
    loss(weights, *drawn(size, source), source).backward()
    given = {name: tensor.grad for name, tensor in weights.items()}
    return {name: grad.numpy() for name, grad in given.items() if grad is not None}
