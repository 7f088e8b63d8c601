"""Teach an autoencoder with PyTorch; everything that runs later needs none."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import nn

from genba.learn.arrays import Floats
from genba.learn.threads import threads

_LEFT_OUT = 0.15
"""Newest share of the windows that is only used to stop."""


@dataclass(frozen=True, slots=True)
class Lesson:
    """Sizes and pace: units of the outer layers and of the narrow one, passes, windows a step, step
    size, noise that is put on the windows, and passes without gain after which to stop.
    """

    width: int
    narrow: int
    epochs: int
    batch: int = 64
    rate: float = 2e-3
    noise: float = 0.1
    patience: int = 8


def teach(windows: Floats, lesson: Lesson, seed: int) -> list[Floats]:
    """Return weights and biases, in turn, of four layers: (n, inputs) in, the same out.

    Noise is put on what goes in and not on what is to come out (Vincent et al., *Stacked denoising
    autoencoders*, JMLR 11, 2010). The passes that did best on the newest windows, which are left
    out, are kept. Deterministic for a seed.
    """
    torch.set_num_threads(threads())
    chance = torch.Generator().manual_seed(seed)
    cut = int(len(windows) * (1 - _LEFT_OUT))
    known, newest = (torch.tensor(part, dtype=torch.float32) for part in np.split(windows, [cut]))
    layers = _layers(known.shape[1], lesson, chance)
    optimizer = torch.optim.Adam([p for pair in layers for p in pair], lr=lesson.rate)
    best, kept, since = float("inf"), _copy(layers), 0
    for _ in range(lesson.epochs):
        order = torch.randperm(len(known), generator=chance)
        for begin in range(0, len(known), lesson.batch):
            clean = known[order[begin : begin + lesson.batch]]
            noisy = clean + lesson.noise * torch.randn(clean.shape, generator=chance)
            loss = nn.functional.mse_loss(_say(layers, noisy), clean)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            told = float(nn.functional.mse_loss(_say(layers, newest), newest))
        since += 1
        if told < best * 0.999:
            best, kept, since = told, _copy(layers), 0
        if since >= lesson.patience:
            break
    return kept


def _layers(
    inputs: int, lesson: Lesson, chance: torch.Generator
) -> list[tuple[torch.Tensor, torch.Tensor]]:
    sizes = (inputs, lesson.width, lesson.narrow, lesson.width, inputs)
    made = []
    for fan_in, fan_out in pairwise(sizes):
        spread = (2.0 / (fan_in + fan_out)) ** 0.5
        weight = torch.randn((fan_in, fan_out), generator=chance) * spread
        made.append((weight.requires_grad_(), torch.zeros(fan_out, requires_grad=True)))
    return made


def _say(layers: list[tuple[torch.Tensor, torch.Tensor]], inputs: torch.Tensor) -> torch.Tensor:
    for number, (weight, bias) in enumerate(layers):
        inputs = inputs @ weight + bias
        if number < len(layers) - 1:
            inputs = torch.tanh(inputs)
    return inputs


def _copy(layers: list[tuple[torch.Tensor, torch.Tensor]]) -> list[Floats]:
    return [part.detach().numpy().astype(np.float64) for pair in layers for part in pair]
