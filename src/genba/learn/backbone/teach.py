"""How the backbone is trained, on many processes or on one. Imports PyTorch."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional

from genba.learn.arrays import AnyArray, Floats
from genba.learn.backbone.memory import Memory
from genba.learn.backbone.network import Tensor, Weights, forward
from genba.learn.backbone.together import Shares
from genba.learn.backbone.window import FARTHEST, LENGTH, scaled
from genba.learn.scale import Pool
from genba.learn.threads import threads

_MASKED = 0.25
"""Share of windows with hidden patches."""
_HIDDEN = 0.3
"""Share of the patches of such a window that are hidden."""
_OF_MASKED = 0.25
"""Weight of the masked objective beside the forecast."""
_DELTA = 0.1
"""Where Huber's loss turns from square to absolute."""
_BLENDED = 0.05
_REMEMBERED_S = 20.0


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


def teach(
    weights: Weights,
    drawn: Callable[[int, np.random.Generator], tuple[Floats, Floats]],
    lesson: Lesson,
    seed: int,
    *,
    memory: Memory | None = None,
    told: Callable[[float], None] = lambda progress: None,
    pool: Pool | None = None,
    shares: int = 1,
) -> Taught:
    """Train by gradient on stretches and rows of a day, (count, length + horizon) and (count,),
    that ``drawn(count, source)`` gives.

    Forecasting and masked reconstruction (patches hidden as in Nie et al., *PatchTST*, ICLR 2023)
    share each step. The loss is Huber's, in units of the window's spread; weights are averaged over
    the last steps. Every step draws from a seed of its own, so that a training that was cut off
    and goes on from its ``memory`` ends like one that was not. ``told`` hears of the progress, 0
    to 1. With several ``shares`` each step is worked on in so many parts, at the ``pool``'s place.
    """
    torch.set_num_threads(threads())
    taught = [tensor.requires_grad_() for tensor in weights.values()]
    optimizer = torch.optim.AdamW(taught, lr=lesson.rate, weight_decay=1e-2)
    blended = {name: tensor.detach().clone() for name, tensor in weights.items()}
    step, before = memory.read(weights, blended, optimizer) if memory else (0, 0.0)
    together = Shares(pool, drawn, _loss, shares) if pool and shares > 1 else None
    begun = remembered = time.thread_time()
    progress = _progress(lesson, step, before)
    while progress < 1:
        for group in optimizer.param_groups:
            group["lr"] = lesson.rate * _pace(progress, step)
        optimizer.zero_grad()
        if together:
            together.fill(weights, lesson.batch, seed, step)
        else:
            source = np.random.default_rng([seed, 1, step])
            _loss(weights, *drawn(lesson.batch, source), source).backward()
        torch.nn.utils.clip_grad_norm_(taught, 1.0)
        optimizer.step()
        step += 1
        now = time.thread_time()
        progress = _progress(lesson, step, before + now - begun)
        _blend(blended, weights, 1 - 1 / max(1.0, _BLENDED * step / max(progress, 1e-6)))
        if memory and now - remembered > _REMEMBERED_S:
            memory.write(weights, blended, optimizer, step, before + now - begun)
            remembered = now
        told(min(progress, 1.0))
    if memory:
        memory.forget()
    arrays = {name: tensor.numpy().astype(np.float32) for name, tensor in blended.items()}
    return Taught(arrays, step, before + time.thread_time() - begun)


def _progress(lesson: Lesson, step: int, spent: float) -> float:
    by_steps = step / lesson.steps
    return by_steps if lesson.seconds is None else max(by_steps, spent / lesson.seconds)


def _pace(progress: float, step: int) -> float:
    """Warm up over 30 steps; follow a cosine to nothing."""
    return min(1.0, (step + 1) / 30) * 0.5 * (1 + math.cos(math.pi * min(progress, 1.0)))


def _loss(weights: Weights, stretch: Floats, day: Floats, source: np.random.Generator) -> Tensor:
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
    ahead, patches, _ = forward(weights, values, known, torch.from_numpy(day))
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


def say(
    weights: dict[str, AnyArray], values: Floats, known: AnyArray, day: float
) -> tuple[Floats, Floats]:
    """Return what comes, (n, horizon), and the summaries, (n, 2 * width), 256 windows at a time.

    Each window is seen upright and upside down: what comes of the one is minus what comes of the
    other, so half their difference has less error than either.
    """
    torch.set_num_threads(threads())
    tensors = {name: torch.from_numpy(np.asarray(array)) for name, array in weights.items()}
    ahead, summaries = [], []
    with torch.inference_mode():
        for start in range(0, len(values), 256):
            upright = torch.from_numpy(values[start : start + 256].astype(np.float32))
            flags = torch.from_numpy(known[start : start + 256].astype(np.float32))
            count = len(upright)
            told = forward(
                tensors,
                torch.cat([upright, -upright]),
                torch.cat([flags, flags]),
                torch.full((2 * count,), day, dtype=torch.float64),
            )
            half = (told[0][:count] - told[0][count:]) / 2
            ahead.append(half.numpy().astype(np.float64))
            summaries.append(told[2][:count].numpy().astype(np.float64))
    return np.concatenate(ahead), np.concatenate(summaries)
