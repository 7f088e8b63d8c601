"""How the backbone is trained, on many processes or on one. Imports PyTorch."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional

from genba.learn.arrays import AnyArray, Floats
from genba.learn.backbone.network import Tensor, Weights, forward
from genba.learn.backbone.window import FARTHEST, LENGTH, scaled
from genba.learn.threads import threads

_MASKED = 0.25
"""Share of windows with hidden patches."""
_HIDDEN = 0.3
"""Share of the patches of such a window that are hidden."""
_OF_MASKED = 0.25
"""Weight of the masked objective beside the forecast."""
_DELTA = 0.3
"""Where Huber's loss turns from square to absolute."""
_BLENDED = 0.05


@dataclass(frozen=True, slots=True)
class Lesson:
    """Steps at most, windows a step, step size, and seconds of CPU at most (None: no limit).

    With a limit in seconds the result depends on the machine; with steps alone it does not.
    """

    steps: int
    batch: int = 256
    rate: float = 2e-3
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Taught:
    """The arrays, steps that were made, and seconds of CPU that they took."""

    weights: dict[str, AnyArray]
    steps: int
    seconds: float


def teach(weights: Weights, drawn: Callable[[int], Floats], lesson: Lesson, seed: int) -> Taught:
    """Train by gradient on stretches that ``drawn(count)`` gives, (count, length + horizon).

    Forecasting and masked reconstruction (patches hidden as in Nie et al., *PatchTST*, ICLR 2023)
    share each step. The loss is Huber's, in units of the window's spread; weights are averaged over
    the last steps.
    """
    torch.set_num_threads(threads())
    source = np.random.default_rng([seed, 1])
    taught = [tensor.requires_grad_() for tensor in weights.values()]
    optimizer = torch.optim.AdamW(taught, lr=lesson.rate, weight_decay=1e-2)
    blended = {name: tensor.detach().clone() for name, tensor in weights.items()}
    begun, step, progress = time.thread_time(), 0, 0.0
    while step < lesson.steps and progress < 1:
        for group in optimizer.param_groups:
            group["lr"] = lesson.rate * _pace(progress, step)
        loss = _loss(weights, drawn(lesson.batch), source)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(taught, 1.0)
        optimizer.step()
        step += 1
        spent = time.thread_time() - begun
        progress = step / lesson.steps
        if lesson.seconds is not None:
            progress = max(progress, spent / lesson.seconds)
        reach = max(1.0, _BLENDED * step / max(progress, 1e-6))
        _blend(blended, weights, 1 - 1 / reach)
    arrays = {name: tensor.numpy().astype(np.float32) for name, tensor in blended.items()}
    return Taught(arrays, step, time.thread_time() - begun)


def _pace(progress: float, step: int) -> float:
    """Warm up over 30 steps; follow a cosine to nothing."""
    return min(1.0, (step + 1) / 30) * 0.5 * (1 + math.cos(math.pi * min(progress, 1.0)))


def _loss(weights: Weights, stretch: Floats, source: np.random.Generator) -> Tensor:
    seen = scaled(stretch[:, :LENGTH])
    wanted = seen.of(stretch[:, LENGTH:])
    hide = np.zeros(seen.values.shape, np.bool_)
    some = np.flatnonzero(source.random(len(stretch)) < _MASKED)
    patch = LENGTH // 12
    hidden = source.random((len(some), LENGTH // patch)) < _HIDDEN
    hide[some] = hidden.repeat(patch, axis=1)
    hide[:, -1] = False
    hide &= seen.known
    values = torch.from_numpy(np.where(hide, 0.0, seen.values).astype(np.float32))
    known = torch.from_numpy((seen.known & ~hide).astype(np.float32))
    ahead, patches, _ = forward(weights, values, known)
    told = np.isfinite(wanted)
    truth = torch.from_numpy(
        np.where(told, np.clip(wanted, -FARTHEST, FARTHEST), 0.0).astype(np.float32)
    )
    each = functional.huber_loss(ahead, truth, reduction="none", delta=_DELTA)
    weight = torch.from_numpy(told.astype(np.float32))
    forecast = (each * weight).sum() / weight.sum().clamp(min=1.0)
    if not hide.any():
        return forecast
    under = torch.from_numpy(hide)
    real = torch.from_numpy(seen.values.astype(np.float32))
    return forecast + _OF_MASKED * functional.huber_loss(patches[under], real[under])


def _blend(blended: Weights, weights: Weights, share: float) -> None:
    with torch.no_grad():
        for name, tensor in weights.items():
            blended[name].mul_(share).add_(tensor, alpha=1 - share)


def say(weights: dict[str, AnyArray], values: Floats, known: AnyArray) -> tuple[Floats, Floats]:
    """Return what comes, (n, horizon), and the summaries, (n, 2 * width), 512 windows at a time."""
    torch.set_num_threads(threads())
    tensors = {name: torch.from_numpy(np.asarray(array)) for name, array in weights.items()}
    ahead, summaries = [], []
    with torch.inference_mode():
        for start in range(0, len(values), 512):
            part = slice(start, start + 512)
            told = forward(
                tensors,
                torch.from_numpy(values[part].astype(np.float32)),
                torch.from_numpy(known[part].astype(np.float32)),
            )
            ahead.append(told[0].numpy().astype(np.float64))
            summaries.append(told[2].numpy().astype(np.float64))
    return np.concatenate(ahead), np.concatenate(summaries)
