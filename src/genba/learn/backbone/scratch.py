"""The from-scratch rival for few labels: a small convolutional network over all signals.

Fully convolutional with global pooling (Wang, Yan and Oates, IJCNN 2017). Imports PyTorch.
"""

import numpy as np
import torch
from torch.nn import functional

from genba.learn.arrays import Floats, Integers
from genba.learn.backbone.describe import Reference
from genba.learn.threads import threads

_WIDTH = 32
_RATE = 2e-3


class ScratchNetwork:
    """Trained on ``windows`` (n, length, signals) alone; ``classes`` of 0 answers a number."""

    def __init__(
        self, windows: Floats, answers: Floats | Integers, classes: int, steps: int, seed: int
    ) -> None:
        torch.set_num_threads(threads())
        self._classes = classes
        self._reference = Reference.of(windows)
        source = torch.Generator().manual_seed(seed)
        signals = windows.shape[2]
        outputs = max(classes, 1)
        self._weights = [
            torch.randn((_WIDTH, signals, 7), generator=source) * (2 / (7 * signals)) ** 0.5,
            torch.zeros(_WIDTH),
            torch.randn((_WIDTH, _WIDTH, 5), generator=source) * (2 / (5 * _WIDTH)) ** 0.5,
            torch.zeros(_WIDTH),
            torch.randn((2 * _WIDTH, outputs), generator=source) * 0.05,
            torch.zeros(outputs),
        ]
        answers = np.asarray(answers, np.float64)
        self._middle = 0.0 if classes else float(answers.mean())
        self._spread = 1.0 if classes else float(answers.std() + 1e-9)
        self._train(windows, (answers - self._middle) / self._spread, steps, seed)

    def _train(self, windows: Floats, wanted: Floats, steps: int, seed: int) -> None:
        source = np.random.default_rng(seed)
        taught = [tensor.requires_grad_() for tensor in self._weights]
        optimizer = torch.optim.AdamW(taught, lr=_RATE, weight_decay=1e-2)
        for _ in range(steps):
            rows = source.integers(len(windows), size=32)
            said = self._forward(windows[rows])
            if self._classes:
                loss = functional.cross_entropy(said, torch.from_numpy(wanted[rows].astype(int)))
            else:
                truth = torch.from_numpy(wanted[rows].astype(np.float32))
                loss = functional.huber_loss(said[:, 0], truth)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    def _forward(self, windows: Floats) -> torch.Tensor:
        standard = (windows - self._reference.middle) / self._reference.spread
        x = torch.from_numpy(np.nan_to_num(standard).transpose(0, 2, 1).astype(np.float32))
        first, first_bias, second, second_bias, head, bias = self._weights
        x = functional.relu(functional.conv1d(x, first, first_bias, stride=2, padding=3))
        x = functional.relu(functional.conv1d(x, second, second_bias, stride=2, padding=2))
        return torch.cat([x.mean(dim=2), x[:, :, -1]], dim=1) @ head + bias

    def say(self, windows: Floats) -> Floats:
        """Return classes as indexes, or numbers, (n,)."""
        with torch.inference_mode():
            said = self._forward(windows).numpy()
        if self._classes:
            return np.asarray(said.argmax(axis=1), np.float64)
        return np.asarray(said[:, 0] * self._spread + self._middle, np.float64)
